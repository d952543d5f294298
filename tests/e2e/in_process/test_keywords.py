# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks say about a task is obeyed: its keywords, the strategy, where it runs, and how it is called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.e2e.secrets.leaks import leaks_below
from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import API_KEY, GET, OTHER_TOKEN, POST, PUT, TOKEN, VALIDATE

from .playbook import INFO, SECRETS, Controller, Vaulted, config, info

OLD = {"token": OTHER_TOKEN, "is_token_readonly": True}
SHOWN = {"is_token_readonly": True, "last_four": "ab12"}
OTHER_KEY = "ck_live_Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U4aT0o"
# A process that is made to hang for longer than any test takes.
NEVER = {"delay": 600, "drop": True}


def test_environment_is_obeyed_for_each_item_and_restored(
    controller: Controller, workspace: Workspace, simulator: Simulator
) -> None:
    workspace.configuration = OLD
    simulator.add_workspace(OTHER_KEY)
    run = controller.play(
        info("looped", api_key=None)
        | {"environment": {"CORTEX_API_KEY": "{{ item }}"}, "loop": [API_KEY, OTHER_KEY], "no_log": True},
        info("after", api_key=None) | {"ignore_errors": True},
        {
            "environment": {"CORTEX_API_KEY": OTHER_KEY},
            "block": [info("in_block", api_key=None), info("own", api_key=API_KEY)],
        },
    )
    results = run.results
    found = [each["configuration"] and each["configuration"]["last_four"] for each in results["looped"]["results"]]
    assert found == ["cd34", None]
    assert results["after"]["msg"] == "missing required arguments: api_key"
    assert (results["in_block"]["configuration"], results["own"]["configuration"]["last_four"]) == (None, "cd34")


@pytest.mark.parametrize("name", ["group/cortexapps.cortex.cortex", INFO])
def test_module_defaults(controller: Controller, workspace: Workspace, name: str) -> None:
    workspace.configuration = OLD
    run = controller.play(info("read", api_key=None), module_defaults={name: {"api_key": API_KEY}})
    assert run.results["read"]["configuration"]["last_four"] == "cd34"


def test_until(controller: Controller, workspace: Workspace) -> None:
    workspace.fault("get", times=2, status=500)
    run = controller.play(info("read") | {"until": "read is succeeded", "retries": 3, "delay": 0})
    assert (run.results["read"]["attempts"], workspace.requests) == (3, [GET] * 3)


@pytest.mark.parametrize(
    ("operation", "skip", "sent", "last_four", "rolled_back"),
    [
        ("get", 0, [GET], None, False),
        ("replace", 0, [GET, PUT], None, False),
        ("validate", 0, [GET, PUT, VALIDATE], "ab12", False),
        ("get", 1, [GET, PUT, VALIDATE, GET], "ab12", False),
        ("replace", 1, [GET, PUT, VALIDATE, GET, PUT], None, False),
    ],
    ids=["reading", "writing", "validating", "reading before the rollback", "rolling back"],
)
def test_timeout_ends_the_task_with_what_is_known(
    controller: Controller,
    workspace: Workspace,
    simulator: Simulator,
    operation: str,
    skip: int,
    sent: list[str],
    last_four: str | None,
    rolled_back: bool,
) -> None:
    workspace.configuration = OLD
    simulator.reject_token(TOKEN)
    workspace.fault(operation, skip=skip, **NEVER)
    rotate = config("ended", validate=True, rollback=True, previous_token=OTHER_TOKEN)
    run = controller.play(
        rotate | {"timeout": 3, "ignore_errors": True},
        {"ansible.builtin.debug": {"msg": "the next task"}, "register": "next"},
    )
    ended = run.results["ended"]
    assert workspace.requests == sent
    assert (ended["failed"], ended["changed"], ended["timedout"]["period"]) == (True, PUT in sent, 3)
    assert ended["rolled_back"] is rolled_back
    assert (ended["configuration"] or {}).get("last_four") == last_four
    assert run.results["next"]["msg"] == "the next task"


def test_async(controller: Controller, workspace: Workspace) -> None:
    run = controller.play(
        config("polled") | {"async": 60, "poll": 1},
        info("started") | {"async": 60, "poll": 0},
        {
            "ansible.builtin.async_status": {"jid": "{{ started.ansible_job_id }}"},
            "register": "done",
            "until": "done is finished",
            "retries": 60,
            "delay": 1,
        },
    )
    assert run.results["polled"]["configuration"] == SHOWN
    assert run.results["done"]["configuration"] == SHOWN
    assert workspace.requests == [GET, POST, GET]


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_strategies(controller: Controller, simulator: Simulator, strategy: str) -> None:
    keys = {f"team-{number}": f"ck_live_{number}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E" for number in range(8)}
    workspaces = {name: simulator.add_workspace(key, name) for name, key in keys.items()}
    # No such host: nothing is connected to.
    inventory = {name: {"ansible_host": "host.invalid", "key": key} for name, key in keys.items()}
    run = controller.play(
        config("stored", api_key="{{ key }}") | {"delegate_to": "localhost"},
        info("read", api_key="{{ key }}") | {"delegate_to": "localhost", "run_once": True},
        inventory=inventory,
        options=["--forks", "3"],
        strategy=strategy,
    )
    assert run.status == 0
    assert {name: run.registered[name]["stored"]["configuration"] for name in keys} == dict.fromkeys(keys, SHOWN)
    reads = 8 if strategy != "linear" else 1  # Ansible ignores run_once elsewhere
    assert sorted(request for each in workspaces.values() for request in each.requests) == sorted(
        [GET] * (8 + reads) + [POST] * 8
    )


def test_encrypted_values(controller: Controller, workspace: Workspace) -> None:
    password = controller.given / "password"
    password.write_text("the-password-of-the-vault")
    vault = VaultLib([("default", VaultSecret(password.read_bytes()))])

    def encrypted(value: str) -> Vaulted:
        return Vaulted(vault.encrypt(value).decode())

    tasks = [
        config("inline", api_key=encrypted(API_KEY), token=encrypted(TOKEN)),
        info("templated", api_key="{{ key }}"),
    ]
    run = controller.play(
        *tasks, vars={"key": encrypted(API_KEY)}, options=["--vault-password-file", password, "-vvvvv"]
    )
    assert run.results["inline"]["configuration"] == run.results["templated"]["configuration"] == SHOWN
    assert workspace.configuration == {"token": TOKEN, "is_token_readonly": True}
    assert leaks_below(controller.written, SECRETS) == []


def test_other_ways_to_write_a_task(controller: Controller, workspace: Workspace) -> None:
    options = {"api_key": API_KEY}
    run = controller.play(
        {"cortex_pagerduty_config_info": options, "register": "short"},
        {"action": {"module": INFO, **options}, "register": "action"},
        {"local_action": {"module": INFO, **options}, "register": "local"},
        config("failed", state="there") | {"ignore_errors": True},
        info("no_failure", base_url="https://127.0.0.1:1") | {"failed_when": False},
        config("unchanged") | {"changed_when": False},
        collections=["cortexapps.cortex"],
    )
    assert [run.results[name]["configuration"] for name in ("short", "action", "local")] == [None] * 3
    assert run.results["failed"]["failed"] is True
    assert run.results["no_failure"]["failed"] is False
    assert run.results["unchanged"]["changed"] is False
    ad_hoc = controller.run("adhoc", "localhost", "-m", INFO, env={"CORTEX_API_KEY": API_KEY})
    assert (ad_hoc.status, '"last_four": "ab12"' in ad_hoc.output) == (0, True)


# Which Python


@pytest.fixture
def without_requests(tmp_path: Path) -> dict[str, str]:
    """An environment in which Python has no requests."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "requests.py").write_text("raise ImportError('No module named requests')\n")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


def test_without_requests_it_runs_as_a_module(
    controller: Controller, workspace: Workspace, without_requests: dict[str, str]
) -> None:
    run = controller.play(
        info("missing") | {"ignore_errors": True},
        info("present") | {"environment": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}},
        env=without_requests,
        options=["-vvv"],
    )
    assert len(run.pythons) == 2  # as an ordinary module
    message = run.results["missing"]["msg"]
    assert "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter" in message
    assert run.results["present"]["configuration"] is None
    assert workspace.requests == [GET]


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("delegated", [False, True])
def test_ordinary_module_runs_in_ansibles_own_interpreter_unless_one_is_chosen(
    controller: Controller, workspace: Workspace, tmp_path: Path, chosen: bool, delegated: bool
) -> None:
    own = tmp_path / "python3"
    own.symlink_to(sys.executable)
    localhost: dict[str, Any] = {"ansible_connection": "local"}
    if chosen:
        localhost["ansible_python_interpreter"] = str(own)
    inventory = {"localhost": localhost, **({"team-a": {"ansible_host": "host.invalid"}} if delegated else {})}
    task = info() | {"async": 60, "poll": 0}
    run = controller.play(
        task | ({"delegate_to": "localhost"} if delegated else {}),
        hosts="team-a" if delegated else "localhost",
        inventory=inventory,
        options=["-vvv"],
    )
    assert run.status == 0
    assert set(run.pythons) == {str(own) if chosen else sys.executable}

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks say about a task is obeyed: its keywords, the strategy, where it runs, and how it is called."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.e2e.secrets.leaks import leaks_below
from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import API_KEY, GET, OTHER_TOKEN, POST, PUT, TOKEN, VALIDATE, api_key_of
from tests.support.environment import short_folder
from tests.support.marks import path_without_blanks, path_without_shell_characters
from tests.support.vault import encrypt
from tests.support.waiting import wait_until

from .playbook import AS_MODULE, INFO, SECRETS, Controller, Run, Vaulted, config, dump, info, play

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
OLD = {"token": OTHER_TOKEN, "is_token_readonly": True}
SHOWN = {"is_token_readonly": True, "last_four": "ab12"}
OTHER_KEY = "ck_live_Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U4aT0o"


def test_environment_is_obeyed_for_each_item_and_restored(
    controller: Controller, workspace: Workspace, simulator: Simulator
) -> None:
    workspace.configuration = OLD
    simulator.add_workspace(OTHER_KEY)
    items = [{"CORTEX_API_KEY": API_KEY}, {"CORTEX_API_KEY": OTHER_KEY}, {}]
    run = controller.play(
        info("looped", api_key=None)
        | {"environment": "{{ item }}", "loop": items, "no_log": True, "ignore_errors": True},
        info("after", api_key=None) | {"ignore_errors": True},
        {
            "environment": {"CORTEX_API_KEY": OTHER_KEY},
            "block": [info("in_block", api_key=None), info("own", api_key=API_KEY)],
        },
    )
    results = run.results
    first, second, third = results["looped"]["results"]
    assert (first["configuration"]["last_four"], second["configuration"]) == ("cd34", None)
    assert third["msg"] == "missing required arguments: api_key"
    assert results["after"]["msg"] == "missing required arguments: api_key"
    assert (results["in_block"]["configuration"], results["own"]["configuration"]["last_four"]) == (None, "cd34")


def test_environment_names_the_store_of_certificates(
    controller: Controller, workspace: Workspace, simulator: Simulator
) -> None:
    stores = [simulator.ca_path, "", simulator.ca_path]
    read = info("read") | {"environment": {"REQUESTS_CA_BUNDLE": "{{ item }}"}, "loop": stores}
    controller.env["SSL_CERT_FILE"] = "/dev/null"
    run = controller.play(read)
    assert [result["failed"] for result in run.results["read"]["results"]] == [False, True, False]


def test_module_defaults(controller: Controller, workspace: Workspace) -> None:
    workspace.configuration = OLD
    names = {"of_the_group": "group/cortexapps.cortex.cortex", "of_the_module": INFO}
    run = controller.playbook(
        *(
            play(info(result, api_key=None), module_defaults={name: {"api_key": API_KEY}})
            for result, name in names.items()
        )
    )
    assert {name: result["configuration"]["last_four"] for name, result in run.results.items()} == dict.fromkeys(
        names, "cd34"
    )


def test_check_mode_diff_and_no_log(controller: Controller, workspace: Workspace) -> None:
    workspace.configuration = OLD
    run = controller.play(
        config("checked") | {"check_mode": True, "diff": True},
        config("without_diff") | {"diff": False},
        config("hidden", token=f"{TOKEN[:16]}wxyz") | {"no_log": True, "diff": True},
        config("loop", token="{{ item }}")
        | {"no_log": True, "loop": [TOKEN, f"{TOKEN[:16]}wxyz"], "loop_control": {"label": "a label"}},
        options=["-vvvvv"],
    )
    assert workspace.requests[:3] == [GET, GET, PUT]  # check mode has sent nothing
    shown = [run.results[name]["diff"]["after"]["last_four"] for name in ("checked", "without_diff", "hidden")]
    assert shown == ["ab12", "ab12", "wxyz"]
    assert run.output.count('+    "last_four": "ab12"') == 1
    assert "wxyz" not in run.output


def test_loop_control(controller: Controller, workspace: Workspace) -> None:
    run = controller.play(
        config("loop", token="{{ entry.token }}")
        | {
            "loop": [{"token": OTHER_TOKEN}, {"token": TOKEN}, {"token": TOKEN}],
            "loop_control": {"loop_var": "entry", "index_var": "index", "label": "entry {{ index }}", "pause": 0.01},
        }
    )
    assert [item["changed"] for item in run.results["loop"]["results"]] == [True, True, False]
    assert "(item=entry 2)" in run.output


def test_until(controller: Controller, workspace: Workspace) -> None:
    workspace.fault("get", times=2, status=500)
    run = controller.play(info("read") | {"until": "read is succeeded", "retries": 3, "delay": 0})
    assert (run.results["read"]["attempts"], workspace.requests) == (3, [GET] * 3)


# The request that never gets a response: its operation, how many of the same come before, all requests until then, and
# what is known to be stored.
HANGING: dict[str, tuple[str, int, list[str], str | None]] = {
    "reading": ("get", 0, [GET], None),
    "writing": ("replace", 0, [GET, PUT], None),
    "validating": ("validate", 0, [GET, PUT, VALIDATE], "ab12"),
    "reading before the rollback": ("get", 1, [GET, PUT, VALIDATE, GET], "ab12"),
    "rolling back": ("replace", 1, [GET, PUT, VALIDATE, GET, PUT], None),
}


@pytest.fixture(scope="module")
def ended() -> Iterator[tuple[Simulator, Run]]:
    """A run in which each task has a timeout: one for each of `HANGING`, and an ordinary module."""
    with short_folder() as folder, Simulator(tls=True) as simulator:
        simulator.reject_token(TOKEN)
        inventory = {name: {"key": api_key_of(str(number))} for number, name in enumerate([*HANGING, "module"])}
        workspaces = {name: simulator.add_workspace(host["key"], name, OLD) for name, host in inventory.items()}
        for name, (operation, skip, _sent, _last_four) in HANGING.items():
            # For longer than any test takes.
            workspaces[name].fault(operation, skip=skip, delay=600, drop=True)
        workspaces["module"].fault("get", delay=6)
        ends = {"timeout": 3, "ignore_errors": True}
        rotate = config("ended", api_key="{{ key }}", validate=True, rollback=True, previous_token=OTHER_TOKEN) | ends
        following = {"ansible.builtin.debug": {"msg": "the next task"}, "register": "next"}
        run = Controller(folder, simulator).playbook(
            play(rotate, following, hosts="all:!module"),
            play(config("ended", api_key="{{ key }}") | AS_MODULE | ends, following, hosts="module"),
            inventory={name: {**host, **HERE} for name, host in inventory.items()},
            options=["--forks", str(len(inventory))],
        )
        yield simulator, run


@pytest.mark.parametrize("name", HANGING)
def test_timeout_ends_the_task_with_what_is_known(ended: tuple[Simulator, Run], name: str) -> None:
    simulator, run = ended
    _operation, _skip, sent, last_four = HANGING[name]
    results = run.registered[name]
    task = results["ended"]
    assert simulator.workspaces[name].requests == sent
    assert (task["failed"], task["changed"], task["timedout"]["period"]) == (True, PUT in sent, 3)
    assert task["rolled_back"] is False
    assert (task["configuration"] or {}).get("last_four") == last_four
    assert results["next"]["msg"] == "the next task"


@path_without_blanks
def test_timeout_of_a_module_ends_only_the_task(ended: tuple[Simulator, Run]) -> None:
    """Ansible reports the timeout alone, and the module goes on: the documentation says so."""
    simulator, run = ended
    results = run.registered["module"]
    task = results["ended"]
    assert (task["failed"], task["changed"]) == (True, False)
    assert task.keys().isdisjoint({"configuration", "diff", "invocation"})
    assert results["next"]["msg"] == "the next task"
    wait_until(lambda: simulator.workspaces["module"].requests == [GET, PUT])


@path_without_blanks
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
    keys = {name: api_key_of(name) for name in (f"team{number:02}" for number in range(20))}
    for name, key in keys.items():
        simulator.add_workspace(key, name)
    variables = {name: {"key": key, "new_token": f"{TOKEN[:14]}{name}"} for name, key in keys.items()}
    # No such host: nothing is connected to. The others are local by what the inventory says.
    remote, local = {"ansible_host": "host.invalid"}, {"ansible_connection": "local"}
    run = controller.play(
        config("stored", api_key="{{ key }}", token="{{ new_token }}")
        | {"delegate_to": "{{ delegate | default(omit) }}"},
        info("read", api_key="{{ keys.team00 }}") | {"delegate_to": "localhost", "run_once": True},
        inventory={
            name: own | (local if name > "team09" else remote | {"delegate": "localhost"})
            for name, own in variables.items()
        },
        options=["--forks", "5", "-vvv"],
        strategy=strategy,
        vars={"keys": keys},
    )
    assert run.status == 0
    assert run.pythons == []
    stored = {name: results["stored"]["configuration"]["last_four"] for name, results in run.registered.items()}
    assert stored == {name: name[-4:] for name in keys}
    reads = len(keys) if strategy != "linear" else 1  # elsewhere Ansible ignores run_once
    requests = {name: workspace.requests for name, workspace in simulator.workspaces.items()}
    assert sorted(requests.pop("team00")) == [GET] * (1 + reads) + [POST]
    assert requests == {name: [GET, POST] for name in keys if name != "team00"}


def test_encrypted_values(controller: Controller, workspace: Workspace) -> None:
    password = controller.given / "password"
    password.write_text("the-password-of-the-vault")

    def encrypted(value: str) -> Vaulted:
        return Vaulted(encrypt(value, password.read_text()))

    (controller.given / "vault.yml").write_text(encrypted(f"new_token: {OTHER_TOKEN}"))
    (controller.given / "wrong").write_text("another-password-than-the-vault's")
    tasks = [
        config("inline", api_key=encrypted(API_KEY), token=encrypted(TOKEN)),
        info("templated", api_key="{{ key }}"),
    ]
    key = {"key": encrypted(API_KEY)}
    run = controller.play(
        *tasks,
        config("from_file", token="{{ new_token }}"),
        vars=key,
        vars_files=["vault.yml"],
        options=["--vault-password-file", password, "-vvvvv"],
    )
    assert run.results["inline"]["configuration"] == run.results["templated"]["configuration"] == SHOWN
    assert run.results["from_file"]["configuration"] == {"is_token_readonly": True, "last_four": "cd34"}
    assert leaks_below(controller.written, SECRETS) == []

    requests = len(workspace.requests)
    for task in tasks:
        failed = controller.play(task, vars=key, options=["--vault-password-file", controller.given / "wrong"])
        assert (failed.status, "Decryption failed" in failed.output, "Traceback" in failed.output) == (2, True, False)
    assert len(workspace.requests) == requests


def test_other_ways_to_write_a_task(controller: Controller, workspace: Workspace) -> None:
    role = controller.given / "roles" / "team" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(dump([config("in_role")]))
    (controller.given / "included.yml").write_text(dump([info("included")]))
    options = {"api_key": API_KEY, "retries": 0}
    line = f"api_key={API_KEY} retries=0"
    run = controller.play(
        {"ansible.builtin.include_role": {"name": "team"}},
        {"ansible.builtin.include_tasks": "included.yml"},
        {"cortex_pagerduty_config_info": options, "register": "short"},
        {"action": {"module": INFO, **options}, "register": "action"},
        {"action": f"{INFO} {line}", "register": "action_line"},
        {"local_action": {"module": INFO, **options}, "register": "local"},
        {"local_action": f"{INFO} {line}", "register": "local_line"},
        {INFO: line, "register": "line", "changed_when": True, "notify": "Read"},
        handlers=[info("handled") | {"name": "Read"}],
        collections=["cortexapps.cortex"],
        options=["-vvv"],
    )
    assert run.status == 0
    assert run.pythons == []
    ways = {"in_role", "included", "short", "action", "action_line", "local", "local_line", "line", "handled"}
    assert {name: result["configuration"] for name, result in run.results.items()} == dict.fromkeys(ways, SHOWN)
    controller.env["CORTEX_API_KEY"] = API_KEY
    ad_hoc = controller.run("adhoc", "localhost", "-m", INFO)
    assert (ad_hoc.status, '"last_four": "ab12"' in ad_hoc.output) == (0, True)


@path_without_shell_characters
def test_results_steer_the_play(controller: Controller, workspace: Workspace) -> None:
    short = {"cortex_pagerduty_config_info": {"api_key": API_KEY, "token": TOKEN}, "ignore_errors": True}
    run = controller.play(
        config("failed", state="there") | {"ignore_errors": True},
        info("expected", api_key="ck_live_wrong") | {"failed_when": "expected.http_status != 401"},
        info("unexpected") | {"failed_when": "unexpected.configuration is none", "ignore_errors": True},
        config("unchanged") | {"changed_when": False},
        config("skipped") | {"when": "unchanged is changed"},
        # Ansible's message has the name that the playbook calls the module by.
        short | {"register": "short"},
        short | AS_MODULE | {"register": "short_as_module"},
        info("last", api_key="ck_live_wrong"),
        info("never"),
        collections=["cortexapps.cortex"],
    )
    assert run.status == 2
    assert "never" not in run.results
    failed = {name: result["failed"] for name, result in run.results.items() if name != "skipped"}
    assert failed == {
        "failed": True,
        "expected": False,
        "unexpected": True,
        "unchanged": False,
        "short": True,
        "short_as_module": True,
        "last": True,
    }
    assert (run.results["unchanged"]["changed"], run.results["skipped"]["skipped"]) == (False, True)
    assert run.results["short"] == run.results["short_as_module"]

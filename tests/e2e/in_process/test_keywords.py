# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keywords of a task and a play are obeyed: also the strategy, the connection, and the way of the call."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.cortex import GET, OTHER_TOKEN, POST, PUT, TOKEN, VALIDATE, api_key_of
from tests.support.environment import short_folder
from tests.support.leaks import leaks_in
from tests.support.marks import path_without_blanks, path_without_shell_characters
from tests.support.vault import encrypt
from tests.support.waiting import wait_until

from .playbook import AS_MODULE, INFO, AnsibleFolder, Run, Vaulted, config, info, plays

VAULT = {
    "key": "Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U4aT0o",
    "token": "z_KcYf5rWq8JxNdPab12",
    "password": "correct-horse-battery-9",
}
OLD = {"token": OTHER_TOKEN, "is_token_readonly": True}
SHOWN_OLD = {"is_token_readonly": True, "last_four": "cd34"}
SHOWN = {"is_token_readonly": True, "last_four": "ab12"}
SHORT = {"cortex_pagerduty_config_info": {"api_key": "{{ key }}", "token": TOKEN}, "ignore_errors": True}
TIMEOUT = {"timeout": 3, "ignore_errors": True}
NEXT = {"ansible.builtin.debug": {"msg": "the next task"}, "register": "next"}
MANY = [f"team{number:02}" for number in range(12)]


def vaulted(value: str) -> Vaulted:
    return Vaulted(encrypt(value, VAULT["password"]))


Done = tuple[Simulator, AnsibleFolder, Run]


def key_of(name: str) -> str:
    return VAULT["key"] if name == "encrypted" else api_key_of(name)


# All tasks, in one run, because a run costs more than its tasks. Each host is a workspace that stores OLD.
PLAYS: dict[str, dict[str, Any]] = plays(
    environment=[
        info("looped", api_key=None)
        | {"environment": "{{ item }}", "ignore_errors": True}
        | {"loop": [{"CORTEX_API_KEY": "{{ key }}"}, {"CORTEX_API_KEY": "{{ other_key }}"}, {}]},
        info("after", api_key=None) | {"ignore_errors": True},
        {
            "environment": {"CORTEX_API_KEY": "{{ other_key }}"},
            "block": [info("in_block", api_key=None) | {"ignore_errors": True}, info("own")],
        },
    ],
    defaults_group=[info("read", api_key=None)],
    defaults_module=[info("read", api_key=None)],
    output=[
        config("checked") | {"check_mode": True, "diff": True},
        config("without_diff") | {"diff": False},
        config("hidden", token=f"{TOKEN[:16]}wxyz") | {"no_log": True, "diff": True},
    ],
    loop=[
        config("looped", token="{{ entry }}")
        | {"loop": [OTHER_TOKEN, TOKEN, TOKEN]}
        | {"loop_control": {"loop_var": "entry", "index_var": "index", "label": "entry {{ index }}", "pause": 0.01}}
    ],
    background=[
        config("polled") | {"async": 60, "poll": 1},
        info("started") | {"async": 60, "poll": 0},
        {
            "ansible.builtin.async_status": {"jid": "{{ started.ansible_job_id }}"},
            "register": "done",
            "until": "done is finished",
            "retries": 600,
            "delay": 1,
        },
    ],
    encrypted=[
        config("inline", api_key=vaulted(VAULT["key"]), token=vaulted(VAULT["token"])),
        info("templated", api_key="{{ vaulted_key }}"),
        config("from_file", api_key="{{ vaulted_key }}", token="{{ new_token }}"),
    ],
    called=[
        {"cortex_pagerduty_config_info": {"api_key": "{{ key }}"}, "register": "short"},
        {"action": {"module": INFO, "api_key": "{{ key }}"}, "register": "action"},
        {"action": f"{INFO} api_key={{{{ key }}}}", "register": "action_line"},
        {"local_action": f"{INFO} api_key={{{{ key }}}}", "register": "local_line"},
        {INFO: "api_key={{ key }}", "register": "line", "changed_when": True, "notify": "Read"},
    ],
    many=[
        # There is no such host, because Ansible does not connect to it. The others are local in the inventory.
        config("stored", token=f"{TOKEN[:14]}{{{{ inventory_hostname }}}}")
        | {"delegate_to": "{{ to | default(omit) }}"},
    ],
    timeout=[
        config("ended", validate=True, rollback=True, previous_token=OTHER_TOKEN) | TIMEOUT,
        NEXT,
    ],
    timeout_of_module=[config("ended") | AS_MODULE | TIMEOUT, NEXT],
    # At the end, because the last of its hosts fails.
    steering=[
        info("expected", api_key="ck_live_wrong") | {"failed_when": "expected.http_status != 401"},
        info("unexpected") | {"failed_when": "unexpected.configuration is not none", "ignore_errors": True},
        config("unchanged") | {"changed_when": False},
        config("skipped") | {"when": "unchanged is changed"},
        # Ansible's message has the name that the playbook calls the module by.
        SHORT | {"register": "short"},
        SHORT | AS_MODULE | {"register": "short_as_module"},
        info("last", api_key="ck_live_wrong"),
        info("never"),
    ],
)
PLAYS["environment"]["vars"] = {"other_key": api_key_of("nobody")}
PLAYS["defaults_group"]["module_defaults"] = {"group/cortexapps.cortex.cortex": {"api_key": "{{ key }}"}}
PLAYS["defaults_module"]["module_defaults"] = {INFO: {"api_key": "{{ key }}"}}
PLAYS["encrypted"] |= {"vars": {"vaulted_key": vaulted(VAULT["key"])}, "vars_files": ["vault.yml"]}
PLAYS["called"] |= {"collections": ["cortexapps.cortex"], "handlers": [info("handled") | {"name": "Read"}]}
PLAYS["steering"]["collections"] = ["cortexapps.cortex"]
PLAYS["many"] |= {"hosts": ":".join(MANY), "strategy": "free"}
PLAYS["timeout"]["hosts"] = "reading:validating:restoring"


@pytest.fixture(scope="module")
def done() -> Iterator[Done]:
    with short_folder() as folder, Simulator(tls=True) as simulator:
        controller = AnsibleFolder(folder, simulator)
        names = [name for play in PLAYS.values() for name in play["hosts"].split(":")]
        workspaces = {name: simulator.add_workspace(key_of(name), name, OLD) for name in names}
        # For longer than any test takes.
        workspaces["reading"].fault("get", delay=600, drop=True)
        workspaces["validating"].fault("validate", delay=600, drop=True)
        workspaces["restoring"].fault("validate", body={"configurations": [{"isValid": False}]})
        workspaces["restoring"].fault("replace", skip=1, delay=600, drop=True)
        workspaces["timeout_of_module"].fault("get", delay=6)
        (controller.given / "vault.yml").write_text(vaulted(f"new_token: {OTHER_TOKEN}"))
        (controller.given / "password").write_text(VAULT["password"])
        remote = {"ansible_connection": "ssh", "ansible_host": "host.invalid", "to": "localhost"}
        hosts = {name: remote if number % 2 else {} for number, name in enumerate(MANY)}
        hosts["steering"] = hosts["timeout_of_module"] = {"ansible_python_interpreter": sys.executable}
        options = ["--vault-password-file", "password", "--forks", "12", "-vvv"]
        yield simulator, controller, controller.play(PLAYS, *options, **hosts)


def test_environment_is_obeyed_for_each_item_and_restored(done: Done) -> None:
    results = done[2].results["environment"]
    missing = (
        "api_key is missing. Set it (in the role: cortex_pagerduty_api_key), or CORTEX_API_KEY in the environment of "
        "ansible-playbook."
    )
    first, second, third = results["looped"]["results"]
    assert (first["configuration"], second["http_status"], third["msg"]) == (SHOWN_OLD, 401, missing)
    assert results["after"]["msg"] == missing
    assert (results["in_block"]["http_status"], results["own"]["configuration"]) == (401, SHOWN_OLD)


@pytest.mark.parametrize("name", ["defaults_group", "defaults_module"])
def test_module_defaults_are_options(done: Done, name: str) -> None:
    assert done[2].results[name]["read"]["configuration"] == SHOWN_OLD


def test_check_mode_writes_nothing_and_the_difference_is_shown_where_the_play_says_so(done: Done) -> None:
    simulator, _controller, run = done
    assert simulator.workspaces["output"].requests == [GET, GET, PUT, GET, PUT]
    results = run.results["output"]
    assert results["checked"]["diff"]["after"] == results["without_diff"]["diff"]["after"]
    assert run.output.count('+    "last_four": "ab12"') == 1
    assert "wxyz" not in run.output


def test_each_item_of_a_loop_has_a_result_and_a_label(done: Done) -> None:
    _simulator, _controller, run = done
    assert [item["changed"] for item in run.results["loop"]["looped"]["results"]] == [False, True, False]
    assert "(item=entry 2)" in run.output


@path_without_blanks
def test_async_task_runs_in_the_background(done: Done) -> None:
    simulator, _controller, run = done
    results = run.results["background"]
    assert results["polled"]["configuration"] == results["done"]["configuration"] == SHOWN
    assert simulator.workspaces["background"].requests == [GET, PUT, GET]


def test_values_of_the_vault_are_decrypted_and_never_shown(done: Done) -> None:
    _simulator, _controller, run = done
    results = run.results["encrypted"]
    assert results["inline"]["configuration"] == results["templated"]["configuration"] == SHOWN
    assert results["from_file"]["configuration"] == SHOWN_OLD
    assert leaks_in(run.output, VAULT) == []


def test_another_password_than_the_vaults_is_ansibles_error(done: Done) -> None:
    simulator, controller, _run = done
    sent = len(simulator.workspaces["encrypted"].requests)
    (controller.given / "wrong").write_text("another-password-than-the-vault's")
    (controller.given / "vault.yml").write_text("{}")
    run = controller.play({"encrypted": PLAYS["encrypted"]}, "--vault-password-file", "wrong")
    assert (run.status, "Decryption failed" in run.output, "Traceback" in run.output) == (2, True, False)
    assert len(simulator.workspaces["encrypted"].requests) == sent


def test_a_task_may_be_written_in_any_way(done: Done) -> None:
    _simulator, controller, run = done
    ways = {"short", "action", "action_line", "local_line", "line", "handled"}
    found = {name: result["configuration"] for name, result in run.results["called"].items()}
    assert found == dict.fromkeys(ways, SHOWN_OLD)
    controller.env["CORTEX_API_KEY"] = api_key_of("called")
    ad_hoc = controller.run("adhoc", "localhost", "-m", INFO)
    assert (ad_hoc.status, '"last_four": "cd34"' in ad_hoc.output) == (0, True)


@path_without_shell_characters
def test_results_steer_the_play(done: Done) -> None:
    results = done[2].results["steering"]
    failed = {name for name, result in results.items() if result["failed"]}
    assert failed == {"unexpected", "short", "short_as_module", "last"}
    assert results.keys() - failed == {"expected", "unchanged"}
    assert results["unchanged"]["changed"] is False
    assert results["short"] == results["short_as_module"]


def test_hosts_that_run_at_the_same_time_do_not_meet(done: Done) -> None:
    simulator, _controller, run = done
    assert {name: run.results[name]["stored"]["configuration"]["last_four"] for name in MANY} == {
        name: name[-4:] for name in MANY
    }
    assert {name: simulator.workspaces[name].requests for name in MANY} == {name: [GET, PUT] for name in MANY}


# The requests until the one that never gets a response, and the known configuration.
@pytest.mark.parametrize(
    ("name", "sent", "last_four"),
    [
        ("reading", [GET], None),
        ("validating", [GET, PUT, VALIDATE], "ab12"),
        ("restoring", [GET, PUT, VALIDATE, GET, PUT], None),
    ],
)
def test_timeout_ends_the_task_with_its_knowledge(
    done: Done, name: str, sent: list[str], last_four: str | None
) -> None:
    simulator, _controller, run = done
    task = run.results[name]["ended"]
    assert simulator.workspaces[name].requests == sent
    assert (task["failed"], task["changed"], task["timedout"]["period"]) == (True, PUT in sent, 3)
    assert (task["configuration"] or {}).get("last_four") == last_four
    assert run.results[name]["next"]["msg"] == "the next task"


@path_without_blanks
def test_timeout_of_a_module_ends_only_the_task(done: Done) -> None:
    """Ansible reports the timeout alone, and the module goes on: the documentation says so."""
    simulator, _controller, run = done
    results = run.results["timeout_of_module"]
    assert (results["ended"]["failed"], results["ended"]["changed"]) == (True, False)
    assert results["ended"].keys().isdisjoint({"configuration", "diff", "invocation"})
    assert results["next"]["msg"] == "the next task"
    wait_until(lambda: simulator.workspaces["timeout_of_module"].requests == [GET, PUT])


# Terminates Ansible when a write has just been applied.
TERMINATION = """
import os, requests, signal

request = requests.Session.request

def request_and_terminate(self, method, *arguments, **options):
    response = request(self, method, *arguments, **options)
    if method == os.environ.get("TEST_TERMINATE"):
        for process in (os.getppid(), os.getpid()):
            os.kill(process, signal.SIGTERM)
    return response

requests.Session.request = request_and_terminate
"""


def test_run_that_is_terminated_during_a_write_can_be_repeated(tmp_path: Path) -> None:
    with Simulator(tls=True) as simulator:
        workspace = simulator.add_workspace(api_key_of("team"), "team")
        controller = AnsibleFolder(tmp_path, simulator)
        (controller.given / "sitecustomize.py").write_text(TERMINATION)
        controller.env |= {"PYTHONPATH": str(controller.given), "TEST_TERMINATE": "POST"}
        run = controller.play(plays(team=[config()]), "-vvv")
        assert (run.status, leaks_in(run.output, {"key": api_key_of("team"), "token": TOKEN})) == (-signal.SIGTERM, [])
        assert controller.play(plays(team=[config("stored")])).results["team"]["stored"]["changed"] is False
        assert workspace.requests == [GET, POST, GET]


@path_without_blanks
def test_only_become_and_async_start_a_module(done: Done) -> None:
    assert len(done[2].pythons) == 3

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task gives the same result inside Ansible's own process and as an ordinary module, key for key."""

from __future__ import annotations

import datetime
import itertools
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.secrets.leaks import leaks_below
from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import OTHER_TOKEN, TOKEN
from tests.support.marks import path_without_shell_characters

from .playbook import AS_MODULE, CONFIG, INFO, SECRETS, Controller, info

pytestmark = path_without_shell_characters

OLD = {"token": OTHER_TOKEN, "is_token_readonly": False}
SAME = {"token": TOKEN, "is_token_readonly": True}
VALIDATED = {"validate": True, "rollback": True}


@dataclass(frozen=True)
class Case:
    """A task, on a workspace of its own for each way in which it runs.

    Attributes:
        options: Those of the module beside API key, token and flag. None stands for null, "omit" removes one.
        keywords: Those of the task.
        stored: What is stored before.
        faults: What the API does.
        ends: How the task ends.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, Any] | None = None
    faults: tuple[dict[str, Any], ...] = ()
    module: str = CONFIG
    ends: str = "changed"


def fault(operation: str, **fields: Any) -> dict[str, Any]:
    return {"operation": operation, "times": None, **fields}


# With secrets in all strings that the API returns.
ECHO = {"message": "{token} {api_key}", "type": "{token}", "details": "{api_key}", "requestId": "{token}"}
VERDICT = {"isValid": False, "alias": "{api_key}", "message": "PagerDuty does not accept {token}"}
NOT_VALID = fault("validate", body={"configurations": [VERDICT]})

CASES = [
    Case("added"),
    Case("replaced", stored=OLD),
    Case("unchanged", stored=SAME, ends="ok"),
    Case("removed", {"state": "absent"}, stored=OLD),
    Case("validated", {**VALIDATED, "preflight": True}, stored=OLD),
    Case("read", stored=OLD, module=INFO, ends="ok"),
    Case("read and validated", {"validate": True}, stored=OLD, module=INFO, ends="ok"),
    Case("added in check mode", keywords={"check_mode": True}),
    Case("replaced in check mode", VALIDATED, {"check_mode": True}, OLD),
    Case("removed in check mode", {"state": "absent"}, {"check_mode": True}, OLD),
    Case("read in check mode", keywords={"check_mode": True}, module=INFO, ends="ok"),
    Case("without diff", keywords={"diff": False}, stored=OLD),
    Case("with diff", keywords={"diff": True}, stored=OLD),
    Case("no_log", keywords={"no_log": True}),
    Case("no_log, failed", keywords={"no_log": True}, faults=(fault("get", status=500),), ends="failed"),
    Case("warned", {"token": f"{TOKEN}IntegrationKey"}),
    Case("warned twice, failed", {"token": TOKEN[:12], "base_url": "http://cortex.invalid"}, ends="failed"),
    Case("from the environment", {"token": "omit"}, {"environment": {"PAGERDUTY_TOKEN": "u+ShownByAnsible1234"}}),
    Case("blank in the environment", {"token": "omit"}, {"environment": {"PAGERDUTY_TOKEN": ""}}, ends="failed"),
    Case(
        "store in the environment",
        keywords={"environment": {"REQUESTS_CA_BUNDLE": "/no/such/bundle.pem"}},
        ends="failed",
    ),
    # The API refuses, or fails. How the task goes on then is the same code, which tests/unit tries in both ways.
    Case("refused", faults=(fault("add", status=403, body=ECHO, headers={"X-Echo": "{token}"}),), ends="failed"),
    Case(
        "redirected", faults=(fault("get", status=302, headers={"Location": "https://{api_key}.io/"}),), ends="failed"
    ),
    Case("unknown", faults=(fault("add", drop=True, processed=True), fault("get", status=503)), ends="failed"),
    Case("late", {"timeout": 0.2}, faults=(fault("get", delay=1, drop=True),), ends="failed"),
    Case("untrusted", {"ca_path": "/dev/null"}, ends="failed"),
    Case("not valid, read", {"validate": True}, stored=OLD, faults=(NOT_VALID,), module=INFO, ends="ok"),
    Case(
        "rollback failed",
        VALIDATED,
        faults=(NOT_VALID, fault("delete", status=500, body=ECHO)),
        ends="failed",
    ),
    Case("preflight unreachable", {"preflight": True, "preflight_url": "https://127.0.0.1:1"}, ends="failed"),
    # Options that Ansible rejects.
    Case("unsupported", {"tokn": TOKEN}, ends="failed"),
    Case("unsupported, read", {"token": TOKEN, "state": "present"}, module=INFO, ends="failed"),
    Case("unsupported, nested", {"extra": {"token": TOKEN, "list": [TOKEN, 1, None]}}, ends="failed"),
    Case("no key", {"api_key": "omit"}, ends="failed"),
    Case("no key, read", {"api_key": "omit"}, module=INFO, ends="failed"),
    Case("no flag", {"is_token_readonly": "omit"}, ends="failed"),
    Case("no token, no flag", {"token": "omit", "is_token_readonly": "omit"}, ends="failed"),
    Case("several", {"tokn": 1, "state": "here", "retries": "many", "is_token_readonly": "omit"}, ends="failed"),
    Case("no choice", {"state": TOKEN}, ends="failed"),
    Case("no boolean", {"is_token_readonly": "perhaps"}, ends="failed"),
    Case("no number", {"timeout": TOKEN, "retries": TOKEN}, ends="failed"),
    Case("fraction", {"retries": 1.5}, ends="failed"),
    Case("key is null", {"api_key": None}, ends="failed"),
    Case("URL is a list", {"base_url": ["https://127.0.0.1"]}, ends="failed"),
    # Options that the collection rejects, or not.
    Case("token is null", {"token": None}, ends="failed"),
    Case("flag is null", {"is_token_readonly": None}, ends="failed"),
    Case("null where that is fine", {"ca_path": None, "previous_token": None, "previous_is_token_readonly": None}),
    Case("token is a list", {"token": [TOKEN]}, ends="failed"),
    Case("token is a dictionary", {"token": {"token": TOKEN}}, ends="failed"),
    Case("token is a number", {"token": 12345678901234567890}, ends="failed"),
    Case("token is a date", {"token": datetime.date(2026, 1, 1)}),
    Case("token is a time", {"token": datetime.datetime(2026, 1, 1, 12)}),
    Case("token is a boolean", {"token": True}, ends="failed"),
    Case("token is None", {"token": "None"}, ends="failed"),
    Case("token is blank", {"token": " "}, ends="failed"),
    Case("token with a line break", {"token": f"{TOKEN}\n"}, ends="failed"),
    Case("previous token equals the token", {**VALIDATED, "previous_token": TOKEN}, ends="failed"),
    Case(
        "previous token is not stored", {**VALIDATED, "previous_token": f"{TOKEN[:16]}wxyz"}, stored=OLD, ends="failed"
    ),
    Case("password in a URL", {"base_url": f"https://u:{TOKEN}@127.0.0.1"}, ends="failed"),
    Case("key in a query", {"preflight_url": f"https://127.0.0.1?{TOKEN}"}, ends="failed"),
    Case("no time", {"timeout": 0}, ends="failed"),
    Case("no such store", {"ca_path": "~/$NOTHING/ca.pem"}, ends="failed"),
    Case("strings for all", {"is_token_readonly": "yes", "validate": "no", "retries": "0", "timeout": "9.5"}),
    Case("numbers for all", {"is_token_readonly": 1, "validate": 0, "timeout": 9}),
    Case("not ASCII", {"token": "\u00fc" * 20}),
]


def test_both_ways_give_the_same_result_without_secrets(controller: Controller, simulator: Simulator) -> None:
    """All cases in one play, each in both ways."""
    tasks, secrets = [], {**SECRETS}
    for number, case in enumerate(CASES):
        for way, keywords in {"p": {}, "m": AS_MODULE}.items():
            key = secrets[f"the API key {way}{number}"] = f"ck_live_{number:02}{way}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1"
            workspace = simulator.add_workspace(key, f"{case.name}, {way}", case.stored)
            for fields in case.faults:
                workspace.fault(**fields)
            tasks.append({**task(case, key, simulator.pagerduty_url), "register": f"{way}{number}", **keywords})

    controller.env["ANSIBLE_INJECT_INVOCATION"] = "1"
    run = controller.play(*tasks, options=["-vvvvv"])

    results = {case.name: (run.results[f"p{number}"], run.results[f"m{number}"]) for number, case in enumerate(CASES)}
    for result in itertools.chain(*results.values()):
        # Another one in each response of the simulator.
        if re.fullmatch("[0-9a-f-]{36}", result.get("request_id", "")):
            result["request_id"] = "an identifier"
    assert {name: both for name, both in results.items() if both[0] != both[1]} == {}
    assert {case.name: ending(results[case.name][0]) for case in CASES} == {case.name: case.ends for case in CASES}
    assert len(run.pythons) == len(CASES)  # only with become a module is started
    assert leaks_below(controller.written, secrets) == []


def task(case: Case, key: str, pagerduty_url: str) -> dict[str, Any]:
    options = {"api_key": key, "retries": 0}
    if case.module == CONFIG:
        options |= {"token": TOKEN, "is_token_readonly": True, "preflight_url": pagerduty_url}
    given = {name: value for name, value in {**options, **case.options}.items() if value != "omit"}
    return {"name": case.name, case.module: given, "ignore_errors": True, **case.keywords}


def ending(result: dict[str, Any]) -> str:
    return "failed" if result["failed"] else "changed" if result["changed"] else "ok"


@pytest.mark.parametrize("setting", [{}, {"ANSIBLE_INJECT_INVOCATION": "1"}], ids=["default", "on"])
def test_arguments_are_in_the_result_if_ansible_is_told_so(
    controller: Controller, workspace: Workspace, setting: dict[str, str]
) -> None:
    """Before ansible-core 2.21 they always are."""
    controller.env |= setting
    run = controller.play(info("in_process"), info("as_module") | AS_MODULE)
    assert run.results["in_process"] == run.results["as_module"]

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing of the API key or of a token gets out, though the API sends them back in every place and form."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    OTHER_TOKEN,
    TOKEN,
    TWIN_TOKEN,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.disguises import BY_CHARACTER, FORMS

from .conftest import CONFIG, INFO, RunTask

# With characters that every form escapes.
NASTY_KEY = "ck_live_\"7Qm2'vXw9/LrT4+bNz6&KsY8<dFh3>JpG5\\aC1%eU0=iO"
NASTY_TOKEN = "u+\"7Fz<Qk&Lm'N2/Ts\\%ö漢🔑ab12"
ROLLBACK = {"validate": True, "rollback": True, "previous_token": OTHER_TOKEN}
# Where the API may send a text; the task fails with it, but for the verdicts.
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "message": ("any", {"status": 400, "body": {"type": "BAD_REQUEST", "message": "{echo}"}}),
    "end of a long message": ("any", {"status": 400, "body": {"type": "BAD", "message": "x" * 480 + " {echo}"}}),
    "details": ("any", {"status": 500, "body": {"type": "ERROR", "message": "no", "details": "{echo}"}}),
    "requestId": ("any", {"status": 403, "body": {"type": "FORBIDDEN", "message": "no", "requestId": "{echo}"}}),
    "type": ("any", {"status": 401, "body": {"type": "{echo}", "message": "no"}}),
    "violations": (
        "any",
        {"status": 429, "body": {"title": "{echo}", "violations": [{"pointer": "{echo}", "description": "{echo}"}]}},
    ),
    "unknown field": ("any", {"status": 400, "body": {"type": "BAD", "message": "no", "{echo}": "{echo}"}}),
    "HTML": ("any", {"body": "<html>{echo}</html>", "content_type": "text/html"}),
    "HTML of an error": ("any", {"status": 502, "body": "<html>{echo}</html>", "content_type": "text/html"}),
    "header": ("any", {"status": 503, "headers": {"X-Echo": "{echo}", "Retry-After": "{echo}"}}),
    "host of a redirect": ("any", {"status": 302, "headers": {"Location": "https://{echo}.example.com/"}}),
    "user of a redirect": ("any", {"status": 302, "headers": {"Location": "https://{echo}@example.com/"}}),
    "path of a redirect": ("any", {"status": 302, "headers": {"Location": "/{echo}"}}),
    "query of a redirect": ("any", {"status": 302, "headers": {"Location": "https://example.com/?key={echo}"}}),
    "lastFour": ("get", {"body": {"isTokenReadonly": True, "lastFour": "{echo}"}}),
    "lastFour of a write": ("replace", {"body": {"configurations": [{"isTokenReadonly": True, "lastFour": "{echo}"}]}}),
    "verdict": (
        "validate",
        {"body": {"configurations": [{"isValid": False, "alias": "{echo}", "message": "{echo}"}]}},
    ),
    "good verdict": (
        "validate",
        {"body": {"configurations": [{"isValid": True, "alias": "{echo}", "message": "{echo}"}]}},
    ),
    "error of the verdict": ("validate", {"status": 404, "body": {"type": "NOT_FOUND", "message": "{echo}"}}),
}


def filled(value: Any, echo: str) -> Any:
    if isinstance(value, dict):
        return {filled(key, echo): filled(item, echo) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, echo) for item in value]
    return value.replace("{echo}", echo) if isinstance(value, str) else value


def echoing(fault: dict[str, Any], echo: str) -> dict[str, Any]:
    """Return the fields of a fault with an echo; in headers it is escaped where it does not fit into one."""
    in_header = json.dumps(echo)[1:-1] if not echo.isascii() or "\n" in echo else echo
    return {**filled(fault, echo), "headers": filled(fault.get("headers", {}), in_header)}


def traces(secret: str) -> list[str]:
    """Return parts of a secret, in all forms, that nobody must be able to read."""
    parts = {form(part) for form in BY_CHARACTER.values() for part in (secret[:10], secret[5:15], secret[-10:])}
    # Inside a longer text it begins at one of three places of a base64 group.
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        parts |= {encode(b"\0" * shift + secret.encode()).decode()[4:20] for shift in range(3)}
    return sorted(parts)


def run_all(run: RunTask, simulator: Simulator, options: dict[str, Any], *, is_info: bool) -> str:
    """Run a module with all that Ansible may be asked to show, and return everything that it shows."""
    ansible = {
        "_ansible_verbosity": 5,
        "_ansible_debug": True,
        "_ansible_diff": True,
        "_ansible_inject_invocation": True,
        "_ansible_tracebacks_for": ["error", "warning", "deprecated", "deprecated_value"],
    }
    result, output = run(INFO if is_info else CONFIG, {"base_url": simulator.url, "retries": 1, **options, **ansible})
    # JSON has forms of its own: what a reader of it sees counts.
    return output + json.dumps(result, ensure_ascii=False) + str(result)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_echo_is_masked(run: RunTask, simulator: Simulator, system_log: list[str], place: str, form: str) -> None:
    operation, fault = PLACES[place]
    options = {"token": NASTY_TOKEN, "is_token_readonly": True, "update_token": "always", "validate": True}
    for secret in (NASTY_KEY, NASTY_TOKEN):
        simulator.reset()
        workspace = simulator.add_workspace(NASTY_KEY, configuration=configuration(OTHER_TOKEN))
        workspace.fault(operation, times=None, **echoing(fault, FORMS[form](secret)))
        shown = run_all(run, simulator, {"api_key": NASTY_KEY, **options}, is_info=False) + "\n".join(system_log)
        squeezed = "".join(shown.split())
        for trace in traces(secret):
            assert trace not in shown
            assert trace not in squeezed


@pytest.mark.parametrize("is_info", [False, True], ids=["config", "info"])
@pytest.mark.parametrize("form", ["plain", "URL-encoded", "JSON", "HTML"])
@pytest.mark.parametrize(
    ("place", "stored"),
    [
        # One of PagerDuty's form, of which nothing is known.
        ("message", "y_NbxKq81+tWzGh4cd34"),
        # One of another form, of which the last four characters are known.
        *((place, "Legacy.y_Nbx/81+tWzGh4cd34") for place in ("verdict", "good verdict", "error of the verdict")),
    ],
)
def test_stored_token_that_the_task_does_not_know_is_masked(
    run: RunTask, simulator: Simulator, place: str, stored: str, form: str, is_info: bool
) -> None:
    workspace = simulator.add_workspace(API_KEY, configuration=configuration(stored))
    operation, fault = PLACES[place]
    echo = FORMS[form](stored)
    workspace.fault(operation, times=None, **filled(fault, f"token '{echo}' is refused"))
    options: dict[str, Any] = {"api_key": API_KEY, "validate": True}
    if not is_info:
        options |= {"token": TOKEN, "is_token_readonly": True, "update_token": "on_create"}
    shown = run_all(run, simulator, options, is_info=is_info)
    assert stored not in shown
    assert echo not in shown
    assert stored[9:15] not in shown


@pytest.mark.parametrize("place", ["message", "host of a redirect", "verdict"])
@pytest.mark.parametrize("form", ["plain", "URL-encoded", "base64", "JSON"])
def test_previous_token_is_masked(
    run: RunTask, simulator: Simulator, workspace: Workspace, place: str, form: str
) -> None:
    """In the verdict, and in the responses to the requests of the rollback."""
    workspace.configuration = configuration(NASTY_TOKEN)
    simulator.reject_token(OTHER_TOKEN)
    operation, fault = PLACES[place]
    for each in ("get", "replace", "validate") if operation == "any" else ():
        workspace.fault(each)
    workspace.fault(operation, times=None, **echoing(fault, FORMS[form](NASTY_TOKEN)))
    options = {"api_key": API_KEY, "token": OTHER_TOKEN, "is_token_readonly": True, **ROLLBACK}
    shown = run_all(run, simulator, {**options, "previous_token": NASTY_TOKEN}, is_info=False)
    assert '"failed": true' in shown
    for trace in traces(NASTY_TOKEN):
        assert trace not in shown


OUTCOMES = {
    "changed": '"changed": true',
    "unchanged": '"changed": false',
    "failed": '"failed": true',
    "rolled back": '"rolled_back": true',
}


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({}, "changed"),
        ({"_ansible_check_mode": True}, "changed"),
        ({"token": OTHER_TOKEN}, "unchanged"),
        ({"state": "absent"}, "changed"),
        ({"validate": True}, "changed"),
        ({"token": TOKEN, "preflight": True}, "changed"),
        ({"preflight": True}, "failed"),
        ({"preflight": True, "preflight_url": "http://127.0.0.1:9"}, "failed"),
        ({"preflight_url": f"https://admin:{API_KEY}@api.pagerduty.com"}, "failed"),
        ({"token": TOKEN, **ROLLBACK}, "rolled back"),
        ({"token": TOKEN, **ROLLBACK, "previous_token": TWIN_TOKEN}, "failed"),
        ({"token": TOKEN, **ROLLBACK, "previous_token": TOKEN}, "failed"),
        ({"previous_token": f"{NASTY_TOKEN} {OTHER_TOKEN}"}, "failed"),
        ({"previous_token": [NASTY_TOKEN]}, "failed"),
        ({"previous_is_token_readonly": NASTY_TOKEN}, "failed"),
        ({"base_url": "http://127.0.0.1:9"}, "failed"),
        ({"token": f"{NASTY_TOKEN}\n"}, "failed"),
        ({"api_key": f"{NASTY_KEY}\r\nX-Injected: yes"}, "failed"),
        ({"base_url": f"https://admin:{API_KEY}@api.getcortexapp.com"}, "failed"),
        ({"base_url": f"https://{API_KEY}@api.getcortexapp.com"}, "failed"),
        ({"retries": NASTY_TOKEN}, "failed"),
        ({"state": NASTY_KEY}, "failed"),
        ({"unknown_option": NASTY_KEY}, "failed"),
    ],
)
def test_no_outcome_shows_a_secret(
    run: RunTask, simulator: Simulator, system_log: list[str], options: dict[str, Any], outcome: str
) -> None:
    simulator.add_workspace(NASTY_KEY, configuration=configuration(OTHER_TOKEN))
    if "rollback" in options:
        simulator.reject_token(TOKEN)
    urls = {"preflight_url": simulator.pagerduty_url}
    given = {"api_key": NASTY_KEY, "token": NASTY_TOKEN, "is_token_readonly": True, **urls, **options}
    shown = run_all(run, simulator, given, is_info=False)
    assert OUTCOMES[outcome] in shown
    shown += "\n".join(system_log)
    for secret in (NASTY_KEY, NASTY_TOKEN, API_KEY, OTHER_TOKEN, TOKEN, TWIN_TOKEN):
        for form in FORMS.values():
            assert form(secret) not in shown


@pytest.mark.parametrize("option", ["base_url", "preflight_url"])
def test_query_of_a_url_is_not_shown(run: RunTask, simulator: Simulator, option: str) -> None:
    options = {"api_key": NASTY_KEY, "token": NASTY_TOKEN, "is_token_readonly": True}
    options[option] = f"{simulator.url}/?token={API_KEY}"
    assert API_KEY not in run_all(run, simulator, options, is_info=False)


def test_last_four_of_a_very_short_token_are_masked(run: RunTask, simulator: Simulator, workspace: Workspace) -> None:
    options = {"api_key": API_KEY, "token": "zq7", "is_token_readonly": True}
    shown = run_all(run, simulator, options, is_info=False)
    assert workspace.configuration == configuration("zq7")
    assert "zq7" not in shown


def test_what_is_no_secret_stays_readable(run: RunTask, simulator: Simulator, workspace: Workspace) -> None:
    request_id = "2b7e6a04-a2b3-4c1f-9d0e-5f6a7b8c9d0e"
    message = (
        "The integration INTEGRATION_NOTFOUND was not found in internationalization, see https://docs.cortex.io/x1"
    )
    body = {"type": "INTEGRATION_NOTFOUND", "message": message, "requestId": request_id}
    workspace.fault("any", status=400, body=body)
    options = {"api_key": API_KEY, "base_url": simulator.url, "token": "zq7", "is_token_readonly": True}
    result, _output = run(CONFIG, options)
    assert f"HTTP 400: {message}." in result["msg"]
    assert (result["request_id"], result["error_type"]) == (request_id, "INTEGRATION_NOTFOUND")

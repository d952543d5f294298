"""Nothing of the API key or of a token gets into a result, wherever the API sends it back.

Which forms are recognized is tested in tests/unit/plugins/module_utils/test_redaction.py.
"""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN, configuration
from tests.support.disguises import FORMS, filled
from tests.support.leaks import leaks_in
from tests.support.servers import recording_server
from tests.support.tasks import CONFIG, INFO, run_task

# With characters that every form escapes.
NASTY_KEY = "ck_live_\"7Qm2'vXw9/LrT4+bNz6&KsY8<dFh3>JpG5\\aC1%eU0=iO"
NASTY_TOKEN = "u+\"7Fz<Qk&Lm'N2/Ts\\%ö漢🔑ab12"
PREVIOUS_TOKEN = "y_\"3Bx<Nk&Qw'R8/Hd\\%ü漢🔑cd34"
VERDICT = {"isValid": False, "alias": "{echo}", "message": "{echo}"}
VIOLATION = {"pointer": "{echo}", "title": "{echo}", "description": "{echo}"}
# Where the API may send a string; the task fails with it, but for the verdicts.
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "message": ("any", {"status": 400, "body": {"type": "BAD_REQUEST", "message": "{echo}"}}),
    "end of a long message": ("any", {"status": 400, "body": {"type": "BAD", "message": "x" * 480 + " {echo}"}}),
    "details": ("any", {"status": 500, "body": {"type": "ERROR", "message": "no", "details": "{echo}"}}),
    "requestId": ("any", {"status": 403, "body": {"type": "FORBIDDEN", "message": "no", "requestId": "{echo}"}}),
    "type": ("any", {"status": 401, "body": {"type": "{echo}", "message": "no"}}),
    "violations": ("any", {"status": 429, "body": {"title": "{echo}", "violations": [VIOLATION]}}),
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
    "verdict": ("validate", {"body": {"configurations": [VERDICT]}}),
    "good verdict": ("validate", {"body": {"configurations": [{**VERDICT, "isValid": True}]}}),
    "error of the verdict": ("validate", {"status": 404, "body": {"type": "NOT_FOUND", "message": "{echo}"}}),
}


def echoing(fault: dict[str, Any], echo: str) -> dict[str, Any]:
    """Return the fields of a fault with an echo; in headers it is escaped where it does not fit into one."""
    in_header = json.dumps(echo)[1:-1] if not echo.isascii() or "\n" in echo else echo
    return {**filled(fault, "{echo}", echo), "headers": filled(fault.get("headers", {}), "{echo}", in_header)}


def show(simulator: Simulator, name: str = CONFIG, **options: Any) -> str:
    """Run a task, and return everything that may be shown of it."""
    result, output = run_task(name, {"base_url": simulator.url, "retries": 1, **options})
    # JSON has forms of its own: the decoded string counts.
    return output + json.dumps(result, ensure_ascii=False) + str(result)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["plain", "JSON in JSON"])
def test_echo_is_masked_in_every_place(simulator: Simulator, place: str, form: str) -> None:
    operation, fault = PLACES[place]
    options: dict[str, Any] = {"token": NASTY_TOKEN, "is_token_readonly": True, "update_token": "always"}
    for secret in (NASTY_KEY, NASTY_TOKEN, PREVIOUS_TOKEN):
        simulator.reset()
        workspace = simulator.add_workspace(NASTY_KEY, configuration=configuration(OTHER_TOKEN))
        workspace.fault(operation, times=None, **echoing(fault, FORMS[form](secret)))
        shown = show(simulator, api_key=NASTY_KEY, previous_token=PREVIOUS_TOKEN, validate=True, **options)
        assert leaks_in(shown, {"the secret": secret}) == []


@pytest.mark.parametrize("is_info", [False, True], ids=["config", "info"])
@pytest.mark.parametrize("form", ["plain", "HTML"])
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
    simulator: Simulator, place: str, stored: str, form: str, is_info: bool
) -> None:
    workspace = simulator.add_workspace(API_KEY, configuration=configuration(stored))
    operation, fault = PLACES[place]
    echo = FORMS[form](stored)
    workspace.fault(operation, times=None, **filled(fault, "{echo}", f"token '{echo}' is refused"))
    options: dict[str, Any] = {"api_key": API_KEY, "validate": True}
    if not is_info:
        options |= {"token": TOKEN, "is_token_readonly": True, "update_token": "on_create"}
    shown = show(simulator, INFO if is_info else CONFIG, **options)
    for part in (stored, echo, stored[9:15]):
        assert part not in shown


def test_what_a_library_logs_is_not_logged_by_ansible(caplog: pytest.LogCaptureFixture) -> None:
    def echo(connection: socket.socket, head: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\nno header " + head + b"{}"
        )

    with recording_server(echo) as server, caplog.at_level("DEBUG"):
        result, _shown = run_task(INFO, {"api_key": API_KEY, "base_url": server.url})
    assert result["http_status"] == 400
    assert leaks_in(caplog.text, {"the secret": API_KEY}) == []

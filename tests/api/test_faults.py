"""Each fault of a request once: the message of the error, and the requests afterwards."""

from __future__ import annotations

import contextlib
import re
from enum import Enum, auto
from typing import Any, NamedTuple

import pytest

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import ABILITIES, DELETE, GET, OTHER_TOKEN, POST, PUT, ROUTES, TOKEN, VALIDATE, configuration
from tests.support.tasks import RunTask
from tests.support.wire import broken_wire

OLD, NEW = configuration(OTHER_TOKEN), configuration(TOKEN)
SHOWN_OLD = {"is_token_readonly": True, "last_four": "cd34"}
NO_DIFFERENCE = {name: {"state": "present", **SHOWN_OLD} for name in ("before", "after")}
UNCHANGED = "Current configuration: a token ending in cd34, is_token_readonly=true (unchanged)."
GAVE_UP = re.compile(r" Gave up after 2 attempts and \d+ s of waiting\.")


class Kind(Enum):
    """The effect of a fault on its request."""

    NOT_SENT = auto()  # it never arrived; that may pass
    NOT_NOW = auto()  # it was refused, and may be accepted later
    REFUSED = auto()
    NEVER = auto()  # it was not sent, and will not be
    LOST = auto()  # no usable response, and it was not applied; that may pass
    ODD = auto()  # a response that is not this API's, and it was not applied


NOT_SENT, NOT_NOW, REFUSED, NEVER, LOST, ODD = Kind
IS_REPEATED = (NOT_SENT, NOT_NOW, LOST)


class Injection(NamedTuple):
    """A fault, as the simulator's `fields` or a way of `broken_wire`, and what the error `says` of it."""

    kind: Kind
    says: str
    fields: dict[str, Any] | None = None
    wire: str | None = None

    def inject(self, workspace: Workspace, operation: str) -> contextlib.AbstractContextManager[None]:
        """Let each request of an operation meet the fault, in a block."""
        if self.fields is not None:
            workspace.fault(operation, times=None, **self.fields)
        return broken_wire(ROUTES[operation], self.wire) if self.wire else contextlib.nullcontext()


def http(kind: Kind, status: int, says: str, headers: dict[str, str] | None = None, **fields: Any) -> Injection:
    return Injection(kind, f"HTTP {status} {says}", {"status": status, "headers": headers or {}, **fields})


def cortex(kind: Kind, status: int, hints: str = "", **headers: str) -> Injection:
    says = f"Cortex responded with HTTP {status}: {'Too Many Requests' if status == 429 else SIMULATED}.{hints}"
    return Injection(kind, says, {"status": status, "headers": headers})


SIMULATED = "A simulated fault"
HTML: dict[str, Any] = {"body": "<!DOCTYPE html><html><body>Sign in</body></html>", "content_type": "text/html"}
NOT_CORTEX = "base_url does not look like the Cortex API."
GATEWAY = "If base_url is correct, a gateway in front of Cortex sent this response."
DOWN = "A gateway in front of Cortex sent this response: Cortex may be down. If it is not, check base_url."
NO_OBJECT = "with a body that is not a JSON object."
NOT_JSON = "with a body that is not JSON."
GZIP: dict[str, Any] = {"body": {}, "headers": {"Content-Encoding": "gzip"}}
GARBLED = "with an encoding that was not requested."
NO_LIST = "without a list of configurations."
NO_CONFIGURATION = "without a boolean isTokenReadonly and a lastFour of at most four characters."
ANOTHER = "Cortex responded with another configuration than the one that was sent."
NETWORK = "Check the network between this host and base_url"
TLS_EXPECTED = "If the server expects TLS on this port, base_url must begin with https://."
FOLLOWED = "Redirects are not followed, so the API key is never sent to another host. Check base_url."
TO_TLS = "redirects to https:// on the same host. base_url must begin with https://."
UNRESOLVED = "no connection: the host name could not be resolved. Check base_url and the network."
UNTRUSTED = "the server's certificate is not valid for the host 127.0.0.1. Check the host in base_url."
INVALID_KEY = (
    " Check api_key: it is invalid, expired, or belongs to another Cortex instance than base_url (US cloud: "
    "https://api.getcortexapp.com, EU cloud: https://api.eu.cortex.io)."
)
PERMISSION = " The API key needs the permission 'Configure integrations'."
LIMIT = (
    " The rate limit of the Cortex API (1000 requests a minute) was exceeded. Use fewer forks or smaller batches. "
    "Cortex requested a retry after"
)
RIGHT = {"isTokenReadonly": True, "lastFour": "ab12"}
NO_CONNECTION = Injection(
    NOT_SENT, "no connection: Connection refused. Check base_url and the network.", wire="refused"
)
CONNECTION_LOST = Injection(
    LOST, f"the connection was lost before the response was complete. {NETWORK}.", {"drop": True}
)
RATE_LIMITED = cortex(NOT_NOW, 429, f"{LIMIT} 7 s.", **{"Retry-After": "7"})
FORBIDDEN = cortex(REFUSED, 403, PERMISSION)
SIGN_IN = http(ODD, 200, f"{NOT_JSON} {NOT_CORTEX}", **HTML)
FAULTS = [
    *(NO_CONNECTION, CONNECTION_LOST, RATE_LIMITED, FORBIDDEN, SIGN_IN),
    Injection(NOT_SENT, UNRESOLVED, wire="unresolved"),
    Injection(NEVER, UNTRUSTED, wire="untrusted"),
    *(
        Injection(kind, f"timed out after 30 s waiting for a {what}. {NETWORK}, or increase timeout.", fields, wire)
        for kind, what, fields, wire in (
            (NOT_SENT, "connection", None, "silent"),
            (LOST, "response", {"delay": 60, "drop": True}, "impatient"),
        )
    ),
    *(cortex(REFUSED, status) for status in (400, 408, 409, 418, 451)),
    *(cortex(LOST, status) for status in (500, 502, 503, 504)),
    *(cortex(ODD, status) for status in (501, 505)),
    cortex(REFUSED, 401, INVALID_KEY),
    cortex(REFUSED, 429, f"{LIMIT} 86400 s, and the module waits 60 s at most.", **{"Retry-After": "86400"}),
    http(REFUSED, 404, f"with an error that is not in the form of Cortex. {NOT_CORTEX}", body={"error": "no route"}),
    http(REFUSED, 404, f"{NO_OBJECT} {NOT_CORTEX}", **HTML),
    # The responses of servers that expect TLS. Without a proxy, 407 is nothing special.
    http(REFUSED, 400, f"{NO_OBJECT} {NOT_CORTEX} {TLS_EXPECTED}", **HTML),
    *(http(REFUSED, status, f"{NO_OBJECT} {NOT_CORTEX}", **HTML) for status in (403, 407)),
    http(REFUSED, 401, f"{NO_OBJECT} {NOT_CORTEX}{INVALID_KEY}", **HTML),
    *(http(LOST, status, f"{NO_OBJECT} {DOWN}", **HTML) for status in (500, 502, 503, 504)),
    *(http(ODD, status, f"{NO_OBJECT} {DOWN}", **HTML) for status in (501, 511, 520, 530)),
    http(LOST, 503, f"{GARBLED} {DOWN}", **GZIP),
    *(
        http(ODD, status, f"redirects to {target}. {FOLLOWED}", {"Location": location})
        for status, target, location in (
            (302, "login.example.com", "https://admin@login.example.com/sso?next=1"),
            (307, "{host}", "?again"),
            (301, "another place", "http://[::1"),
        )
    ),
    http(ODD, 301, TO_TLS, {"Location": "https://127.0.0.1:8443/"}),
    # A small body can decode to gigabytes, so it is not decoded at all.
    *(
        http(ODD, 200, f"{GARBLED} {NOT_CORTEX}", {"Content-Encoding": encoding}, body={})
        for encoding in ("gzip", "gzip, gzip", "br", "Deflate")
    ),
    http(NOT_NOW, 429, f"{GARBLED} {NOT_CORTEX} {GATEWAY}", **GZIP),
    *(
        http(ODD, status, f"is not a status of this API. {NOT_CORTEX}", {"Location": "/here"})
        for status in (300, 304, 399)
    ),
    *(
        http(ODD, 200, f"{says} {NOT_CORTEX}", **fields)
        for says, fields in (
            ("with an empty body.", {"body": ""}),
            (NOT_JSON, {"body": '{"configurations": [{"isTok'}),
            (NOT_JSON, {"body": "[" * 60_000}),
            (NOT_JSON, {"body": '{"x": "\udce9"}'}),
            ("with a body of more than 65536 bytes.", {"body": {}, "pad_to_bytes": 10_000_000}),
            (NO_LIST, {"body": [RIGHT]}),
            (NO_LIST, {"body": {"configurations": None}}),
            (NO_LIST, {"body": {"configurations": ["ab12"]}}),
            (NO_CONFIGURATION, {"body": {"configurations": [{**RIGHT, "isTokenReadonly": "true"}]}}),
            (NO_CONFIGURATION, {"body": {"configurations": [{"isTokenReadonly": True}]}}),
        )
    ),
    *(
        Injection(ODD, ANOTHER, {"body": {"configurations": content}})
        for content in ([], [RIGHT, RIGHT], [{**RIGHT, "isTokenReadonly": False}], [{**RIGHT, "lastFour": "zz99"}])
    ),
]
# The requests of a replacement that meets a fault each time, with one retry. The outcome of a lost one is read back.
IN_VAIN = {
    NOT_SENT: [GET, GET],
    NOT_NOW: [GET, PUT, GET, PUT],
    REFUSED: [GET, PUT],
    NEVER: [GET],
    LOST: [GET, PUT, GET, PUT, GET],
    ODD: [GET, PUT, GET],
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says[:60])
def test_error_names_the_event_and_the_remedy(
    config: RunTask, simulator: Simulator, workspace: Workspace, waits: list[float], fault: Injection
) -> None:
    workspace.configuration = OLD
    with fault.inject(workspace, "replace"):
        result = config(retries=1)
    assert workspace.requests == IN_VAIN[fault.kind]
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["diff"] == NO_DIFFERENCE
    is_repeated = fault.kind in IS_REPEATED
    assert len(waits) == is_repeated + (fault.kind is LOST)
    assert len(GAVE_UP.findall(result["msg"])) == is_repeated
    request = "" if fault.says == ANOTHER else f" (PUT {simulator.url}{PUT.split()[1]})"
    says = fault.says.replace("{host}", simulator.url.removeprefix("http://"))
    message = f"Could not replace the PagerDuty configuration{request}: {says} {UNCHANGED}"
    assert GAVE_UP.sub("", result["msg"]) == message
    responded = fault.fields is not None and "drop" not in fault.fields
    assert result.get("http_status") == ((fault.fields or {}).get("status", 200) if responded else None)
    assert result.get("error_type") == ("UNCATEGORIZED" if SIMULATED in says else None)


@pytest.mark.parametrize(
    "fields",
    [
        {"content_type": "application/json; charset=utf-16"},
        {"headers": {"X-More": "more"}},
        {"headers": {"Content-Encoding": "Identity"}},
    ],
)
def test_harmless_difference_does_not_matter(config: RunTask, workspace: Workspace, fields: dict[str, Any]) -> None:
    workspace.fault("any", times=None, **fields)
    assert "failed" not in config(validate=True)
    assert workspace.requests == [GET, POST, VALIDATE]
    workspace.clear_faults()
    workspace.fault("get", body={**RIGHT, "lastFour": "cd34", "more": [{}]})
    workspace.fault("abilities", body={"abilities": []})
    assert config(preflight=True)["preflight"] is True


@pytest.mark.parametrize(
    ("operation", "options", "sent"),
    [
        # A request that changes nothing is repeated. The outcome of a write is read back.
        ("get", {}, [GET, GET, PUT]),
        ("validate", {"validate": True}, [GET, PUT, VALIDATE, VALIDATE]),
        # A preflight that had to wait counts as a wait.
        ("abilities", {"preflight": True}, [GET, ABILITIES, ABILITIES, GET, PUT]),
        ("add", {}, [GET, POST, GET]),
        ("replace", {}, [GET, PUT, GET]),
        ("delete", {"state": "absent"}, [GET, DELETE, GET]),
    ],
)
def test_lost_response_of_each_operation_is_made_up_for(
    config: RunTask,
    simulator: Simulator,
    workspace: Workspace,
    operation: str,
    options: dict[str, Any],
    sent: list[str],
) -> None:
    workspace.configuration = None if operation == "add" else OLD
    workspace.fault(operation, drop=True, processed=True)
    result = config(**options)
    assert (simulator.requests, "failed" in result, result["changed"]) == (sent, False, True)
    assert workspace.configuration == (None if operation == "delete" else NEW)


def test_desired_configuration_that_is_read_back_outweighs_an_odd_response(
    config: RunTask, workspace: Workspace
) -> None:
    workspace.configuration = NEW
    workspace.fault("replace", processed=True, body={"configurations": []})
    result = config(update_token="always")
    assert (workspace.requests, "failed" in result, result["changed"]) == ([GET, PUT, GET], False, True)


def test_deletion_that_leaves_a_configuration_is_not_believed(config: RunTask, workspace: Workspace) -> None:
    workspace.configuration = OLD
    workspace.fault("delete", body={"configurations": [RIGHT]})
    result = config(state="absent")
    assert (workspace.requests, result["failed"], result["changed"]) == ([GET, DELETE, GET], True, False)
    assert ANOTHER in result["msg"]


# PagerDuty

# No response of PagerDuty may get into a message, because PagerDuty was sent the token.
MARKER = "sent-by-pagerduty"
ECHO = f"{MARKER} {{token}}"
OWN_ERROR = {"error": {"message": ECHO}}
NOT_PAGERDUTY = "preflight_url does not look like the PagerDuty API."
ELSEWHERE = (
    "another place. Redirects are not followed, so the token is never sent to another host. Check preflight_url."
)
LATER = "Run the task again later, or with preflight: false."
NO_ABILITIES = (
    "It knows the token, but does not let it list abilities, so whether Cortex can work with it is unknown. "
    "Check the permissions of its user in PagerDuty, or set preflight: false."
)
TOMORROW = f"PagerDuty requested a retry after 86400 s, and the module waits 60 s at most. {LATER}"


def pagerduty(kind: Kind, status: int, says: str = "", body: Any = ..., **headers: str) -> Injection:
    """Return a fault of PagerDuty. Its body and its headers contain the marker and the token."""
    advice = NO_ABILITIES if status == 403 else "Check preflight_url." if kind is REFUSED else LATER
    says = f"HTTP {status} {says}" if says else f"PagerDuty responded with HTTP {status}. {advice}"
    body = OWN_ERROR if body is ... else body
    return Injection(kind, says, {"status": status, "headers": {"X-Says": ECHO, **headers}, "body": body})


PAGERDUTY_FAULTS = [
    CONNECTION_LOST._replace(says=f"{CONNECTION_LOST.says} {TLS_EXPECTED} {LATER}".replace("base_", "preflight_")),
    *(
        pagerduty(ODD, status, f"without a list of abilities. {NOT_PAGERDUTY}", body)
        for status, body in (
            *((200, body) for body in (["abilities"], None, {MARKER: "{token}"}, {"abilities": ECHO})),
            (201, {"abilities": [MARKER]}),
        )
    ),
    pagerduty(ODD, 200, f"with a body that is not JSON. {NOT_PAGERDUTY}", f"<html>{ECHO}</html>"),
    pagerduty(ODD, 308, f"redirects to {ELSEWHERE}", Location=f"https://{{token}}.{MARKER}.example.com/"),
    *(pagerduty(REFUSED, status, f"{NO_OBJECT} {NOT_PAGERDUTY}", f"<html>{ECHO}</html>") for status in (401, 403)),
    pagerduty(REFUSED, 401, f"with an error that is not in the form of PagerDuty. {NOT_PAGERDUTY}", {"error": ECHO}),
    *(pagerduty(REFUSED, status) for status in (400, 403, 404)),
    *(pagerduty(kind, status) for kind, status in ((NOT_NOW, 429), (LOST, 503))),
    pagerduty(NOT_NOW, 429, **{"Retry-After": "{token}"}),
    *(
        pagerduty(REFUSED, 429, **{name: "86400"})._replace(says=f"PagerDuty responded with HTTP 429. {TOMORROW}")
        for name in ("Retry-After", "ratelimit-reset")
    ),
]


@pytest.mark.parametrize("fault", PAGERDUTY_FAULTS, ids=lambda fault: fault.says[:60])
def test_token_that_could_not_be_checked_is_not_written(
    config: RunTask, simulator: Simulator, workspace: Workspace, fault: Injection
) -> None:
    workspace.configuration = OLD
    with fault.inject(workspace, "abilities"):
        result = config(preflight=True, retries=1)
    is_repeated = fault.kind in IS_REPEATED
    assert simulator.requests == [GET, ABILITIES] + [ABILITIES] * is_repeated
    assert len(GAVE_UP.findall(result["msg"])) == is_repeated
    start = f"The token could not be checked with PagerDuty (GET {simulator.pagerduty_url}/abilities): {fault.says}"
    assert GAVE_UP.sub("", result["msg"]) == f"{start} {UNCHANGED}"
    assert (result["failed"], result["changed"], result["preflight"]) == (True, False, None)
    assert not {"http_status", "request_id", "error_type"} & result.keys()
    for secret in (MARKER, TOKEN):
        assert secret not in str(result)


@pytest.mark.parametrize(("check_mode", "body"), [(False, OWN_ERROR), (True, "")])
def test_rejected_token_is_not_written(
    config: RunTask, simulator: Simulator, workspace: Workspace, check_mode: bool, body: Any
) -> None:
    workspace.configuration = OLD
    workspace.fault("abilities", status=401, body=body)
    options = {"preflight_url": f"{simulator.pagerduty_url}/", "preflight": True, "validate": True, "rollback": True}
    result = config(check_mode=check_mode, **options)
    assert simulator.requests == [GET, ABILITIES]
    start = f"PagerDuty does not accept the token (GET {simulator.pagerduty_url}/abilities: HTTP 401)."
    assert result == {
        "failed": True,
        "msg": f"{start} Check token or preflight_url. {UNCHANGED}",
        "changed": False,
        "configuration": SHOWN_OLD,
        "diff": NO_DIFFERENCE,
        "preflight": False,
        "rolled_back": False,
        "validation": None,
    }

"""The meaning of Cortex's responses: configurations, verdicts, and its errors as opposed to those of another server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.simulator.state import Workspace
from tests.support.cortex import GET, TOKEN, VALIDATE, configuration
from tests.support.tasks import RunTask


@pytest.mark.parametrize(
    ("last_four", "shown"),
    [
        *((each, each) for each in ("", "a", "漢字é1")),
        # Characters that can be neither shown nor encoded.
        ("b 2\n", "b 2?"),
        ("\x1b[2J", "?[2J"),
        ("a\ud800b1", "a?b1"),
        ("Tvab12", None),
        (None, None),
        (1234, None),
    ],
)
def test_up_to_four_characters_are_shown_if_they_can_be(
    info: RunTask, workspace: Workspace, last_four: Any, shown: str | None
) -> None:
    workspace.fault("get", body=json.dumps({"isTokenReadonly": True, "lastFour": last_four}))
    result = info()
    assert (result["configuration"] or {"last_four": None})["last_four"] == shown
    assert ("lastFour of at most four characters" in result.get("msg", "")) is (shown is None)
    assert "Tvab12" not in str(result)


@pytest.mark.parametrize(
    ("verdicts", "is_valid"),
    [
        ([], False),
        ([{"isValid": True}, {"isValid": True, "alias": "b"}], True),
        ([{"isValid": True, "alias": "a", "message": "fine"}, {"isValid": False, "message": "no"}], False),
    ],
)
def test_verdicts_are_reported_and_never_fail(
    info: RunTask, workspace: Workspace, verdicts: list[dict[str, Any]], is_valid: bool
) -> None:
    workspace.configuration = configuration(TOKEN)
    workspace.fault("validate", body={"configurations": verdicts})
    result = info(validate=True)
    assert (workspace.requests, "failed" in result) == ([GET, VALIDATE], False)
    assert result["validation"] == {
        "is_valid": is_valid,
        "configurations": [
            {"alias": each.get("alias"), "is_valid": each["isValid"], "message": each.get("message")}
            for each in verdicts
        ],
    }


@pytest.mark.parametrize(
    "verdict",
    [{}, {"isValid": None}, {"isValid": "true"}, {"isValid": True, "alias": 1}, {"isValid": True, "message": []}],
)
def test_odd_verdict_is_none(info: RunTask, workspace: Workspace, verdict: dict[str, Any]) -> None:
    workspace.configuration = configuration(TOKEN)
    workspace.fault("validate", body={"configurations": [verdict]})
    result = info(validate=True)
    assert "base_url does not look like the Cortex API." in result["msg"]
    # The configuration that had been read is returned nevertheless.
    assert result["configuration"] == {"is_token_readonly": True, "last_four": "ab12"}


# Errors


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"message": "No. ", "details": "Not you.", "type": "FORBIDDEN", "requestId": "2b7e6a04"}, "No; Not you"),
        (
            {
                "type": "about:blank",
                "title": "Forbidden",
                "detail": "Not you.",
                "violations": [{"pointer": "/token", "title": "short", "description": "20 characters"}, "more"],
            },
            "Forbidden; Not you; /token; short; 20 characters",
        ),
        ({"message": " ", "title": "Not you."}, "Not you"),
        ({"message": " ", "requestId": 7, "type": 7}, "no reason given"),
    ],
    ids=["Cortex's", "problem document", "blank", "nothing"],
)
def test_error_quotes_the_api(info: RunTask, workspace: Workspace, body: dict[str, Any], says: str) -> None:
    workspace.fault("get", status=403, body=body)
    result = info()
    assert f"Cortex responded with HTTP 403: {says}. The API key needs" in result["msg"]
    assert (result["failed"], result["changed"], result["http_status"]) == (True, False, 403)
    of_cortex = "details" in body
    assert result.get("request_id") == ("2b7e6a04" if of_cortex else None)
    assert result.get("error_type") == ("FORBIDDEN" if of_cortex else None)


# "There is no configuration", as Cortex may say it.
CORTEX_404 = [
    {"message": "No configuration"},
    {"message": "There are no PagerDuty Configurations."},
    *({"message": "gone", name: "NOT_FOUND"} for name in ("type", "details", "requestId")),
    {"message": "gone", "httpStatus": 404},
    {"message": "gone", "gatewayHttpStatus": 404, "type": None},
    {"message": "", "type": "NOT_FOUND"},
]


@pytest.mark.parametrize("body", CORTEX_404, ids=str)
def test_404_of_cortex_is_a_missing_configuration(info: RunTask, workspace: Workspace, body: dict[str, Any]) -> None:
    workspace.fault("get", status=404, body=body)
    result = info()
    assert ("failed" in result, result["configuration"]) == (False, None)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "no such route"},
        {"message": "The reconfigurations are over."},
        {"message": "no such route", "type": None, "path": "/api"},
        {"detail": "Not Found"},
        {"error": {"message": "No configuration"}},
        {"type": "NOT_FOUND"},
        {"type": 404, "message": "no such route"},
        {"message": 404, "type": "NOT_FOUND"},
        {"type": "about:blank", "title": "Not Found", "status": 404},
        [{"type": "NOT_FOUND", "message": "no such route"}],
        "NOT_FOUND",
    ],
    ids=str,
)
def test_404_of_another_server_is_an_error(info: RunTask, workspace: Workspace, body: Any) -> None:
    workspace.fault("get", status=404, body=body)
    result = info()
    assert (result["failed"], result["http_status"]) == (True, 404)
    assert "base_url does not look like the Cortex API." in result["msg"]

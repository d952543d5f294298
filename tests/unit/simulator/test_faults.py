"""Every field of a fault has the effect in README.md, and only on the requests it is meant for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import requests

from tests.simulator import Simulator, Workspace
from tests.support.cortex import API_KEY, OTHER_TOKEN, ROUTES, TOKEN, api_key_of, configuration
from tests.unit.simulator.client import Client

JSON = "application/json"


@pytest.mark.parametrize("operation", [*ROUTES, "any", "abilities"])
def test_fault_affects_its_operation_and_workspace_only(
    client: Client, simulator: Simulator, workspace: Workspace, operation: str
) -> None:
    other_key = api_key_of("team-b")
    simulator.add_workspace(other_key)
    workspace.fault(operation, status=503, times=None)
    affected = {each for each in ROUTES if client.call(each).status_code == 503}
    assert affected == (set(ROUTES) if operation == "any" else {operation} - {"abilities"})
    assert client.abilities(TOKEN).status_code == (503 if operation == "abilities" else 200)
    assert 503 not in [client.call(each, key=other_key).status_code for each in ROUTES]
    workspace.clear_faults()
    assert 503 not in [client.abilities(TOKEN).status_code, *(client.call(each).status_code for each in ROUTES)]


def test_faults_are_used_in_the_order_of_the_queues(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    for queue, operation, status, fields in (
        (simulator, "any", 504, {"skip": 4, "times": None}),  # after those of the workspace
        (workspace, "get", 502, {"skip": 1, "times": 2}),
        (workspace, "add", 500, {}),
        (workspace, "any", 503, {"times": 2}),
    ):
        queue.fault(operation, status=status, **fields)
    # A request counts for skip also when it meets another fault, but only one of the fault's operation does.
    sent = {"validate": [503], "get": [503, 502, 502], "replace": [504], "add": [500, 504]}
    for operation, statuses in sent.items():
        assert [client.call(operation).status_code for _status in statuses] == statuses


@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize(
    "fields", [{"drop": True}, {"delay": 30}, {"status": 500}, {"body": "oops"}, {"truncate": 200}]
)
def test_processed_decides_whether_a_failed_request_had_an_effect(
    client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, processed: bool, fields: dict[str, Any]
) -> None:
    stored_before_delay = []

    async def sleep(_seconds: float) -> None:
        stored_before_delay.append(workspace.configuration)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    workspace.fault("replace", processed=processed, **fields)
    with pytest.raises(requests.ConnectionError) if "drop" in fields else contextlib.nullcontext():
        client.call("replace")
    is_normal = not fields.keys().isdisjoint({"delay", "truncate"})
    assert workspace.configuration == (configuration() if processed or is_normal else None)
    assert stored_before_delay == ([configuration() if processed else None] if "delay" in fields else [])
    assert (workspace.log[-1]["status"] is None) == ("drop" in fields)


def test_response_of_a_fault(client: Client, workspace: Workspace) -> None:
    workspace.configuration = configuration()
    normal = client.call("get").content
    for fields, status, content_type, body in (
        ({"headers": {"content-type": "text/plain"}}, 200, "text/plain", normal),
        ({"content_type": "a/b"}, 200, "a/b", normal),
        ({"status": 201, "processed": True}, 201, JSON, normal),
        ({"status": 204}, 204, None, b""),
        ({"body": "\udcff"}, 200, JSON, b"\xff"),
        ({"body": {"a": ["é", True]}}, 200, JSON, b'{"a": ["\\u00e9", true]}'),
        ({"pad_to_bytes": 100_000}, 200, JSON, normal.ljust(100_000)),
        ({"body": "<p>", "content_type": "text/html", "pad_to_bytes": 4}, 200, "text/html", b"<p> "),
    ):
        workspace.fault("get", **fields)
        response = client.call("get")
        assert (response.status_code, response.headers.get("Content-Type")) == (status, content_type), fields
        assert response.content == body
    for status in (400, 429):
        workspace.fault("get", status=status)
        assert client.checked("get").status_code == status


def test_placeholders_are_the_secrets_of_the_request(client: Client, workspace: Workspace) -> None:
    fields = {"headers": {"X-Key": "{api_key} {token}"}, "body": {"message": ["no {token}", "{api_key}", 400]}}
    workspace.configuration = configuration(OTHER_TOKEN)
    for operation, token in (("get", OTHER_TOKEN), ("replace", TOKEN), ("delete", TOKEN), ("get", "")):
        workspace.fault(operation, processed=True, status=400, **fields)
        response = client.call(operation)
        assert response.json() == {"message": [f"no {token}", API_KEY, 400]}
        assert response.headers["X-Key"].rstrip() == f"{API_KEY} {token}".rstrip()
    workspace.fault("abilities", body="{token}")
    assert client.abilities(TOKEN).text == TOKEN
    # A line break does not end the header.
    workspace.fault("add", status=400, headers={"X-Token": "{token}"})
    assert client.call("add", token=f"{TOKEN}\r\nX-Other: 1").headers["X-Token"] == f"{TOKEN}  X-Other: 1"


@pytest.mark.parametrize("tls", [False, True])
def test_truncated_response_ends_early(tls: bool) -> None:
    with Simulator(tls=tls) as simulator, Client(simulator) as client:
        workspace = simulator.add_workspace(API_KEY)
        for sent in (0, 10):
            workspace.fault("get", body="x" * 100, truncate=sent)
            with pytest.raises(requests.exceptions.ChunkedEncodingError, match=rf"\({sent} bytes read, {100 - sent} m"):
                client.call("get")
            assert workspace.log[-1]["status"] == 200


def test_another_client_changes_the_workspace_afterwards(
    client: Client, simulator: Simulator, workspace: Workspace
) -> None:
    for stored in (configuration(OTHER_TOKEN, False), None):
        workspace.fault("replace", afterwards={"configuration": stored, "may_configure": bool(stored)})
        assert client.call("replace").json()["configurations"][0]["lastFour"] == "ab12"
        assert (workspace.configuration, workspace.may_configure) == (stored, bool(stored))
    workspace.fault("abilities", afterwards={"configuration": configuration(OTHER_TOKEN)})
    assert client.abilities(TOKEN).status_code == 200
    assert workspace.configuration == configuration(OTHER_TOKEN)
    with pytest.raises(ValueError, match="queue the fault for one"):
        simulator.fault("abilities", afterwards={"configuration": None})

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every field of a fault does what README.md says, and only to the requests it is meant for."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from ansible_collections.cortexapps.cortex.tests.simulator import Fault, Simulator, Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    OTHER_TOKEN,
    ROUTES,
    TOKEN,
    api_key_of,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.unit.simulator.client import Client


@pytest.mark.parametrize("operation", ROUTES)
def test_fault_hits_its_operation_only(client: Client, workspace: Workspace, operation: str) -> None:
    workspace.fault(operation, status=503)
    others = [client.send(other).status_code for other in ROUTES if other != operation]
    assert 503 not in others
    assert client.send(operation).status_code == 503


def test_any_hits_every_operation_but_not_pagerduty(client: Client, workspace: Workspace) -> None:
    workspace.fault("any", times=None, status=503)
    assert [client.send(operation).status_code for operation in ROUTES] == [503] * len(ROUTES)
    assert client.abilities(TOKEN).status_code == 200


@pytest.mark.parametrize("of_workspace", [True, False])
def test_fault_of_abilities_hits_pagerduty(
    client: Client, simulator: Simulator, workspace: Workspace, of_workspace: bool
) -> None:
    (workspace if of_workspace else simulator).fault("abilities", status=500, body="{token}")
    response = client.abilities(TOKEN)
    assert (response.status_code, response.text) == (500, TOKEN)
    assert client.abilities(TOKEN).status_code == 200


@pytest.mark.parametrize(
    ("of_workspace", "of_all", "sent", "statuses"),
    [
        # times
        ([{"status": 503}], [], ["get"] * 3, [503, 404, 404]),
        ([{"status": 503, "times": 2}], [], ["get"] * 3, [503, 503, 404]),
        ([{"status": 503, "times": None}], [], ["get"] * 3, [503, 503, 503]),
        # skip counts the requests of the fault's operation, also those that meet another fault
        ([{"status": 503, "skip": 2, "times": 2}], [], ["get"] * 5, [404, 404, 503, 503, 404]),
        ([{"status": 503, "skip": 2, "times": 2, "operation": "any"}], [], ["get"] * 5, [404, 404, 503, 503, 404]),
        (
            [{"status": 503, "skip": 1, "operation": "replace"}],
            [],
            ["get", "replace", "validate", "get", "replace"],
            [404, 200, 200, 200, 503],
        ),
        (
            [{"status": 502, "skip": 1}, {"status": 503}],
            [{"status": 500, "skip": 3}],
            ["get"] * 5,
            [503, 502, 404, 500, 404],
        ),
        # the first one that matches, the workspace's before those of all
        (
            [{"status": 502}, {"status": 500, "operation": "add"}, {"status": 503, "operation": "any"}],
            [{"status": 504, "operation": "any"}],
            ["get", "get", "get", "get", "add"],
            [502, 503, 504, 404, 500],
        ),
    ],
)
def test_queue(
    client: Client,
    simulator: Simulator,
    workspace: Workspace,
    of_workspace: list[dict[str, Any]],
    of_all: list[dict[str, Any]],
    sent: list[str],
    statuses: list[int],
) -> None:
    for queue, faults in ((workspace, of_workspace), (simulator, of_all)):
        for fault in faults:
            queue.fault(**{"operation": "get", **fault})
    assert [client.send(operation).status_code for operation in sent] == statuses


def test_fault_hits_its_workspace_only(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    other_key = api_key_of("team-b")
    simulator.add_workspace(other_key)
    workspace.fault("get", status=503)
    assert client.send("get", key=other_key).status_code == 404
    assert client.send("get").status_code == 503


def test_cleared_faults_are_gone(client: Client, workspace: Workspace) -> None:
    workspace.fault("get", status=503, times=None)
    workspace.clear_faults()
    assert client.send("get").status_code == 404


@pytest.mark.parametrize("operation", ["add", "replace", "delete"])
@pytest.mark.parametrize("fields", [{"drop": True}, {"status": 500}, {"body": "oops"}, {"status": 500, "body": ""}])
@pytest.mark.parametrize("processed", [True, False])
def test_processed_decides_whether_a_replaced_response_had_an_effect(
    client: Client, workspace: Workspace, operation: str, fields: dict[str, Any], processed: bool
) -> None:
    before = None if operation == "add" else configuration(OTHER_TOKEN)
    after = None if operation == "delete" else configuration()
    workspace.configuration = before
    workspace.fault(operation, processed=processed, **fields)
    if "drop" in fields:
        with pytest.raises(requests.ConnectionError):
            client.send(operation)
    else:
        client.send(operation)
    assert workspace.configuration == (after if processed else before)


@pytest.mark.parametrize(
    "fields",
    [{"delay": 0.01}, {"gzip": True}, {"pad_to_bytes": 99}, {"headers": {"X-A": "b"}}, {"content_type": "a/b"}],
)
@pytest.mark.parametrize("processed", [True, False])
def test_without_a_response_of_its_own_a_fault_keeps_the_normal_one(
    client: Client, workspace: Workspace, fields: dict[str, Any], processed: bool
) -> None:
    workspace.fault("add", processed=processed, **fields)
    response = client.send("add")
    assert (response.status_code, response.json()["configurations"][0]["lastFour"]) == (200, "ab12")
    assert workspace.configuration == configuration()


@pytest.mark.parametrize("processed", [True, False])
def test_processed_comes_before_the_delay(client: Client, workspace: Workspace, processed: bool) -> None:
    workspace.fault("add", processed=processed, delay=30)
    with pytest.raises(requests.ReadTimeout):
        client.send("add", timeout=0.2)
    assert workspace.configuration == (configuration() if processed else None)
    assert workspace.log[-1]["status"] is None


def test_drop(client: Client, workspace: Workspace) -> None:
    workspace.fault("get", drop=True)
    with pytest.raises(requests.ConnectionError):
        client.send("get")
    assert workspace.log[-1]["status"] is None
    assert client.send("get").status_code == 404


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 409, 418, 500, 502, 503, 504])
def test_status(client: Client, workspace: Workspace, status: int) -> None:
    workspace.fault("get", status=status)
    response = client.send("get")
    assert response.status_code == status
    if status < 400:
        assert response.content == b""
    else:
        assert response.json().keys() >= {"type", "message"}


def test_status_429_is_a_problem_without_retry_after(client: Client, workspace: Workspace) -> None:
    workspace.fault("get", status=429)
    response = client.checked("get")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "Retry-After" not in response.headers


def test_good_status_of_a_processed_request_keeps_the_normal_body(client: Client, workspace: Workspace) -> None:
    workspace.fault("add", processed=True, status=201)
    response = client.send("add")
    assert (response.status_code, response.json()["configurations"][0]["lastFour"]) == (201, "ab12")


def test_headers(client: Client, workspace: Workspace) -> None:
    workspace.fault("get", status=302, headers={"Location": "https://example.com/", "content-type": "text/plain"})
    headers = client.send("get").headers
    assert (headers["Location"], headers["Content-Type"]) == ("https://example.com/", "text/plain")
    workspace.fault("get", body="<html></html>", content_type="text/html; charset=utf-16")
    assert client.send("get").headers["Content-Type"] == "text/html; charset=utf-16"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("", b""),
        ('{"lastFour": ', b'{"lastFour": '),
        ("\udcff", b"\xff"),
        (None, b"null"),
        ([], b"[]"),
        ({"a": ["é", 1]}, b'{"a": ["\\u00e9", 1]}'),
        (True, b"true"),
    ],
)
def test_body(client: Client, workspace: Workspace, body: object, content: bytes) -> None:
    workspace.fault("get", body=body)
    response = client.send("get")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.content == content


@pytest.mark.parametrize(("operation", "token"), [("get", OTHER_TOKEN), ("replace", TOKEN), ("delete", OTHER_TOKEN)])
def test_placeholders_are_the_secrets_of_the_request(
    client: Client, workspace: Workspace, operation: str, token: str
) -> None:
    workspace.configuration = configuration(OTHER_TOKEN)
    workspace.fault(
        operation,
        processed=True,
        status=400,
        headers={"Location": "https://example.com/{token}", "X-Key": "{api_key}"},
        body={"message": "no {token}", "details": ["{api_key}"], "httpStatus": 400},
    )
    response = client.send(operation)
    assert response.json() == {"message": f"no {token}", "details": [API_KEY], "httpStatus": 400}
    assert response.headers["Location"] == f"https://example.com/{token}"
    assert response.headers["X-Key"] == API_KEY


def test_placeholder_with_a_line_break_does_not_end_the_header(client: Client, workspace: Workspace) -> None:
    workspace.fault("add", status=400, headers={"X-Token": "{token}"})
    assert client.send("add", token=f"{TOKEN}\r\nX-Other: 1").headers["X-Token"] == f"{TOKEN}  X-Other: 1"


def test_padded_response_is_still_json(client: Client, workspace: Workspace) -> None:
    workspace.configuration = configuration()
    workspace.fault("get", pad_to_bytes=10_000_000)
    response = client.checked("get")
    assert len(response.content) == 10_000_000
    assert response.json()["lastFour"] == "ab12"


def test_gzip(client: Client, workspace: Workspace) -> None:
    workspace.configuration = configuration()
    workspace.fault("get", gzip=True, pad_to_bytes=100_000)
    response = client.checked("get")
    assert response.headers["Content-Encoding"] == "gzip"
    assert int(response.headers["Content-Length"]) < 1_000
    assert len(response.content) == 100_000


@pytest.mark.parametrize("sent", [0, 10])
@pytest.mark.parametrize("tls", [False, True])
def test_truncate(sent: int, tls: bool) -> None:
    with Simulator(tls=tls) as simulator:
        workspace = simulator.add_workspace(API_KEY)
        workspace.fault("get", body="x" * 100, truncate=sent)
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match=rf"\({sent} bytes read, {100 - sent} more"):
            Client(simulator).send("get")
        assert workspace.log[-1]["status"] == 200


@pytest.mark.parametrize("configuration", [None, configuration(OTHER_TOKEN, False)])
def test_afterwards(client: Client, workspace: Workspace, configuration: dict[str, Any] | None) -> None:
    workspace.fault("replace", afterwards={"configuration": configuration})
    assert client.send("replace").json()["configurations"][0]["lastFour"] == "ab12"
    assert workspace.configuration == configuration


def test_afterwards_of_abilities_is_stored_in_the_workspace_of_the_fault(
    client: Client, simulator: Simulator, workspace: Workspace
) -> None:
    other = simulator.add_workspace(api_key_of("team-b"))
    other.fault("abilities", afterwards={"configuration": configuration(OTHER_TOKEN)})
    assert client.abilities(TOKEN).status_code == 200
    assert (workspace.configuration, other.configuration) == (None, configuration(OTHER_TOKEN))


def test_afterwards_of_abilities_needs_a_workspace(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="queue the fault for one"):
        simulator.fault("abilities", afterwards={"configuration": None})


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": "post"},
        {"operation": "get", "times": 0},
        {"operation": "get", "times": True},
        {"operation": "get", "skip": -1},
        {"operation": "get", "skip": None},
        {"operation": "get", "processed": 1},
        {"operation": "get", "delay": -1},
        {"operation": "get", "delay": "1"},
        {"operation": "get", "status": 99},
        {"operation": "get", "status": "200"},
        {"operation": "get", "headers": {"Retry-After": 1}},
        {"operation": "get", "content_type": 1},
        {"operation": "get", "pad_to_bytes": -1},
        {"operation": "get", "truncate": -1},
        {"operation": "get", "afterwards": {}},
        {"operation": "get", "latency": 1},
    ],
)
def test_senseless_fault_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=list(fields)[-1]):
        Fault(**fields)


def test_senseless_configuration_of_a_second_writer_is_refused() -> None:
    with pytest.raises(ValueError, match="configuration"):
        Fault("get", afterwards={"configuration": {"token": TOKEN}})

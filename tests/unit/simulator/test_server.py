# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server around the API: log, totals, rate limit, TLS, control routes, start and end."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import socket
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from tests.simulator import Simulator, Workspace
from tests.support.cortex import API_KEY, GET, OTHER_TOKEN, POST, ROUTES, TOKEN, api_key_of, configuration
from tests.support.waiting import wait_until
from tests.unit.simulator.client import SIMULATOR, Client

EXAMPLE = SIMULATOR / "workspaces.yml"


def test_rate_limit_is_for_each_key_and_tells_how_long_to_wait() -> None:
    now = 1_000.0
    other_key = api_key_of("team-b")
    with Simulator(rate_limit=2, clock=lambda: now) as simulator, Client(simulator) as client:
        workspace = simulator.add_workspace(API_KEY)
        simulator.add_workspace(other_key)
        assert client.call("get").status_code == 404
        now += 20.5
        assert client.call("get").status_code == 404
        workspace.fault("any", status=503)  # meets only requests within the limit
        for operation in ROUTES:
            response = client.checked(operation)
            assert (response.status_code, response.headers["Retry-After"]) == (429, "40")
        assert workspace.configuration is None
        assert client.call("get", key=other_key).status_code == 404
        now += 39.5
        assert [client.call("get").status_code for _request in range(3)] == [503, 404, 429]


def test_log_tells_of_each_request(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    begin = time.monotonic()
    client.call("add", headers={"User-Agent": "someone/1.0"})
    (entry,) = workspace.log
    assert begin <= entry.pop("time") <= time.monotonic()
    assert entry == {
        "sequence": 1,
        "workspace": "team-a",
        "operation": "add",
        "method": "POST",
        "path": POST.split()[1],
        "status": 200,
        "connection": 1,
        "user_agent": "someone/1.0",
        "is_token_readonly": True,
        "last_four": "ab12",
    }
    client.call("get", key=None)
    client.abilities(TOKEN)
    client.get(f"{simulator.url}/elsewhere", timeout=10)
    shown = [(entry["sequence"], entry["workspace"], entry["operation"]) for entry in simulator.log[1:]]
    assert shown == [(2, None, "get"), (3, None, "abilities"), (4, None, None)]
    for path, entries in (("/log", simulator.log), ("/log?workspace=team-a", workspace.log)):
        assert client.control("GET", path).json()["entries"] == entries


@pytest.mark.parametrize("token", [TOKEN, "abc", "wxyz"])
def test_log_file_holds_every_request_and_no_secret(tmp_path: Path, token: str) -> None:
    path = tmp_path / "log"
    path.write_text('"earlier"\n', encoding="utf-8")
    with Simulator(log_path=path) as simulator, Client(simulator) as client:
        simulator.add_workspace(API_KEY, configuration=configuration(OTHER_TOKEN)).fault("get", body="{token}{api_key}")
        for operation in ROUTES:
            client.call(operation, token=token)
        client.abilities(token)
        logged = path.read_text(encoding="utf-8")
        assert [json.loads(line) for line in logged.splitlines()] == ["earlier", *simulator.log]
        assert len(simulator.log) == len(ROUTES) + 1
    assert not [secret for secret in (token, OTHER_TOKEN, API_KEY) if secret in logged]


@pytest.mark.parametrize("tls", [False, True])
def test_totals_count_connections_but_not_those_to_control_routes(tls: bool) -> None:
    with Simulator(tls=tls) as simulator:
        simulator.add_workspace(API_KEY)
        first, second, third = Client(simulator), Client(simulator), Client(simulator)
        for client in (first, first, second):
            client.call("get")
        assert [entry["connection"] for entry in simulator.log] == [1, 1, 2]
        for _request in range(2):
            shown = third.control("GET", "/log").json()
            del shown["entries"]
            assert shown == {"requests": 3, "connections": 2, "handshakes": 2 * tls}
        simulator.clear_log()
        Client(simulator).call("get")
        assert (simulator.connections, simulator.handshakes, len(simulator.log)) == (1, 1 * tls, 1)


@pytest.mark.parametrize(
    ("tls", "reason"),
    [("expired", "has expired"), ("wrong-host", "not valid for '127.0.0.1'"), ("self-signed", "self-signed")],
)
def test_bad_certificate_fails_the_handshake_for_its_fault_alone(tls: str, reason: str) -> None:
    with Simulator(tls=tls) as simulator:
        with pytest.raises(requests.exceptions.SSLError, match=reason):
            Client(simulator).call("get")
        assert (simulator.connections, simulator.handshakes, simulator.requests) == (1, 0, [])
    with pytest.raises(ValueError, match=tls):
        Simulator(tls="revoked")


def test_commands_of_the_readme_do_what_it_says() -> None:
    lines = (SIMULATOR / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("curl ")]
    responses: dict[str, list[Any]] = defaultdict(list)
    with Simulator() as simulator, Client(simulator) as client:
        simulator.load(EXAMPLE)
        for command in commands:
            (url,) = (word for word in command if word.startswith("$"))
            path = url.replace("$FAULTS", "/workspaces/payments/faults").removeprefix("$CONTROL")
            data = command[command.index("-d") + 1] if "-d" in command else None
            method = command[command.index("-X") + 1] if "-X" in command else "POST" if data else "GET"
            response = client.control(method, path, data=data)
            assert response.ok, f"{command}: {response.text}"
            responses[f"{method} {path}"] += [response.status_code, response.content and response.json()]
        assert len(simulator.workspaces["payments"].faults) == sum("$FAULTS" in command for command in commands)
    assert [each["name"] for each in responses["GET /workspaces"][1]] == ["payments", "checkout", "search"]
    team: dict[str, Any] = {"name": "team-a", "configuration": None, "may_configure": True, "faults": []}
    stored = {**team, "configuration": configuration("u+EXAMPLExxxxxxxab12")}
    fault = {"operation": "get", "times": 2, "status": 503, "headers": {}}
    rejected = {"tokens": ["u+EXAMPLErejectedbad", "u+EXAMPLExxxxxxxbad1"]}
    for call, expected in {
        "POST /workspaces": [201, team],
        "GET /workspaces/team-a": [200, team],
        "PATCH /workspaces/team-a": [200, stored, 200, {**team, "may_configure": False}],
        "DELETE /workspaces/team-a": [204, b""],
        "GET /workspaces/payments/faults": [200, [fault]],
        "POST /rejected-tokens": [200, rejected],
        "GET /rejected-tokens": [200, rejected],
        "GET /log": [200, {"requests": 0, "connections": 0, "handshakes": 0, "entries": []}],
        "POST /reset": [204, b""],
    }.items():
        assert responses[call] == expected
    assert responses["POST /workspaces/payments/faults"][:2] == [201, fault]


def test_mistakes_at_control_are_explained(client: Client, workspace: Workspace) -> None:
    for method, path, body, status, reason in (
        ("GET", "/workspaces/nobody", None, 404, "nobody"),
        ("POST", "/workspaces", "{", 400, "property name"),
        ("POST", "/workspaces", "[]", 400, "object"),
        ("PATCH", "/workspaces/team-a", '{"may_configure": 1}', 400, "may_configure"),
        ("PATCH", "/workspaces/team-a", '{"name": "b"}', 400, "what can be changed"),
        ("POST", "/workspaces/team-a/faults", '{"operation": "get", "latency": 1}', 400, "latency"),
        ("POST", "/rejected-tokens", '{"tokens": "abc"}', 400, "tokens"),
    ):
        response = client.control(method, path, data=body)
        assert response.status_code == status, (method, path, body)
        assert reason in response.json()["error"]


def test_control_is_for_loopback_only(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.BaseRequest, "remote", "192.0.2.1")
    assert client.control("GET", "/workspaces").status_code == 403


def test_control_clears_what_waits_and_resets_to_the_start(client: Client, simulator: Simulator) -> None:
    simulator.load(EXAMPLE)
    at_start = client.control("GET", "/workspaces").json()
    for calls in (["DELETE /rejected-tokens", "DELETE /faults", "DELETE /log"], ["POST /reset"]):
        client.control("POST", "/rejected-tokens", json={"tokens": [TOKEN]})
        client.control("POST", "/faults", json={"operation": "abilities", "status": 502, "times": 3})
        assert [client.abilities(TOKEN).status_code for _request in range(2)] == [502, 502]
        waiting = {"operation": "abilities", "times": 1, "status": 502, "headers": {}}
        assert client.control("GET", "/faults").json() == [waiting]
        for call in calls:
            assert client.control(*call.split()).status_code == 204
        assert (client.control("GET", "/faults").json(), simulator.log) == ([], [])
        assert client.abilities(TOKEN).status_code == 200
        simulator.workspaces["checkout"].configuration = None
        simulator.workspaces["search"].fault("any", drop=True)
        simulator.add_workspace(API_KEY)
        client.control("DELETE", "/workspaces/payments")
        assert [*simulator.workspaces] == ["checkout", "search", "workspace-4"]
        client.control("POST", "/reset")
        assert client.control("GET", "/workspaces").json() == at_start
        assert client.call("get").status_code == 401
        assert client.abilities("u+EXAMPLErejectedbad").status_code == 401


def test_file_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "workspaces.yml"
    for content, reason in (
        ("teams: []", "must be a mapping with the keys workspaces and rejected_tokens"),
        ("[]", "must be a mapping with the keys workspaces and rejected_tokens"),
        ("workspaces: [payments]", "must be a mapping"),
        ("workspaces: [{name: a}]", "api_key"),
        ("workspaces: [{api_key: ''}]", "api_key must be a string that is not empty"),
        ("workspaces: [{api_key: a, name: 1}]", "name must be a string"),
        ("workspaces: [{api_key: a, name: a/b}]", "has no slash"),
        ("workspaces: [{api_key: a, may_configure: maybe}]", "may_configure must be true or false"),
        ("workspaces: [{api_key: a, configuration: []}]", "configuration must be null or {token"),
        ("workspaces: [{api_key: a, name: x}, {api_key: b, name: x}]", "there is a workspace x already"),
        ("workspaces: [{api_key: a, name: x}, {api_key: a}]", "workspace x has the same API key"),
        ("rejected_tokens: u+EXAMPLErejectedbad", "tokens must be a list of strings"),
        ("rejected_tokens: [1]", "tokens must be a list of strings"),
        ("\udcff", "invalid start byte"),
    ):
        path.write_text(content, encoding="utf-8", errors="surrogateescape")
        with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: ')}.*{re.escape(reason)}"):
            Simulator().load(path)


def test_close_does_not_wait_for_clients(simulator: Simulator, workspace: Workspace) -> None:
    workspace.fault("get", delay=60)
    address = ("127.0.0.1", int(simulator.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=50) as waiting:
        waiting.sendall(f"{GET} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {API_KEY}\r\n\r\n".encode())
        wait_until(lambda: bool(workspace.log))
        simulator.close()
        with contextlib.suppress(ConnectionResetError):
            assert waiting.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)

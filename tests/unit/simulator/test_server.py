# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server around the API: log, totals, rate limit, TLS, control routes, start and end."""

from __future__ import annotations

import json
import re
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator, Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    ABILITIES,
    API_KEY,
    OTHER_TOKEN,
    POST,
    ROUTES,
    TOKEN,
    api_key_of,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.waiting import wait_until
from ansible_collections.cortexapps.cortex.tests.unit.simulator.client import CONTRACT, Client

README = CONTRACT.with_name("README.md")
EXAMPLE = CONTRACT.with_name("workspaces.yml")


class Clock:
    """Monotonic seconds that pass when the test says so."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


# Rate limit


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(clock: Clock) -> Iterator[Client]:
    with Simulator(rate_limit=2, clock=clock) as simulator:
        simulator.add_workspace(API_KEY)
        yield Client(simulator)


def test_rate_limit_tells_how_long_to_wait(limited: Client, clock: Clock) -> None:
    assert limited.send("get").status_code == 404
    clock.now += 20.5
    assert limited.send("get").status_code == 404
    response = limited.checked("get")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "40")
    assert response.json()["status"] == 429
    clock.now += 40
    assert limited.send("get").status_code == 404


@pytest.mark.parametrize("operation", ROUTES)
def test_rate_limit_refuses_every_operation(limited: Client, operation: str) -> None:
    (workspace,) = limited.simulator.workspaces.values()
    workspace.configuration = configuration()
    for _request in range(2):
        assert limited.send("get").status_code == 200
    assert limited.checked(operation, token=OTHER_TOKEN).status_code == 429
    assert workspace.configuration == configuration()


def test_rate_limit_is_for_each_key(limited: Client) -> None:
    other_key = api_key_of("team-b")
    limited.simulator.add_workspace(other_key)
    for key in (API_KEY, API_KEY, other_key, other_key):
        assert limited.send("get", key=key).status_code == 404
    assert limited.send("get", key=other_key).status_code == 429


def test_limited_request_meets_no_fault(limited: Client, clock: Clock) -> None:
    for _request in range(2):
        limited.send("get")
    (workspace,) = limited.simulator.workspaces.values()
    workspace.fault("get", status=503)
    assert limited.send("get").status_code == 429
    clock.now += 60
    assert limited.send("get").status_code == 503


# Log and totals


def test_log_entry_of_a_write(client: Client, workspace: Workspace) -> None:
    begin = time.monotonic()
    client.send("add", headers={"User-Agent": "someone/1.0"})
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


def test_log_of_requests_that_belong_to_no_workspace(
    client: Client, simulator: Simulator, workspace: Workspace
) -> None:
    client.send("get", key=None)
    client.abilities(TOKEN)
    client.session.get(f"{simulator.url}/elsewhere", timeout=10)
    assert [(entry["workspace"], entry["operation"], entry["status"]) for entry in simulator.log] == [
        (None, "get", 401),
        (None, "abilities", 200),
        (None, None, 404),
    ]
    assert simulator.requests[1] == ABILITIES
    assert workspace.log == []


@pytest.mark.parametrize("token", [TOKEN, "abc", "wxyz"])
def test_log_holds_no_secret(tmp_path: Path, token: str) -> None:
    path = tmp_path / "log"
    with Simulator(log_path=path) as simulator:
        simulator.add_workspace(API_KEY, configuration=configuration(OTHER_TOKEN)).fault("get", body="{token}{api_key}")
        client = Client(simulator)
        for operation in ROUTES:
            client.send(operation, token=token)
        client.abilities(token)
        logged = path.read_text(encoding="utf-8")
        assert [json.loads(line) for line in logged.splitlines()] == simulator.log
    assert len(logged.splitlines()) == len(ROUTES) + 1
    for secret in (token, OTHER_TOKEN, API_KEY):
        assert secret not in logged


@pytest.mark.parametrize("tls", [False, True])
def test_totals(tls: bool) -> None:
    with Simulator(tls=tls) as simulator:
        simulator.add_workspace(API_KEY)
        first, second = Client(simulator), Client(simulator)
        for client in (first, first, second):
            client.send("get")
        assert [entry["connection"] for entry in simulator.log] == [1, 1, 2]
        assert (simulator.connections, simulator.handshakes) == (2, 2 if tls else 0)
        # On a connection of its own, which does not count.
        log = Client(simulator).session.get(f"{simulator.control_url}/log", timeout=10).json()
        del log["entries"]
        assert log == {"requests": 3, "connections": 2, "handshakes": 2 if tls else 0}
        simulator.clear_log()
        Client(simulator).send("get")
        assert (simulator.connections, simulator.handshakes, len(simulator.log)) == (1, 1 if tls else 0, 1)


# TLS


@pytest.mark.parametrize(
    ("tls", "reason"),
    [
        ("expired", "certificate has expired"),
        ("wrong-host", "not valid for '127.0.0.1'"),
        ("self-signed", "self-signed"),
    ],
)
def test_bad_certificate(tls: str, reason: str) -> None:
    with Simulator(tls=tls) as simulator:
        simulator.add_workspace(API_KEY)
        with pytest.raises(requests.exceptions.SSLError, match=reason):
            Client(simulator).send("get")
        assert (simulator.connections, simulator.handshakes, simulator.requests) == (1, 0, [])


def test_unknown_certificate_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="wrong-host"):
        Simulator(tls="revoked")


def test_ca_is_written_to_the_state_folder(simulator: Simulator, tmp_path: Path) -> None:
    assert simulator.ca_path is None
    with Simulator(tls=True, state_dir=tmp_path / "new") as secure:
        assert secure.ca_path == str(tmp_path / "new" / "ca.pem")
        secure.add_workspace(API_KEY)
        assert Client(secure).send("get").status_code == 404


# Control routes


def test_every_command_of_the_readme_works() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("curl ")]
    with Simulator() as simulator:
        simulator.load(EXAMPLE)
        session = Client(simulator).session
        variables = {
            "$CONTROL": simulator.control_url,
            "$FAULTS": f"{simulator.control_url}/workspaces/payments/faults",
        }
        for command in commands:
            (url,) = (word for word in command if word.startswith("$"))
            for name, value in variables.items():
                url = url.replace(name, value)
            data = command[command.index("-d") + 1] if "-d" in command else None
            method = command[command.index("-X") + 1] if "-X" in command else "POST" if data else "GET"
            response = session.request(method, url, data=data, timeout=10)
            assert response.ok, f"{command}: {response.text}"
        assert simulator.workspaces["payments"].faults[-1].afterwards is not None
    assert len(commands) > 20


@pytest.fixture
def control(client: Client, simulator: Simulator) -> Iterator[requests.Session]:
    """A session whose URLs begin at the control routes."""

    class Control(requests.Session):
        def request(self, method: str | bytes, url: str | bytes, *args: object, **options: object) -> requests.Response:
            return super().request(method, f"{simulator.control_url}{url!s}", *args, **options)  # type: ignore[arg-type]

    with Control() as session:
        session.trust_env = False
        yield session


def test_control_of_workspaces(control: requests.Session, client: Client, simulator: Simulator) -> None:
    created = control.post("/workspaces", json={"name": "team-b", "api_key": API_KEY})
    assert created.status_code == 201
    assert created.json() == {"name": "team-b", "configuration": None, "may_configure": True, "faults": []}
    changed = control.patch("/workspaces/team-b", json={"configuration": configuration(), "may_configure": False})
    assert changed.json() == {"name": "team-b", "configuration": configuration(), "may_configure": False, "faults": []}
    assert control.get("/workspaces/team-b").json() == changed.json()
    assert control.get("/workspaces").json() == [changed.json()]
    assert (client.send("get").status_code, client.send("add").status_code) == (200, 403)
    assert control.delete("/workspaces/team-b").status_code == 204
    assert client.send("get").status_code == 401


def test_control_of_faults(control: requests.Session, client: Client, workspace: Workspace) -> None:
    control.post("/faults", json={"operation": "get", "status": 502, "times": 2})
    control.post("/workspaces/team-a/faults", json={"operation": "get", "status": 503, "body": None})
    assert client.send("get").text == "null"
    assert client.send("get").status_code == 502
    (fault,) = control.get("/faults").json()
    assert (fault["operation"], fault["status"], fault["times"]) == ("get", 502, 1)
    control.delete("/faults")
    assert client.send("get").status_code == 404


def test_control_of_rejected_tokens(control: requests.Session, client: Client) -> None:
    assert control.post("/rejected-tokens", json={"tokens": [TOKEN]}).json() == {"tokens": [TOKEN]}
    assert client.abilities(TOKEN).status_code == 401
    control.delete("/rejected-tokens")
    assert client.abilities(TOKEN).status_code == 200


def test_control_of_the_log(control: requests.Session, client: Client, workspace: Workspace) -> None:
    client.send("get")
    client.send("get", key=None)
    assert [entry["status"] for entry in control.get("/log").json()["entries"]] == [404, 401]
    assert [entry["status"] for entry in control.get("/log?workspace=team-a").json()["entries"]] == [404]
    control.delete("/log")
    assert control.get("/log").json() == {"requests": 0, "connections": 0, "handshakes": 0, "entries": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/workspaces/nobody", None, 404, "nobody"),
        ("DELETE", "/workspaces/nobody", None, 404, "nobody"),
        ("POST", "/workspaces", "{", 400, "property name"),
        ("POST", "/workspaces", "[]", 400, "object"),
        ("POST", "/workspaces", '{"name": "team-b"}', 400, "api_key"),
        ("POST", "/workspaces", '{"name": "team-b", "api_key": ""}', 400, "api_key"),
        ("POST", "/workspaces", '{"name": "team-a", "api_key": "ck_live_x"}', 400, "team-a"),
        ("POST", "/workspaces", f'{{"name": "team-b", "api_key": "{API_KEY}"}}', 400, "team-a"),
        ("POST", "/workspaces", '{"name": "a/b", "api_key": "ck_live_x"}', 400, "slash"),
        ("PATCH", "/workspaces/team-a", '{"configuration": {}}', 400, "configuration"),
        ("PATCH", "/workspaces/team-a", '{"may_configure": 1}', 400, "may_configure"),
        ("PATCH", "/workspaces/team-a", '{"name": "b"}', 400, "what can be changed"),
        ("POST", "/workspaces/team-a/faults", '{"operation": "get", "latency": 1}', 400, "latency"),
        ("POST", "/rejected-tokens", '{"tokens": "abc"}', 400, "tokens"),
    ],
)
def test_mistakes_at_control_are_explained(
    control: requests.Session,
    workspace: Workspace,
    method: str,
    path: str,
    body: str | None,
    status: int,
    reason: str,
) -> None:
    response = control.request(method, path, data=body)
    assert response.status_code == status
    assert reason in response.json()["error"]


def test_reset_returns_to_the_start(control: requests.Session, client: Client, simulator: Simulator) -> None:
    simulator.load(EXAMPLE)
    at_start = control.get("/workspaces").json()
    simulator.workspaces["checkout"].configuration = None
    simulator.workspaces["search"].fault("any", drop=True)
    simulator.add_workspace(API_KEY)
    simulator.reject_token(TOKEN)
    simulator.fault("get", status=503)
    client.send("get")
    assert control.post("/reset").status_code == 204
    assert control.get("/workspaces").json() == at_start
    assert simulator.log == []
    assert client.send("get").status_code == 401
    assert client.abilities(TOKEN).status_code == 200


# Files, start and end


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "expected a mapping with the keys workspaces and rejected_tokens"),
        ("teams: []", "expected a mapping with the keys workspaces and rejected_tokens"),
        ("workspaces: 3", "workspaces must be a list"),
        ("workspaces: false", "workspaces must be a list"),
        ("workspaces: {name: a, api_key: b}", "workspaces must be a list"),
        ("workspaces: [payments]", "a workspace must be a mapping with api_key"),
        ("workspaces: [{name: a}]", "a workspace must be a mapping with api_key"),
        ("workspaces: [{api_key: a, 1: b}]", "a workspace must be a mapping with api_key"),
        ("workspaces: [{api_key: a, token: b}]", "optionally, configuration, may_configure, name"),
        ("workspaces: [{api_key: 1}]", "api_key must be a string"),
        ("workspaces: [{api_key: a, name: 1}]", "name must be a string"),
        ("workspaces: [{api_key: a, may_configure: maybe}]", "may_configure must be true or false"),
        ("workspaces: [{api_key: a, configuration: []}]", "configuration must be null or {token"),
        ("workspaces: [{api_key: a, name: x}, {api_key: b, name: x}]", "there is a workspace x already"),
        ("workspaces: [{api_key: a, name: x}, {api_key: a}]", "workspace x has the same API key"),
        ("rejected_tokens: abc", "rejected_tokens must be a list"),
        ("rejected_tokens: [1]", "rejected_tokens must be a list of strings"),
        ("{", "expected the node content"),
        ("\udcff", "invalid start byte"),
    ],
)
def test_senseless_file_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "workspaces.yml"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=re.escape(reason)) as refused:
        Simulator().load(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_close_does_not_wait_for_clients(simulator: Simulator, client: Client, workspace: Workspace) -> None:
    client.send("get")
    workspace.fault("get", delay=60)
    failures: list[Exception] = []

    def wait_for_the_response() -> None:
        try:
            Client(simulator).send("get")
        except requests.ConnectionError as failure:
            failures.append(failure)

    waiting = threading.Thread(target=wait_for_the_response)
    waiting.start()
    wait_until(lambda: len(workspace.log) == 2)
    with socket.create_connection(simulator.address):
        begin = time.monotonic()
        simulator.close()
        assert time.monotonic() - begin < 2
    waiting.join()
    assert failures
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(simulator.address)


def test_taken_port_is_an_error(simulator: Simulator) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(port=simulator.address[1]).start()


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    with Simulator(host="::1", tls=True) as simulator:
        simulator.add_workspace(API_KEY)
        assert Client(simulator).send("get").status_code == 404
        assert simulator.url.startswith("https://[::1]:")


def test_requests_from_many_threads(simulator: Simulator) -> None:
    keys = [f"{API_KEY}{number}" for number in range(20)]

    def work(key: str) -> None:
        workspace = simulator.add_workspace(key, name=key[len(API_KEY) :])
        client = Client(simulator)
        for _round in range(5):
            client.send("replace", key=key)
            client.send("delete", key=key)
        workspace.configuration = configuration()

    threads = [threading.Thread(target=work, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry["sequence"] for entry in simulator.log] == list(range(1, 201))
    assert {entry["status"] for entry in simulator.log} == {200}
    assert all(len(workspace.log) == 10 for workspace in simulator.workspaces.values())

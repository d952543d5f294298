"""The server around the API: log, totals, rate limit, TLS, control routes, start and end."""

from __future__ import annotations

import shlex
import time
from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.simulator import Simulator, Workspace
from tests.simulator.validation import Settings
from tests.support.cortex import API_KEY, OTHER_TOKEN, POST, ROUTES, TOKEN, api_key_of, configuration
from tests.unit.simulator.client import SIMULATOR, Client

EXAMPLE = SIMULATOR / "workspaces.yml"


def test_rate_limits_are_for_each_key_and_tell_how_long_to_wait() -> None:
    now = 1_000.0
    other_key = api_key_of("team-b")
    with Simulator(clock=lambda: now, rate_limit=2, pagerduty_rate_limit=2) as simulator, Client(simulator) as client:
        workspace = simulator.add_workspace(API_KEY)
        simulator.add_workspace(other_key)
        for remaining in ("1", "0"):
            assert client.call("get").status_code == 404
            assert client.abilities(TOKEN).headers["ratelimit-remaining"] == remaining
            now += 20.5
        workspace.fault("any", status=503)  # affects only requests within the limit
        simulator.fault("abilities", status=503)
        for operation in ROUTES:
            response = client.checked(operation)
            told = response.headers["Retry-After"], response.json()["retryAfter"]
            assert (response.status_code, *told) == (429, "19", 19)
        assert workspace.configuration is None
        excess = client.abilities(TOKEN)
        shown = {name: excess.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")}
        assert (excess.status_code, shown) == (429, {"limit": "2", "remaining": "0", "reset": "19"})
        assert client.call("get", key=other_key).status_code == 404
        now += 19
        assert [client.call("get").status_code for _request in range(3)] == [503, 404, 429]
        assert [client.abilities(TOKEN).status_code for _request in range(3)] == [503, 200, 429]
        assert client.abilities(OTHER_TOKEN).status_code == 200
        simulator.reset()
        assert client.abilities(TOKEN).status_code == 200


@pytest.mark.parametrize("token", [TOKEN, "abc", "wxyz"])
def test_log_tells_of_each_request_and_no_secret(token: str) -> None:
    begin = time.monotonic()
    with Simulator() as simulator, Client(simulator) as client, Client(simulator) as other:
        workspace = simulator.add_workspace(API_KEY, "team-a")
        workspace.fault("any", processed=True, body="{token}{api_key}", times=None)
        client.call("add", token=token, headers={"User-Agent": "someone/1.0"})
        (entry,) = workspace.log
        assert begin <= entry.pop("time") <= time.monotonic()
        request = {"sequence": 1, "operation": "add", "method": "POST", "path": POST.split()[1], "status": 200}
        origin = {"workspace": "team-a", "connection": 1, "user_agent": "someone/1.0"}
        last_four = "ab12" if token == TOKEN else None
        assert entry == {**request, **origin, "is_token_readonly": True, "last_four": last_four}
        client.abilities(token)
        client.get(f"{simulator.url}/elsewhere", timeout=10)
        # The control routes are not in the log.
        shown = other.control("GET", "/log?workspace=team-a").json()
        other.call("delete", key=None)
        fields = ("sequence", "workspace", "operation", "connection")
        others = [tuple(entry[field] for field in fields) for entry in simulator.log[1:]]
        assert others == [(2, None, "abilities", 1), (3, None, None, 1), (4, None, "delete", 2)]
        assert shown == {"requests": 3, "connections": 1, "entries": workspace.log}
        assert simulator.connections == 2
        assert not [secret for secret in (token, API_KEY) if secret in str(simulator.log)]


def test_commands_of_the_readme_work() -> None:
    lines = (SIMULATOR / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("curl ")]
    shown: dict[str, list[Any]] = defaultdict(list)
    with Simulator() as simulator, Client(simulator) as client:
        simulator.load(EXAMPLE)
        for command in commands:
            (url,) = (word for word in command if word.startswith("$"))
            path = url.replace("$FAULTS", "/workspaces/payments/faults").removeprefix("$CONTROL")
            data = command[command.index("-d") + 1] if "-d" in command else None
            method = command[command.index("-X") + 1] if "-X" in command else "POST" if data else "GET"
            response = client.control(method, path, data=data)
            assert response.ok, f"{command}: {response.text}"
            assert (response.status_code == 204) == (not response.content)
            shown[f"{method} {path}"] += [response.json()] if response.content else []
        assert len(simulator.workspaces["payments"].faults) == sum("$FAULTS" in command for command in commands)
    assert [each["name"] for each in shown["GET /workspaces"][0]] == ["payments", "checkout", "search"]
    team: dict[str, Any] = {"name": "team-a", "configuration": None, "may_configure": True, "faults": []}
    stored = {**team, "configuration": configuration("u+EXAMPLExxxxxxxab12")}
    rejected = {"tokens": ["u+EXAMPLErejectedbad", "u+EXAMPLExxxxxxxbad1"]}
    limits = {"rate_limit": 1000, "pagerduty_rate_limit": 960}
    assert shown["POST /workspaces"] == shown["GET /workspaces/team-a"] == [team]
    assert shown["PATCH /workspaces/team-a"] == [stored, {**team, "may_configure": False}]
    assert shown["GET /workspaces/payments/faults"] == [[{"operation": "get", "times": 2, "status": 503}]]
    assert shown["POST /rejected-tokens"] == shown["GET /rejected-tokens"] == [rejected]
    assert shown["PATCH /settings"] == [{**limits, "latency": 0.02, "deviations": ["delete-204"]}]


def test_mistakes_at_control_are_explained_and_have_no_effect(client: Client, workspace: Workspace) -> None:
    before = client.control("GET", "/workspaces").json()
    for call, body, status, reason in (
        ("GET /workspaces/nobody", b"", 404, "there is no nobody"),
        ("GET /elsewhere", b"", 404, "Not Found"),
        ("PUT /log", b"", 405, "Method Not Allowed"),
        ("POST /workspaces", b"{", 400, "Expecting property name"),
        ("POST /workspaces", b"[]", 400, "expected a JSON object"),
        ("POST /workspaces", b"\xff", 400, "'utf-8' codec can't decode byte"),
        ("POST /workspaces", b"[" * 100_000, 400, "the body cannot be decoded"),
        ("POST /workspaces", b" " * 17 * 1024**2, 400, "the body is too large"),
        ("POST /workspaces", b'{"name": "b"}', 400, "api_key: Missing required argument"),
        ("POST /workspaces", b'{"name": "..", "api_key": "ck"}', 400, "name: String should match pattern"),
        ("POST /workspaces", b'{"api_key": "ck\\r\\nX-Other:b"}', 400, "api_key: String should match pattern"),
        ("POST /workspaces", b'{"name": "team-a", "api_key": "ck"}', 400, "there is a workspace team-a already"),
        ("POST /workspaces", b'{"api_key": "%s"}' % API_KEY.encode(), 400, "workspace team-a has the same API key"),
        ("PATCH /workspaces/team-a", b'{"name": "b"}', 400, "name: Extra inputs are not permitted"),
        ("PATCH /workspaces/team-a", b'{"configuration": {"token": "\\ud800"}}', 400, "configuration.token: "),
        ("POST /rejected-tokens", b'{"tokens": ["\\ud800"]}', 400, "tokens.0: Input should be a valid string"),
        ("PATCH /settings", b'{"latency": NaN}', 400, "invalid literal for int()"),
        ("PATCH /settings", b'{"rate_limit": 0.5}', 400, "rate_limit: Input should be a valid integer"),
        ("POST /faults", b'{"latency": 1}', 400, "operation: Input should be 'get', "),
        *(
            ("POST /faults", b'{"operation": "get", %s}' % fields, 400, reason)
            for fields, reason in (
                (b'"delay": 1e999', "delay: Input should be less than or equal to"),
                (b'"skip": true', "skip: Input should be a valid integer"),
                (b'"status": 1000', "status: Input should be less than or equal to"),
                (b'"body": ["\\ud800"], "status": "200"', "status: Input should be a valid integer"),
                (b'"body": "\\ud800"', "body: Value error, 'utf-8' codec can't encode"),
                (b'"content_type": "a\\r\\nb"', "content_type: String should match pattern"),
                (b'"headers": {"a\\r\\nb": "c"}', "headers.a\r\nb: String should match pattern"),
                (b'"headers": {"a": "b\\nc"}', "headers.a: String should match pattern"),
                (b'"headers": {"content-length": ""}', "headers: Value error, the simulator sets"),
            )
        ),
    ):
        response = client.control(*call.split(), data=body)
        assert (response.status_code, response.json()["error"][: len(reason)]) == (status, reason), (call, body[:100])
    assert client.control("GET", "/workspaces").json() == before


@pytest.mark.parametrize("name", ["Host", "Origin"])
def test_control_is_for_no_foreign_page(client: Client, simulator: Simulator, name: str) -> None:
    port = urlsplit(simulator.url).port
    scheme = "http://" if name == "Origin" else ""
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example/127.0.0.1", "192.0.2.1", "", "null"):
        for value in (host, f"{scheme}{host}", f"{scheme}{host}:{port}"):
            assert client.control("POST", "/reset", headers={name: value}).status_code == 403, value
    foreign = {"Host": f"LOCALHOST:{port}", "Origin": f"https://127.0.0.1:{port}"}
    assert client.control("GET", "/log", headers={name: foreign[name]}).status_code == (403 if scheme else 200)
    assert client.control("GET", "/log", headers={name: f"{scheme}127.0.0.1:{port}"}).status_code == 200


def test_control_clears_what_waits_and_resets_to_the_start(client: Client, simulator: Simulator) -> None:
    simulator.load(EXAMPLE)
    at_start = client.control("GET", "/workspaces").json()
    for calls in (["DELETE /rejected-tokens", "DELETE /faults", "DELETE /log"], ["POST /reset"]):
        client.control("POST", "/rejected-tokens", json={"tokens": [TOKEN]})
        client.control("POST", "/faults", json={"operation": "abilities", "status": 502, "times": 3})
        client.control("PATCH", "/settings", json={"latency": 0.05, "deviations": ["401-empty"]})
        assert min(client.call("get").elapsed, client.abilities(OTHER_TOKEN).elapsed).total_seconds() >= 0.05
        assert client.abilities(TOKEN).status_code == 502
        assert client.control("GET", "/faults").json() == [{"operation": "abilities", "times": 1, "status": 502}]
        simulator.workspaces["search"].fault("any", drop=True)
        simulator.add_workspace(API_KEY)
        client.control("DELETE", "/workspaces/payments")
        assert [*simulator.workspaces] == ["checkout", "search", "workspace-4"]
        for call in calls:
            assert client.control(*call.split()).status_code == 204
        assert (client.control("GET", "/faults").json(), simulator.log) == ([], [])
        assert client.abilities(TOKEN).status_code == 200
        client.control("POST", "/reset")
        assert client.control("GET", "/settings").json() == Settings().model_dump()
        assert client.control("GET", "/workspaces").json() == at_start
        assert client.abilities("u+EXAMPLErejectedbad").status_code == 401

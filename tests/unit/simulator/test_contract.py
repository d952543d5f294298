# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The responses of the simulator are what the contract says, in shape (openapi-core, schemathesis) and in meaning."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
import yaml
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator, Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    GET,
    OTHER_TOKEN,
    ROUTES,
    TOKEN,
    api_key_of,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.unit.simulator.client import CONTRACT, Client
from hypothesis import given, settings
from schemathesis import GenerationMode

AB12 = {"isTokenReadonly": True, "lastFour": "ab12"}


def test_it_knows_the_operations_of_the_contract() -> None:
    paths = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["paths"]
    described = {f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs}
    assert described == set(ROUTES.values())


# Stored before, operation, token sent → status, JSON of the response (None: an ErrorResponse), stored afterwards.
@pytest.mark.parametrize(
    ("before", "operation", "token", "status", "content", "after"),
    [
        (None, "get", "", 404, None, None),
        (configuration(), "get", "", 200, AB12, configuration()),
        (configuration("abc"), "get", "", 200, {"isTokenReadonly": True, "lastFour": "abc"}, configuration("abc")),
        (None, "add", TOKEN, 200, {"configurations": [AB12]}, configuration()),
        (configuration(OTHER_TOKEN), "add", TOKEN, 400, None, configuration(OTHER_TOKEN)),
        (None, "replace", TOKEN, 200, {"configurations": [AB12]}, configuration()),
        (configuration(OTHER_TOKEN, False), "replace", TOKEN, 200, {"configurations": [AB12]}, configuration()),
        (None, "validate", "", 404, None, None),
        (configuration(), "validate", "", 200, {"configurations": [{"isValid": True}]}, configuration()),
        (None, "delete", "", 200, {"configurations": []}, None),
        (configuration(), "delete", "", 200, {"configurations": []}, None),
    ],
)
def test_operations(
    client: Client,
    workspace: Workspace,
    before: dict[str, Any] | None,
    operation: str,
    token: str,
    status: int,
    content: object,
    after: dict[str, Any] | None,
) -> None:
    workspace.configuration = before
    response = client.checked(operation, token=token)
    assert response.status_code == status
    if content is None:
        assert response.json().keys() == {"type", "message", "requestId", "httpStatus"}
    else:
        assert response.json() == content
    assert workspace.configuration == after


@pytest.mark.parametrize("operation", ROUTES)
@pytest.mark.parametrize("authorization", [None, f"Bearer {api_key_of('nobody')}", f"Basic {API_KEY}"])
def test_unknown_key_is_refused(
    client: Client, workspace: Workspace, operation: str, authorization: str | None
) -> None:
    workspace.configuration = configuration(OTHER_TOKEN)
    response = client.checked(operation, key=None, headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.json()["type"] == "UNAUTHORIZED"
    assert workspace.configuration == configuration(OTHER_TOKEN)


@pytest.mark.parametrize(
    ("operation", "status"), [("get", 200), ("validate", 200), ("add", 403), ("replace", 403), ("delete", 403)]
)
def test_without_permission_only_reading_is_allowed(
    client: Client, workspace: Workspace, operation: str, status: int
) -> None:
    workspace.configuration = configuration(OTHER_TOKEN)
    workspace.may_configure = False
    assert client.checked(operation).status_code == status
    assert workspace.configuration == configuration(OTHER_TOKEN)


@pytest.mark.parametrize("operation", ["add", "replace"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"token": "abcdefgh"}',
        b'{"isTokenReadonly": true}',
        b'{"isTokenReadonly": "true", "token": "abcdefgh"}',
        b'{"isTokenReadonly": 1, "token": "abcdefgh"}',
        b'{"isTokenReadonly": true, "token": null}',
        b'{"isTokenReadonly": true, "token": 12345678901234567890}',
        b'{"isTokenReadonly": true, "token": "abcdefgh", "weight": NaN}',
        pytest.param(b'"' + b"x" * 17 * 1024**2 + b'"', id="17 MB"),
    ],
)
def test_wrong_body_is_refused(client: Client, workspace: Workspace, operation: str, body: bytes) -> None:
    response = client.checked(operation, data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["details"]
    assert workspace.configuration is None


def test_body_of_another_type_is_refused(client: Client, workspace: Workspace) -> None:
    body = f'{{"isTokenReadonly": true, "token": "{TOKEN}"}}'
    assert client.checked("add", data=body, headers={"Content-Type": "text/plain"}).status_code == 400


def test_workspaces_are_apart(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    other_key = api_key_of("team-b")
    other = simulator.add_workspace(other_key, configuration=configuration(OTHER_TOKEN))
    client.send("add")
    assert client.send("get", key=other_key).json()["lastFour"] == "cd34"
    assert client.send("delete", key=other_key).ok
    assert (workspace.configuration, other.configuration) == (configuration(), None)


def test_validation_tells_rejected_tokens(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    simulator.reject_token(TOKEN)
    assert client.checked("add").status_code == 200
    (verdict,) = client.checked("validate").json()["configurations"]
    assert verdict["isValid"] is False
    assert verdict["message"]
    simulator.accept_token(TOKEN)
    assert client.checked("validate").json() == {"configurations": [{"isValid": True}]}


def test_pagerduty_tells_rejected_tokens(client: Client, simulator: Simulator) -> None:
    simulator.reject_token(OTHER_TOKEN)
    accepted, rejected, missing = client.abilities(TOKEN), client.abilities(OTHER_TOKEN), client.abilities("")
    assert (accepted.status_code, rejected.status_code, missing.status_code) == (200, 401, 401)
    assert all(isinstance(ability, str) for ability in accepted.json()["abilities"])
    assert isinstance(rejected.json()["error"]["message"], str)


def test_response_for_a_wrong_path_is_not_one_of_cortex(client: Client) -> None:
    response = client.session.get(f"{client.simulator.url}/api/v2/pagerduty", timeout=10)
    assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html")


def test_prefix_stands_before_every_path_of_cortex() -> None:
    with Simulator(prefix="/cortex/") as simulator:
        workspace = simulator.add_workspace(API_KEY, configuration=configuration())
        client = Client(simulator)
        assert simulator.url.endswith("/cortex")
        assert client.checked("get").status_code == 200
        assert client.abilities(TOKEN).status_code == 200
        bare = client.session.get(simulator.url.removesuffix("/cortex") + GET.split()[1], timeout=10)
        assert (bare.status_code, bare.headers["Content-Type"]) == (404, "text/html")
        assert workspace.requests == [GET]


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        *((operation, GenerationMode.POSITIVE) for operation in ROUTES),
        ("add", GenerationMode.NEGATIVE),
        ("replace", GenerationMode.NEGATIVE),
    ],
)
def test_schemathesis_finds_nothing(
    monkeypatch: pytest.MonkeyPatch,
    simulator: Simulator,
    workspace: Workspace,
    operation: str,
    mode: GenerationMode,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    method, path = ROUTES[operation].split()
    schema = schemathesis.openapi.from_path(CONTRACT)
    schema.config.update(base_url=simulator.url, headers={"Authorization": f"Bearer {API_KEY}"})

    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    @given(case=schema[path][method].as_strategy(mode))
    def every_response_fits(case: schemathesis.Case[Any]) -> None:
        # "add" is refused when something is stored, which schemathesis cannot know.
        workspace.configuration = None if operation == "add" else configuration()
        case.call_and_validate()

    every_response_fits()
    assert workspace.log

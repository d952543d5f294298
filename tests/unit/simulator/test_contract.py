# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The responses of the simulator follow the contract, in shape (openapi-core) and in meaning."""

from __future__ import annotations

import pytest

from tests.simulator import Simulator, Workspace
from tests.support.cortex import API_KEY, GET, OTHER_TOKEN, ROUTES, TOKEN, api_key_of, configuration
from tests.unit.simulator.client import DESCRIPTION, Client

OTHER = configuration(OTHER_TOKEN)


def test_every_operation_of_the_contract_is_tested() -> None:
    paths = DESCRIPTION["paths"]
    assert {f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs} == set(ROUTES.values())


def test_operation_responds_and_stores_as_cortex_does(client: Client, workspace: Workspace) -> None:
    shown = {"isTokenReadonly": True, "lastFour": "ab12"}
    written = {"configurations": [shown]}
    # Stored before, operation, status, JSON of the response (None: an ErrorResponse), stored afterwards.
    for before, operation, status, content, after in (
        (None, "get", 404, None, None),
        (configuration(), "get", 200, shown, configuration()),
        (configuration("abc"), "get", 200, {"isTokenReadonly": True, "lastFour": "abc"}, configuration("abc")),
        (None, "add", 200, written, configuration()),
        (configuration(OTHER_TOKEN), "add", 400, None, configuration(OTHER_TOKEN)),
        (None, "replace", 200, written, configuration()),
        (configuration(OTHER_TOKEN, False), "replace", 200, written, configuration()),
        (None, "validate", 404, None, None),
        (configuration(), "validate", 200, {"configurations": [{"isValid": True}]}, configuration()),
        (None, "delete", 200, {"configurations": []}, None),
        (configuration(), "delete", 200, {"configurations": []}, None),
    ):
        workspace.configuration = before
        response = client.checked(operation)
        assert (response.status_code, workspace.configuration) == (status, after), (before, operation)
        if content is None:
            assert response.json().keys() == {"type", "message", "requestId", "httpStatus"}
        else:
            assert response.json() == content


def test_deviation_changes_only_the_named_behavior(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    plain, shown = {"message": "No configuration"}, {"configurations": [{"isTokenReadonly": True, "lastFour": "ab12"}]}
    # Deviation, stored before, operation, status, response (a string: its content type), stored afterwards.
    for deviation, before, operation, status, expected, after in (
        ("errors-without-type", None, "get", 404, plain, None),
        ("put-refuses-to-create", None, "replace", 404, plain, None),
        ("put-refuses-to-create", OTHER, "replace", 200, shown, configuration()),
        ("post-replaces", OTHER, "add", 200, shown, configuration()),
        ("delete-204", OTHER, "delete", 204, None, None),
        ("delete-404", None, "delete", 404, plain, None),
        ("delete-404", OTHER, "delete", 200, {"configurations": []}, None),
        ("401-empty", OTHER, "get", 401, None, OTHER),
        ("401-html", OTHER, "get", 401, "text/html", OTHER),
        ("401-problem", OTHER, "get", 401, "application/problem+json", OTHER),
    ):
        workspace.configuration = before
        client.control("PATCH", "/settings", json={"deviations": [deviation]})
        response = client.call(operation, key=api_key_of("nobody") if status == 401 else API_KEY)
        assert (response.status_code, workspace.configuration) == (status, after), (deviation, operation)
        if isinstance(expected, dict):
            content = response.json()
            assert ("type" in content) == (deviation != "errors-without-type" and status == 404)
            assert {**content, **expected} == content
        else:
            assert response.headers.get("Content-Type") == expected
    simulator.reset()
    assert simulator.settings.deviations == []


@pytest.mark.parametrize("authorization", [None, f"Bearer {api_key_of('nobody')}", f"Digest {API_KEY}"])
def test_unknown_key_is_refused_and_one_without_permission_may_only_read(
    client: Client, workspace: Workspace, authorization: str | None
) -> None:
    workspace.configuration, workspace.may_configure = OTHER, False
    for operation, status in {"get": 200, "validate": 200, "add": 403, "replace": 403, "delete": 403}.items():
        response = client.checked(operation, key=None, headers={"Authorization": authorization})
        assert (response.status_code, response.json()["type"]) == (401, "INTEGRATION_UNAUTHORIZED")
        assert client.checked(operation).status_code == status
    assert workspace.configuration == OTHER


@pytest.mark.parametrize("operation", ["add", "replace"])
def test_body_without_a_configuration_is_refused(client: Client, workspace: Workspace, operation: str) -> None:
    right = b'{"isTokenReadonly": true, "token": "abcdefgh"}'
    for body, content_type in (
        *((body, "application/json") for body in (b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff\xfe")),
        (b'{"token": "abcdefgh"}', "application/json"),
        (right.replace(b"true", b"1"), "application/json"),
        (right.replace(b'"abcdefgh"', b"null"), "application/json"),
        (right.replace(b"}", b', "weight": NaN}'), "application/json"),
        (right.ljust(17 * 1024**2), "application/json"),
        (right, "text/plain"),
    ):
        response = client.checked(operation, data=body, headers={"Content-Type": content_type})
        assert response.status_code == 400, body[:100]
        assert response.json()["details"]
    assert workspace.configuration is None


def test_both_apis_tell_rejected_tokens(client: Client, simulator: Simulator, workspace: Workspace) -> None:
    simulator.reject_token(TOKEN)
    assert client.checked("add").status_code == 200
    (verdict,) = client.checked("validate").json()["configurations"]
    assert verdict["isValid"] is False
    assert verdict["message"]
    accepted, rejected, missing = client.abilities(OTHER_TOKEN), client.abilities(TOKEN), client.abilities("")
    assert (accepted.status_code, rejected.status_code, missing.status_code) == (200, 401, 401)
    assert all(isinstance(ability, str) for ability in accepted.json()["abilities"])
    assert isinstance(rejected.json()["error"]["message"], str)
    simulator.rejected_tokens.clear()
    assert client.checked("validate").json() == {"configurations": [{"isValid": True}]}


def test_only_the_routes_of_the_apis_are_served_and_only_below_the_prefix() -> None:
    with Simulator(prefix="/cortex/") as simulator, Client(simulator) as client:
        workspace = simulator.add_workspace(API_KEY, configuration=configuration())
        assert client.call("get").status_code == 200
        assert client.abilities(TOKEN).status_code == 200
        url, path = simulator.url, GET.split()[1]
        assert client.put(url + path, timeout=10).status_code == 405
        for wrong in (url.removesuffix("/cortex") + path, f"{url}/api/v2/pagerduty"):
            response = client.get(wrong, timeout=10)
            assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html")
        assert workspace.requests == [GET]
        assert [entry["status"] for entry in simulator.log] == [200, 200, 405, 404, 404]

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


def test_operation_responds_and_stores_as_cortex_does(
    client: Client, simulator: Simulator, workspace: Workspace
) -> None:
    simulator.reject_token(OTHER_TOKEN)
    rejected = {"configurations": [{"isValid": False, "message": "PagerDuty does not accept the token"}]}
    shown = {"isTokenReadonly": True, "lastFour": "ab12"}
    written = {"configurations": [shown]}
    # Stored before, operation, status, JSON of the response (None: an ErrorResponse), stored afterwards.
    for before, operation, status, content, after in (
        (None, "get", 404, None, None),
        (configuration(), "get", 200, shown, configuration()),
        (configuration("abc"), "get", 200, {"isTokenReadonly": True, "lastFour": "abc"}, configuration("abc")),
        (None, "add", 200, written, configuration()),
        (OTHER, "add", 400, None, OTHER),
        (None, "replace", 200, written, configuration()),
        (configuration(OTHER_TOKEN, False), "replace", 200, written, configuration()),
        (None, "validate", 404, None, None),
        (configuration(), "validate", 200, {"configurations": [{"isValid": True}]}, configuration()),
        (OTHER, "validate", 200, rejected, OTHER),
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

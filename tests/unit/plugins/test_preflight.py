# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When PagerDuty is asked whether it accepts the token, what it is sent, and whom the client trusts.

PagerDuty's responses, and what goes wrong on the way to it, are in test_faults.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    ABILITIES,
    API_KEY,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    TOKEN,
    VALIDATE,
)

from .conftest import WHAT_IS_STORED, Run, Stored, configuration, requests_to, shown, state
from .modules.test_cortex_pagerduty_config import STORED, WRITES
from .wire import listening

OLD, NEW = configuration(OTHER_TOKEN), configuration(TOKEN)
CHECK = "Check token or preflight_url."


def check_failure(result: dict[str, Any], workspace: Workspace, stored: Stored) -> None:
    """Check that a preflight has failed, that nothing was written, and what the result says of it."""
    assert workspace.configuration == stored
    assert (result["failed"], result["changed"], result["configuration"]) == (True, False, shown(stored))
    assert result["diff"] == {"before": state(stored), "after": state(stored)}
    assert CHECK in result["msg"]
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
    assert not {"http_status", "request_id", "error_type"} & result.keys()
    assert "api_key" not in result["msg"]
    assert "base_url" not in result["msg"]


# When PagerDuty is asked


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("stored", "update_token"), WRITES)
def test_asked_only_when_a_write_would_send_the_token(
    config: Run, simulator: Simulator, workspace: Workspace, stored: str, update_token: str, check_mode: bool
) -> None:
    workspace.configuration = STORED[stored]
    result = config(preflight=True, update_token=update_token, check_mode=check_mode)
    write = WRITES[stored, update_token]
    sent = [GET, ABILITIES, write] if write else [GET]
    assert requests_to(simulator) == (sent[:2] if check_mode else sent)
    assert result["preflight"] is (True if write else None)
    assert "failed" not in result


@pytest.mark.parametrize("options", [{}, {"preflight": True, "state": "absent"}], ids=["unset", "absent"])
def test_not_asked(config: Run, simulator: Simulator, workspace: Workspace, options: dict[str, Any]) -> None:
    workspace.configuration = OLD
    simulator.reject_token(TOKEN)
    result = config(**options)
    assert ABILITIES not in requests_to(simulator)
    assert ("failed" in result, result["changed"], result["preflight"]) == (False, True, None)


def test_asked_once_for_several_writes(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    workspace.fault("get", afterwards={"configuration": OLD})
    workspace.fault("replace", drop=True)
    result = config(preflight=True)
    assert requests_to(simulator) == [GET, ABILITIES, POST, GET, PUT, GET, PUT]
    assert ("failed" in result, result["preflight"]) == (False, True)


def test_not_asked_about_the_previous_token(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    """PagerDuty changes its mind between the preflight and Cortex's verdict."""
    workspace.configuration = OLD
    workspace.fault("validate", body={"configurations": [{"isValid": False}]})
    result = config(preflight=True, validate=True, rollback=True, previous_token=OTHER_TOKEN)
    assert requests_to(simulator) == [GET, ABILITIES, PUT, VALIDATE, GET, PUT]
    assert (result["preflight"], result["rolled_back"]) == (True, True)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"token": f"{TOKEN}\n"}, []),
        ({"api_key": "ck_live_unknown_Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U"}, [GET]),
        ({"validate": True, "rollback": True, "previous_token": "Qe7_mHs2+VdKxRpLef56"}, [GET]),
    ],
    ids=["invalid option", "unknown API key", "wrong previous token"],
)
def test_not_asked_where_the_task_fails_before(
    config: Run, simulator: Simulator, workspace: Workspace, options: dict[str, Any], sent: list[str]
) -> None:
    workspace.configuration = OLD
    result = config(preflight=True, **options)
    assert requests_to(simulator) == sent
    assert (result["failed"], result["preflight"]) == (True, None)


# What it means


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("stored", [None, OLD], ids=["add", "replace"])
def test_rejected_token_is_not_written(
    config: Run, simulator: Simulator, workspace: Workspace, stored: Stored, check_mode: bool
) -> None:
    workspace.configuration = stored
    simulator.reject_token(TOKEN)
    result = config(preflight=True, validate=True, rollback=True, check_mode=check_mode)
    assert requests_to(simulator) == [GET, ABILITIES]
    assert (result["preflight"], result["validation"], result["rolled_back"]) == (False, None, False)
    check_failure(result, workspace, stored)
    url = f"{simulator.pagerduty_url}/abilities"
    assert result["msg"].startswith(f"PagerDuty does not accept the token (GET {url}: HTTP 401). {CHECK} Current ")


@pytest.mark.parametrize("status", [418, 503])
def test_pagerduty_that_could_not_be_asked_in_check_mode(
    config: Run, simulator: Simulator, workspace: Workspace, status: int
) -> None:
    workspace.configuration = OLD
    workspace.fault("abilities", times=None, status=status)
    result = config(preflight=True, check_mode=True, retries=1)
    assert requests_to(simulator) == [GET] + [ABILITIES] * (2 if status == 503 else 1)
    assert result["preflight"] is None
    assert f"HTTP {status}" in result["msg"]
    check_failure(result, workspace, OLD)


@pytest.mark.parametrize(("header", "least", "most"), [("7", 7, 8), ("60", 60, 61), ("-7", 0, 1), ("soon", 0, 1)])
def test_retry_after_is_added(
    config: Run, workspace: Workspace, waits: list[float], header: str, least: float, most: float
) -> None:
    workspace.fault("abilities", status=429, headers={"Retry-After": header})
    assert config(preflight=True)["preflight"] is True
    assert len(waits) == 1
    assert least <= waits[0] <= most


def test_token_that_fits_no_header(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    token = "ü+漢🔑NxKq81LtWzGh4cd34"
    result = config(preflight=True, token=token)
    assert requests_to(simulator) == [GET]
    assert result["preflight"] is None
    check_failure(result, workspace, None)
    assert token not in str(result)


# What is sent, and where


@pytest.mark.parametrize("suffix", ["", "/", "/prefix", "/prefix/"])
def test_only_the_token_is_sent(config: Run, suffix: str) -> None:
    body = b'{"abilities": ["sso"]}'
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as pagerduty:
        result = config(preflight=True, preflight_url=pagerduty.url + suffix, previous_token=OTHER_TOKEN)
    assert result["preflight"] is True
    [request] = pagerduty.received
    line, *headers = request.decode().split("\r\n")
    assert line == f"GET {suffix.rstrip('/')}/abilities HTTP/1.1"
    assert f"Authorization: Token token={TOKEN}" in headers
    assert API_KEY not in request.decode()
    assert OTHER_TOKEN not in request.decode()


def test_netrc_never_replaces_the_token(
    config: Run, environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("default login stranger password of-the-netrc\n")
    netrc.chmod(0o600)
    environment.setenv("HOME", str(netrc.parent))
    assert config(preflight=True)["preflight"] is True


def test_redirect_is_not_followed(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    with Simulator() as elsewhere:
        workspace.fault("abilities", status=307, headers={"Location": f"{elsewhere.pagerduty_url}/abilities"})
        result = config(preflight=True)
        assert elsewhere.log == []
    assert requests_to(simulator) == [GET, ABILITIES]
    assert "HTTP 307" in result["msg"]


def test_one_connection_to_each(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    workspace.configuration = OLD
    workspace.fault("abilities", status=503)
    config(preflight=True, validate=True)
    assert requests_to(simulator) == [GET, ABILITIES, ABILITIES, PUT, VALIDATE]
    connections = {(entry["operation"] == "abilities", entry["connection"]) for entry in simulator.log}
    assert len(connections) == simulator.connections == 2


# Whom the client trusts


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("option", ["ca_path", "validate_certs"])
def test_options_about_certificates_are_for_cortex_only(
    config: Run, secure: Simulator, waits: list[float], option: str
) -> None:
    """Cortex has the same certificate, and is trusted."""
    secure.reset()
    workspace = secure.add_workspace(API_KEY)
    urls = {"base_url": secure.url, "preflight_url": secure.pagerduty_url}
    value = {"ca_path": secure.ca_path, "validate_certs": False}[option]
    result = config(preflight=True, **urls, **{option: value})
    assert requests_to(secure) == [GET]
    assert "the server's certificate could not be verified" in result["msg"]
    assert "REQUESTS_CA_BUNDLE" in result["msg"]
    assert (result["preflight"], waits) == (None, [])
    check_failure(result, workspace, None)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_environment_names_the_ca(
    config: Run, secure: Simulator, environment: pytest.MonkeyPatch, variable: str
) -> None:
    environment.setenv(variable, str(secure.ca_path))
    assert config(preflight=True, preflight_url=secure.pagerduty_url)["preflight"] is True


def test_missing_bundle_of_the_environment_is_named(
    config: Run, workspace: Workspace, secure: Simulator, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    result = config(preflight=True, ca_path=secure.ca_path)
    assert (workspace.requests, workspace.configuration, result["preflight"]) == ([GET], None, None)
    assert "REQUESTS_CA_BUNDLE names a CA bundle that does not exist: /no/such/bundle.pem." in result["msg"]


def test_server_that_does_not_speak_tls(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    result = config(preflight=True, preflight_url=simulator.pagerduty_url.replace("http:", "https:"))
    assert result["preflight"] is None
    assert "TLS failed between this host and the server." in result["msg"]
    check_failure(result, workspace, None)

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PagerDuty is sent, what its verdict means, and whom the client trusts.

When it is asked is up to tests/unit/walk. Its other responses, and what goes wrong on the way to it, are in
test_faults.py.
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
    TOKEN,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.servers import json_response, recording_server

from .conftest import WHAT_IS_STORED, Run, Stored, shown, state

CHECK = "Check token or preflight_url."


def check_failure(result: dict[str, Any], workspace: Workspace, stored: Stored, accepted: bool | None) -> None:
    """Check that a preflight has failed, that nothing was written, and what the result says of it."""
    assert workspace.configuration == stored
    assert (result["failed"], result["changed"], result["configuration"]) == (True, False, shown(stored))
    assert (result["preflight"], result["validation"], result["rolled_back"]) == (accepted, None, False)
    assert result["diff"] == {"before": state(stored), "after": state(stored)}
    assert CHECK in result["msg"]
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
    assert not {"http_status", "request_id", "error_type"} & result.keys()
    assert "api_key" not in result["msg"]
    assert "base_url" not in result["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("stored", [None, configuration(OTHER_TOKEN)], ids=["add", "replace"])
def test_rejected_token_is_not_written(
    config: Run, simulator: Simulator, workspace: Workspace, stored: Stored, check_mode: bool
) -> None:
    workspace.configuration = stored
    simulator.reject_token(TOKEN)
    result = config(preflight=True, validate=True, rollback=True, check_mode=check_mode)
    assert simulator.requests == [GET, ABILITIES]
    check_failure(result, workspace, stored, accepted=False)
    url = f"{simulator.pagerduty_url}/abilities"
    assert result["msg"].startswith(f"PagerDuty does not accept the token (GET {url}: HTTP 401). {CHECK} Current ")


def test_token_that_fits_no_header(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    token = "ü+漢🔑NxKq81LtWzGh4cd34"
    result = config(preflight=True, token=token)
    assert simulator.requests == [GET]
    check_failure(result, workspace, None, accepted=None)
    assert token not in str(result)


@pytest.mark.parametrize("suffix", ["", "/", "/prefix", "/prefix/"])
def test_only_the_token_is_sent(config: Run, suffix: str) -> None:
    with recording_server(json_response(b'{"abilities": ["sso"]}')) as pagerduty:
        result = config(preflight=True, preflight_url=pagerduty.url + suffix, previous_token=OTHER_TOKEN)
    assert result["preflight"] is True
    [request] = pagerduty.received
    line, *headers = request.decode().split("\r\n")
    assert line == f"GET {suffix.rstrip('/')}/abilities HTTP/1.1"
    assert f"Authorization: Token token={TOKEN}" in headers
    assert API_KEY not in request.decode()
    assert OTHER_TOKEN not in request.decode()


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
    assert secure.requests == [GET]
    assert "the server's certificate could not be verified" in result["msg"]
    assert "REQUESTS_CA_BUNDLE" in result["msg"]
    assert waits == []
    check_failure(result, workspace, None, accepted=None)


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

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API key goes to the host of the base URL alone, and the token of the preflight to that of the preflight's URL."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.servers import Recorder, recording_proxy, recording_server

from .leaks import leaks_below, leaks_in
from .outcomes import Outcome
from .playbook import ROLLOUT, run_playbook

TEAM = Outcome("team")
NETRC_PASSWORD = "netrc-9Xk2LpQ7vTz4"
PROXY_PASSWORD = "proxy-4Wm8NbY3rHs6"
SECRETS = TEAM.secrets | {"the password in .netrc": NETRC_PASSWORD, "the proxy's password": PROXY_PASSWORD}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(tls=True) as simulator:
        TEAM.prepare(simulator)
        yield simulator


@pytest.fixture
def elsewhere() -> Iterator[Recorder]:
    with recording_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Recorder]:
    with recording_proxy() as proxy:
        yield proxy


def rollout(folder: Path, simulator: Simulator, variables: dict[str, Any], **env: str) -> int:
    """Roll out to the one workspace, with preflight; return the exit status."""
    inventory = folder.parent / f"{folder.name}.yml"
    host = {
        "cortex_pagerduty_api_key": TEAM.api_key,
        "cortex_pagerduty_token": TEAM.token,
        "cortex_pagerduty_is_token_readonly": True,
        "cortex_pagerduty_base_url": simulator.url,
        "cortex_pagerduty_ca_path": simulator.ca_path,
        "cortex_pagerduty_retries": 0,
        "cortex_pagerduty_preflight": True,
        "cortex_pagerduty_preflight_url": simulator.pagerduty_url,
        **variables,
    }
    inventory.write_text(yaml.safe_dump({"cortex": {"hosts": {TEAM.name: host}}}))
    # Not in the folder: the user has written it, and not Ansible.
    netrc = folder.parent / "netrc"
    netrc.write_text(f"machine 127.0.0.1\nlogin somebody\npassword {NETRC_PASSWORD}\n")
    given = {"SSL_CERT_FILE": simulator.ca_path or "", "NETRC": str(netrc), **env}
    return run_playbook(folder, ROLLOUT, "-i", inventory, "-e", "cortex_workspaces=cortex", env=given)


def has_converged(simulator: Simulator) -> bool:
    return simulator.workspaces[TEAM.name].configuration == {"token": TEAM.token, "is_token_readonly": True}


def test_netrc_replaces_neither_the_api_key_nor_the_token(tmp_path: Path, simulator: Simulator) -> None:
    response = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"abilities":[]}'
    with recording_server(response) as pagerduty:
        assert rollout(tmp_path, simulator, {"cortex_pagerduty_preflight_url": pagerduty.url}) == 0
    assert has_converged(simulator)
    assert f"Authorization: Token token={TEAM.token}\r\n" in pagerduty.text
    assert leaks_in(pagerduty.text, SECRETS) == ["the token of team, plain"]
    assert leaks_below(tmp_path, SECRETS) == []


@pytest.mark.parametrize("operation", ["abilities", "add"])
def test_a_redirect_is_not_followed(tmp_path: Path, simulator: Simulator, elsewhere: Recorder, operation: str) -> None:
    simulator.fault(operation, status=307, headers={"Location": elsewhere.url}, times=None)
    assert rollout(tmp_path, simulator, {}) == 2
    assert elsewhere.received == []
    assert not has_converged(simulator)


def test_a_proxy_sees_tunnels_to_the_two_hosts_and_nothing_inside(
    tmp_path: Path, simulator: Simulator, proxy: Recorder
) -> None:
    url = proxy.url.replace("//", f"//somebody:{PROXY_PASSWORD}@")
    assert rollout(tmp_path, simulator, {}, HTTPS_PROXY=url, HTTP_PROXY=url) == 0
    assert has_converged(simulator)
    requests = re.findall(r"(CONNECT|GET|POST|PUT) (\S+) HTTP/1\.[01]\r\n", proxy.text)
    assert requests == [("CONNECT", simulator.url.removeprefix("https://"))] * 2
    # Its own password alone.
    basic = base64.b64encode(f"somebody:{PROXY_PASSWORD}".encode()).decode()
    assert leaks_in(proxy.text.replace(basic, ""), SECRETS) == []
    assert leaks_below(tmp_path, SECRETS) == []


def test_a_proxy_that_refuses_is_named_without_its_password(tmp_path: Path, simulator: Simulator) -> None:
    with recording_server(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as refusing:
        url = refusing.url.replace("//", f"//somebody:{PROXY_PASSWORD}@")
        assert rollout(tmp_path, simulator, {"cortex_pagerduty_preflight": False}, HTTPS_PROXY=url) == 2
    assert "the proxy did not connect to the server" in (tmp_path / "tree" / TEAM.name).read_text()
    assert leaks_below(tmp_path, SECRETS) == []


def test_no_proxy_keeps_everything_from_the_proxy(tmp_path: Path, simulator: Simulator, proxy: Recorder) -> None:
    assert rollout(tmp_path, simulator, {}, HTTPS_PROXY=proxy.url, NO_PROXY="127.0.0.1") == 0
    assert has_converged(simulator)
    assert proxy.received == []

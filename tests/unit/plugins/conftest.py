# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the plugins share: the simulator, and a way to run a module as Ansible would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.cortexapps.cortex.plugins.module_utils import _client
from ansible_collections.cortexapps.cortex.plugins.modules import (
    cortex_pagerduty_config,
    cortex_pagerduty_config_info,
)
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace

API_KEY = "ck_live_7Qm2vXw9LrT4bNz6KsY8dFh3JpG5aC1eU0iO"
TOKEN = "u+7FzQkLmN2pRsTvab12"
OTHER_TOKEN = "y_NbxKq81LtWzGh4cd34"
TWIN_TOKEN = "w3JkVnPq60XsBdMeab12"  # another token with the last four characters of TOKEN

GET = "GET /api/v1/pagerduty/default-configuration"
POST = "POST /api/v1/pagerduty/configuration"
PUT = "PUT /api/v1/pagerduty/configuration"
DELETE = "DELETE /api/v1/pagerduty/configurations"
VALIDATE = "POST /api/v1/pagerduty/configuration/validate"

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def server() -> Iterator[Simulator]:
    with Simulator() as server:
        yield server


@pytest.fixture
def simulator(server: Simulator) -> Simulator:
    server.reset()
    return server


@pytest.fixture
def workspace(simulator: Simulator) -> Workspace:
    return simulator.add_workspace(API_KEY, name="team-a")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of the machine decides a test."""
    for name in ("CORTEX_API_KEY", "CORTEX_API_TOKEN", "CORTEX_BASE_URL", "CORTEX_API_URL", "PAGERDUTY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client wanted to wait; it does not, in these tests."""
    waits: list[float] = []
    monkeypatch.setattr(_client.time, "sleep", waits.append)
    return waits


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a module's own main() on JSON arguments, and return the JSON that it prints, masked as Ansible masks it."""

    def run_module(main: Callable[[], None], *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        arguments = {**options, "_ansible_check_mode": check_mode, "_ansible_remote_tmp": "/tmp"}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        # What ansible-core 2.19 and later send along.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run_module


@pytest.fixture
def config(run_module: Run, workspace: Workspace, simulator: Simulator) -> Run:
    """Run cortex_pagerduty_config on the workspace; options replace or (when None) remove those given here."""

    def config(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN, "is_token_readonly": True, **options}
        given = {name: value for name, value in given.items() if value is not None}
        return run_module(cortex_pagerduty_config.main, check_mode=check_mode, **given)

    return config


@pytest.fixture
def info(run_module: Run, workspace: Workspace, simulator: Simulator) -> Run:
    """Run cortex_pagerduty_config_info on the workspace."""

    def info(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"api_key": API_KEY, "base_url": simulator.url, **options}
        given = {name: value for name, value in given.items() if value is not None}
        return run_module(cortex_pagerduty_config_info.main, check_mode=check_mode, **given)

    return info

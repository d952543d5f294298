# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the plugins share: the simulator, and a way to run a module as Ansible would."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import syslog
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import hypothesis.configuration
import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import parameters, warnings
from ansible_collections.cortexapps.cortex.plugins.modules import (
    cortex_pagerduty_config,
    cortex_pagerduty_config_info,
)
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace

ROOT = Path(__file__).resolve().parents[3]

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
Stored = dict[str, Any] | None

# "pytest tests/unit/plugins --hypothesis-profile=long" looks further than each run of the tests.
hypothesis.configuration.set_hypothesis_home_dir(ROOT / ".work" / "cache" / "hypothesis")
_PROFILE = hypothesis.settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    stateful_step_count=8,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile("short", _PROFILE)
hypothesis.settings.register_profile("long", _PROFILE, max_examples=2000, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("short")


def configuration(token: str, is_token_readonly: bool = True) -> Stored:
    """Return what the simulator stores."""
    return {"token": token, "is_token_readonly": is_token_readonly}


def shown(stored: Stored) -> Stored:
    """Return what the modules show of what the simulator stores."""
    return stored and {"is_token_readonly": stored["is_token_readonly"], "last_four": stored["token"][-4:]}


def state(stored: Stored) -> dict[str, Any]:
    """Return what a diff shows of what the simulator stores."""
    return {"state": "present", **(shown(stored) or {})} if stored else {"state": "absent"}


def run_main(main: Callable[[], None], arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Run a module's own main() as Ansible does; return its result and all that it printed, masked as Ansible masks it.

    A value of None stands for null. Arguments that begin with ``_ansible_`` are Ansible's own; those that its version
    does not know are left out.
    """
    known = {f"_ansible_{name}" for name in parameters.PASS_VARS}
    arguments = {name: value for name, value in arguments.items() if name in known or not name.startswith("_ansible_")}
    arguments["_ansible_remote_tmp"] = "/tmp"
    out, err = io.StringIO(), io.StringIO()
    # Ansible keeps these for the whole process, which runs one module.
    warnings._global_warnings.clear()
    with contextlib.suppress(ImportError):
        vars(importlib.import_module("ansible.module_utils._internal._traceback")).update(
            _module_tracebacks_enabled_events=None
        )
    with (
        mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()),
        # What ansible-core 2.19 and later send along.
        mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit),
    ):
        main()
    result = json.loads(out.getvalue())
    # Of the module's arguments; whether it is there depends on the version.
    result.pop("invocation", None)
    return result, out.getvalue() + err.getvalue()


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
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> pytest.MonkeyPatch:
    """No variable and no file of the machine decides a test."""
    for name in ("CORTEX_API_KEY", "CORTEX_API_TOKEN", "CORTEX_BASE_URL", "CORTEX_API_URL", "PAGERDUTY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    return monkeypatch


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client wanted to wait; it does not, in these tests."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.fixture(autouse=True)
def system_log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Ansible writes to the system's log of a module's run; it does not, in these tests."""
    lines: list[str] = []
    monkeypatch.setattr(syslog, "syslog", lambda *arguments: lines.append(str(arguments[-1])))
    monkeypatch.setattr(basic, "has_journal", False)
    return lines


@pytest.fixture
def config(workspace: Workspace, simulator: Simulator) -> Run:
    """Run cortex_pagerduty_config on the workspace; options replace or (when None) remove those given here."""

    def config(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN, "is_token_readonly": True, **options}
        given = {name: value for name, value in given.items() if value is not None}
        return run_main(cortex_pagerduty_config.main, {**given, "_ansible_check_mode": check_mode})[0]

    return config


@pytest.fixture
def info(workspace: Workspace, simulator: Simulator) -> Run:
    """Run cortex_pagerduty_config_info on the workspace."""

    def info(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"api_key": API_KEY, "base_url": simulator.url, **options}
        given = {name: value for name, value in given.items() if value is not None}
        return run_main(cortex_pagerduty_config_info.main, {**given, "_ansible_check_mode": check_mode})[0]

    return info


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-fault-matrix",
        action="store_true",
        help="write what test_faults.py finds into docs/docsite/rst/fault_matrix.rst, instead of comparing it",
    )

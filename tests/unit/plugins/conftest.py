# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the plugins share: the simulator, and both ways in which Ansible runs a task.

Each test that runs a task runs it twice: inside Ansible's own process, through the action plugin, and as an ordinary
module. What a test expects is the same.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import syslog
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import hypothesis
import hypothesis.configuration
import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import parameters, warnings
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, TOKEN
from ansible_collections.cortexapps.cortex.tests.support.environment import is_foreign

ROOT = Path(__file__).resolve().parents[3]


#: Stands for null among the options of a `Run`.
NULL: Any = object()
#: The sentences that say what is stored. A message has exactly one of them.
WHAT_IS_STORED = re.compile(r"Current configuration: |The current configuration is unknown: |Nothing was changed\.")

COLLECTION = "ansible_collections.cortexapps.cortex"
CONFIG, INFO = "cortex_pagerduty_config", "cortex_pagerduty_config_info"

# ansible-test runs the tests of modules and module_utils without the controller's part of Ansible.
WAYS = ["module"] if importlib.util.find_spec("ansible.plugins") is None else ["in process", "module"]

#: Runs a task by name with arguments; returns its result and all that it printed.
RunTask = Callable[[str, dict[str, Any]], tuple[dict[str, Any], str]]
#: Runs a task on the workspace with options; returns its result.
Run = Callable[..., dict[str, Any]]
Stored = dict[str, Any] | None
Unknown = Literal["unknown"]

# --hypothesis-profile=long looks further than each run of the tests.
hypothesis.configuration.set_hypothesis_home_dir(ROOT / ".work" / "cache" / "hypothesis")
_PROFILE = hypothesis.settings(
    max_examples=50,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile("short", _PROFILE)
hypothesis.settings.register_profile(
    "long", _PROFILE, max_examples=1000, stateful_step_count=50, derandomize=False, print_blob=True
)
hypothesis.settings.load_profile("short")


def shown(stored: Stored | Unknown) -> Stored:
    """Return what the modules show of what the simulator stores."""
    if stored is None or stored == "unknown":
        return None
    return {"is_token_readonly": stored["is_token_readonly"], "last_four": stored["token"][-4:]}


def state(stored: Stored | Unknown) -> dict[str, Any]:
    """Return what a diff shows of what the simulator stores."""
    if stored == "unknown":
        return {"state": "unknown"}
    return {"state": "present", **(shown(stored) or {})} if stored else {"state": "absent"}


def without_note(shown_state: dict[str, Any]) -> dict[str, Any]:
    """Return what a diff shows, without its note on what became of the token."""
    return {name: value for name, value in shown_state.items() if name != "token"}


@contextlib.contextmanager
def as_module_process() -> Iterator[None]:
    """Have ansible-core 2.19 and later take this process for one that runs a module, not for Ansible's own."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            internal = importlib.import_module("ansible.module_utils._internal")
            traceback = importlib.import_module("ansible.module_utils._internal._traceback")
            is_enabled = traceback._is_module_traceback_enabled
            stack.enter_context(mock.patch.object(internal, "is_controller", False))
            stack.enter_context(mock.patch.object(traceback, "_module_tracebacks_enabled_events", None))
            stack.enter_context(mock.patch.object(traceback, "_is_traceback_enabled", is_enabled))
        yield


def run_as_module(name: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Run a module's own main() as Ansible does; return its result and all that it printed, masked as Ansible masks it.

    A value of None stands for null. Arguments that begin with ``_ansible_`` are Ansible's own; those that its version
    does not know are left out.
    """
    module = importlib.import_module(f"{COLLECTION}.plugins.modules.{name}")
    known = {f"_ansible_{name}" for name in parameters.PASS_VARS}
    arguments = {name: value for name, value in arguments.items() if name in known or not name.startswith("_ansible_")}
    arguments |= {"_ansible_remote_tmp": "/tmp", "_ansible_module_name": f"cortexapps.cortex.{name}"}
    out, err = io.StringIO(), io.StringIO()
    # Ansible keeps these for the whole process, which runs one module.
    warnings._global_warnings.clear()
    with (
        as_module_process(),
        mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()),
        # What ansible-core 2.19 and later send along.
        mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit),
    ):
        module.main()
    result = json.loads(out.getvalue())
    # Of the module's arguments; whether it is there depends on the version.
    result.pop("invocation", None)
    return result, out.getvalue() + err.getvalue()


def action(name: str, arguments: dict[str, Any], **keywords: Any) -> Any:
    """Return the action plugin for a task with a local connection, as Ansible makes it."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.playbook.play_context import PlayContext
    from ansible.playbook.task import Task
    from ansible.plugins.connection.local import Connection
    from ansible.template import Templar

    plugin = importlib.import_module(f"{COLLECTION}.plugins.action.{name}")
    task = Task()
    task.action = f"cortexapps.cortex.{name}"
    task.args = arguments
    for keyword, value in keywords.items():
        setattr(task, keyword, value)
    loader, context = DataLoader(), PlayContext()
    return plugin.ActionModule(task, Connection(context, os.devnull), context, loader, Templar(loader), None)


def run_in_process(name: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Run the action plugin as Ansible does; return what `run_as_module` returns."""
    given = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
    plugin = action(name, given, check_mode=arguments.get("_ansible_check_mode", False))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = plugin.run(task_vars={})
    printed = out.getvalue() + err.getvalue() + json.dumps(result)
    result.pop("invocation", None)
    return result, printed


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest) -> RunTask:
    """Run a task, in each of both ways."""
    return run_in_process if request.param == "in process" else run_as_module


@pytest.fixture(scope="session")
def server() -> Iterator[Simulator]:
    with Simulator() as server:
        yield server


@pytest.fixture(scope="session")
def secure() -> Iterator[Simulator]:
    """One that speaks TLS, with a certificate of its own authority."""
    with Simulator(tls=True) as server:
        server.add_workspace(API_KEY)
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
    for name in list(os.environ):
        if is_foreign(name) and not name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
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


def run_on(run: RunTask, name: str, defaults: dict[str, Any]) -> Run:
    """Return a function that runs a task; options replace or (if None) remove the defaults. `NULL` stands for null."""

    def run_task(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {option: value for option, value in {**defaults, **options}.items() if value is not None}
        given = {option: None if value is NULL else value for option, value in given.items()}
        return run(name, {**given, "_ansible_check_mode": check_mode})[0]

    return run_task


@pytest.fixture
def config(run: RunTask, workspace: Workspace, simulator: Simulator) -> Run:
    """Run cortex_pagerduty_config on the workspace; PagerDuty is the simulator, too."""
    defaults = {"api_key": API_KEY, "base_url": simulator.url, "preflight_url": simulator.pagerduty_url}
    return run_on(run, CONFIG, {**defaults, "token": TOKEN, "is_token_readonly": True})


@pytest.fixture
def info(run: RunTask, workspace: Workspace, simulator: Simulator) -> Run:
    """Run cortex_pagerduty_config_info on the workspace."""
    return run_on(run, INFO, {"api_key": API_KEY, "base_url": simulator.url})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-fault-matrix",
        action="store_true",
        help="write what test_faults.py finds into docs/docsite/rst/fault_matrix.rst, instead of comparing it",
    )

# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a task as Ansible does, with nothing of this machine, for tests/unit/plugins and tests/api."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import os
import syslog
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import parameters, warnings
from ansible_collections.cortexapps.cortex.tests.support.environment import clean

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.cortexapps.cortex"
CONFIG, INFO = "cortex_pagerduty_config", "cortex_pagerduty_config_info"
# ansible-test runs the tests of modules and module_utils without the controller's part of Ansible.
HAS_CONTROLLER = importlib.util.find_spec("ansible.plugins") is not None

#: Runs a task of a module with options (None: the option is not given); returns its result.
RunTask = Callable[..., dict[str, Any]]
Stored = dict[str, Any] | None


def run_task(name: str, arguments: dict[str, Any], *, check_mode: bool = False) -> tuple[dict[str, Any], str]:
    """Run a task as Ansible does; return its result, and all that may be shown of it.

    It runs inside Ansible's own process or, where the controller's part of Ansible is missing, as an ordinary module.
    """
    if not HAS_CONTROLLER:
        return run_module(name, {**arguments, "_ansible_check_mode": check_mode})
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = action(name, arguments, check_mode=check_mode).run(task_vars={})
    printed = out.getvalue() + err.getvalue() + json.dumps(result)
    result.pop("invocation", None)
    return result, printed


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


def run_module(name: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Run a module's own main() as Ansible does; return its result, and all that it printed.

    Arguments that begin with ``_ansible_`` are Ansible's own; those that its version does not know are left out.
    """
    module = importlib.import_module(f"{COLLECTION}.plugins.modules.{name}")
    known = {f"_ansible_{name}" for name in parameters.PASS_VARS}
    arguments = {name: value for name, value in arguments.items() if name in known or not name.startswith("_ansible_")}
    arguments |= {"_ansible_remote_tmp": "/tmp", "_ansible_module_name": f"cortexapps.cortex.{name}"}
    out, err = io.StringIO(), io.StringIO()
    # Ansible keeps these for the whole process, which runs one module.
    warnings._global_warnings.clear()
    with (
        _as_module_process(),
        mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()),
        # ansible-core 2.19 and later send these along.
        mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True),
        # Nothing of these tests gets into the system's log.
        mock.patch.object(basic, "has_journal", False),
        mock.patch.object(syslog, "syslog"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit),
    ):
        module.main()
    result = json.loads(out.getvalue())
    # From ansible-core 2.22 on: what Ansible is to mask, and shows to nobody.
    result.pop("_ansible_new_secrets", None)
    printed = json.dumps(result) + err.getvalue()
    # Of the module's arguments; whether it is there depends on the version, as does what a warning is.
    result.pop("invocation", None)
    if "warnings" in result:
        result["warnings"] = [each if isinstance(each, str) else each["event"]["msg"] for each in result["warnings"]]
    return result, printed


@contextlib.contextmanager
def _as_module_process() -> Iterator[None]:
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


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> pytest.MonkeyPatch:
    """No variable and no file of the machine decides a test."""
    for name in os.environ.keys() - clean().keys():
        if not name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    return monkeypatch


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client wanted to wait; it does not, in these tests."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is ended in the middle, as a task's ``timeout:`` and a cancelled job do: the next run converges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace

from .conftest import API_KEY, DELETE, GET, OTHER_TOKEN, POST, PUT, ROOT, TOKEN, VALIDATE, Run, Stored, configuration

OLD, WANTED = configuration(OTHER_TOKEN), configuration(TOKEN)
# A module's main() on the arguments in argv, without the collection being installed.
PROGRAM = f"""
import importlib.util, sys, json
spec = importlib.util.spec_from_file_location("paths", {str(ROOT / "tests" / "unit" / "conftest.py")!r})
spec.loader.exec_module(importlib.util.module_from_spec(spec))
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.cortexapps.cortex.plugins.modules import cortex_pagerduty_config
cortex_pagerduty_config.main()
"""


@pytest.mark.parametrize(
    ("operation", "is_done", "options", "stored", "wanted", "sent"),
    [
        ("get", True, {}, OLD, WANTED, [GET]),
        ("add", False, {}, None, WANTED, [GET, POST]),
        ("add", True, {}, None, WANTED, [GET, POST]),
        ("replace", False, {}, OLD, WANTED, [GET, PUT]),
        ("replace", True, {}, OLD, WANTED, [GET, PUT]),
        ("delete", False, {"state": "absent"}, OLD, None, [GET, DELETE]),
        ("delete", True, {"state": "absent"}, OLD, None, [GET, DELETE]),
        ("validate", True, {"validate": True}, OLD, WANTED, [GET, PUT, VALIDATE]),
    ],
)
def test_next_run_converges(
    config: Run,
    simulator: Simulator,
    workspace: Workspace,
    operation: str,
    is_done: bool,
    options: dict[str, Any],
    stored: Stored,
    wanted: Stored,
    sent: list[str],
) -> None:
    workspace.configuration = stored
    # Longer than the test takes: the answer never comes.
    workspace.fault(operation, delay=600, drop=True, processed=is_done)
    given = {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN, "is_token_readonly": True, **options}
    with start({**given, "_ansible_remote_tmp": "/tmp"}) as process:
        wait_for(workspace, len(sent), process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert workspace.requests == sent
    assert workspace.configuration in (stored, wanted)
    for secret in (API_KEY, TOKEN):
        assert secret.encode() not in out + err

    result = config(**options)

    assert "failed" not in result
    assert workspace.configuration == wanted
    assert config(**options)["changed"] is False


def start(arguments: dict[str, Any]) -> subprocess.Popen[bytes]:
    # Ansible itself may have been made importable in a way that a child process does not inherit.
    path = os.pathsep.join([str(Path(sys.modules[AnsibleModule.__module__].__file__ or "").parents[2]), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    process.stdin.close()
    process.stdin = None
    return process


def wait_for(workspace: Workspace, requests: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until that many requests have arrived."""
    pause = threading.Event()
    for _attempt in range(6000):
        if len(workspace.requests) >= requests or process.poll() is not None:
            return
        pause.wait(0.01)

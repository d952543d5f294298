# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the playbooks of this clone with every output there is turned on and kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.environment import ROOT

ROLLOUT = "cortexapps.cortex.pagerduty_rollout"
AUDIT = "cortexapps.cortex.pagerduty_audit"

# Seconds. Far above what a run takes on a slow machine.
TIMEOUT = 900


def everything_recorded(folder: Path) -> dict[str, str]:
    """Return the variables that have Ansible write all that it can, below `folder`."""
    return {
        "ANSIBLE_VERBOSITY": "5",
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_LOG_VERBOSITY": "5",
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_CALLBACKS_ENABLED": "junit,tree",
        "ANSIBLE_CALLBACK_TREE_DIR": str(folder / "tree"),
        "JUNIT_OUTPUT_DIR": str(folder / "junit"),
        "JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT": "true",
        # With become, a task runs as an ordinary module.
        "ANSIBLE_BECOME_PLUGINS": str(ROOT / "tests/integration/targets/setup_simulator/become_plugins"),
        # The system's log, see journal/.
        "PYTHONPATH": str(Path(__file__).parent / "journal"),
        "TEST_JOURNAL": str(folder / "journal.jsonl"),
    }


def run_playbook(folder: Path, *arguments: str | Path, env: Mapping[str, str]) -> int:
    """Run ansible-playbook, with what it prints in `stdout` and `stderr` below `folder`; return its exit status."""
    command = [sys.executable, "-m", "ansible", "playbook", *map(str, arguments)]
    with (folder / "stdout").open("w") as stdout, (folder / "stderr").open("w") as stderr:
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            timeout=TIMEOUT,
            check=False,
        ).returncode

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the playbooks of this clone with every output there is turned on and kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.environment import isolated
from tests.support.programs import run

ROLLOUT = "cortexapps.cortex.pagerduty_rollout"
AUDIT = "cortexapps.cortex.pagerduty_audit"


def everything_recorded(folder: Path) -> dict[str, str]:
    """Return the variables that have Ansible write all that it can, below `folder`."""
    return {
        "ANSIBLE_VERBOSITY": "5",
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_LOG_VERBOSITY": "5",
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        # The system's log, see journal/.
        "PYTHONPATH": str(Path(__file__).parent / "journal"),
        "TEST_JOURNAL": str(folder / "journal"),
    }


def everything_debugged(folder: Path) -> dict[str, str]:
    """Return those that have Ansible write also what it debugs, and keep what it sends to a host."""
    return {**everything_recorded(folder), "ANSIBLE_DEBUG": "1", "ANSIBLE_KEEP_REMOTE_FILES": "1"}


def with_results(folder: Path) -> dict[str, str]:
    """Return the variables that have Ansible write the results of tasks too; `tree` has the last one of each host."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": "junit,tree",
        "ANSIBLE_CALLBACK_TREE_DIR": str(folder / "tree"),
        "JUNIT_OUTPUT_DIR": str(folder / "junit"),
        "JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT": "true",
    }


def run_playbook(
    folder: Path, *arguments: str | Path, env: Mapping[str, str], program: Sequence[str] = ("ansible", "playbook")
) -> int:
    """Run a playbook in `folder`, with what it prints in `stdout` there; return its exit status."""
    everything = {**isolated(folder), **everything_recorded(folder), **with_results(folder), **env}
    done = run(sys.executable, "-m", *program, *arguments, cwd=folder, env=everything)
    (folder / "stdout").write_text(done.stdout)
    return done.returncode

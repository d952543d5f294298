# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the playbooks of this clone with every output there is turned on and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROLLOUT = "cortexapps.cortex.pagerduty_rollout"
AUDIT = "cortexapps.cortex.pagerduty_audit"

# Seconds. Far above what a run takes on a slow machine.
TIMEOUT = 900
# What could change the outcome of a run.
_FOREIGN_PREFIXES = ("ANSIBLE_", "CORTEX_", "PAGERDUTY_", "PYTHON", "REQUESTS_", "CURL_", "SSL_")


def environment(folder: Path) -> dict[str, str]:
    """Return the environment for ansible-playbook: the caller's without what could change the outcome.

    Args:
        folder: Where Ansible puts whatever it writes, and looks for what is the user's own.
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and not name.lower().endswith("_proxy")
    }
    collections = folder / "collections"
    link = collections / "ansible_collections" / "cortexapps" / "cortex"
    if not link.is_symlink():
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
    home = folder / "home"
    temporary = folder / "tmp"
    for made in (home, temporary):
        made.mkdir(exist_ok=True)
    return env | {
        # For ansible-runner, which looks for ansible-playbook.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(temporary / "local"),
        "ANSIBLE_REMOTE_TEMP": str(temporary / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_NOCOLOR": "1",
    }


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

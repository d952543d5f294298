# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has Ansible write all that it can."""

from __future__ import annotations

from pathlib import Path


def everything_debugged(folder: Path) -> dict[str, str]:
    """Return the variables that have Ansible write all that it can below a folder, and keep what it sends to a host."""
    return {
        "ANSIBLE_VERBOSITY": "5",
        "ANSIBLE_DEBUG": "1",
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_LOG_VERBOSITY": "5",
        # The system's log, see journal/.
        "PYTHONPATH": str(Path(__file__).parent / "journal"),
        "TEST_JOURNAL": str(folder / "journal"),
    }

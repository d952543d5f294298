# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment in which nothing of the machine decides an outcome. Needs only the standard library."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Variables that can change the outcome of a run: of the tools, of the collection, and of the way to other hosts.
_FOREIGN = re.compile(
    r"(?i:(ANSIBLE|CORTEX|COVERAGE|CURL|GIT|PAGERDUTY|PYTEST|REQUESTS|RUFF|SSL|UV)_.*|(MYPY|PYTHON).*"
    r"|.*_PROXY|MAKEFLAGS|MAKELEVEL|MFLAGS|NETRC|XDG_(CACHE|CONFIG|DATA)_HOME)"
)


def clean() -> dict[str, str]:
    """Return the environment without the variables that can change the outcome of a run."""
    return {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Yield a temporary folder with a short path, wherever the clone is, for example to run playbooks in.

    ansible-core 2.21 makes a socket in its temporary folder, whose path may have no more than 107 characters.
    """
    # A module that runs in the background may still write.
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def isolated(folder: Path) -> dict[str, str]:
    """Return an environment for Ansible's programs: they find this clone, and write into a folder only.

    They also find `as_is`, a way to become the same user: with become, a task runs as an ordinary module.
    """
    home, temporary, collections = (folder / name for name in ("home", "tmp", "collections"))
    link = collections / "ansible_collections" / "cortexapps" / "cortex"
    for made in (home, temporary, link.parent):
        made.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    return {
        **clean(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LC_ALL": "C.UTF-8",
        "PYTHONPYCACHEPREFIX": str(ROOT / ".work" / "cache" / "bytecode"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(temporary / "local"),
        "ANSIBLE_REMOTE_TEMP": str(temporary / "remote"),
        "ANSIBLE_ASYNC_DIR": str(temporary / "async"),
        "ANSIBLE_BECOME_PLUGINS": str(
            ROOT / "tests" / "integration" / "targets" / "setup_simulator" / "become_plugins"
        ),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_NOCOLOR": "1",
    }

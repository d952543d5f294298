# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of AWX need and a virtual environment cannot hold beside the rest, kept under the ignored `.work/`.

`python tests/e2e/awx/downloads.py` fetches it ahead of the tests, and prints the folder that awx.awx is in.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".work" / "cache" / "awx"

# This package carries awx.awx 24.6.1. It wants an ansible-core of its own, so only that folder is taken from it.
ANSIBLE = "ansible==12.3.0"
AWX_COLLECTION = "ansible_collections/awx/awx/"
# The oldest version that the collection supports, and the first Python that it does not run on.
OLDEST_CORE = "ansible-core==2.16.19"
TOO_NEW_FOR_OLDEST_CORE = (3, 13)


def awx_collection() -> Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH that holds awx.awx and nothing else.

    Raises:
        subprocess.CalledProcessError: when pip cannot download it.
    """
    with _building("collections") as (folder, is_there):
        if not is_there:
            with tempfile.TemporaryDirectory() as downloads:
                _pip("download", "-q", "--no-deps", "--dest", downloads, ANSIBLE)
                (wheel,) = Path(downloads).iterdir()
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(folder, [name for name in archive.namelist() if name.startswith(AWX_COLLECTION)])
        return folder


def oldest_ansible_core() -> Path | None:
    """Return the folder of programs of the oldest supported ansible-core; None when this Python is too new for it.

    Raises:
        subprocess.CalledProcessError: when pip cannot install it.
    """
    if sys.version_info >= TOO_NEW_FOR_OLDEST_CORE:
        return None
    with _building(f"core-{sys.version_info.major}.{sys.version_info.minor}") as (folder, is_there):
        if not is_there:
            venv.create(folder, symlinks=True)
            _pip("--python", str(folder), "install", "-q", OLDEST_CORE)
        return folder / "bin"


@contextlib.contextmanager
def _building(name: str) -> Iterator[tuple[Path, bool]]:
    """Give a folder of the cache, and whether it is complete; one process at a time, and what fails is done anew."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder, complete = CACHE / name, CACHE / f"{name}.complete"
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = f"{ANSIBLE} {OLDEST_CORE} {sys.version} {folder}"
        is_there = complete.is_file() and complete.read_text() == content
        if not is_there:
            shutil.rmtree(folder, ignore_errors=True)
        yield folder, is_there
        complete.write_text(content)


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)


if __name__ == "__main__":
    oldest_ansible_core()
    print(awx_collection())

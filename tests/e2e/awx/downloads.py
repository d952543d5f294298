"""What the tests of AWX need and the virtual environment cannot contain too, kept under the ignored `.work/`.

`python -m tests.e2e.awx.downloads` fetches it ahead of the tests, and prints the folder that awx.awx is in.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import yaml
from filelock import FileLock

from tests.support.environment import ROOT

CACHE = ROOT / ".work" / "cache" / "awx"

# This package carries awx.awx 24.6.1. It wants an ansible-core of its own, so only that folder is taken from it.
ANSIBLE = "ansible==12.3.0"
AWX_COLLECTION = "ansible_collections/awx/awx/"
# The oldest version that the collection supports, and the first Python that it does not run on.
REQUIRES = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
OLDEST_CORE = f"ansible-core{REQUIRES.replace('>=', '~=')}"
TOO_NEW_FOR_OLDEST_CORE = (3, 13)


def awx_collection() -> Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH that contains awx.awx and nothing else."""
    return _build_once(CACHE / "collections", _download_awx_collection, ANSIBLE)


def _download_awx_collection(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        _pip("download", "-q", "--no-deps", "--dest", downloads, ANSIBLE)
        (wheel,) = Path(downloads).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(AWX_COLLECTION)])


def oldest_ansible_core() -> Path | None:
    """Return the folder of programs of the oldest supported ansible-core; None if this Python is too new for it."""
    if sys.version_info >= TOO_NEW_FOR_OLDEST_CORE:
        return None
    folder = CACHE / f"core-{sys.version_info.major}.{sys.version_info.minor}"
    # The programs name the interpreter and the folder.
    return _build_once(folder, _install_oldest_core, f"{OLDEST_CORE} {sys.version} {folder}") / "bin"


def _install_oldest_core(folder: Path) -> None:
    venv.create(folder, symlinks=True)
    _pip("--python", str(folder), "install", "-q", OLDEST_CORE)


def _build_once(folder: Path, build: Callable[[Path], None], version: str) -> Path:
    """Return a folder that `build` fills, once for all processes. With another version it is filled again."""
    complete = folder.with_name(f"{folder.name}.complete")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not complete.is_file() or complete.read_text() != version:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            complete.write_text(version)
    return folder


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)


if __name__ == "__main__":
    oldest_ansible_core()
    print(awx_collection())

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ignored folder `.work/`: everything that make sets up and leaves behind is in it.

Needs nothing but the standard library: it makes the virtual environment that the rest runs in.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work"
VENV = WORK / "venv"
VENV_BIN = VENV / "bin"
VENV_PYTHON = VENV_BIN / "python"
LOGS = WORK / "logs"
HOME = WORK / "home"
TEMPORARY = WORK / "tmp"
COLLECTIONS = WORK / "collections"
# ansible-test needs a real checkout at such a path: a copy of the clone. It keeps its results in there.
COPY = WORK / "copy" / "ansible_collections" / "cortexapps" / "cortex"
COPY_OUTPUT = COPY / "tests" / "output"

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
REQUIREMENTS = {"demo": ROOT / "tests" / "requirements-demo.txt", "test": ROOT / "tests" / "requirements.txt"}

# What could change the outcome of a run.
FOREIGN_PREFIXES = (
    "ANSIBLE_",
    "CORTEX_",
    "COVERAGE_",
    "GIT_",
    "HYPOTHESIS_",
    "MYPY",
    "PAGERDUTY_",
    "PYTEST_",
    "PYTHON",
    "RUFF_",
)
FOREIGN_NAMES = {
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "MAKEFLAGS",
    "MFLAGS",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
}
# The versions of pip that ansible-test of ansible-core 2.16 to 2.21 starts its virtual environments with.
BOOTSTRAP_PIPS = ("23.1.2", "24.2", "25.2")
BOOTSTRAP = '''\
"""Takes the place of get-pip.py, which ansible-test would download from a host beside the package index."""
import subprocess
import sys

sys.exit(subprocess.call([{pip_python!r}, "-m", "pip", "--python", sys.executable, "install", "-q", "pip=={version}"]))
'''


class SetupError(Exception):
    """The working folder cannot be set up; the message says what to do."""


def environment() -> dict[str, str]:
    """Return the environment for everything that is run: the caller's without what could change the outcome."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and name.upper() not in FOREIGN_NAMES
    }
    # A version manager's shims stand for interpreters that may not be installed; ansible-test would try them.
    path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).name != "shims"]
    real_python = str(Path(sys.executable).resolve().parent)
    env["PATH"] = os.pathsep.join([str(VENV_BIN), real_python, *path])
    env["VIRTUAL_ENV"] = str(VENV)
    env["HOME"] = str(HOME)
    env["LC_ALL"] = "C.UTF-8"
    env["PYTHONPYCACHEPREFIX"] = str(WORK / "cache" / "pyc")
    env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(WORK / "cache" / "hypothesis")
    env["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    env["ANSIBLE_HOME"] = str(HOME / ".ansible")
    env["ANSIBLE_NOCOLOR"] = "1"
    return env


def pip_environment() -> dict[str, str]:
    """Return the environment for pip: the caller's own, which knows the way to the package index."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env.setdefault("PIP_CACHE_DIR", str(WORK / "cache" / "pip"))
    return env | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def prepare(stage: str) -> None:
    """Make the virtual environment (`stage` "demo" or "test", the larger one) and the folders, where they are missing.

    Raises:
        SetupError: when one of them cannot be made.
    """
    for folder in (LOGS, HOME):
        folder.mkdir(parents=True, exist_ok=True)
    with lock("setup"):
        use_temporary_folder(TEMPORARY)
        _make_venv(stage)
        _link_collection()


def use_temporary_folder(folder: Path) -> None:
    """Have this process and its children use a temporary folder in `folder`; remove those that ended processes left."""
    for left in folder.glob("*"):
        try:
            os.kill(int(left.name), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue  # runs, as another user
    own = folder / str(os.getpid())
    own.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(own)


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Wait until no other process in this clone holds the lock `name`, and hold it."""
    with (WORK / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another make in this clone", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_venv(stage: str) -> None:
    """Install `stage` into the virtual environment; build it anew when interpreter, place or requirements differ."""
    wanted = hashlib.sha256(f"{sys.version} {sys.base_prefix} {VENV}".encode())
    for path in sorted((ROOT / "tests").glob("**/requirements*.txt")):
        if "output" not in path.parts:
            wanted.update(path.read_bytes())
    stamp = wanted.hexdigest()
    built, installed = VENV / ".built", VENV / f".installed-{stage}"
    if not built.is_file() or built.read_text() != stamp:
        print(f"Making {VENV} with Python {sys.version.split()[0]}", flush=True)
        try:
            venv.create(VENV, clear=True, with_pip=True, symlinks=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(
                f"{sys.executable} cannot make a virtual environment (Debian: python3-venv): {error}"
            ) from error
        built.write_text(stamp)
    if not installed.is_file():
        print(f"Installing {REQUIREMENTS[stage].relative_to(ROOT)}", flush=True)
        _pip_install(REQUIREMENTS[stage])
        for done in REQUIREMENTS if stage == "test" else [stage]:
            (VENV / f".installed-{done}").touch()


def _pip_install(requirements: Path) -> None:
    command: list[str | Path] = [VENV_PYTHON, "-m", "pip", "install", "-q", "--no-input", "-r", requirements]
    done = subprocess.run(
        command, env=pip_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    (LOGS / "pip.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise SetupError(f"{done.stdout}{done.stderr}\npip could not install {requirements}: the reason stands above.")


def _link_collection() -> None:
    """Give the clone the place in which Ansible looks for a collection."""
    link = COLLECTIONS / "ansible_collections" / "cortexapps" / "cortex"
    link.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(ROOT, link.parent)
    if not link.is_symlink() or str(link.readlink()) != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def sync_copy() -> None:
    """Bring the copy for ansible-test up to date with the clone's tracked and untracked, not ignored files.

    Raises:
        SetupError: when the folder is no git clone.
    """
    listing = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        raise SetupError(f"The tests need a git clone: {listing.stderr.strip()}")
    files = {name for name in listing.stdout.split("\0") if name and os.path.lexists(ROOT / name)}
    COPY.mkdir(parents=True, exist_ok=True)
    if not (COPY / ".git").is_dir():
        subprocess.run(["git", "init", "-q", "."], cwd=COPY, env=environment(), check=True)
    _remove_all_but(files)
    for name in files:
        _copy_if_changed(ROOT / name, COPY / name)
    # What earlier tests left: ansible-test does not pass TMPDIR on (see tests/unit/conftest.py).
    shutil.rmtree(COPY_OUTPUT / ".tmp", ignore_errors=True)


def _remove_all_but(files: set[str]) -> None:
    for folder, subfolders, names in os.walk(COPY, topdown=True):
        here = Path(folder)
        subfolders[:] = [name for name in subfolders if here / name not in {COPY / ".git", COPY_OUTPUT}]
        linked = [name for name in subfolders if (here / name).is_symlink()]
        for name in [*names, *linked]:
            if str((here / name).relative_to(COPY)) not in files:
                (here / name).unlink()
    for folder, _subfolders, _names in os.walk(COPY, topdown=False):
        if Path(folder) != COPY and ".git" not in Path(folder).relative_to(COPY).parts:
            with contextlib.suppress(OSError):  # not empty
                Path(folder).rmdir()


def _copy_if_changed(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        old, new = target.lstat(), source.lstat()
        if (old.st_mtime_ns, old.st_size, old.st_mode) == (new.st_mtime_ns, new.st_size, new.st_mode):
            return
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


@contextlib.contextmanager
def venv_for_ansible_test(venv_folder: Path = VENV) -> Iterator[Path]:
    """Yield a path of a virtual environment that ansible-test can write into the first line of scripts.

    That line holds no blanks, and no more than 127 characters. Where the clone's path does not allow that, there is a
    link in /tmp for as long as ansible-test runs, which has links of its own there.
    """
    if re.fullmatch(r"[\w./+-]{1,90}", str(venv_folder), re.ASCII):
        yield venv_folder
    else:
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            link = Path(folder) / "venv"
            link.symlink_to(venv_folder)
            yield link


def prepare_sanity() -> None:
    """Let ansible-test's own virtual environments be made from the package index that the caller's pip uses."""
    _write_pip_configuration()
    _write_pip_bootstraps()


def _write_pip_configuration() -> None:
    """Put what the caller tells pip into the private home: ansible-test passes on nothing else."""
    listing = subprocess.run(
        [VENV_PYTHON, "-m", "pip", "config", "list"], env=pip_environment(), capture_output=True, text=True, check=True
    )
    configuration = configparser.RawConfigParser()
    configuration["global"] = {}
    # Variables come last, since they win over files.
    for line in sorted(listing.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _equals, value = line.partition("=")
        section, _dot, option = name.rpartition(".")
        if option != "config-file":
            section = "global" if section == ":env:" else section
            configuration.read_dict({section: {option: ast.literal_eval(value)}})
    for option, names in {"proxy": ("HTTPS_PROXY", "https_proxy"), "cert": ("REQUESTS_CA_BUNDLE",)}.items():
        for value in filter(None, map(os.environ.get, names)):
            configuration["global"].setdefault(option, value)
    path = HOME / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # an index may want a password
    with path.open("w") as file:
        configuration.write(file)


def _write_pip_bootstraps() -> None:
    """Put a stand-in where ansible-test looks for `get-pip.py` before it downloads it."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in BOOTSTRAP_PIPS:
        path = cache / f"get_pip_{version.replace('.', '_')}.py"
        path.write_text(BOOTSTRAP.format(pip_python=str(VENV_PYTHON), version=version))

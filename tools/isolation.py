# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the sessions of noxfile.py inside the clone. Needs only the standard library."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.environment import clean, short_folder

ROOT = Path(__file__).resolve().parents[1]
# Ignored by Git: everything that a session writes is in here.
WORK = ROOT / ".work"
HOME = WORK / "home"

# Where version managers keep interpreters. Their shims can stand for interpreters that are not installed.
_PYTHONS = (".pyenv/versions", ".asdf/installs/python", ".local/share/mise/installs/python", ".local/share/uv/python")


def isolate() -> None:
    """Give this process and its children an environment in which nothing of the machine decides an outcome.

    The package index is still found: pip's own configuration is copied into the private home.
    """
    if os.environ.get("HOME") == str(HOME):
        return  # A parent process did it.
    pip = _pip_options()
    for folder in ("junit", "tmp", "home/.config/pip", "home/.config/uv", "home/.ansible/test/cache"):
        (WORK / folder).mkdir(parents=True, exist_ok=True)
    _forget_another_place()
    # Relative, because pip and uv split the value at blanks.
    constraints = f"{pip.get('constraint', '')} tests/constraints.txt".strip()
    isolated = {
        **clean(),
        # A copy of the collection in there is not part of this repository.
        "GIT_CEILING_DIRECTORIES": str(WORK),
        "HOME": str(HOME),
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join(_path()),
        "PIP_CONSTRAINT": constraints,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_CONSTRAINT": constraints,
        # Some tests install with pip.
        "UV_VENV_SEED": "1",
        # Compile Python files once, into one folder: neither into this repository nor into a virtual environment.
        "PYTHONPYCACHEPREFIX": str(WORK / "cache" / "bytecode"),
        "TMPDIR": str(WORK / "tmp"),
        # nox creates a virtual environment again when its interpreter is another one.
        "NOX_ENABLE_STALENESS_CHECK": "1",
    }
    if cert := pip.get("cert"):
        isolated["SSL_CERT_FILE"] = cert  # uv has no other option for it
    os.environ.clear()
    os.environ.update(isolated)
    _write_configurations(pip)


def use_package_index(environment: Path) -> None:
    """Have ansible-test of a virtual environment install from the package index only.

    Where it looks first, a program that installs pip takes the place of get-pip.py, which it would download from
    another host. Of a package that it would download from a repository, it gets the newest release.
    """
    install = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q", "--python"]
    packages = "[argument for argument in sys.argv if '==' in argument]"
    program = f"import subprocess, sys\nsys.exit(subprocess.call({install} + [sys.executable] + {packages}))\n"
    for source in environment.glob("lib/*/site-packages/ansible_test/_internal/python_requirements.py"):
        for version in re.findall(r"pip='([\d.]+)'", source.read_text()):
            (HOME / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py").write_text(program)
    for requirements in environment.glob("lib/*/site-packages/ansible_test/_data/requirements/*.txt"):
        content = requirements.read_text()
        requirements.unlink()  # it may be a link to uv's cache
        requirements.write_text(re.sub(r" @ https://\S+", "", content))


@contextlib.contextmanager
def short_path(folder: str) -> Iterator[str]:
    """Yield a path of a folder that fits into the first line of a script: no blanks, 127 characters."""
    if re.fullmatch(r"[\w./+-]{1,90}", folder, re.ASCII):
        yield folder
    else:
        with short_folder() as short:
            (short / "venv").symlink_to(folder)
            yield f"{short}/venv"


def _forget_another_place() -> None:
    """Remove the virtual environments if the clone was moved: their programs name their interpreter."""
    place = WORK / "place"
    if not place.is_file() or place.read_text() != str(ROOT):
        shutil.rmtree(WORK / "nox", ignore_errors=True)
        place.write_text(str(ROOT))


def _path() -> Iterator[str]:
    """Yield the folders of PATH without shims, and the folders of the interpreters that shims stand for."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if Path(folder).name != "shims":
            yield folder
    for place in _PYTHONS:
        yield from sorted(map(str, Path.home().glob(f"{place}/*/bin")), reverse=True)


def _pip_options() -> dict[str, str]:
    """Return the options that pip is configured with, by files and by variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(:env:|global|install)\.(.+?)=(.*)$", listing, re.MULTILINE)
    # Variables come last, because they win over files.
    found.sort(key=lambda each: each[0] == ":env:")
    options = {option: ast.literal_eval(value) for _section, option, value in found}
    for name, option in (("REQUESTS_CA_BUNDLE", "cert"), ("HTTPS_PROXY", "proxy"), ("https_proxy", "proxy")):
        if value := os.environ.get(name):
            options.setdefault(option, value)
    return options


def _write_configurations(pip: dict[str, str]) -> None:
    """Write pip's configuration for uv, which nox installs with, and for pip in environments of ansible-test.

    uv reads no configuration of pip, and ansible-test passes no variable to its environments.
    """
    uv: dict[str, object] = {
        "index-strategy": "unsafe-best-match",  # as pip does
        "python-downloads": "never",
        "system-certs": True,
    }
    strings = {"index-url": "index-url", "http-proxy": "proxy", "https-proxy": "proxy"}
    lists = {"extra-index-url": "extra-index-url", "find-links": "find-links", "allow-insecure-host": "trusted-host"}
    uv |= {name: pip[option] for name, option in strings.items() if option in pip}
    uv |= {name: pip[option].split() for name, option in lists.items() if option in pip}
    for file, head, lines in (
        # Each of these values is written in JSON as in TOML.
        ("uv/uv.toml", "", [f"{name} = {json.dumps(value)}" for name, value in uv.items()]),
        (
            "pip/pip.conf",
            "[global]\nno-compile = true\n",
            [f"{name} = {' '.join(value.split())}" for name, value in pip.items()],
        ),
    ):
        path = HOME / ".config" / file
        path.touch(mode=0o600)  # an index may need a password
        path.write_text(head + "\n".join(lines) + "\n")

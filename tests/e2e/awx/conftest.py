# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of AWX share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.environment import ROOT, isolated

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def load() -> Callable[[str], Any]:
    """Read a file of extensions/awx."""
    return lambda name: yaml.safe_load((ROOT / "extensions" / "awx" / name).read_text())


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """No more than it takes to run programs, so that nothing of the machine decides a test."""
    env = isolated(tmp_path_factory.mktemp("environment"))
    # A test says where it looks for collections.
    del env["ANSIBLE_COLLECTIONS_PATH"]
    return env | {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Run:
    """Run a program in the clean environment and `env`, and return it with its output; both streams are one."""

    def run(
        *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, command)),
            cwd=cwd,
            env={**environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """The folder into which a project sync has installed this collection, from collections/requirements.yml."""
    folder = tmp_path_factory.mktemp("requirements_collections")
    done = run("ansible-galaxy", "collection", "install", "-r", "collections/requirements.yml", "-p", folder)
    assert done.returncode == 0, done.stdout
    return folder

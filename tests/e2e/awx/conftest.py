# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of AWX share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.environment import ROOT, isolated
from tests.support.programs import output_of

from .downloads import oldest_ansible_core


@pytest.fixture(scope="session")
def oldest_core() -> Path:
    """The folder of programs of the oldest supported ansible-core; where it does not run, of this ansible-core."""
    programs = None if " " in sys.executable else oldest_ansible_core()
    return programs or Path(sys.executable).parent


@pytest.fixture(scope="session")
def installed(oldest_core: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which a project sync has installed this collection, from collections/requirements.yml."""
    folder = tmp_path_factory.mktemp("requirements_collections")
    install = ("collection", "install", "-r", "collections/requirements.yml", "-p", folder)
    env = isolated(tmp_path_factory.mktemp("sync")) | {"ANSIBLE_COLLECTIONS_PATH": str(folder)}
    output_of(oldest_core / "ansible-galaxy", *install, cwd=ROOT, env=env)
    return folder

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball that is published: what is in it, and that it works where nothing else is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.support.environment import ROOT, isolated
from tests.support.programs import output_of

# Everything that belongs into the tarball. Of the tests: those that whoever has nothing but the tarball can run with
# ansible-test (as Automation Hub does), and the simulator, which users test their own playbooks with.
SHIPPED = [
    "CHANGELOG.rst",
    "CONTRIBUTING.md",
    "COPYING",
    "LICENSES/*",
    "README.md",
    "REUSE.toml",
    "changelogs/*",
    "docs/*",
    "extensions/*",
    "meta/*",
    "playbooks/*",
    "plugins/*",
    "requirements.txt",
    "roles/*",
    "tests/config.yml",
    "tests/conftest.py",
    "tests/integration/*",
    "tests/sanity/*",
    "tests/simulator/*",
    "tests/support/*",
    "tests/unit/*",
]
NEVER = [
    "*.pyc",
    "*/__pycache__*",
    "*/.*.swp",
    "tests/integration/integration_config.yml",
    "tests/integration/inventory",
]
NEEDED = [
    "CHANGELOG.rst",
    "README.md",
    "changelogs/changelog.yaml",
    "docs/docsite/extra-docs.yml",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
    "playbooks/pagerduty_audit.yml",
    "playbooks/pagerduty_rollout.yml",
    "plugins/action/cortex_pagerduty_config.py",
    "plugins/module_utils/_client.py",
    "plugins/modules/cortex_pagerduty_config.py",
    "plugins/modules/cortex_pagerduty_config_info.py",
    "requirements.txt",
    "roles/cortex_pagerduty/meta/argument_specs.yml",
    "tests/simulator/server.py",
]
LARGEST_FILE = 512 * 1024


GALAXY = (sys.executable, "-m", "ansible", "galaxy", "collection")


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from what Git knows of: a forgotten file of the clone is none of it."""
    folder = tmp_path_factory.mktemp("tarball")
    source = folder / "source"
    names = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    output_of(*GALAXY, "build", "--output-path", folder, cwd=source, env=isolated(folder))
    (built,) = folder.glob("*.tar.gz")
    return built


def test_content(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        sizes = {member.name: member.size for member in archive.getmembers() if member.isfile()}
    names = set(sizes) - {"MANIFEST.json", "FILES.json"}
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in SHIPPED)] == []
    assert [name for name in names if any(fnmatch(name, pattern) for pattern in NEVER)] == []
    assert [name for name in NEEDED if name not in names] == []
    assert [name for name in names if sizes[name] > LARGEST_FILE] == []


def test_the_places_of_the_version_agree() -> None:
    (galaxy,) = found("galaxy.yml", r"^version: (\S+)$")
    assert found("plugins/module_utils/_client.py", r'^COLLECTION_VERSION = "(.*)"$') == [galaxy]
    assert galaxy in found("changelogs/changelog.yaml", r"^  (\d\S*):$")


def found(file: str, pattern: str) -> list[str]:
    return re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_demo_runs_from_the_tarball(tarball: Path, tmp_path: Path) -> None:
    env = isolated(tmp_path) | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "installed")}
    output_of(*GALAXY, "install", "--offline", "-p", tmp_path / "installed", tarball, cwd=tmp_path, env=env)
    output_of(*GALAXY, "verify", "--offline", "cortexapps.cortex", cwd=tmp_path, env=env)
    assert "All steps ended as expected." in output_of(sys.executable, "-m", "tools.demo", cwd=ROOT, env=env)

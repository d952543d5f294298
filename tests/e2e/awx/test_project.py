# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository as a project of AWX, and the image that its jobs run in."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.support.environment import ROOT, isolated
from tests.support.programs import output_of

AUDIT = "Audit the PagerDuty configuration of Cortex workspaces"


def test_a_sync_by_the_oldest_ansible_core_installs_the_collection_and_a_playbook_runs_by_path_and_by_full_name(
    installed: Path, tmp_path: Path
) -> None:
    assert_complete(installed)
    playbooks = ("playbooks/pagerduty_audit.yml", "cortexapps.cortex.pagerduty_audit")
    env = isolated(tmp_path) | {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    assert output_of("ansible-playbook", "--list-tasks", *playbooks, cwd=ROOT, env=env).count(AUDIT) == 2


def test_the_image_contains_the_collection_and_requests(tmp_path: Path) -> None:
    """The build's steps that need no container: the build context, the installation in it, what that asks for."""
    env = isolated(tmp_path / "environment") | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "none")}
    definition = ROOT / "extensions" / "awx" / "execution-environment.yml"
    output_of("ansible-builder", "create", "-f", definition, "-c", tmp_path, cwd=ROOT, env=env)
    files = {"COPYING", "README.md", "galaxy.yml", "requirements.txt"}
    folders = {"extensions", "meta", "playbooks", "plugins", "roles"}
    assert {path.name for path in (tmp_path / "_build" / "cortex").iterdir()} <= files | folders
    installed = tmp_path / "installed"
    install = ("collection", "install", "-r", "requirements.yml", "-p", installed)
    output_of("ansible-galaxy", *install, cwd=tmp_path / "_build", env=env)
    assert_complete(installed)
    # What ansible-builder ignores in silence, such as a wrong key, is missing here.
    found = yaml.safe_load(output_of("ansible-builder", "introspect", installed, "--sanitize", cwd=tmp_path, env=env))
    assert [re.split("[^A-Za-z0-9_-]", line)[0] for line in found["python"]] == ["requests"]


def assert_complete(folder: Path) -> None:
    collection = folder / "ansible_collections" / "cortexapps" / "cortex"
    for part in ("plugins", "roles", "playbooks", "extensions", "meta"):
        here = {path.relative_to(ROOT) for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        there = {path.relative_to(collection) for path in (collection / part).rglob("*") if path.is_file()}
        assert there == here

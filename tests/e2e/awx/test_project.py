# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository as a project of AWX, and the image that its jobs run in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.environment import ROOT, isolated
from tests.support.marks import path_without_blanks
from tests.support.programs import output_of, run

IMAGE = ROOT / "extensions" / "awx" / "execution-environment.yml"
AUDIT = "Audit the PagerDuty configuration of Cortex workspaces"


def test_a_sync_installs_the_collection(installed: Path) -> None:
    is_complete(installed)


@path_without_blanks
def test_a_sync_by_the_oldest_ansible_core_installs_the_collection(oldest_core: Path, tmp_path: Path) -> None:
    install = ("collection", "install", "-r", "collections/requirements.yml", "-p", tmp_path / "installed")
    output_of(oldest_core / "ansible-galaxy", *install, cwd=ROOT, env=without_collections(tmp_path))
    is_complete(tmp_path / "installed")


def test_a_playbook_runs_by_path_and_by_full_name(installed: Path, tmp_path: Path) -> None:
    playbooks = ("playbooks/pagerduty_audit.yml", "cortexapps.cortex.pagerduty_audit")
    env = isolated(tmp_path) | {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    assert output_of("ansible-playbook", "--list-tasks", *playbooks, cwd=ROOT, env=env).count(AUDIT) == 2


def test_the_image_contains_the_collection_and_requests(tmp_path: Path) -> None:
    """The build's steps that need no container: the build context, the installation in it, what that asks for."""
    output_of("ansible-builder", "create", "-f", IMAGE, "-c", tmp_path, cwd=ROOT, env=without_collections(tmp_path))
    files = {"COPYING", "README.md", "galaxy.yml", "requirements.txt"}
    folders = {"extensions", "meta", "playbooks", "plugins", "roles"}
    assert {path.name for path in (tmp_path / "_build" / "cortex").iterdir()} <= files | folders
    installed = tmp_path / "installed"
    install = ("collection", "install", "-r", "requirements.yml", "-p", installed)
    output_of("ansible-galaxy", *install, cwd=tmp_path / "_build", env=without_collections(tmp_path))
    is_complete(installed)
    assert python_requirements(installed) == ["requests"]


@pytest.mark.parametrize("key", ["python", "dependencies"])
def test_a_wrong_key_in_the_collections_requirements_is_noticed(tmp_path: Path, key: str) -> None:
    """The tool ignores it in silence, so that the image would lack requests."""
    collection = tmp_path / "ansible_collections" / "cortexapps" / "cortex"
    (collection / "meta").mkdir(parents=True)
    (collection / "requirements.txt").write_text((ROOT / "requirements.txt").read_text())
    definition = (ROOT / "meta" / "execution-environment.yml").read_text()
    (collection / "meta" / "execution-environment.yml").write_text(definition.replace(f"{key}:", f"{key}s:"))
    assert python_requirements(tmp_path) == []


@pytest.mark.parametrize("key", ["dependencies", "galaxy", "base_image", "package_pip", "additional_build_files"])
def test_a_wrong_key_in_the_definition_of_the_image_is_noticed(tmp_path: Path, key: str) -> None:
    path = tmp_path / "execution-environment.yml"
    path.write_text(IMAGE.read_text().replace(f"{key}:", f"{key}s:"))
    create = ("create", "-f", path, "-c", tmp_path / "context")
    done = run("ansible-builder", *create, cwd=tmp_path, env=isolated(tmp_path))
    assert done.returncode != 0
    assert "Additional properties are not allowed" in done.stdout or "is a required property" in done.stdout


def without_collections(folder: Path) -> dict[str, str]:
    """Return an environment in which no collection is found."""
    return isolated(folder / "environment") | {"ANSIBLE_COLLECTIONS_PATH": str(folder / "none")}


def is_complete(folder: Path) -> None:
    collection = folder / "ansible_collections" / "cortexapps" / "cortex"
    for part in ("plugins", "roles", "playbooks", "extensions", "meta"):
        here = {path.relative_to(ROOT) for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        there = {path.relative_to(collection) for path in (collection / part).rglob("*") if path.is_file()}
        assert there == here


def python_requirements(folder: Path) -> list[str]:
    """Return the names of what ansible-builder would install for the collections in a folder."""
    output = output_of(
        "ansible-builder", "introspect", folder, "--sanitize", cwd=folder, env=without_collections(folder)
    )
    lines = yaml.safe_load(output)["python"]
    return [re.split("[^A-Za-z0-9_-]", line)[0] for line in lines]

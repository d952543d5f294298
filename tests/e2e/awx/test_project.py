# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository as a project of AWX, and the image that its jobs run in."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.e2e.awx.downloads import OLDEST_CORE, ROOT, oldest_ansible_core

Run = Callable[..., subprocess.CompletedProcess[str]]

IMAGE = "extensions/awx/execution-environment.yml"


def test_a_sync_installs_the_collection(installed: Path) -> None:
    is_complete(installed)


def test_a_sync_by_the_oldest_ansible_core_installs_the_collection(run: Run, tmp_path: Path) -> None:
    programs = oldest_ansible_core()
    if programs is None:
        pytest.skip(f"{OLDEST_CORE} does not run on this Python")
    install = ("collection", "install", "-r", "collections/requirements.yml", "-p", tmp_path)
    done = run(programs / "ansible-galaxy", *install)
    assert done.returncode == 0, done.stdout
    is_complete(tmp_path)


@pytest.mark.parametrize("playbook", ["playbooks/pagerduty_audit.yml", "cortexapps.cortex.pagerduty_audit"])
def test_a_playbook_runs_by_path_and_by_full_name(run: Run, installed: Path, playbook: str) -> None:
    env = {"ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_DEPRECATION_WARNINGS": "false"}
    done = run("ansible-playbook", "--list-tasks", playbook, env=env)
    assert done.returncode == 0, done.stdout
    assert "Audit the PagerDuty configuration of Cortex workspaces" in done.stdout


def test_the_image_holds_the_collection_and_requests(run: Run, tmp_path: Path) -> None:
    """The build's steps that need no container: the build context, the installation in it, what that asks for."""
    done = run("ansible-builder", "create", "-f", IMAGE, "-c", tmp_path)
    assert done.returncode == 0, done.stdout
    installed = tmp_path / "collections"
    install = ("collection", "install", "-r", "requirements.yml", "-p", installed)
    done = run("ansible-galaxy", *install, cwd=tmp_path / "_build")
    assert done.returncode == 0, done.stdout
    is_complete(installed)
    assert python_requirements(run, installed) == ["requests"]


def test_only_the_collection_gets_into_the_image(run: Run, tmp_path: Path) -> None:
    done = run("ansible-builder", "create", "-f", IMAGE, "-c", tmp_path)
    assert done.returncode == 0, done.stdout
    files = {"COPYING", "README.md", "galaxy.yml", "requirements.txt"}
    folders = {"extensions", "meta", "playbooks", "plugins", "roles"}
    assert {path.name for path in (tmp_path / "_build" / "cortex").iterdir()} <= files | folders


@pytest.mark.parametrize("key", ["python", "dependencies"])
def test_a_wrong_key_in_the_collections_requirements_is_noticed(run: Run, tmp_path: Path, key: str) -> None:
    """The tool ignores it in silence, so that the image would lack requests."""
    collection = tmp_path / "ansible_collections" / "cortexapps" / "cortex"
    (collection / "meta").mkdir(parents=True)
    (collection / "requirements.txt").write_text((ROOT / "requirements.txt").read_text())
    definition = (ROOT / "meta" / "execution-environment.yml").read_text()
    (collection / "meta" / "execution-environment.yml").write_text(definition.replace(f"{key}:", f"{key}s:"))
    assert python_requirements(run, tmp_path) == []


@pytest.mark.parametrize("key", ["dependencies", "galaxy", "base_image", "package_pip", "additional_build_files"])
def test_a_wrong_key_in_the_definition_of_the_image_is_noticed(run: Run, tmp_path: Path, key: str) -> None:
    path = tmp_path / "execution-environment.yml"
    path.write_text((ROOT / IMAGE).read_text().replace(f"{key}:", f"{key}s:"))
    done = run("ansible-builder", "create", "-f", path, "-c", tmp_path / "context")
    assert done.returncode != 0
    assert "Additional properties are not allowed" in done.stdout or "is a required property" in done.stdout


def is_complete(folder: Path) -> None:
    collection = folder / "ansible_collections" / "cortexapps" / "cortex"
    for part in ("plugins", "roles", "playbooks", "extensions", "meta"):
        here = {path.relative_to(ROOT) for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        there = {path.relative_to(collection) for path in (collection / part).rglob("*") if path.is_file()}
        assert there == here


def python_requirements(run: Run, folder: Path) -> list[str]:
    """Return the names of what ansible-builder would install for the collections in a folder."""
    done = run("ansible-builder", "introspect", folder, "--sanitize")
    assert done.returncode == 0, done.stdout
    lines = yaml.safe_load(done.stdout)["python"]
    return [re.split("[^A-Za-z0-9_-]", line)[0] for line in lines]

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make release-check` does: build the tarball and find out whether it is fit to be published."""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
from fnmatch import fnmatch
from pathlib import Path

from runner import PartRun
from venvs import make_venv, venv_environment
from workdir import COPY, ROOT, VENV_PYTHON, WORK, environment

RELEASE = WORK / "release"
# It wants older versions of what the tests use.
IMPORTER = ["galaxy-importer==0.4.44"]

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
    "tests/integration/*",
    "tests/sanity/*",
    "tests/simulator/*",
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
    "plugins/module_utils/_client.py",
    "plugins/modules/cortex_pagerduty_config.py",
    "plugins/modules/cortex_pagerduty_config_info.py",
    "requirements.txt",
    "roles/cortex_pagerduty/meta/argument_specs.yml",
    "tests/simulator/server.py",
]
LARGEST_FILE = 512 * 1024


def release(part: PartRun) -> None:
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    check_version(part)
    part.command("antsibull-changelog", "lint")
    # The copy holds what git knows of; in the clone a forgotten file would get into the tarball.
    part.command("ansible-galaxy", "collection", "build", "--output-path", RELEASE, cwd=COPY)
    tarballs = list(RELEASE.glob("*.tar.gz"))
    if not tarballs:
        return
    check_content(part, tarballs[0])
    check_import(part, tarballs[0])
    check_installed(part, tarballs[0])


def check_version(part: PartRun) -> None:
    """Check that the three places of the version agree."""
    [galaxy] = matches("galaxy.yml", r"^version: (\S+)$")
    [in_client] = matches("plugins/module_utils/_client.py", r'^COLLECTION_VERSION = "(.*)"$')
    released = matches("changelogs/changelog.yaml", r"^  (\d\S*):$")
    verdict(part, f"version {galaxy}", [] if galaxy == in_client else [f"_client.py says {in_client}"])
    verdict(part, "its changelog", [] if galaxy in released else [f"changelog.yaml knows {released or 'none'}"])


def matches(file: str, pattern: str) -> list[str]:
    return re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def check_content(part: PartRun, tarball: Path) -> None:
    """Check what is in the tarball, and list its folders."""
    with tarfile.open(tarball) as archive:
        sizes = {member.name: member.size for member in archive.getmembers() if member.isfile()}
    for name in ("MANIFEST.json", "FILES.json"):
        sizes.pop(name, None)
    wrong = [f"not to be shipped: {name}" for name in sizes if not any(fnmatch(name, pattern) for pattern in SHIPPED)]
    wrong += [f"not to be shipped: {name}" for name in sizes if any(fnmatch(name, pattern) for pattern in NEVER)]
    wrong += [f"missing: {name}" for name in NEEDED if name not in sizes]
    wrong += [f"{size} bytes: {name}" for name, size in sizes.items() if size > LARGEST_FILE]
    verdict(part, f"content of {tarball.name} ({len(sizes)} files, {tarball.stat().st_size // 1024} KiB)", wrong)


def check_import(part: PartRun, tarball: Path) -> None:
    """Have galaxy-importer judge it as Galaxy and Automation Hub do. A warning is an error."""
    venv = make_venv("importer", sys.executable, [*IMPORTER, f"ansible-core=={core_version()}"])
    env = venv_environment(venv)
    folder = RELEASE / "importer"
    folder.mkdir()
    (folder / "galaxy-importer.cfg").write_text(
        "[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\n"
    )
    env["GALAXY_IMPORTER_CONFIG"] = str(folder / "galaxy-importer.cfg")
    # It looks for collections beside what it judges.
    env.pop("ANSIBLE_COLLECTIONS_PATH")
    before = len(part.output())
    part.command(venv / "bin" / "python", "-m", "galaxy_importer.main", tarball, cwd=folder, env=env)
    said = [line for line in part.output()[before:].splitlines() if re.match(r"(WARNING|ERROR|CRITICAL)", line)]
    verdict(part, "galaxy-importer's opinion", said)


def core_version() -> str:
    """Return the version of ansible-core that the tests run with."""
    listing = (WORK / "venv").glob("lib/python*/site-packages/ansible_core-*.dist-info")
    return next(path.name.removeprefix("ansible_core-").removesuffix(".dist-info") for path in listing)


def check_installed(part: PartRun, tarball: Path) -> None:
    """Install it where nothing else is, and run the demo's playbooks from there by their full names."""
    installed = RELEASE / "installed"
    env = environment() | {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    part.command("ansible-galaxy", "collection", "install", "--offline", "-p", installed, tarball, env=env)
    part.command("ansible-galaxy", "collection", "verify", "--offline", "cortexapps.cortex", env=env)
    part.command(VENV_PYTHON, "-m", "tests.demo", env=env)


def verdict(part: PartRun, what: str, wrong: list[str]) -> None:
    """Count a check of our own."""
    part.passed += not wrong
    part.failed += bool(wrong)
    part.write(f"{'FAILED' if wrong else 'ok'}: {what}\n" + "".join(f"  {line}\n" for line in wrong))

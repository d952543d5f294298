"""The published tarball: its files, and that it works where nothing else is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.environment import ROOT, isolated
from tests.support.programs import output_of

# Everything that belongs in the tarball. Of the tests: those that ansible-test can run
# from nothing but the tarball (as Automation Hub does), and the simulator, with which users test their own playbooks.
SHIPPED = re.compile(
    r"(LICENSES|changelogs|docs|extensions|meta|playbooks|plugins|roles|tests/(integration|sanity|simulator|support|unit))/.+"
    r"|tests/(config\.yml|conftest\.py)|(CHANGELOG\.rst|CONTRIBUTING\.md|COPYING|README\.md|REUSE\.toml|requirements\.txt)"
)
LARGEST_FILE = 512 * 1024
GALAXY = (sys.executable, "-m", "ansible", "galaxy", "collection")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the files that Git knows: a forgotten file of the clone is not among them."""
    folder = tmp_path_factory.mktemp("tarball") / "source"
    names = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def tarball(source: Path) -> Path:
    output_of(*GALAXY, "build", "--output-path", source.parent, cwd=source, env=isolated(source.parent))
    (built,) = source.parent.glob("*.tar.gz")
    return built


def test_tarball_contains_exactly_the_shipped_files(source: Path, tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        sizes = {member.name: member.size for member in archive.getmembers() if member.isfile()}
    names = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    assert sizes.keys() - {"MANIFEST.json", "FILES.json"} == {name for name in names if SHIPPED.fullmatch(name)}
    assert [name for name in sizes if sizes[name] > LARGEST_FILE] == []


def test_the_places_of_the_version_agree() -> None:
    (galaxy,) = found("galaxy.yml", r"^version: (\S+)$")
    assert found("plugins/**/*.py", r'^COLLECTION_VERSION = "(.*)"$') == [galaxy]
    assert galaxy in found("changelogs/changelog.yaml", r"^  (\d\S*):$")


def found(files: str, pattern: str) -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob(files))
    return re.findall(pattern, text, re.MULTILINE)


def test_the_demo_runs_from_the_tarball(tarball: Path, tmp_path: Path) -> None:
    env = isolated(tmp_path) | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "installed")}
    output_of(*GALAXY, "install", "--offline", "-p", tmp_path / "installed", tarball, cwd=tmp_path, env=env)
    # It fails unless every step ends as expected.
    output_of(sys.executable, "-m", "tools.demo", cwd=ROOT, env=env)

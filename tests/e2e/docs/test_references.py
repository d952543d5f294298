"""The targets of references in documents exist: links, variables, make's targets and modules.

Links within the built site are checked by building it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.environment import ROOT

from .examples import DOCUMENTS, examples

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")

OWN = re.compile(
    r"https://(?:github\.com/cortexapps/ansible-collection-cortex/(?:blob|tree)/main|"
    r"raw\.githubusercontent\.com/cortexapps/ansible-collection-cortex/main)/([^\s)>#`]+)"
)
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
VARIABLE = re.compile(r"(?<![\w.])((?:cortex_(?:pagerduty|workspaces|rollout|audit)|awx)_?\w*)\s*(?::(?! *none)|=)")
# Variables that are read by a playbook and so are in no argument spec.
PLAYBOOK_VARIABLE = re.compile(r"\b(cortex_(?:workspaces|rollout)\w*)\b")
MODULE_NAMES = {"cortex_pagerduty_result", "cortex_pagerduty_config", "cortex_pagerduty_config_info"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_document
def test_links_into_this_repository_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    linked = OWN.findall(text)
    if document.suffix == ".md":
        links = [inline or reference for inline, reference in MARKDOWN_LINK.findall(text)]
        relative = [link.partition("#")[0] for link in links if not re.match(r"https?:|#", link)]
        linked += [str((document.parent / link).resolve().relative_to(ROOT)) for link in relative]
    assert [link for link in linked if not (ROOT / link).exists()] == []


def test_readme_has_full_links_only() -> None:
    """Automation Hub shows it outside of the repository."""
    links = [inline or reference for inline, reference in MARKDOWN_LINK.findall(README)]
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []


def test_readme_has_the_sections_that_certification_wants() -> None:
    wanted = "Description|Requirements|Installation|Use cases|Testing|Support|Release notes|Related information|License"
    assert "|".join(re.findall(r"^## (.+)$", README, re.MULTILINE)) == wanted


@each_document
def test_variables_exist(document: Path) -> None:
    known = set(MODULE_NAMES)
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for spec in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            known.update(spec["options"])
    for path in ROOT.glob("playbooks/*.yml"):
        known.update(PLAYBOOK_VARIABLE.findall(path.read_text(encoding="utf-8")))
    assert set(VARIABLE.findall(document.read_text(encoding="utf-8"))) - known == set()


def test_chart_shows_the_numbers_of_the_guide() -> None:
    files = (DOCS / "images" / "performance.svg", DOCS / "docsite" / "rst" / "performance_guide.rst")
    chart, guide = (set(re.findall(r"(\d+)(?:&#160;| )ms", file.read_text(encoding="utf-8"))) for file in files)
    assert len(chart) == 9
    assert chart <= guide, "Draw it again: make picture"


def test_targets_and_modules_of_commands_exist() -> None:
    console = "\n".join(example.text for example in examples() if example.language in ("console", "bash"))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    sessions = (ROOT / "noxfile.py").read_text() + (ROOT / "antsibull-nox.toml").read_text()
    names = r"^def (\w+)\(session|name=\"([\w-]+)\"|^add_program\(\"(\w+)\"|^\[sessions\.(\w+)\]|\"(ansible-test-\w+)\""
    targets |= {match[match.lastindex or 0].replace("_", "-") for match in re.finditer(names, sessions, re.MULTILINE)}
    used = " ".join(re.findall(r"^\$ make (?:\w+=\S+ )*([a-z][a-z0-9. -]*)", console, re.MULTILINE)).split()
    # Of the sessions for each version, the name without the version.
    assert {re.sub(r"-\d\.\d+-\d\.\d+$", "", target) for target in used} - targets == set()
    modules = set(re.findall(r"ansible-doc (?:-t module )?cortexapps\.cortex\.(\w+)", README))
    assert modules - {path.stem for path in ROOT.glob("plugins/modules/*.py")} == set()

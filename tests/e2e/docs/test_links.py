# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links lead somewhere, as far as this repository can tell. Those within the built site are checked by building it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.environment import ROOT

from .examples import DOCUMENTS

OWN = re.compile(
    r"https://(?:github\.com/cortexapps/ansible-collection-cortex/(?:blob|tree)/main|"
    r"raw\.githubusercontent\.com/cortexapps/ansible-collection-cortex/main)/([^\s)>#`]+)"
)
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_into_this_repository_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    linked = OWN.findall(text)
    if document.suffix == ".md":
        links = [inline or reference for inline, reference in MARKDOWN_LINK.findall(text)]
        relative = [link.partition("#")[0] for link in links if not re.match(r"https?:|#", link)]
        linked += [str((document.parent / link).resolve().relative_to(ROOT)) for link in relative]
    assert [link for link in linked if not (ROOT / link).exists()] == []


def test_readme_has_full_links_only() -> None:
    """Automation Hub shows it outside of the repository."""
    links = [a or b for a, b in MARKDOWN_LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []


def test_readme_has_the_sections_that_certification_wants() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections == [
        "Description",
        "Requirements",
        "Installation",
        "Use cases",
        "Testing",
        "Support",
        "Release notes",
        "Related information",
        "License",
    ]

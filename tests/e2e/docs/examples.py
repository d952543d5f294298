# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of all documentation: code blocks in Markdown and reStructuredText, and EXAMPLES of the modules."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import NamedTuple

from tests.support.environment import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("docs/docsite/rst/*.rst")),
    *sorted(ROOT.glob("roles/*/README.md")),
]
MODULES = sorted(ROOT.glob("plugins/modules/*.py"))

_MARKDOWN = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_RST = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n(?P<options>(?:(?P=indent) +:.*\n)*)\n"
    r"(?P<text>(?:(?:(?P=indent) +.*)?\n)+)",
    re.MULTILINE,
)
_CAPTION = re.compile(r":caption: ([\w./]+)")
_NAME = re.compile(r"# ([\w./]+\.ya?ml)\n")


class Example(NamedTuple):
    """A code block: the document it is in, its number there, its language, its text, and the file it is meant for."""

    document: str
    number: int
    language: str
    text: str
    file: str

    @property
    def id(self) -> str:
        """Return a name that can be a file's."""
        return f"{re.sub(r'[^A-Za-z0-9]+', '_', self.document)}_{self.number}"


def examples() -> list[Example]:
    """Return all examples."""
    found = []
    for document in DOCUMENTS:
        found += in_document(str(document.relative_to(ROOT)), document.read_text(encoding="utf-8"))
    for module in MODULES:
        text = next(
            node.value.value
            for node in ast.parse(module.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "EXAMPLES"
            and isinstance(node.value, ast.Constant)
        )
        found.append(Example(str(module.relative_to(ROOT)), 1, "yaml", str(text), ""))
    return found


def in_document(name: str, text: str) -> list[Example]:
    """Return the code blocks of a document, by the ending of its name."""
    found = []
    for number, match in enumerate((_RST if name.endswith(".rst") else _MARKDOWN).finditer(text), 1):
        code = textwrap.dedent(match["text"]).strip("\n") + "\n"
        file = _CAPTION.search(match["options"]) if name.endswith(".rst") else _NAME.match(code)
        found.append(Example(name, number, match["language"], code, file[1] if file else ""))
    return found

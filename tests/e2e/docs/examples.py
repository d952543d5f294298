"""The examples of all documentation: code blocks in Markdown and reStructuredText, and EXAMPLES of the modules."""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple

import yaml

from tests.support.environment import ROOT

PATTERNS = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "docs/docsite/rst/*.rst", "roles/*/README.md")
DOCUMENTS = [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]

_MARKDOWN = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_RST = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n(?P<options>(?:(?P=indent) +:.*\n)*)\n"
    r"(?P<text>(?:(?:(?P=indent) +.*)?\n)+)",
    re.MULTILINE,
)
_CAPTION = re.compile(r":caption: ([\w./-]+)")
_NAME = re.compile(r"# ([\w./]+\.ya?ml)\n")


class Loader(yaml.SafeLoader):
    """Knows the tags of Ansible."""


for tag in ("!vault", "!unsafe"):
    Loader.add_constructor(tag, lambda loader, node: node.value)


class Example(NamedTuple):
    """A code block: the document it is in, its language, its text, and the file it is meant for."""

    document: str
    language: str
    text: str
    file: str


def examples() -> list[Example]:
    """Return all examples."""
    found = []
    for path in DOCUMENTS:
        found += in_document(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.glob("plugins/modules/*.py")):
        text = re.findall(r'^EXAMPLES = r?"""(.*?)"""', path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]
        found.append(Example(str(path.relative_to(ROOT)), "yaml", text, ""))
    return found


def in_document(name: str, text: str) -> list[Example]:
    """Return the code blocks of a document, by the ending of its name."""
    found = []
    for match in (_RST if name.endswith(".rst") else _MARKDOWN).finditer(text):
        code = textwrap.dedent(match["text"]).strip("\n") + "\n"
        file = _CAPTION.search(match["options"]) if name.endswith(".rst") else _NAME.match(code)
        found.append(Example(name, match["language"], code, file[1] if file else ""))
    return found

"""The troubleshooting guide lists each sentence of the messages in the code, and no other.

In both, "…" stands for what is inserted when a message is made.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import yaml

from tests.support.environment import ROOT

from .examples import in_document

GUIDE = (ROOT / "docs" / "docsite" / "rst" / "troubleshooting_guide.rst").read_text(encoding="utf-8")
SENTENCES = [
    line for block in in_document("guide.rst", GUIDE) if block.language == "text" for line in block.text.splitlines()
]


def of_python(node: ast.AST) -> Iterator[str]:
    """Yield the strings in a piece of Python but documentation; those with alternatives, once for each."""
    if isinstance(node, ast.Constant):
        # A field of str.format().
        yield from [re.sub(r"\{(:[^{}]*)?\}", "…", node.value)] if isinstance(node.value, str) else []
    elif isinstance(node, ast.JoinedStr):
        yield from map("".join, product(*map(_alternatives, node.values)))
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                yield from of_python(value.value)
    elif not _is_documentation(node):
        for child in ast.iter_child_nodes(node):
            yield from of_python(child)


def _is_documentation(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _alternatives(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.IfExp):
        return [*_alternatives(node.value.body), *_alternatives(node.value.orelse)]
    return ["…"]


def of_tasks(node: Any) -> Iterator[str]:
    """Yield the strings of tasks and variables that contain expressions."""
    if isinstance(node, str) and "{{" in node:
        yield re.sub(r"\{\{.*?\}\}", "…", node)
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from of_tasks(item)


def words(text: str) -> str:
    """Return a string without insertions and signs at its ends."""
    return re.sub(r"^[… .,:;()]+|[… .,:;()]+$", "", text)


CODE = [path for path in ROOT.glob("plugins/**/*.py") if path.parent.name not in ("doc_fragments", "modules")]
PLAYS = [*ROOT.glob("roles/cortex_pagerduty/tasks/*.yml"), *ROOT.glob("playbooks/pagerduty_*.yml")]
STRINGS = {words(text) for path in CODE for text in of_python(ast.parse(path.read_text(encoding="utf-8")))}
STRINGS |= {words(text) for path in PLAYS for text in of_tasks(yaml.safe_load(path.read_text(encoding="utf-8")))}
# Shorter ones are names, and "<" and "{" are in HTML and CSS.
MESSAGES = {text for text in STRINGS if len(re.findall(r"\w\S*", text)) >= 3 and not re.search("[<{]", text)}


def pattern(text: str) -> str:
    return rf"(?<!\w){re.escape(text).replace('…', '.+?')}(?!\w)"


@pytest.mark.parametrize("message", sorted(MESSAGES))
def test_each_message_is_explained(message: str) -> None:
    assert any(re.search(pattern(message), sentence) for sentence in SENTENCES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_sentence_exists(sentence: str) -> None:
    known = "|".join(map(pattern, sorted(STRINGS - {""}, key=len, reverse=True)))
    assert words(re.sub(known, "", sentence)) == ""


@pytest.mark.parametrize("block", re.split(r"^\.\. code-block:: (?:text|none)$", GUIDE, flags=re.MULTILINE)[1:-2])
def test_each_explanation_has_a_cause_and_a_remedy(block: str) -> None:
    assert re.search(r"^\*\*Cause:\*\* .+?^\*\*Remedy:\*\* .+", block, re.MULTILINE | re.DOTALL)

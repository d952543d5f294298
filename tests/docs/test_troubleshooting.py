# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubleshooting guide explains each message in the code, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .examples import ROOT, in_document

GUIDE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting_guide.rst"
CODE = sorted(ROOT.glob("plugins/module_utils/_*.py"))
TASKS = [*sorted(ROOT.glob("roles/cortex_pagerduty/tasks/*.yml")), ROOT / "playbooks" / "pagerduty_rollout.yml"]


def canonical(message: str) -> str:
    """Return a message's words without what differs from case to case ("…") and the signs around it."""
    parts = (part.strip(" .;:()") for part in message.split("…"))
    return " … ".join(part for part in parts if part)


def is_message(text: str) -> bool:
    """Return whether a text is one for people: three words and no pattern."""
    return len(text.split()) >= 3 and ".*" not in text and "(?" not in text


class Texts(ast.NodeVisitor):
    """Collects the string literals of a module, "…" standing for what is put into them."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        # A string that is a statement is a docstring.
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found.append(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.found.append("".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values))
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.visit(value.value)


def of_python(path: Path) -> Iterator[str]:
    texts = Texts()
    texts.visit(ast.parse(path.read_text(encoding="utf-8")))
    yield from texts.found


def of_tasks(path: Path) -> Iterator[str]:
    """Yield what tasks say: their `msg` and `fail_msg`, and variables that these are made of."""
    for text in _said(yaml.safe_load(path.read_text(encoding="utf-8"))):
        yield re.sub(r"\{\{.*?\}\}", "…", text, flags=re.DOTALL)
        for expression in re.findall(r"\{\{.*?\}\}", text, re.DOTALL):
            yield from re.findall(r"'([^']*)'", expression)


def _said(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and (key in ("msg", "fail_msg") or "__what_" in str(key)):
                yield value
            else:
                yield from _said(value)
    elif isinstance(node, list):
        for item in node:
            yield from _said(item)


def in_code() -> set[str]:
    texts = [text for path in CODE for text in of_python(path)] + [text for path in TASKS for text in of_tasks(path)]
    return {canonical(text) for text in texts if is_message(text)} - {""}


def in_guide() -> set[str]:
    blocks = in_document(GUIDE.name, GUIDE.read_text(encoding="utf-8"))
    return {canonical(line) for block in blocks if block.language == "text" for line in block.text.splitlines()} - {""}


def test_each_message_is_explained() -> None:
    assert in_code() - in_guide() == set()


def test_no_message_is_explained_that_does_not_exist() -> None:
    assert in_guide() - in_code() == set()


def test_messages_are_found_in_code() -> None:
    assert {
        "Nothing was changed",
        "timeout must be above 0 and at most … seconds",
        "PagerDuty does not accept the token",
    } <= in_code()


@pytest.mark.parametrize(
    "block", re.split(r"^\.\. code-block:: (?:text|none)$", GUIDE.read_text(), flags=re.MULTILINE)[3:]
)
def test_each_explanation_has_a_cause_and_a_remedy(block: str) -> None:
    assert re.search(r"^\*\*Cause:\*\* .+?^\*\*Remedy:\*\* .+", block, re.MULTILINE | re.DOTALL)

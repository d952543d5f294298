# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rejects secrets in the variables of an inventory of AWX, which stores them as they are and evaluates them in jobs."""

from __future__ import annotations

import json
import typing as t
from collections import Counter, defaultdict

import jinja2
from jinja2 import nodes

Variables = t.Mapping[str, t.Any]

API_KEY = "cortex_pagerduty_api_key"
BASE_URL = "cortex_pagerduty_base_url"
SECRETS = (API_KEY, "cortex_pagerduty_token", "cortex_pagerduty_previous_token")
#: Functions of Ansible's templates, which are no variables.
FUNCTIONS = {"lookup", "query", "q"}
VAULT = "__ansible_vault"

_PARSER = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def find_mistakes(workspaces: t.Sequence[Variables], inventory_variables: Variables) -> list[str]:
    """Return why these workspaces cannot be an inventory, as sentences."""
    names = [workspace["name"] for workspace in workspaces]
    if not names:
        return ["awx_workspaces is empty. Name at least one workspace."]
    problems = []
    if duplicates := [name for name, count in Counter(names).items() if count > 1]:
        problems.append(
            f"awx_workspaces names these more than once: {', '.join(duplicates)}. Name each workspace once."
        )
    missing = without(API_KEY, workspaces, inventory_variables)
    if missing and len(names) > 1:
        problems.append(
            f"An API key belongs to one workspace, but these have none of their own: {', '.join(missing)}. "
            f"With more than one workspace, set {API_KEY} for each of them."
        )
    problems += [
        f"An API key belongs to one workspace, but these have the same: {', '.join(each)}. "
        f"Set another {API_KEY} for each of them."
        for each in _find_shared_keys(workspaces, inventory_variables)
    ]
    everywhere = [inventory_variables, *({**inventory_variables, **_variables(each)} for each in workspaces)]
    if clear := [name for name in SECRETS if any(_is_clear(each.get(name), each) for each in everywhere)]:
        problems.append(
            "AWX stores variables in clear text. Use an !unsafe lookup without literal values or __ansible_vault for "
            f"{', '.join(clear)}. A !vault value is decrypted before AWX gets it."
        )
    return problems


def without(variable: str, workspaces: t.Sequence[Variables], inventory_variables: Variables) -> list[str]:
    """Return the names of the workspaces without this variable."""
    return [each["name"] for each in workspaces if variable not in {**inventory_variables, **_variables(each)}]


def _variables(workspace: Variables) -> Variables:
    return workspace.get("variables") or {}


def _find_shared_keys(workspaces: t.Sequence[Variables], inventory_variables: Variables) -> list[list[str]]:
    """Return the names of workspaces with one and the same key: a value that nothing makes differ between hosts."""
    names = defaultdict(list)
    for workspace in workspaces:
        variables = {**inventory_variables, **_variables(workspace)}
        needed = _find_needed([API_KEY, BASE_URL], variables)
        # A name that is not among the variables may be inventory_hostname.
        if API_KEY in variables and needed <= {*variables, *FUNCTIONS, BASE_URL}:
            values = {name: variables.get(name) for name in needed}
            names[json.dumps(values, sort_keys=True, default=str)].append(workspace["name"])
    return [each for each in names.values() if len(each) > 1]


def _find_needed(names: t.Sequence[str], variables: Variables) -> set[str]:
    """Return these names and those of all variables that their templates use."""
    needed: set[str] = set()
    remaining = list(names)
    while remaining:
        name = remaining.pop()
        if name not in needed:
            needed.add(name)
            template = _parse(variables.get(name))
            remaining += [each.name for each in template.find_all(nodes.Name)] if template else []
    return needed


def _is_clear(value: t.Any, variables: Variables, seen: t.Collection[str] = ()) -> bool:
    """Return whether AWX can read a value, or one of these variables that the value is taken from."""
    if isinstance(value, t.Mapping) and set(value) == {VAULT}:
        return not str(value[VAULT]).strip().startswith("$ANSIBLE_VAULT;")
    if isinstance(value, (t.Mapping, list)):
        return any(
            _is_clear(each, variables, seen) for each in (value.values() if isinstance(value, t.Mapping) else value)
        )
    template = _parse(value)
    if template is None:
        return value is not None
    sources = [source for child in template.body for source in _find_sources(child)]
    used = [each.name for each in sources if isinstance(each, nodes.Name) and each.name in variables]
    return any(not isinstance(each, nodes.Name) for each in sources) or any(
        _is_clear(variables[each], variables, [*seen, each]) for each in used if each not in seen
    )


def _parse(value: t.Any) -> nodes.Template | None:
    """Return the template that a job evaluates; None if it is none, or cannot be parsed."""
    try:
        return _PARSER.parse(value) if isinstance(value, str) else None
    except jinja2.TemplateSyntaxError:
        return None


def _find_sources(node: nodes.Node) -> list[nodes.Node]:
    """Return the literals, names and statements that a value can come from."""
    if isinstance(node, nodes.TemplateData):
        return [node] if node.data.strip() else []
    if isinstance(node, nodes.Const):
        return [node] if node.value else []
    if isinstance(node, nodes.Name) or (isinstance(node, nodes.Stmt) and not isinstance(node, nodes.Output)):
        return [node]
    return [source for part in _find_parts(node) if part is not None for source in _find_sources(part)]


def _find_parts(node: nodes.Node) -> t.Iterable[nodes.Node | None]:
    """Return the parts of an expression that can be its value. The arguments of a lookup only say where to look."""
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return [node.node]
    if isinstance(node, nodes.Call):
        return [node.node, *(each.value for each in node.kwargs if each.key == "default")]
    if isinstance(node, nodes.Filter) and node.name not in ("default", "d"):
        return [node.node]
    if isinstance(node, nodes.CondExpr):
        return [node.expr1, node.expr2]
    return node.iter_child_nodes()

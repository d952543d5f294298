# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rejects secrets in the variables of an inventory of AWX, which stores them as they are and evaluates them in jobs."""

from __future__ import annotations

import json
import re
import typing as t
from collections import Counter, defaultdict

import jinja2
from jinja2 import nodes

from ..module_utils._options import URLS
from ._variables import PREFIX

Variables = t.Mapping[str, t.Any]

API_KEY = "cortex_pagerduty_api_key"
BASE_URL = "cortex_pagerduty_base_url"
SECRETS = (API_KEY, "cortex_pagerduty_token", "cortex_pagerduty_previous_token")
#: Functions of Ansible's templates, which are no variables.
FUNCTIONS = {"lookup", "query", "q"}
VAULT = "__ansible_vault"
#: Lookups that return a variable, or what they are given. The others are given where to look.
_WITHOUT_SOURCE = {"dict", "flattened", "indexed_items", "items", "list", "nested", "random_choice", "together", "vars"}
#: Arguments of a lookup that are secrets, or what it returns.
_VALUES = re.compile("(.*_)?(token|password|passphrase|api_key|secret_id|client_secret)|default")
_INLINE_SECRET = re.compile(r"(token|password|secret_id)=\s*\S")
_VAULT_VALUE = re.compile(r"\$ANSIBLE_VAULT;[\w.;-]+\n[0-9a-f\s]+")
#: A name or a password in a URL, after what templates insert was taken out.
_USER_OF_URL = re.compile(r"://(?!:?@)[^/@\s]+@")
_INSERTED = re.compile("{{.*?}}")
#: Variables of Ansible that contain all others.
_ALL_VARIABLES = {"hostvars", "vars"}

_PARSER = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def find_mistakes(workspaces: t.Sequence[Variables], inventory_variables: Variables) -> list[str]:
    """Return why these workspaces cannot be an inventory, as sentences."""
    names = [workspace["name"] for workspace in workspaces]
    if not names:
        return ["awx_workspaces is empty. Name at least one workspace."]
    problems = [
        f"The workspace {name} cannot be a host of this name. Do not use all, ungrouped, any of : , [ ] {{ }} * ? in "
        "a name, or ! & ~ as its first character."
        for name in names
        if name in ("all", "ungrouped") or re.search(r"[:,\[\]{}*?]|^[!&~]", name)
    ]
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
    everywhere: list[Variables] = [
        inventory_variables,
        *({**inventory_variables, **_variables(each)} for each in workspaces),
    ]
    if clear := [name for name in SECRETS if any(_is_clear(each.get(name), each) for each in everywhere)]:
        problems.append(
            "AWX stores variables in clear text. Use an !unsafe lookup without literal values or __ansible_vault for "
            f"{', '.join(clear)}. A !vault value is decrypted before AWX gets it."
        )
    urls = [PREFIX + option for option in (*URLS, "proxy_url")]
    if named := [name for name in urls if any(_has_user(each.get(name)) for each in everywhere)]:
        problems.append(
            f"AWX stores variables in clear text, and these contain the user of a URL: {', '.join(named)}. Use an "
            "!unsafe lookup for it."
        )
    return problems


def _has_user(url: t.Any) -> bool:
    return bool(_USER_OF_URL.search(_INSERTED.sub("", str(url))))


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
    """Return whether AWX can read a value: whether it is more than what a job decrypts, looks up or gets."""
    if isinstance(value, t.Mapping) and set(value) == {VAULT}:
        return not _VAULT_VALUE.fullmatch(str(value[VAULT]).strip())
    if isinstance(value, (t.Mapping, list)):
        values = value.values() if isinstance(value, t.Mapping) else value
        return any(_is_clear(each, variables, seen) for each in values)
    template = _parse(value)
    if template is None:
        return value is not None
    parts = [part for each in template.body for part in (each.nodes if isinstance(each, nodes.Output) else [each])]
    return not all(_is_reference(part, variables, seen) for part in parts)


def _parse(value: t.Any) -> nodes.Template | None:
    """Return the template that a job evaluates; None if it is none, or cannot be parsed."""
    try:
        return _PARSER.parse(value) if isinstance(value, str) else None
    except jinja2.TemplateSyntaxError:
        return None


def _is_reference(node: nodes.Node | None, variables: Variables, seen: t.Collection[str]) -> bool:
    """Return whether an expression contains nothing but lookups, and variables that are not in clear text."""

    def are_references(*parts: nodes.Node | None) -> bool:
        return all(_is_reference(part, variables, seen) for part in parts)

    if isinstance(node, nodes.TemplateData):
        return not node.data.strip()
    if node is None or isinstance(node, nodes.Const):
        return node is None or not node.value or node.value is True
    if isinstance(node, nodes.Name):
        is_known = node.name in variables and node.name not in seen
        is_clear = is_known and _is_clear(variables[node.name], variables, [*seen, node.name])
        return not is_clear and node.name not in _ALL_VARIABLES
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        return are_references(node.node.node, *_find_names(node.args))
    if isinstance(node, nodes.Call):
        values = [each.value for each in node.kwargs if _VALUES.fullmatch(each.key)]
        return _is_lookup(node) and are_references(*values)
    if isinstance(node, nodes.CondExpr):
        return are_references(node.expr1, node.expr2)
    if isinstance(node, nodes.Filter) and node.name not in ("default", "d"):
        return are_references(node.node, *_find_names(node.args))
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return are_references(node.node)
    return isinstance(node, (nodes.Filter, nodes.BinExpr, nodes.Concat)) and are_references(*node.iter_child_nodes())


def _find_names(arguments: list[nodes.Expr]) -> list[nodes.Name]:
    """Return the variables in arguments."""
    # find_all() does not return the node itself.
    return list(nodes.Tuple(arguments, "load").find_all(nodes.Name))


def _is_lookup(call: nodes.Call) -> bool:
    """Return whether a call looks something up outside of the variables, without a secret among the terms."""
    plugin, *terms = [each.value if isinstance(each, nodes.Const) else None for each in call.args] or [None]
    name = call.node.name if isinstance(call.node, nodes.Name) else None
    has_source = plugin is not None and str(plugin).rpartition(".")[2] not in _WITHOUT_SOURCE
    has_secret = any(_INLINE_SECRET.search(str(term)) or _USER_OF_URL.search(str(term)) for term in terms)
    # Of "default=undef(hint='…')".
    return name == "undef" or (name in FUNCTIONS and has_source and not has_secret)

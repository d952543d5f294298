# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX 24.6.1 accepts as a credential type, a survey and a playbook, as far as this collection needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import jinja2.meta
import jinja2.sandbox

IDENTIFIER = re.compile("(?!tower$)[a-zA-Z_][a-zA-Z0-9_]*")
# AWX sets or guards these itself.
REFUSED_VARIABLES = re.compile(
    "PATH|PYTHONPATH|HOME|USER|LANG|VIRTUAL_ENV|MAX_EVENT_RES|"
    "(ANSIBLE|CALLBACK|DJANGO|JOB|INVENTORY|AWX|TOWER|PROJECT|RUNNER|SUPERVISOR)_.*"
)


def credential_type_mistakes(credential_type: dict[str, Any]) -> list[str]:
    """Return what AWX refuses about a credential type, and what it accepts though it cannot work."""
    inputs, injectors = credential_type["inputs"], credential_type["injectors"]
    mistakes = shape_mistakes(credential_type, "name kind inputs injectors", "description")
    mistakes += [] if credential_type["kind"] in ("cloud", "net") else ["kind"]
    mistakes += shape_mistakes(inputs, "fields required")
    # Not by extra_vars, which a play can print.
    mistakes += shape_mistakes(injectors, "env")
    for field in inputs["fields"]:
        # Flags belong in the survey, so all fields are strings.
        mistakes += shape_mistakes(field, "id label type", "format help_text multiline secret default")
        if (field.get("type"), field.get("format", "url"), type(field.get("default", ""))) != ("string", "url", str):
            mistakes.append(f"{field}: type, format or default")
    ids = [field.get("id", "") for field in inputs["fields"]]
    mistakes += name_mistakes(ids)
    mistakes += [f"required names no field: {name}" for name in inputs["required"] if name not in ids]
    for name, template in injectors.get("env", {}).items():
        if REFUSED_VARIABLES.fullmatch(name):
            mistakes.append(f"environment variable {name} is refused")
        try:
            used = jinja2.meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse(template))
        except jinja2.TemplateError as error:
            mistakes.append(f"{name}: {error.message}")
        else:
            mistakes += [] if used and used <= set(ids) else [f"{name} does not name fields"]
    return mistakes


def injected(credential_type: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
    """Return the environment variables that AWX gives to a job for a credential; a field without a value is blank."""
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment(autoescape=False)
    templates = credential_type["injectors"]["env"]
    return {name: sandbox.from_string(template).render(inputs) for name, template in templates.items()}


def survey_mistakes(survey: dict[str, Any]) -> list[str]:
    """Return what AWX refuses about a survey, and what it accepts though a launch suffers from it."""
    mistakes = shape_mistakes(survey, "name description spec")
    mistakes += name_mistakes([question.get("variable", "") for question in survey["spec"]])
    for question in survey["spec"]:
        # There is no boolean, and choices are strings. Text with a minimum cannot be blank.
        of_type = {"text": "min max", "multiplechoice": "choices"}.get(question["type"], "")
        required = f"type question_name variable required {of_type}"
        mistakes += shape_mistakes(question, required, "question_description default")
        choices = question.get("choices", [question.get("default")])
        if not (all(isinstance(each, str) for each in choices) or question["required"]) or not of_type:
            mistakes.append(f"{question}: type, choices or default")
        if question.get("default") not in [None, *choices]:
            mistakes.append(f"{question}: default is none of its choices")
        if question.get("min", 1) < 1:
            mistakes.append(f"{question}: may be blank")
        if question["required"] == ("default" in question):
            # A launch by API does not get the default of what is required, and lacks what is optional without one.
            mistakes.append(f"{question}: must either be required or have a default")
    return mistakes


def is_listed_as_playbook(root: Path, name: str) -> bool:
    """Tell whether AWX shows a file of a project, given by its path in there, in the list of playbooks."""
    path = PurePosixPath(name)
    folders = path.parts[:-1]
    if path.suffix not in (".yml", ".yaml") or {"roles", "tasks", "group_vars", "host_vars"} & set(folders):
        return False
    if any(folder.startswith(".") for folder in folders):
        return False
    text = (root / name).read_text(encoding="utf-8", errors="ignore")
    return text.startswith("$ANSIBLE_VAULT;") or bool(
        re.search(r"^\s*?-?\s*?(?:hosts|(?:ansible\.builtin\.)?(?:import_playbook|include)):", text, re.MULTILINE)
    )


def shape_mistakes(item: Mapping[str, Any], required: str, optional: str = "") -> list[str]:
    """Return which properties are missing or blank, and which AWX does not know."""
    missing = [name for name in required.split() if item.get(name) in (None, "", [], {})]
    unknown = item.keys() - {*required.split(), *optional.split()}
    return [f"{item}: {name} is missing or unknown" for name in (*missing, *unknown)]


def name_mistakes(names: list[str]) -> list[str]:
    return [name for name in names if names.count(name) > 1 or not IDENTIFIER.fullmatch(name)]

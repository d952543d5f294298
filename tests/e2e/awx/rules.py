# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX accepts as a credential type, a survey, a launch and a playbook: 24.6.1, and stricter where it is lax."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import jinja2.meta
import jinja2.sandbox
import jsonschema
import yaml

from tests.support.environment import ROOT

IDENTIFIER = "^[a-zA-Z_][a-zA-Z0-9_]*$"
NAME = {"type": "string", "minLength": 1}

CREDENTIAL_TYPE: dict[str, Any] = {
    "type": "object",
    "required": ["name", "kind", "inputs", "injectors"],
    "properties": {
        "name": NAME,
        "kind": {"enum": ["cloud", "net"]},
        "inputs": {
            "type": "object",
            "required": ["fields", "required"],
            "additionalProperties": False,
            "properties": {
                "required": {"type": "array", "items": {"type": "string"}},
                "fields": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["id", "label"],
                        "additionalProperties": False,
                        "properties": {
                            "id": {"type": "string", "pattern": IDENTIFIER, "not": {"const": "tower"}},
                            "label": NAME,
                            "type": {"enum": ["string", "boolean"]},
                            "format": {"enum": ["ssh_private_key", "url"]},
                            "choices": {
                                "type": "array",
                                "items": {"type": "string"},
                                "minItems": 1,
                                "uniqueItems": True,
                            },
                            "help_text": NAME,
                            "multiline": {"type": "boolean"},
                            "secret": {"type": "boolean"},
                            "ask_at_runtime": {"type": "boolean"},
                            "default": {},
                        },
                        "if": {"required": ["type"], "properties": {"type": {"const": "boolean"}}},
                        "then": {
                            "properties": {"default": {"type": "boolean"}},
                            "not": {
                                "anyOf": [{"required": [name]} for name in ("choices", "multiline", "format", "secret")]
                            },
                        },
                        "else": {"properties": {"default": {"type": "string"}}},
                    },
                },
            },
        },
        "injectors": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {"type": "object", "additionalProperties": {"type": "string"}}
                for name in ("env", "extra_vars", "file")
            },
        },
    },
}
# AWX sets or guards these itself.
REFUSED_VARIABLES = re.compile(
    "ANSIBLE_.*|PATH|PYTHONPATH|HOME|USER|LANG|VIRTUAL_ENV|CALLBACK_.*|DJANGO_.*|JOB_.*|INVENTORY_.*|MAX_EVENT_RES|"
    "AWX_.*|TOWER_.*|PROJECT_.*|RUNNER_.*|SUPERVISOR_.*"
)

SURVEY: dict[str, Any] = {
    "type": "object",
    "required": ["name", "description", "spec"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "spec": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "question_name", "variable", "required"],
                "additionalProperties": False,
                "properties": {
                    "type": {
                        "enum": ["text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float"]
                    },
                    "question_name": NAME,
                    "question_description": NAME,
                    "variable": {"type": "string", "pattern": IDENTIFIER},
                    "required": {"type": "boolean"},
                    "default": {},
                    "min": {"type": "integer"},
                    "max": {"type": "integer"},
                    "choices": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                },
                "allOf": [
                    {
                        "if": {"properties": {"type": {"enum": ["multiplechoice", "multiselect"]}}},
                        "then": {"required": ["choices"]},
                        "else": {"not": {"required": ["choices"]}},
                    },
                    {
                        "if": {"properties": {"type": {"enum": ["text", "textarea", "password", "multiplechoice"]}}},
                        "then": {"properties": {"default": {"type": "string"}}},
                    },
                ],
            },
        },
    },
}


def credential_type_mistakes(credential_type: dict[str, Any]) -> list[str]:
    """Return what AWX refuses about a credential type, and what it accepts though it cannot work."""
    if mistakes := _against(CREDENTIAL_TYPE, credential_type):
        return mistakes
    inputs = credential_type["inputs"]
    ids = [field["id"] for field in inputs["fields"]]
    mistakes = [f"field {name} is there {count} times" for name, count in Counter(ids).items() if count > 1]
    mistakes += [f"required names no field: {name}" for name in inputs["required"] if name not in ids]
    for field in inputs["fields"]:
        if "choices" in field and field.get("default", field["choices"][0]) not in field["choices"]:
            mistakes.append(f"default of {field['id']} is none of its choices")
    for place, templates in credential_type["injectors"].items():
        if place == "extra_vars":
            mistakes.append("extra_vars can be printed by a play")
        for name, template in templates.items():
            if place == "env" and REFUSED_VARIABLES.fullmatch(name):
                mistakes.append(f"environment variable {name} is refused")
            mistakes += _template_mistakes(name, template, ids)
    return mistakes


def injected(credential_type: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
    """Return the environment variables that AWX gives to a job for a credential; a field without a value is blank."""
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment(autoescape=False)
    templates = credential_type["injectors"]["env"]
    return {name: sandbox.from_string(template).render(inputs) for name, template in templates.items()}


def survey_mistakes(survey: dict[str, Any]) -> list[str]:
    """Return what AWX refuses about a survey, and what it accepts though a launch suffers from it."""
    if mistakes := _against(SURVEY, survey):
        return mistakes
    variables = Counter(question["variable"] for question in survey["spec"])
    mistakes = [f"variable {name} is there {count} times" for name, count in variables.items() if count > 1]
    for question in survey["spec"]:
        name = question["variable"]
        if "choices" in question and question.get("default", question["choices"][0]) not in question["choices"]:
            mistakes.append(f"default of {name} is none of its choices")
        if question["required"] and "default" in question:
            mistakes.append(f"{name} is required, so that its default does not serve a launch by API")
        if not question["required"] and not question.get("default"):
            mistakes.append(f"{name} is optional and has no default: it would be missing or blank")
        if question["type"] in ("text", "textarea") and question.get("min", 0) < 1:
            mistakes.append(f"{name} may be blank")
    return mistakes


def launch_mistakes(survey: dict[str, Any], answers: dict[str, Any]) -> list[str]:
    """Return what AWX rejects about the answers to a survey, given as `extra_vars` of a launch."""
    mistakes = []
    for question in survey["spec"]:
        name = question["variable"]
        if name not in answers:
            if question["required"]:
                mistakes.append(f"'{name}' value missing")
            continue
        answer = answers[name]
        if question["type"] == "multiplechoice" and answer not in question["choices"]:
            mistakes.append(f"Value {answer} for '{name}' expected to be one of {question['choices']}.")
        if question["type"] in ("text", "textarea"):
            if not isinstance(answer, str):
                mistakes.append(f"Value {answer} for '{name}' expected to be a string.")
            elif len(answer) < question.get("min", 0):
                mistakes.append(f"'{name}' value {answer} is too small")
            elif len(answer) > question.get("max", len(answer)):
                mistakes.append(f"'{name}' value {answer} is too large")
    unknown = set(answers) - {question["variable"] for question in survey["spec"]}
    return [*mistakes, *(f"Variables {name} are not allowed on launch." for name in sorted(unknown))]


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


def role_options(role: str) -> dict[str, Any]:
    """Return the argument spec of a role of this collection."""
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    options: dict[str, Any] = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    return options


def _against(schema: dict[str, Any], instance: dict[str, Any]) -> list[str]:
    errors = jsonschema.Draft202012Validator(schema).iter_errors(instance)
    return [f"{error.json_path}: {error.message}" for error in errors]


def _sandbox() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    return jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)


def _template_mistakes(name: str, template: str, ids: list[str]) -> list[str]:
    try:
        used = jinja2.meta.find_undeclared_variables(_sandbox().parse(template))
        _sandbox().from_string(template).render(dict.fromkeys(ids, "EXAMPLE"))
    except jinja2.TemplateError as error:
        return [f"{name}: {error.message}"]
    return [] if used else [f"{name} names no field"]

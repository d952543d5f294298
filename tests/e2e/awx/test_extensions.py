# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that are loaded into AWX: AWX takes them, and each known mistake would be noticed."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN
from tests.support.environment import ROOT

from .rules import (
    credential_type_mistakes,
    injected,
    is_listed_as_playbook,
    launch_mistakes,
    role_options,
    survey_mistakes,
)

Load = Callable[[str], Any]
CORTEX = "cortex_credential_type.yml"
PAGERDUTY = "pagerduty_credential_type.yml"
SURVEY = "rollout_survey.yml"


@pytest.mark.parametrize("name", [CORTEX, PAGERDUTY])
def test_awx_takes_the_credential_type(load: Load, name: str) -> None:
    assert credential_type_mistakes(load(name)) == []


def test_only_the_previous_token_may_be_left_blank(load: Load) -> None:
    optional = [
        field["id"]
        for name in (CORTEX, PAGERDUTY)
        for field in load(name)["inputs"]["fields"]
        if field["id"] not in load(name)["inputs"]["required"]
    ]
    assert optional == ["previous_token"]


def test_the_credential_types_inject_what_the_modules_read(load: Load) -> None:
    cortex = injected(load(CORTEX), {"api_key": API_KEY, "base_url": "https://api.eu.cortex.io"})
    assert cortex == {"CORTEX_API_KEY": API_KEY, "CORTEX_BASE_URL": "https://api.eu.cortex.io"}
    pagerduty = injected(load(PAGERDUTY), {"token": TOKEN, "previous_token": OTHER_TOKEN})
    assert pagerduty == {"PAGERDUTY_TOKEN": TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": OTHER_TOKEN}
    assert injected(load(PAGERDUTY), {"token": TOKEN})["PAGERDUTY_PREVIOUS_TOKEN"] == ""


def test_secrets_are_secret_and_nothing_else_is(load: Load) -> None:
    fields = [field for name in (CORTEX, PAGERDUTY) for field in load(name)["inputs"]["fields"]]
    assert {field["id"] for field in fields if field.get("secret")} == {"api_key", "token", "previous_token"}


@pytest.mark.parametrize(
    ("mistake", "path", "value"),
    [
        ("'label' is a required property", "inputs.fields.0", {"id": "api_key"}),
        ("does not match", "inputs.fields.0.id", "api-key"),
        ("should not be valid", "inputs.fields.0.id", "tower"),
        ("field base_url is there 2 times", "inputs.fields.0.id", "base_url"),
        ("unexpected", "inputs.fields.0.required", True),
        ("is not one of", "inputs.fields.0.type", "integer"),
        ("is not one of", "inputs.fields.1.format", "https"),
        ("should not be valid", "inputs.fields.0.type", "boolean"),
        ("is not of type 'string'", "inputs.fields.1.default", True),
        ("is not of type 'string'", "inputs.fields.1.choices", [1]),
        ("none of its choices", "inputs.fields.1.choices", ["https://api.eu.cortex.io"]),
        ("required names no field: apikey", "inputs.required", ["api_key", "base_url", "apikey"]),
        ("unexpected", "inputs.metadata", []),
        ("unexpected", "injectors.environment", {}),
        ("CORTEX_API_KEY: 'key' is undefined", "injectors.env.CORTEX_API_KEY", "{{ key }}"),
        ("CORTEX_API_KEY: unexpected", "injectors.env.CORTEX_API_KEY", "{{ api_key "),
        ("CORTEX_API_KEY names no field", "injectors.env.CORTEX_API_KEY", "api_key"),
        ("CORTEX_API_KEY: access to attribute", "injectors.env.CORTEX_API_KEY", "{{ api_key.__class__.__mro__ }}"),
        ("is not of type 'string'", "injectors.env.CORTEX_API_KEY", 1),
        ("environment variable ANSIBLE_VARS is refused", "injectors.env.ANSIBLE_VARS", "{{ api_key }}"),
        ("environment variable PATH is refused", "injectors.env.PATH", "{{ api_key }}"),
        ("extra_vars can be printed by a play", "injectors.extra_vars", {"key": "{{ api_key }}"}),
    ],
)
def test_a_mistake_in_a_credential_type_is_noticed(load: Load, mistake: str, path: str, value: object) -> None:
    assert [found for found in credential_type_mistakes(changed(load(CORTEX), path, value)) if mistake in found]


def test_awx_takes_the_survey(load: Load) -> None:
    assert survey_mistakes(load(SURVEY)) == []


@pytest.mark.parametrize(
    ("mistake", "path", "value"),
    [
        ("is not one of", "spec.1.type", "boolean"),
        ("'required' is a required property", "spec.0", {"type": "text", "question_name": "Q", "variable": "v"}),
        ("'description' is a required property", "description", None),
        ("is not of type 'string'", "spec.1.choices", [True, False]),
        ("is not of type 'string'", "spec.3.default", False),
        ("none of its choices", "spec.2.default", "sometimes"),
        ("does not match", "spec.0.variable", "cortex-workspaces"),
        ("is there 2 times", "spec.0.variable", "cortex_rollout_serial"),
        ("is required, so that its default does not serve", "spec.0.required", True),
        ("is optional and has no default", "spec.1.required", False),
        ("may be blank", "spec.0.min", 0),
        ("unexpected", "spec.0.choice", []),
    ],
)
def test_a_mistake_in_the_survey_is_noticed(load: Load, mistake: str, path: str, value: object) -> None:
    assert [found for found in survey_mistakes(changed(load(SURVEY), path, value)) if mistake in found]


@pytest.mark.parametrize(
    ("mistake", "answers"),
    [
        ("", {"cortex_pagerduty_is_token_readonly": "true"}),
        ("", {"cortex_pagerduty_is_token_readonly": "true", "cortex_pagerduty_rollback": "false"}),
        ("'cortex_pagerduty_is_token_readonly' value missing", {}),
        ("Value True for", {"cortex_pagerduty_is_token_readonly": True}),
        ("is too small", {"cortex_pagerduty_is_token_readonly": "true", "cortex_workspaces": ""}),
        ("expected to be a string", {"cortex_pagerduty_is_token_readonly": "true", "cortex_rollout_serial": 1}),
        ("not allowed on launch", {"cortex_pagerduty_is_token_readonly": "true", "cortex_pagerduty_validate": "false"}),
    ],
)
def test_a_launch_answers_with_strings(load: Load, mistake: str, answers: dict[str, object]) -> None:
    mistakes = launch_mistakes(load(SURVEY), answers)
    assert len(mistakes) == bool(mistake)
    assert mistake in "".join(mistakes)


def test_the_survey_asks_for_variables_that_the_playbook_and_its_role_know(load: Load) -> None:
    options = role_options("cortex_pagerduty")
    playbook = (ROOT / "playbooks/pagerduty_rollout.yml").read_text()
    variables = [question["variable"] for question in load(SURVEY)["spec"]]
    assert [name for name in variables if name not in options and name not in playbook] == []


def test_the_survey_offers_the_choices_of_the_role(load: Load) -> None:
    options = role_options("cortex_pagerduty")
    questions = {question["variable"]: question for question in load(SURVEY)["spec"]}
    asked, option = questions["cortex_pagerduty_update_token"], options["cortex_pagerduty_update_token"]
    assert (asked["choices"], asked["default"]) == (option["choices"], option["default"])
    for name in ("cortex_pagerduty_preflight", "cortex_pagerduty_rollback"):
        assert questions[name]["default"] == str(options[name]["default"]).lower()


def test_the_list_of_playbooks_shows_those_for_users_only() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]
    listed = {name for name in names if is_listed_as_playbook(ROOT, name)}
    wanted = {f"playbooks/{name}.yml" for name in ("awx_setup", "pagerduty_audit", "pagerduty_rollout")}
    # Others can move to a folder "tasks"; a key "hosts" of another file can be quoted.
    assert (sorted(listed - wanted), sorted(wanted - listed)) == ([], [])


def changed(original: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy in which what `path` names ("inputs.fields.0.id") has another value, or is missing (None)."""
    result = copy.deepcopy(original)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = result
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return result

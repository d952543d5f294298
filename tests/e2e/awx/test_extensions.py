# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that are loaded into AWX: AWX takes them, and they say what the modules, roles and playbooks know."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.e2e.docs.examples import in_document
from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN
from tests.support.environment import ROOT

from .rules import credential_type_mistakes, injected, is_listed_as_playbook, survey_mistakes

Load = Callable[[str], Any]
CORTEX = "cortex_credential_type.yml"
PAGERDUTY = "pagerduty_credential_type.yml"
SURVEY = "rollout_survey.yml"


@pytest.mark.parametrize("name", [CORTEX, PAGERDUTY])
def test_awx_takes_the_credential_type(load: Load, name: str) -> None:
    assert credential_type_mistakes(load(name)) == []


def test_awx_takes_the_credential_type_of_the_guide() -> None:
    examples = in_document("awx_guide.rst", (ROOT / "docs/docsite/rst/awx_guide.rst").read_text())
    (inputs,) = [yaml.safe_load(example.text) for example in examples if example.text.startswith("fields:")]
    (injectors,) = [yaml.safe_load(example.text) for example in examples if example.text.startswith("env:")]
    of_the_guide = {"name": "N", "kind": "cloud", "inputs": inputs, "injectors": injectors}
    assert credential_type_mistakes(of_the_guide) == []


def test_secrets_are_secret_and_only_the_previous_token_may_be_left_blank(load: Load) -> None:
    inputs = [load(name)["inputs"] for name in (CORTEX, PAGERDUTY)]
    fields = {
        field["id"]: (field.get("secret", False), field["id"] in each["required"])
        for each in inputs
        for field in each["fields"]
    }
    assert fields == {
        "api_key": (True, True),
        "base_url": (False, True),
        "token": (True, True),
        "previous_token": (True, False),
    }


def test_the_credential_types_inject_what_the_modules_read(load: Load) -> None:
    cortex = injected(load(CORTEX), {"api_key": API_KEY, "base_url": "https://api.eu.cortex.io"})
    assert cortex == {"CORTEX_API_KEY": API_KEY, "CORTEX_BASE_URL": "https://api.eu.cortex.io"}
    pagerduty = injected(load(PAGERDUTY), {"token": TOKEN, "previous_token": OTHER_TOKEN})
    assert pagerduty == {"PAGERDUTY_TOKEN": TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": OTHER_TOKEN}


def test_awx_takes_the_survey_and_only_the_flag_that_cortex_does_not_verify_is_required(load: Load) -> None:
    assert survey_mistakes(load(SURVEY)) == []
    required = [question["variable"] for question in load(SURVEY)["spec"] if question["required"]]
    assert required == ["cortex_pagerduty_is_token_readonly"]


def test_the_survey_asks_what_the_role_and_the_playbook_know_with_their_choices_and_defaults(load: Load) -> None:
    options = role_options("cortex_pagerduty")
    playbook = (ROOT / "playbooks/pagerduty_rollout.yml").read_text()
    unknown = []
    for question in load(SURVEY)["spec"]:
        option = options.get(question["variable"])
        if option is None:
            unknown += [] if question["variable"] in playbook else [question["variable"]]
            continue
        is_flag = option["type"] == "bool"
        assert question["choices"] == (["true", "false"] if is_flag else option["choices"])
        if not question["required"]:
            assert question["default"] == (str(option["default"]).lower() if is_flag else option["default"])
    assert unknown == []


def test_no_variable_of_the_role_is_one_that_awx_gives_to_each_job() -> None:
    """Else the playbook, run by AWX itself, would take the name of its own job template for one to make."""
    of_awx = re.compile(
        "awx_(user|schedule|inventory|job_template|workflow_job|parent_job_schedule|webhook|project|job)_"
        "(id|name|email|first_name|last_name|launch_type|user_id|user_name|event_guid|event_ref|payload|revision|scm_branch)"
        "|awx_(user|inventory|schedule|job_template|workflow_job)_name|awx_execution_node"
    )
    assert [name for name in role_options("awx") if of_awx.fullmatch(name)] == []


def test_the_list_of_playbooks_shows_those_for_users_only() -> None:
    """Others can move to a folder "tasks"; a key "hosts" of another file can be quoted."""
    listing = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, text=True)
    names = [name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    listed = [name for name in sorted(names) if is_listed_as_playbook(ROOT, name)]
    assert listed == [f"playbooks/{name}.yml" for name in ("awx_setup", "pagerduty_audit", "pagerduty_rollout")]


def role_options(role: str) -> dict[str, Any]:
    """Return the argument spec of a role of this collection."""
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    options: dict[str, Any] = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    return options

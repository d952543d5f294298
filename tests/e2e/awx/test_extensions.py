"""The files that are loaded into AWX: AWX 24.6.1 takes them, and they say what the modules, roles and playbooks know.

That a job gets what a credential injects is in test_jobs.py.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import pytest
import yaml

from tests.e2e.docs.examples import in_document
from tests.support.environment import ROOT

#: The fields of the credential types: which are secret, and which are required.
FIELDS = {
    "cortex": {"api_key": (True, True), "base_url": (False, True)},
    "pagerduty": {"token": (True, True), "previous_token": (True, False)},
}
IDENTIFIER = re.compile("(?!tower$)[a-zA-Z_][a-zA-Z0-9_]*")
# AWX sets or guards these itself.
REFUSED_VARIABLES = re.compile(
    "PATH|PYTHONPATH|HOME|USER|LANG|VIRTUAL_ENV|MAX_EVENT_RES|"
    "(ANSIBLE|CALLBACK|DJANGO|JOB|INVENTORY|AWX|TOWER|PROJECT|RUNNER|SUPERVISOR)_.*"
)
# AWX shows a file with one of these keys in the list of playbooks.
KEY_OF_PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(?:ansible\.builtin\.)?(?:import_playbook|include)):", re.MULTILINE)


def load(name: str) -> Any:
    """Read a file of extensions/awx."""
    return yaml.safe_load((ROOT / "extensions" / "awx" / name).read_text())


def of_the_guide() -> dict[str, Any]:
    """Return the credential type that the guide has readers make."""
    examples = in_document("awx_guide.rst", (ROOT / "docs/docsite/rst/awx_guide.rst").read_text())
    (inputs,) = [yaml.safe_load(example.text) for example in examples if example.text.startswith("fields:")]
    (injectors,) = [yaml.safe_load(example.text) for example in examples if example.text.startswith("env:")]
    return {"name": "N", "kind": "cloud", "inputs": inputs, "injectors": injectors}


@pytest.mark.parametrize("name", [*FIELDS, "the guide"])
def test_awx_takes_the_credential_type_whose_secrets_are_secret_and_a_job_gets_its_fields(name: str) -> None:
    credential_type = of_the_guide() if name == "the guide" else load(f"{name}_credential_type.yml")
    assert_known(credential_type, "name kind inputs injectors", "description")
    assert credential_type["kind"] in ("cloud", "net")
    inputs, injectors = credential_type["inputs"], credential_type["injectors"]
    assert_known(inputs, "fields required")
    # Not by extra_vars, which a play can print.
    assert_known(injectors, "env")
    for field in inputs["fields"]:
        assert_known(field, "id label type", "format help_text multiline secret default")
        # Flags belong in the survey, so all fields are strings.
        assert (field["type"], field.get("format", "url"), type(field.get("default", ""))) == ("string", "url", str)
    ids = [field["id"] for field in inputs["fields"]]
    assert_identifiers(ids)
    assert set(inputs["required"]) <= set(ids)
    fields = {
        field["id"]: (field.get("secret", False), field["id"] in inputs["required"]) for field in inputs["fields"]
    }
    assert fields == FIELDS.get(name, fields)
    for variable, template in injectors["env"].items():
        assert not REFUSED_VARIABLES.fullmatch(variable)
        # AWX refuses attributes.
        assert "." not in template
        used = jinja2.meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse(template))
        assert used and used <= set(ids), variable


def test_awx_takes_the_survey_and_only_the_flag_that_cortex_does_not_verify_is_required() -> None:
    survey = load("rollout_survey.yml")
    assert_known(survey, "name description spec")
    assert_identifiers([question["variable"] for question in survey["spec"]])
    for question in survey["spec"]:
        # There is no boolean, and choices are strings. Text with a minimum cannot be blank.
        of_type = {"text": "min max", "multiplechoice": "choices"}[question["type"]]
        assert_known(question, f"type question_name variable required {of_type}", "question_description default")
        # A launch by API does not get the default of what is required, and lacks what is optional without one.
        assert question["required"] == ("default" not in question)
        default = [question["default"]] if "default" in question else []
        choices = question.get("choices", default)
        assert all(isinstance(each, str) for each in choices)
        assert set(default) <= set(choices)
        assert question.get("min", 1) >= 1
    required = [question["variable"] for question in survey["spec"] if question["required"]]
    assert required == ["cortex_pagerduty_is_token_readonly"]


def test_the_survey_matches_the_variables_of_the_role_and_the_playbook() -> None:
    options = role_options("cortex_pagerduty")
    playbook = (ROOT / "playbooks/pagerduty_rollout.yml").read_text()
    for question in load("rollout_survey.yml")["spec"]:
        option = options.get(question["variable"])
        if option is None:
            assert question["variable"] in playbook
            continue
        choices = option.get("choices", ["true", "false"])
        # A survey cannot leave an option unset. The jobs' test shows what the role makes of this.
        unset = [] if question["required"] or "default" in option else ["as validate"]
        assert question["choices"] == unset + choices
        if not question["required"]:
            assert question["default"] == (*unset, str(option.get("default")).replace("False", "false"))[0]


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
    paths = [Path(name) for name in sorted(listing.split("\0")) if name.endswith((".yml", ".yaml"))]
    ignored = {"roles", "tasks", "group_vars", "host_vars"}
    shown = [path for path in paths if not any(name in ignored or name[0] == "." for name in path.parts[:-1])]
    texts = {str(path): (ROOT / path).read_text(errors="ignore") for path in shown if (ROOT / path).is_file()}
    listed = [
        name for name, text in texts.items() if KEY_OF_PLAYBOOK.search(text) or text.startswith("$ANSIBLE_VAULT;")
    ]
    assert listed == [
        f"playbooks/{name}.yml" for name in ("awx_setup", "pagerduty_api_check", "pagerduty_audit", "pagerduty_rollout")
    ]


def role_options(role: str) -> dict[str, Any]:
    """Return the argument spec of a role of this collection."""
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    options: dict[str, Any] = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    return options


def assert_known(item: Mapping[str, Any], required: str, optional: str = "") -> None:
    """Check that no property is missing or blank, and that AWX knows each."""
    assert [name for name in required.split() if item.get(name) in (None, "", [], {})] == []
    assert item.keys() <= {*required.split(), *optional.split()}


def assert_identifiers(names: list[str]) -> None:
    assert [name for name in names if names.count(name) > 1 or not IDENTIFIER.fullmatch(name)] == []

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which value of a connection option counts: the task's, or which variable of the environment."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.cortexapps.cortex.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import (
    CONFIG_ARGUMENTS,
    CONNECTION_SPEC,
    INFO_ARGUMENTS,
)
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    OTHER_TOKEN,
    TOKEN,
    api_key_of,
    configuration,
)

from ..conftest import CONFIG, ROOT, RunTask

WRONG_KEY = api_key_of("nobody")
VARIABLES = {
    "api_key": ("CORTEX_API_KEY", "CORTEX_API_TOKEN"),
    "base_url": ("CORTEX_BASE_URL", "CORTEX_API_URL"),
    "token": ("PAGERDUTY_TOKEN",),
}
# Each would make the task fail, or store what the test does not expect.
BAD = {"api_key": WRONG_KEY, "base_url": "http://127.0.0.1:9", "token": OTHER_TOKEN}


@pytest.fixture
def good(simulator: Simulator) -> dict[str, str]:
    return {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN}


def run_config(run: RunTask, options: dict[str, Any]) -> dict[str, Any]:
    return run(CONFIG, {"is_token_readonly": True, "retries": 0, **options})[0]


@pytest.mark.parametrize(
    ("option", "is_given", "variables"),
    [
        *((option, False, {name: "good"}) for option, names in VARIABLES.items() for name in names),
        # The task's option wins, then the first variable; an empty one counts as unset.
        *((option, True, dict.fromkeys(names, "bad")) for option, names in VARIABLES.items()),
        ("api_key", False, {"CORTEX_API_KEY": "good", "CORTEX_API_TOKEN": "bad"}),
        ("base_url", False, {"CORTEX_BASE_URL": "good", "CORTEX_API_URL": "bad"}),
        ("api_key", False, {"CORTEX_API_KEY": "", "CORTEX_API_TOKEN": "good"}),
        ("base_url", False, {"CORTEX_BASE_URL": "", "CORTEX_API_URL": "good"}),
    ],
)
def test_variables(
    run: RunTask,
    good: dict[str, str],
    workspace: Workspace,
    environment: pytest.MonkeyPatch,
    option: str,
    is_given: bool,
    variables: dict[str, str],
) -> None:
    values = {"good": good[option], "bad": BAD[option], "": ""}
    for name, value in variables.items():
        environment.setenv(name, values[value])
    if not is_given:
        del good[option]
    assert "failed" not in run_config(run, good)
    assert workspace.configuration == configuration(TOKEN)


@pytest.mark.parametrize("option", ["api_key", "token"])
def test_all_variables_empty(
    run: RunTask, good: dict[str, str], simulator: Simulator, environment: pytest.MonkeyPatch, option: str
) -> None:
    for variable in VARIABLES[option]:
        environment.setenv(variable, "")
    del good[option]
    result = run_config(run, good)
    assert result["failed"] is True
    assert "missing" in result["msg"]
    assert option in result["msg"]
    assert simulator.log == []


@pytest.mark.parametrize("option", ["api_key", "token"])
def test_secret_of_the_environment_is_masked(
    run: RunTask, good: dict[str, str], workspace: Workspace, environment: pytest.MonkeyPatch, option: str
) -> None:
    secret = good.pop(option)
    environment.setenv(VARIABLES[option][0], secret)
    workspace.fault("any", status=400, body={"type": "BAD", "message": "{token} and {api_key} and " + secret})
    arguments = {"is_token_readonly": True, "_ansible_verbosity": 5, "_ansible_inject_invocation": True, **good}
    result, output = run(CONFIG, arguments)
    assert result["failed"] is True
    assert secret not in output


def test_documentation_matches_the_argument_spec() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = CONNECTION_SPEC
    assert documented.keys() == spec.keys()
    for name, option in spec.items():
        for value in ("type", "default", "required"):
            assert documented[name].get(value) == option.get(value)
        for variable in VARIABLES.get(name, ()):
            assert f"E({variable})" in " ".join(documented[name]["description"])


def test_each_variable_is_tested() -> None:
    fallbacks = {
        name: tuple(option["fallback"][1])
        for name, option in CONFIG_ARGUMENTS["argument_spec"].items()
        if "fallback" in option
    }
    # The one of the previous token is tested with rollbacks.
    assert fallbacks.keys() == {*VARIABLES, "previous_token"}
    assert {name: fallbacks[name] for name in VARIABLES} == VARIABLES
    target = ROOT / "tests" / "integration" / "targets" / "role_cortex_pagerduty" / "tasks" / "main.yml"
    [undefined] = (task for task in yaml.safe_load(target.read_text()) if "undefined" in task["name"])
    assert {*undefined["loop"]} == {*VARIABLES}


@pytest.mark.parametrize(("entry_point", "arguments"), [("main", CONFIG_ARGUMENTS), ("audit", INFO_ARGUMENTS)])
def test_role_passes_every_option(entry_point: str, arguments: dict[str, Any]) -> None:
    role = ROOT / "roles" / "cortex_pagerduty"
    first, *_others = yaml.safe_load((role / "tasks" / f"{entry_point}.yml").read_text())
    [passed] = (value for name, value in first.items() if name.startswith("cortexapps.cortex."))
    assert passed.keys() == arguments["argument_spec"].keys()
    variables = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"][entry_point]
    for name, value in passed.items():
        # The audit always validates.
        assert value is True or f"cortex_pagerduty_{name}" in value
        assert value is True or f"cortex_pagerduty_{name}" in variables["options"]

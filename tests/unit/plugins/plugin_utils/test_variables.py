"""The value of a variable, and the part of Ansible's message that names something undefined."""

from __future__ import annotations

from typing import Any

import ansible.template
import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._variables import EvaluationError, describe, evaluate

# ansible-core before 2.19 evaluates any string.
trusted: Any = getattr(ansible.template, "trust_as_template", str)


def token_of(value: Any) -> dict[str, Any]:
    loader = DataLoader()
    variables = VariableManager(loader, InventoryManager(loader)).get_vars()
    variables.update(cortex_pagerduty_token=value, keys={})
    return evaluate(ansible.template.Templar(loader, variables=variables), variables, ["api_key", "token"])


@pytest.mark.parametrize(("value", "expected"), [("x", "x"), ("{{ 'x' }}", "x"), (None, None), (7, 7), ("", "")])
def test_set_variables_are_returned(value: Any, expected: Any) -> None:
    assert token_of(trusted(value) if isinstance(value, str) else value) == {"token": expected}


def test_omitted_variable_is_not_set() -> None:
    assert token_of(trusted("{{ omit }}")) == {}


@pytest.mark.parametrize(
    "text", ["{{ nowhere }}", "a{{ nowhere[1] }}", "{{ keys.nowhere }}", "{{ keys['nowhere'].x }}"]
)
def test_only_the_undefined_part_is_named(text: str) -> None:
    with pytest.raises(EvaluationError) as error:
        token_of(trusted(text))
    start, _colon, reason = str(error.value).partition(": ")
    assert start == "cortex_pagerduty_token cannot be evaluated"
    assert reason.count("nowhere") == 1
    assert len(reason) < 60


def test_other_message_is_its_first_paragraph_on_one_line() -> None:
    assert describe("It failed\nat once.\n\nThe error appears to be in …") == "It failed at once."

"""The desired configuration of an audit is the one that a rollout with the same variables would store."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.action.cortex_pagerduty_audit import find_desired
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._audit import Desired
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._variables import EvaluationError
from ansible_collections.cortexapps.cortex.tests.support.cortex import OTHER_TOKEN, TOKEN

BOTH = {"PAGERDUTY_TOKEN": TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": OTHER_TOKEN}


@pytest.mark.parametrize(
    ("values", "environment", "desired"),
    [
        ({"token": TOKEN, "is_token_readonly": "no"}, {}, Desired(last_four="ab12", is_token_readonly=False)),
        ({}, BOTH, Desired(last_four="ab12", previous_last_four="cd34")),
        ({"token": OTHER_TOKEN, "previous_token": TOKEN}, BOTH, Desired(last_four="cd34", previous_last_four="ab12")),
        ({"token": None, "previous_token": None}, {}, Desired()),
        ({"state": "absent", "token": TOKEN}, {}, Desired(is_absent=True, last_four="ab12")),
        ({"token": TOKEN, "update_token": "on_create"}, {}, Desired()),
        ({"rollback": "as validate", "previous_is_token_readonly": None}, {}, Desired()),
    ],
)
def test_desired_configuration_is_from_variables_and_environment(
    values: dict[str, Any], environment: dict[str, str], desired: Desired
) -> None:
    assert find_desired(values, environment) == desired


@pytest.mark.parametrize(
    ("values", "environment", "says"),
    [
        ({"is_token_readonly": "perhaps"}, {}, "cortex_pagerduty_is_token_readonly is not a boolean."),
        ({"state": "absnet"}, {}, "cortex_pagerduty_state must be one of: present, absent."),
        ({"token": "$encrypted$"}, BOTH, "cortex_pagerduty_token is a mask "),
        ({"previous_token": [TOKEN]}, BOTH, "cortex_pagerduty_previous_token is a list "),
        ({"preflight_url": "pagerduty"}, {}, "cortex_pagerduty_preflight_url does not begin with "),
        ({}, {"PAGERDUTY_TOKEN": "None"}, r"token \(from the environment variable PAGERDUTY_TOKEN\) is "),
    ],
)
def test_what_a_rollout_refuses_is_an_error(values: dict[str, Any], environment: dict[str, str], says: str) -> None:
    with pytest.raises(EvaluationError, match=f"^{says}"):
        find_desired(values, environment)

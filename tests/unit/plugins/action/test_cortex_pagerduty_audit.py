# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

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
        ({}, {}, Desired()),
        ({"token": TOKEN, "is_token_readonly": "no"}, {}, Desired(last_four="ab12", is_token_readonly=False)),
        ({}, BOTH, Desired(last_four="ab12", previous_last_four="cd34")),
        ({"token": OTHER_TOKEN, "previous_token": TOKEN}, BOTH, Desired(last_four="cd34", previous_last_four="ab12")),
        ({"token": None, "previous_token": None}, {}, Desired()),
        ({"state": "absent", "token": TOKEN}, {}, Desired(is_absent=True, last_four="ab12")),
        ({"token": TOKEN, "update_token": "on_create"}, {}, Desired()),
        # A value that cannot be a secret is not shown.
        ({"token": "ab12", "previous_token": [TOKEN]}, {}, Desired()),
    ],
)
def test_desired_configuration_is_from_variables_and_environment(
    values: dict[str, Any], environment: dict[str, str], desired: Desired
) -> None:
    assert find_desired(values, environment) == desired


def test_flag_that_is_not_a_boolean_is_named() -> None:
    with pytest.raises(EvaluationError, match="cortex_pagerduty_is_token_readonly is not a boolean"):
        find_desired({"is_token_readonly": "perhaps"}, {})

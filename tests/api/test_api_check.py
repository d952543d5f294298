"""The comparison with the API's description reports each way in which the live service may differ from it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.simulator.validation import Settings
from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN, configuration
from tests.support.leaks import leaks_in
from tests.support.tasks import run_module

GET, DELETE = "GET default-configuration, ", "DELETE configurations, "
POST_AGAIN = "POST configuration, token stored"
ERRORS = [
    f"{GET}nothing stored",
    "POST validate, nothing stored",
    POST_AGAIN,
    f"{GET}after the DELETE",
    f"{GET}at the end",
]
# The requests that are reported with a deviation of the simulator.
REPORTED: dict[str | None, list[str]] = {
    None: [],
    "errors-without-type": [f"{GET}wrong API key", *ERRORS],
    "put-refuses-to-create": ["PUT configuration, nothing stored", f"{GET}after the PUT"],
    "post-replaces": [POST_AGAIN, f"{GET}after the second POST"],
    "delete-204": [f"{DELETE}nothing stored", f"{DELETE}token stored", f"{DELETE}at the end"],
    "delete-404": [f"{DELETE}nothing stored"],
    **{f"401-{body}": [f"{GET}wrong API key"] for body in ("empty", "html", "problem")},
}


@pytest.mark.parametrize("deviation", REPORTED)
def test_report_has_each_deviation_and_the_workspace_is_as_before(
    simulator: Simulator, workspace: Workspace, deviation: Any
) -> None:
    simulator.settings = Settings(deviations=[deviation] if deviation else [])
    result = check(simulator)
    outcomes = [line.split(": ") for line in result["report"]]
    assert [request for outcome, request, *_response in outcomes if outcome == "DIFFERS"] == REPORTED[deviation]
    assert ("failed" in result, len(outcomes), workspace.configuration) == (False, 17, None)
    assert leaks_in("\n".join(result["report"]), {"key": API_KEY, "token": TOKEN}) == []


def test_a_configuration_is_neither_touched_nor_left_behind(simulator: Simulator, workspace: Workspace) -> None:
    assert check(simulator, _ansible_check_mode=True)["skipped"]
    workspace.configuration = configuration(OTHER_TOKEN)
    assert "has a PagerDuty configuration" in check(simulator)["msg"]
    assert (len(simulator.requests), workspace.configuration) == (1, configuration(OTHER_TOKEN))
    workspace.configuration = None
    simulator.fault("validate", skip=1, drop=True)
    assert "the connection was lost" in check(simulator)["msg"]
    assert workspace.configuration is None


def check(simulator: Simulator, **options: Any) -> dict[str, Any]:
    given = {"api_key": API_KEY, "token": TOKEN, "base_url": simulator.url, **options}
    return run_module("cortex_pagerduty_api_check", given)[0]

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds whatever happens: random tasks on one workspace, over HTTP, with several random faults.

Other clients, rollbacks and the task that only reads are left to tests/unit/walk, which tries all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    GET,
    OTHER_TOKEN,
    TOKEN,
    TWIN_TOKEN,
    VALIDATE,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.faults import FAULTS
from hypothesis import given, settings

from .conftest import CONFIG, WHAT_IS_STORED, RunTask, Stored, run_in_process, shown, state, without_note

UMLAUT_TOKEN = "äöü+7FzQkLmN2pRsab12"
SECRETS = (API_KEY, TOKEN, OTHER_TOKEN, TWIN_TOKEN, UMLAUT_TOKEN)
TOKENS = st.sampled_from(SECRETS[1:])
CONFIGURATIONS = st.none() | st.builds(configuration, TOKENS, st.booleans())
OPTIONS = st.fixed_dictionaries(
    {
        "token": TOKENS,
        "is_token_readonly": st.booleans(),
        "state": st.sampled_from(["present", "present", "absent"]),
        "update_token": st.sampled_from(["on_change", "always", "on_create"]),
        "preflight": st.booleans(),
        "validate": st.sampled_from([True, True, False]),
        "rollback": st.sampled_from([True, True, False]),
        "previous_token": st.none() | TOKENS,
        "previous_is_token_readonly": st.none() | st.booleans(),
        "retries": st.sampled_from([0, 1, 2]),
    }
).filter(lambda options: options["previous_token"] != options["token"])
# Each tells the truth about what it has done, or nothing at all.
TITLES = [
    "connection lost, not applied",
    "connection lost, applied",
    "connection lost within the response",
    "400",
    "403",
    "409",
    "429, Retry-After: 7",
    "429, Retry-After: 86400",
    "500, not applied",
    "503, applied",
    "redirect to another host",
    "HTML with 200, not applied",
    "empty body, applied",
    "a list instead of an object, applied",
]
FAULTY = st.tuples(
    st.sampled_from(["get", "add", "replace", "delete", "validate", "abilities"]),
    st.sampled_from([1, 2, None]),
    st.sampled_from(TITLES).map(lambda title: FAULTS[title].fields),
)


class Trial:
    """A workspace, in which nothing is as in the trial before."""

    def __init__(self, server: Simulator, run: RunTask, stored: Stored, rejected: set[str]) -> None:
        server.reset()
        for token in rejected:
            server.reject_token(token)
        self._server = server
        self._run = run
        self.workspace: Workspace = server.add_workspace(API_KEY, configuration=stored)

    def task(self, options: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
        """Run a task, and return its result, after a check of what holds for each."""
        self._server.clear_log()
        urls = {"base_url": self._server.url, "preflight_url": self._server.pagerduty_url}
        ansible = {"_ansible_verbosity": 5, "_ansible_check_mode": check_mode}
        result, output = self._run(CONFIG, {"api_key": API_KEY, **urls, **options, **ansible})
        for secret in SECRETS:
            assert secret not in output
            assert secret not in str(result)
        assert "Traceback" not in output
        assert not result.get("failed") or len(WHAT_IS_STORED.findall(result["msg"])) == 1
        return result


def examples(run: RunTask) -> settings:
    """Return how many examples there are: in process and as a module are the same, and a module takes longer."""
    return settings(max_examples=settings().max_examples // (1 if run is run_in_process else 5))


def test_check_mode_predicts_the_task_and_a_second_run_changes_nothing(server: Simulator, run: RunTask) -> None:
    @examples(run)
    @given(stored=CONFIGURATIONS, rejected=st.sets(TOKENS), options=OPTIONS)
    def check(stored: Stored, rejected: set[str], options: dict[str, Any]) -> None:
        trial = Trial(server, run, stored, rejected)
        predicted = trial.task(options, check_mode=True)
        assert trial.workspace.configuration == stored
        done = trial.task(options)
        assert predicted["changed"] == done["changed"]
        if done["rolled_back"]:
            return
        for name in ("configuration", "diff"):
            assert predicted[name] == done[name]
        if options["update_token"] != "always":
            assert trial.task(options)["changed"] is False
            assert set(trial.workspace.requests) <= {GET, VALIDATE}

    check()


def test_result_is_true_whatever_goes_wrong(server: Simulator, run: RunTask) -> None:
    @examples(run)
    @given(stored=CONFIGURATIONS, rejected=st.sets(TOKENS), options=OPTIONS, faults=st.lists(FAULTY, max_size=3))
    def check(
        stored: Stored, rejected: set[str], options: dict[str, Any], faults: Sequence[tuple[str, int, dict[str, Any]]]
    ) -> None:
        trial = Trial(server, run, stored, rejected)
        for operation, times, fields in faults:
            trial.workspace.fault(operation, times=times, **fields)
        result = trial.task(options)
        after = trial.workspace.configuration
        assert result["changed"] or after == stored
        assert result["preflight"] is None or options["preflight"]
        said = without_note(result["diff"]["after"])
        if said == {"state": "unknown"}:
            assert (result["failed"], result["configuration"]) == (True, None)
        else:
            assert (said, result["configuration"]) == (state(after), shown(after))
        if not result.get("failed"):
            wanted = configuration(options["token"], options["is_token_readonly"])
            is_kept = options["update_token"] == "on_create" and after == stored
            if options["state"] == "absent":
                assert after is None
            else:
                assert after is not None
                assert after["is_token_readonly"] == wanted["is_token_readonly"]
                assert is_kept or shown(after) == shown(wanted)

    check()

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds whatever happens: random tasks on one workspace, over HTTP, with random faults.

Other clients, check mode and the task that only reads are left to tests/unit/walk, which tries all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    TOKEN,
    TWIN_TOKEN,
    VALIDATE,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.faults import FAULTS
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .conftest import CONFIG, WHAT_IS_STORED, RunTask, Stored, run_in_process, shown, state, without_note

UMLAUT_TOKEN = "äöü+7FzQkLmN2pRsab12"
TOKENS = st.sampled_from([TOKEN, OTHER_TOKEN, TWIN_TOKEN, UMLAUT_TOKEN])
STORED = "the stored token"
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
        # Most often the stored one: with another the task fails before it writes.
        "previous_token": st.sampled_from([STORED, STORED, None]) | TOKENS,
        "previous_is_token_readonly": st.none() | st.booleans(),
    }
)
ECHO = {"type": "{token}", "message": "the key {api_key} and the token {token}", "requestId": "{api_key}"}
# Each tells the truth about what it has done, or nothing at all.
ECHOES: dict[str, dict[str, Any]] = {
    "connection lost, not applied": {},
    "connection lost, applied": {},
    "connection lost within the response": {},
    "400": {"body": ECHO},
    "403": {},
    "409": {"body": ECHO},
    "429, Retry-After: 7": {},
    "429, Retry-After: 86400": {},
    "500, not applied": {"body": ECHO},
    "503, applied": {},
    "redirect to another host": {"headers": {"Location": "https://{token}.example.com/{api_key}"}},
    "HTML with 200, not applied": {"body": "<html>{token}{api_key}</html>"},
    "empty body, applied": {},
    "a list instead of an object, applied": {},
}
FAULTY = [{**FAULTS[title].fields, **echo} for title, echo in ECHOES.items()]


# "write" is whichever of the three it is.
OPERATIONS = st.sampled_from(["write", "get", "validate"])
FAULT = st.fixed_dictionaries(
    {"operation": OPERATIONS | st.just("abilities"), "times": st.sampled_from([1, 2, None])}
).flatmap(lambda fields: st.sampled_from(FAULTY).map(lambda fault: {**fields, **fault}))


class Tasks(RuleBasedStateMachine):
    """A workspace, and tasks that run on it one after the other."""

    server: Simulator
    run: RunTask

    def __init__(self) -> None:
        super().__init__()
        self.server.reset()
        self.workspace = self.server.add_workspace(API_KEY)

    @initialize(rejected=st.sets(TOKENS))
    def pagerduty_rejects(self, rejected: set[str]) -> None:
        for token in rejected:
            self.server.reject_token(token)

    @rule(stored=CONFIGURATIONS)
    def somebody_stores(self, stored: Stored) -> None:
        self.workspace.configuration = stored

    @rule(token=TOKENS, is_accepted=st.booleans())
    def pagerduty_judges(self, token: str, is_accepted: bool) -> None:
        (self.server.accept_token if is_accepted else self.server.reject_token)(token)

    @rule(options=OPTIONS)
    def check_run_and_run_again(self, options: dict[str, Any]) -> None:
        options = self._resolved(options)
        before = self.workspace.configuration
        predicted, _sent = self._run(options, check_mode=True)
        done, _sent = self._run(options)
        assert predicted["changed"] == done["changed"]
        is_invalid = options["validate"] and options["token"] in self.server.state.rejected_tokens
        if done["changed"] and options["state"] == "present" and options["rollback"] and is_invalid:
            # The deletion of what was added, or the previous token; the same last four give no token to go back to.
            is_alike = before is not None and before["token"][-4:] == options["token"][-4:]
            assert done["rolled_back"] is (before is None or (not is_alike and options["previous_token"] is not None))
        if done["rolled_back"]:
            assert self.workspace.configuration == (before and self._restored(options, before["is_token_readonly"]))
            return
        for name in ("configuration", "diff"):
            assert predicted[name] == done[name]
        if options["update_token"] != "always":
            again, sent = self._run(options)
            assert again["changed"] is False
            assert set(sent) <= {GET, VALIDATE}

    @rule(options=OPTIONS, faults=st.lists(FAULT, max_size=3), retries=st.sampled_from([0, 1, 2]))
    def run_through_faults(self, options: dict[str, Any], faults: list[dict[str, Any]], retries: int) -> None:
        options = self._resolved(options)
        before = self.workspace.configuration
        result, sent = self._run({**options, "retries": retries}, faults)
        after = self.workspace.configuration
        possible = [before, self._wanted(options)]
        if result["rolled_back"]:
            possible = [before and self._restored(options, before["is_token_readonly"])]
        elif options["rollback"] and before and result["diff"]["after"]["state"] == "unknown":
            possible.append(self._restored(options, before["is_token_readonly"]))
        assert after in possible
        assert result["changed"] or after == before
        assert not result["changed"] or set(sent) - {GET, VALIDATE}
        # A refusal because there is a configuration means that an addition with an unknown outcome may have been
        # applied, and removed since. Here, the refusal is a fault.
        has_met_conflict = sent.count(POST) > 1 and any(fault.get("status") in (400, 409) for fault in faults)
        self._is_told_truly(result, before, after, may_have_written=has_met_conflict)
        if not result.get("failed"):
            assert self._is_as_asked(before, after, options)

    # What the rules share

    def _run(
        self,
        options: dict[str, Any],
        faults: Sequence[dict[str, Any]] = (),
        *,
        check_mode: bool = False,
    ) -> tuple[dict[str, Any], list[str]]:
        """Run a task, check that no secret is in its output, and return its result and its requests."""
        self.server.clear_log()
        for fault in faults:
            operation = fault["operation"]
            for each in ("add", "replace", "delete") if operation == "write" else (operation,):
                self.workspace.fault(**{**fault, "operation": each})
        urls = {"base_url": self.server.url, "preflight_url": self.server.pagerduty_url}
        arguments = {"api_key": API_KEY, **urls, **options, "_ansible_verbosity": 5}
        result, output = self.run(CONFIG, {**arguments, "_ansible_check_mode": check_mode})
        self._is_consistent(result, options)
        for secret in (API_KEY, TOKEN, OTHER_TOKEN, TWIN_TOKEN, UMLAUT_TOKEN):
            assert secret not in output
            assert secret not in str(result)
        assert "Traceback" not in output
        self.workspace.clear_faults()
        return result, self.workspace.requests

    def _is_consistent(self, result: dict[str, Any], options: dict[str, Any]) -> None:
        """Check what the return values say of preflight and rollback, and that they fit each other."""
        sent = self.workspace.requests
        has_sent_token = bool({POST, PUT} & set(sent))
        assert result["preflight"] is None or options["preflight"]
        # Whatever else goes wrong, a token that PagerDuty has not accepted is not sent.
        assert not (has_sent_token and options["preflight"]) or result["preflight"] is True
        assert result["preflight"] is not False or result["failed"]
        if result["rolled_back"]:
            assert (result["failed"], result["changed"], result["validation"]["is_valid"]) == (True, True, False)
            assert options["validate"]
            assert options["rollback"]
            assert "Rolled back: " in result["msg"]
        if result.get("failed"):
            assert len(WHAT_IS_STORED.findall(result["msg"])) == 1

    def _resolved(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["previous_token"] != STORED:
            return options
        stored = self.workspace.configuration
        token = stored["token"] if stored else None
        # That equals the token is an error.
        return {**options, "previous_token": None if token == options["token"] else token}

    def _restored(self, options: dict[str, Any], flag: bool) -> Stored:
        """Return what a rollback stores; `flag` is that from before."""
        given = options["previous_is_token_readonly"]
        return configuration(options["previous_token"] or "", flag if given is None else given)

    def _wanted(self, options: dict[str, Any]) -> Stored:
        if options["state"] == "absent":
            return None
        return configuration(options["token"], options["is_token_readonly"])

    def _is_as_asked(self, before: Stored, after: Stored, options: dict[str, Any]) -> bool:
        """Tell whether what is stored fulfils the documentation of `state`, `update_token` and `is_token_readonly`."""
        wanted = self._wanted(options)
        if after == wanted:
            return True
        if wanted is None or after is None or options["update_token"] == "always":
            return False
        # A token that was there may stay: any with on_create, one that looks the same with on_change.
        is_alike = options["update_token"] == "on_create" or shown(after) == shown(wanted)
        return after == before and after["is_token_readonly"] == wanted["is_token_readonly"] and is_alike

    def _is_told_truly(self, result: dict[str, Any], before: Stored, stored: Stored, *, may_have_written: bool) -> None:
        said = without_note(result["diff"]["after"])
        if said == {"state": "unknown"}:
            assert result["failed"]
            assert result["configuration"] is None
            assert ("the write may have been applied" in result["msg"]) is result["changed"]
        else:
            # Whether a token was replaced by one that looks the same cannot be seen.
            is_resent = result["diff"]["after"].get("token") is not None
            is_changed = shown(stored) != shown(before) or is_resent or result["rolled_back"]
            assert result["changed"] is is_changed or (result["changed"] and may_have_written)
            assert said == state(stored)
            assert result["configuration"] == shown(stored)
            assert not result.get("failed") or "Current configuration: " in result["msg"]


def test_whatever_happens(server: Simulator, run: RunTask) -> None:
    Tasks.run = staticmethod(run)
    Tasks.server = server
    # Both do the same, and a module takes longer.
    examples = settings().max_examples // (1 if run is run_in_process else 5)
    run_state_machine_as_test(Tasks, settings=settings(max_examples=examples))

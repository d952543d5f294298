# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known is what is returned, at any moment, and the last sentence of a message says the same."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import Failure
from ansible_collections.cortexapps.cortex.plugins.module_utils._knowledge import (
    Event,
    Knowledge,
    RequestFailed,
    StateRead,
    TokenAccepted,
    Validated,
    Write,
    WriteAccepted,
    WriteConflicted,
    WritePredicted,
    WriteSent,
    learn,
)
from ansible_collections.cortexapps.cortex.plugins.module_utils._result import (
    config_values,
    current_configuration,
    info_values,
)
from ansible_collections.cortexapps.cortex.plugins.module_utils._values import Configuration, Verdict

NEW, OLD = Configuration(True, "ab12"), Configuration(False, "cd34")
SHOWN_NEW = {"is_token_readonly": True, "last_four": "ab12"}
SHOWN_OLD = {"is_token_readonly": False, "last_four": "cd34"}
ABSENT, UNKNOWN = {"state": "absent"}, {"state": "unknown"}
IS_NEW, IS_OLD = {"state": "present", **SHOWN_NEW}, {"state": "present", **SHOWN_OLD}
ADD, REPLACE, DELETE = Write("add", NEW), Write("replace", NEW), Write("delete")
RESTORE = Write("replace", OLD, "previous_token")
SENT = WriteSent(REPLACE)
LOST = RequestFailed(REPLACE, Failure(("Lost.",), outcome_unknown=True, is_retryable=True))
REFUSED = RequestFailed(REPLACE, Failure(("Refused.",)))
INVALID = Validated((Verdict(None, False, None),))
NEW_SENTENCE = "Current configuration: a token ending in ab12, is_token_readonly=true"
OLD_SENTENCE = "Current configuration: a token ending in cd34, is_token_readonly=false"
UNKNOWN_SENTENCE = "The current configuration is unknown: the write may have been applied."
NONE_SENTENCE = "Current configuration: none."
CONFLICT = WriteConflicted(REPLACE, REFUSED.failure)
STORED = {"token": "stored"}


def again(note: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return before, after and the sentence where the replacement shows in a note only."""
    return IS_NEW | STORED, IS_NEW | {"token": note}, f"{NEW_SENTENCE} (token {note})."


def after(*events: Event) -> Knowledge:
    knowledge = Knowledge()
    for event in events:
        knowledge = learn(knowledge, event)
    return knowledge


@pytest.mark.parametrize(
    ("events", "changed", "before", "now", "sentence"),
    [
        ([], False, UNKNOWN, UNKNOWN, "Nothing was changed."),
        ([StateRead(OLD)], False, IS_OLD, IS_OLD, f"{OLD_SENTENCE} (unchanged)."),
        ([StateRead(OLD), SENT], True, IS_OLD, UNKNOWN, UNKNOWN_SENTENCE),
        ([StateRead(OLD), SENT, REFUSED], False, IS_OLD, IS_OLD, f"{OLD_SENTENCE} (unchanged)."),
        ([StateRead(OLD), SENT, CONFLICT], False, IS_OLD, UNKNOWN, "Nothing was changed."),
        ([StateRead(OLD), SENT, LOST, StateRead(NEW)], True, IS_OLD, IS_NEW, f"{NEW_SENTENCE}."),
        ([StateRead(OLD), SENT, LOST, StateRead(OLD)], False, IS_OLD, IS_OLD, f"{OLD_SENTENCE} (unchanged)."),
        # It may be the work of this task, whatever another client did later.
        ([StateRead(OLD), SENT, LOST, StateRead(None)], True, IS_OLD, ABSENT, NONE_SENTENCE),
        ([StateRead(OLD), SENT, WriteAccepted(REPLACE)], True, IS_OLD, IS_NEW, f"{NEW_SENTENCE}."),
        ([StateRead(None), WriteSent(ADD), WriteAccepted(ADD)], True, ABSENT, IS_NEW, f"{NEW_SENTENCE}."),
        ([StateRead(NEW), WriteSent(DELETE), WriteAccepted(DELETE)], True, IS_NEW, ABSENT, NONE_SENTENCE),
        ([StateRead(OLD), WritePredicted(REPLACE)], True, IS_OLD, IS_NEW, f"{NEW_SENTENCE}."),
        # Only where Cortex shows no difference there is a note that shows the replacement.
        ([StateRead(NEW), SENT, WriteAccepted(REPLACE)], True, *again("sent again")),
        ([StateRead(NEW), WritePredicted(REPLACE)], True, *again("sent again")),
        ([StateRead(NEW), SENT, LOST, StateRead(NEW)], True, *again("may have been sent again")),
    ],
)
def test_result_is_what_is_known(
    events: list[Event], changed: bool, before: dict[str, Any], now: dict[str, Any], sentence: str
) -> None:
    knowledge = after(*events)
    values = config_values(knowledge)
    shown = {name: value for name, value in now.items() if name in SHOWN_NEW}
    assert values == {
        "changed": changed,
        "configuration": shown or None,
        "validation": None,
        "preflight": None,
        "rolled_back": False,
        "diff": {"before": before, "after": now},
    }
    assert current_configuration(knowledge) == sentence


REPLACED: list[Event] = [StateRead(OLD), TokenAccepted(), SENT, WriteAccepted(REPLACE), INVALID, StateRead(NEW)]


def test_restored_token_is_named_in_the_diff() -> None:
    knowledge = after(*REPLACED, WriteSent(RESTORE), WriteAccepted(RESTORE))
    assert config_values(knowledge) == {
        "changed": True,
        "configuration": SHOWN_OLD,
        # The verdict on the token that was undone.
        "validation": {"is_valid": False, "configurations": [{"alias": None, "is_valid": False, "message": None}]},
        "preflight": True,
        "rolled_back": True,
        "diff": {"before": IS_OLD | STORED, "after": IS_OLD | {"token": "restored"}},
    }
    assert current_configuration(knowledge) == f"{OLD_SENTENCE} (token restored)."


def test_info_never_reports_a_change() -> None:
    assert info_values(Knowledge()) == {"changed": False, "configuration": None, "validation": None}
    verdicts = Validated((Verdict("default", True, None),))
    assert info_values(after(StateRead(OLD), verdicts)) == {
        "changed": False,
        "configuration": SHOWN_OLD,
        "validation": {
            "is_valid": True,
            "configurations": [{"alias": "default", "is_valid": True, "message": None}],
        },
    }


@pytest.mark.parametrize(
    ("verdicts", "is_valid"), [([], False), ([True], True), ([True, True], True), ([True, False], False)]
)
def test_configuration_is_valid_if_all_verdicts_are(verdicts: list[bool], is_valid: bool) -> None:
    event = Validated(tuple(Verdict(None, each, None) for each in verdicts))
    assert info_values(after(StateRead(OLD), event))["validation"]["is_valid"] is is_valid

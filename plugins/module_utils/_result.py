# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the knowledge of a task to its return values, its diff, and the last sentence of its message. Pure."""

from __future__ import annotations

import typing as t

from ._decision import is_valid
from ._knowledge import UNKNOWN, Knowledge, Stored
from ._values import Configuration

NOTHING_CHANGED = "Nothing was changed."
MAY_HAVE_CHANGED = "The current configuration is unknown: the write may have been applied."
CURRENT_CONFIGURATION = "Current configuration: {}."


def config_values(knowledge: Knowledge) -> dict[str, t.Any]:
    """Return the return values of ``cortex_pagerduty_config``."""
    current = _current(knowledge)
    before, after = _state(knowledge.before), _state(current)
    note = _token_note(knowledge)
    if note:
        after["token"] = note
        if isinstance(knowledge.before, Configuration):
            before["token"] = "stored"
    return {
        "changed": knowledge.changed,
        "configuration": _configuration(current),
        "validation": _validation(knowledge),
        "preflight": knowledge.preflight,
        "rolled_back": knowledge.rolled_back,
        "diff": {"before": before, "after": after},
    }


def info_values(knowledge: Knowledge) -> dict[str, t.Any]:
    """Return the return values of ``cortex_pagerduty_config_info``."""
    return {
        "changed": False,
        "configuration": _configuration(knowledge.current),
        "validation": _validation(knowledge),
    }


def current_configuration(knowledge: Knowledge) -> str:
    """Return the sentence about the current configuration, which ends the message of a failure."""
    current = _current(knowledge)
    if current is UNKNOWN:
        return MAY_HAVE_CHANGED if knowledge.changed else NOTHING_CHANGED
    stored = "none"
    if isinstance(current, Configuration):
        flag = str(current.is_token_readonly).lower()
        stored = f"a token ending in {current.last_four}, is_token_readonly={flag}"
    if current == knowledge.before:
        note = _token_note(knowledge)
        if note:
            stored += f" (token {note})"
        elif not knowledge.changed:
            stored += " (unchanged)"
    return CURRENT_CONFIGURATION.format(stored)


def _current(knowledge: Knowledge) -> Stored:
    return UNKNOWN if knowledge.pending else knowledge.current


def _token_note(knowledge: Knowledge) -> str | None:
    """Return a note on the token if the configuration looks the same as before."""
    current = _current(knowledge)
    if not isinstance(current, Configuration):
        return None
    if knowledge.rolled_back:
        return "restored"
    write = knowledge.written
    if write is None or write.after != current or current != knowledge.before:
        return None
    return "may have been sent again" if knowledge.was_found else "sent again"


def _state(stored: Stored) -> dict[str, t.Any]:
    if isinstance(stored, Configuration):
        return {"state": "present", **stored._asdict()}
    return {"state": "absent" if stored is None else "unknown"}


def _configuration(stored: Stored) -> dict[str, t.Any] | None:
    return stored._asdict() if isinstance(stored, Configuration) else None


def _validation(knowledge: Knowledge) -> dict[str, t.Any] | None:
    if knowledge.verdicts is None:
        return None
    configurations = [verdict._asdict() for verdict in knowledge.verdicts]
    return {"is_valid": is_valid(knowledge.verdicts), "configurations": configurations}

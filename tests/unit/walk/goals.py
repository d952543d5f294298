# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The goals of the walk: every combination of the options that decide what is done."""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal
from ansible_collections.cortexapps.cortex.plugins.module_utils._values import Configuration

from .world import LAST_FOUR, OWN, PREVIOUS, TWIN

RETRIES = 1


def all_goals() -> list[Goal]:
    """Return all goals, the simple ones first."""
    flags, updates = (False, True), ("on_change", "always", "on_create")
    undoing: list[dict[str, Any]] = [{}, {"validate": True}, {"validate": True, "rollback": True}]
    undoing.append({**undoing[-1], "previous_last_four": LAST_FOUR[PREVIOUS]})
    # A preflight comes before all that these are about.
    undoing += [{**undoing[-1], "previous_is_token_readonly": False, "preflight": False}]
    undoing += [{**undoing[2], "previous_last_four": LAST_FOUR[TWIN], "preflight": False}]
    # What makes no difference without the rest of it.
    plain = {
        "preflight": False,
        "check_mode": False,
        "update_token": "on_change",
        "previous_last_four": LAST_FOUR[PREVIOUS],
    }
    undoing += [{"rollback": True, **plain}, {"validate": True, **plain}]
    goals = [Goal(reads_only=True), Goal(reads_only=True, validate=True), Goal(), Goal(check_mode=True)]
    goals.append(Goal(preflight=True, validate=True, rollback=True, previous_last_four=LAST_FOUR[PREVIOUS]))
    for undo, preflight, check_mode, update, flag in itertools.product(undoing, flags, flags, updates, flags):
        options = {"preflight": preflight, "check_mode": check_mode, "update_token": update, **undo}
        if (options["preflight"], options["check_mode"], options["update_token"]) == (preflight, check_mode, update):
            goals.append(Goal(desired=Configuration(flag, LAST_FOUR[OWN]), **options))
    return [goal._replace(retries=RETRIES) for goal in goals]

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks that the controllers of the walk run: every combination of the options that decide what is done."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from .world import API_KEY, OWN, PREVIOUS, TOKENS, TWIN, Look, Stored, World, look

CORTEX_URL = "https://cortex.example/here"
PAGERDUTY_URL = "https://pagerduty.example"
RETRIES = 1


class Task(NamedTuple):
    """The options of a task. ``previous`` is the name of a token."""

    state: str = "present"
    flag: bool = False
    update: str = "on_change"
    preflight: bool = False
    validate: bool = False
    rollback: bool = False
    previous: str | None = None
    previous_flag: bool | None = None
    check_mode: bool = False

    @property
    def is_info(self) -> bool:
        return self.state == "info"

    @property
    def wanted(self) -> World:
        """What a write of this task stores."""
        return Stored(OWN, self.flag) if self.state == "present" else None

    def write_for(self, stored: Look | None) -> str | None:
        """Return the request that the table of the documentation says for what is stored, None for none."""
        if self.is_info:
            return None
        if self.state == "absent":
            return "delete" if stored else None
        wanted = look(self.wanted)
        assert wanted
        if stored is None:
            return "add"
        is_same_token, is_same_flag = stored.last_four == wanted.last_four, stored.is_token_readonly == self.flag
        if not is_same_flag or self.update == "always" or (self.update == "on_change" and not is_same_token):
            return "replace"
        return None

    def describe(self) -> str:
        """Return the options, for a table."""
        if self.is_info:
            return f"info{', validate' if self.validate else ''}"
        parts = [self.state]
        if self.state == "present":
            parts += ["read-only" if self.flag else "full", self.update]
        parts += [name for name in ("preflight", "validate", "rollback") if getattr(self, name)]
        if self.previous:
            parts.append("previous_token" + ("" if self.previous == PREVIOUS else " with the same last four"))
        if self.previous_flag is not None:
            parts.append(f"previous_is_token_readonly={str(self.previous_flag).lower()}")
        if self.check_mode:
            parts.append("check mode")
        return ", ".join(parts)


def all_tasks() -> list[Task]:
    """Return all tasks, the simple ones first."""
    flags, updates = (False, True), ("on_change", "always", "on_create")
    undoing: list[dict[str, Any]] = [{}, {"validate": True}, {"validate": True, "rollback": True}]
    undoing.append({**undoing[-1], "previous": PREVIOUS})
    # A preflight comes before all that these are about.
    undoing += [{**undoing[-1], "previous_flag": False, "preflight": False}]
    undoing += [{**undoing[2], "previous": TWIN, "preflight": False}]
    # What makes no difference without the rest of it.
    plain = {"preflight": False, "check_mode": False, "update": "on_change", "previous": PREVIOUS}
    undoing += [{"rollback": True, **plain}, {"validate": True, **plain}]
    tasks = [Task("info"), Task("info", validate=True), Task("absent"), Task("absent", check_mode=True)]
    tasks.append(Task("absent", validate=True, rollback=True))
    for undo, preflight, check_mode, update, flag in itertools.product(undoing, flags, flags, updates, flags):
        options = {"preflight": preflight, "check_mode": check_mode, "update": update, "flag": flag, **undo}
        if (options["preflight"], options["check_mode"], options["update"]) == (preflight, check_mode, update):
            tasks.append(Task(**options))
    return tasks


def parameters(task: Task, defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the validated options of a task, as Ansible passes them."""
    options = {**defaults, "api_key": API_KEY, "base_url": CORTEX_URL, "retries": RETRIES, "validate": task.validate}
    if task.is_info:
        return options
    options |= {
        "state": task.state,
        "update_token": task.update,
        "preflight": task.preflight,
        "preflight_url": PAGERDUTY_URL,
        "rollback": task.rollback,
        "previous_token": task.previous and TOKENS[task.previous],
        "previous_is_token_readonly": task.previous_flag,
    }
    if task.state == "present":
        options |= {"token": TOKENS[OWN], "is_token_readonly": task.flag}
    return options

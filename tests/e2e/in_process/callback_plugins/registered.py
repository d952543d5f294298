# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the variables that tasks register into a file, as they are when the run ends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: registered
type: aggregate
short_description: Write registered variables
description: Writes the registered variables of each host to the file that E(TEST_REGISTERED) names.
author: cortexapps.cortex contributors (@cortexapps)
options: {}
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "registered"

    def __init__(self) -> None:
        super().__init__()
        self._names: set[str] = set()
        self._invocations: dict[tuple[str, str], Any] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._names.update(_names(task))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep what is in no registered variable: Ansible shows the arguments, and drops them."""
        for name in _names(result._task):
            if "invocation" in result._result:
                self._invocations[result._host.name, name] = {"invocation": result._result["invocation"]}

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        manager = self._play.get_variable_manager()
        registered = {}
        for name in stats.processed:
            variables = manager.get_vars(play=self._play, host=manager._inventory.get_host(name))["hostvars"][name]
            registered[name] = {
                variable: {**variables[variable], **self._invocations.get((name, variable), {})}
                for variable in self._names
                if variable in variables
            }
        Path(os.environ["TEST_REGISTERED"]).write_text(json.dumps(registered))


def _names(task: Any) -> list[str]:
    # Since ansible-core 2.21 it is a mapping of names to expressions.
    return list(task.register) if isinstance(task.register, dict) else [task.register] if task.register else []

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

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        # Since ansible-core 2.21 a mapping of names to expressions.
        self._names.update(task.register if isinstance(task.register, dict) else filter(None, [task.register]))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        manager = self._play.get_variable_manager()
        registered = {}
        for name in stats.processed:
            variables = manager.get_vars(play=self._play, host=manager._inventory.get_host(name))["hostvars"][name]
            registered[name] = {variable: variables[variable] for variable in self._names if variable in variables}
        Path(os.environ["TEST_REGISTERED"]).write_text(json.dumps(registered))

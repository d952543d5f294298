# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the results of tasks that register a variable into a file when the run ends."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: registered
type: aggregate
short_description: Write registered results
description: Writes the registered results of each host to the file that E(TEST_REGISTERED) names.
author: cortexapps.cortex contributors (@cortexapps)
options: {}
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "registered"

    def __init__(self) -> None:
        super().__init__()
        self._results: dict[str, dict[str, Any]] = defaultdict(dict)

    def v2_runner_on_ok(self, result: Any, failed: bool = False) -> None:
        # Since ansible-core 2.21 what registers is a mapping of names to expressions.
        register = result._task.register or []
        for name in [register] if isinstance(register, str) else register:
            self._results[result._host.name][name] = {**result._result, "failed": failed}

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.v2_runner_on_ok(result, failed=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        Path(os.environ["TEST_REGISTERED"]).write_text(json.dumps(self._results), encoding="utf-8")

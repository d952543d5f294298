# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ..module_utils._options import SECRETS, find_variable
from ..plugin_utils._preconditions import find_faults
from ..plugin_utils._variables import EvaluationError, evaluate, of_hosts


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        templar = Templar(self._loader)
        keys: dict[str, str | None] = {}
        names = set(task_vars)
        for host, variables in of_hosts(task_vars):
            templar.available_variables = variables
            names.update(variables)
            # One that cannot be evaluated is reported where it is used.
            with contextlib.suppress(EvaluationError):
                values = evaluate(templar, variables, ["api_key"])
                keys[host] = str(values["api_key"]) if values else None
        others = set(task_vars["groups"]["all"]) - set(constants.LOCALHOST)
        found = find_variable(SECRETS["api_key"])
        faults = find_faults(task_vars["ansible_play_hosts_all"], keys, len(others), found[0] if found else None, names)
        if faults:
            result.update(failed=True, msg=" ".join([*faults, "Nothing was sent."]))
        return result

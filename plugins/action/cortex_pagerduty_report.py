# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ..plugin_utils._audit import NOT_READ, NOTHING_READ, Row, make_row, sort, to_table
from ..plugin_utils._preconditions import find_fault_of_play
from ..plugin_utils._report_file import CANNOT_WRITE, find_fault_of_path, find_path, write


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            {
                "variable": {"type": "str", "required": True},
                "dest": {"type": "str"},
                "check": {"type": "bool", "default": False},
            }
        )
        path = find_path(options["dest"])
        strategy = str(self._task.get_play().strategy)
        fault = find_fault_of_play(strategy, task_vars["ansible_play_batch"], task_vars["ansible_play_hosts"])
        fault = fault or (path and find_fault_of_path(path))
        if fault:
            result.update(failed=True, msg=fault)
        elif not options["check"]:
            result.update(self._report(task_vars, options["variable"], path))
        return result

    def _report(self, task_vars: dict[str, t.Any], variable: str, path: str | None) -> dict[str, t.Any]:
        host, hosts = task_vars["inventory_hostname"], task_vars["ansible_play_hosts_all"]
        own = read(task_vars, variable, host)
        audit = own["audit"]["id"] if isinstance(own, t.Mapping) and "audit" in own else None
        remaining = set(task_vars["ansible_play_hosts"])
        rows: list[Row] = []
        is_first = True
        for each in hosts:
            row = make_row(each, read(task_vars, variable, each), variable, is_in_play=each in remaining, audit=audit)
            rows.append(row)
            # Where a condition kept the first host out, this task runs for all. The first that was read reports.
            if is_first and not self._task.run_once and row.status != "skipped" and row.reason != NOT_READ:
                is_first = False
                if each != host:
                    return {"skipped": True}
        if is_first and not self._task.run_once:
            return {"failed": True, "msg": NOTHING_READ}
        rows = sort(rows)
        # Those that --limit or the hosts of the play leave out.
        unread = len(set(task_vars["groups"]["all"]) - set(LOCALHOST) - set(hosts))
        # As debug does, so that the table is shown.
        result = {"changed": False, "table": to_table(rows, unread), "_ansible_verbose_always": True}
        if path is not None:
            result.update(dest=path, changed=True)
            try:
                if not self._task.check_mode:
                    write(path, rows, datetime.now(timezone.utc).isoformat(timespec="seconds"), unread)
            except OSError as error:
                result.update(failed=True, changed=False, msg=CANNOT_WRITE.format(path, error))
        return result


def read(task_vars: t.Mapping[str, t.Any], variable: str, host: str) -> t.Any:
    """Return the value of a host's variable; None if there is none or it cannot be evaluated."""
    try:
        return task_vars["hostvars"][host].get(variable)
    except AnsibleError:
        return None

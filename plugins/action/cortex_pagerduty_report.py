# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tempfile
import typing as t
from datetime import datetime, timezone

from ansible.plugins.action import ActionBase

from ..plugin_utils._audit import Row, describe_failure, make_row, to_csv, to_html, to_json, to_table

FORMATS: dict[str, t.Callable[[t.Sequence[Row]], str]] = {
    ".json": to_json,
    ".csv": to_csv,
    ".html": lambda rows: to_html(rows, f"{datetime.now(timezone.utc):%Y-%m-%d at %H:%M} UTC"),
}


class ReportError(Exception):
    """The report cannot be written."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            {"variable": {"type": "str", "required": True}, "dest": {"type": "path"}}
        )
        rows = read_rows(task_vars or {}, options["variable"])
        failures = {row.workspace: describe_failure(row) for row in rows if row.status != "valid"}
        result.update(changed=False, table=to_table(rows), failures=failures)
        if options["dest"] is not None:
            # A worker of Ansible's is where the command was started.
            path = result["dest"] = os.path.realpath(options["dest"])
            try:
                result["changed"] = write(path, rows, check_mode=self._task.check_mode)
            except (OSError, ReportError) as error:
                result.update(failed=True, msg=f"The report cannot be written to {path}: {error}")
        return result


def read_rows(task_vars: t.Mapping[str, t.Any], variable: str) -> list[Row]:
    """Return a row for each host of the play. What a host has that left the play is not of this audit."""
    hostvars, remaining = task_vars["hostvars"], set(task_vars["ansible_play_hosts"])
    return [
        make_row(host, hostvars[host].get(variable) if host in remaining else None)
        for host in task_vars["ansible_play_hosts_all"]
    ]


def write(path: str, rows: t.Sequence[Row], *, check_mode: bool) -> bool:
    """Write the report, whole or not at all, unless it is there already; return whether it is not."""
    folder, ending = os.path.dirname(path), os.path.splitext(path)[1].lower()
    if ending not in FORMATS:
        raise ReportError(f"its name must end in {', '.join(FORMATS)}.")
    if not os.path.isdir(folder):
        raise ReportError(f"the folder {folder} does not exist.")
    content = FORMATS[ending](rows).encode(errors="replace")
    if os.path.exists(path):
        with open(path, "rb") as stream:
            if os.fstat(stream.fileno()).st_mode & 0o777 == 0o600 and stream.read() == content:
                return False
    if not check_mode:
        # With mode 0600.
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    return True

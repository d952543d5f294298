# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ..module_utils._options import CONFIG_SPEC, SECRETS, URLS, find_variable
from ..plugin_utils._approval import find_refusal, make_digest
from ..plugin_utils._variables import EvaluationError, evaluate

#: The artifact of a check. Each slice of a job has one of its own, because AWX keeps only one of each name.
ARTIFACT = "cortex_rollout__checked_"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        variables = task_vars or {}
        hostvars, templar = variables["hostvars"], Templar(self._loader)
        digests = {}
        for host in variables["ansible_play_hosts_all"]:
            templar.available_variables = {**hostvars.raw_get(host), "hostvars": hostvars}
            digests[host] = _make_digest(templar, str(variables.get("awx_project_revision", "")))
        if self._task.check_mode:
            checked = {host: digest for host, digest in digests.items() if digest is not None}
            # As ansible.builtin.set_stats does it.
            data = {f"{ARTIFACT}{variables.get('awx_job_id', 0)}": checked}
            result["ansible_stats"] = {"data": data, "per_host": False, "aggregate": True}
        else:
            approved: dict[str, str] = {}
            for name in variables:
                if name.startswith(ARTIFACT):
                    approved.update(variables[name])
            if refusal := find_refusal(approved, digests):
                result.update(failed=True, msg=refusal)
        return result


def _make_digest(templar: Templar, revision: str) -> str | None:
    """Return the digest of what a host's rollout is asked to do; None where a variable cannot be evaluated."""
    environment = {option: _find_in_environment(option) for option in CONFIG_SPEC}
    try:
        return make_digest({**environment, **evaluate(templar, templar.available_variables, CONFIG_SPEC)}, revision)
    except EvaluationError:
        return None


def _find_in_environment(option: str) -> str | None:
    names = SECRETS[option] if option in SECRETS else URLS[option][0] if option in URLS else ()
    found = find_variable(names)
    return found[1] if found else None

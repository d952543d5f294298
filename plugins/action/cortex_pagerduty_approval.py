# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.vars import load_extra_vars

from ..module_utils._options import CONFIG_SPEC, SECRETS, URLS, find_variable
from ..plugin_utils._approval import (
    ARTIFACT,
    SWITCH,
    find_difference,
    find_fault_of_job,
    identify_code,
    make_digest,
)
from ..plugin_utils._variables import EvaluationError, evaluate

COLLECTION = Path(__file__).parents[2]
SURVEY = COLLECTION / "extensions" / "awx" / "rollout_survey.yml"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        variables, is_check = task_vars or {}, self._task.check_mode
        extra_variables = load_extra_vars(self._loader)
        survey = [question["variable"] for question in yaml.safe_load(SURVEY.read_text(encoding="utf-8"))["spec"]]
        switch = self._templar.template(variables[SWITCH])
        refusal = find_fault_of_job(switch, extra_variables, survey, is_check=is_check)
        digests = {} if refusal else self._make_digests(variables)
        if is_check and not refusal:
            checked = {host: digest for host, digest in digests.items() if digest is not None}
            # As ansible.builtin.set_stats does it.
            data = {f"{ARTIFACT}{variables.get('awx_job_id', 0)}": checked}
            result["ansible_stats"] = {"data": data, "per_host": False, "aggregate": True}
        elif not refusal:
            approved: dict[str, str] = {}
            for name in extra_variables:
                if name.startswith(ARTIFACT):
                    approved.update(extra_variables[name])
            refusal = find_difference(approved, digests)
        return {**result, "failed": True, "msg": refusal} if refusal else result

    def _make_digests(self, variables: t.Mapping[str, t.Any]) -> dict[str, str | None]:
        """Return a digest of what each host's rollout is asked to do; None where a variable cannot be evaluated."""
        folders = [COLLECTION / name for name in ("plugins", "roles")]
        code = identify_code(folders, str(variables.get("awx_project_revision", "")))
        environment = {option: _find_in_environment(option) for option in CONFIG_SPEC}
        hostvars, templar = variables["hostvars"], Templar(self._loader)
        digests: dict[str, str | None] = {}
        for host in variables["ansible_play_hosts_all"]:
            available = {**hostvars.raw_get(host), "hostvars": hostvars}
            templar.available_variables = available
            try:
                digests[host] = make_digest({**environment, **evaluate(templar, available, CONFIG_SPEC)}, code)
            except EvaluationError:
                digests[host] = None
        return digests


def _find_in_environment(option: str) -> str | None:
    names = SECRETS[option] if option in SECRETS else URLS[option][0] if option in URLS else ()
    found = find_variable(names)
    return found[1] if found else None

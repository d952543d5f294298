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
    identify_run,
    is_needed,
    make_digest,
)
from ..plugin_utils._variables import EvaluationError, evaluate, of_hosts

COLLECTION = Path(__file__).parents[2]
SURVEY = COLLECTION / "extensions" / "awx" / "rollout_survey.yml"
DEFAULTS = COLLECTION / "roles" / "cortex_pagerduty" / "defaults" / "main.yml"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        variables, is_check = task_vars or {}, self._task.check_mode
        if not is_needed(variables):
            return {**result, "skipped": True}
        extra_variables = load_extra_vars(self._loader)
        survey = [question["variable"] for question in yaml.safe_load(SURVEY.read_text(encoding="utf-8"))["spec"]]
        switch = self._templar.template(variables.get(SWITCH))
        refusal = find_fault_of_job(switch, extra_variables, survey, is_check=is_check)
        if not refusal:
            try:
                digests = self._make_digests(variables, identify_run(extra_variables))
            except EvaluationError as error:
                refusal = f"{error} Nothing was sent to Cortex."
        if refusal:
            return {**result, "failed": True, "msg": refusal}
        if is_check:
            # As ansible.builtin.set_stats does it.
            data = {f"{ARTIFACT}{extra_variables.get('awx_job_id', 0)}": digests}
            result["ansible_stats"] = {"data": data, "per_host": False, "aggregate": True}
            return result
        approved = [value for name, value in extra_variables.items() if name.startswith(ARTIFACT)]
        refusal = find_difference(approved, digests)
        return {**result, "failed": True, "msg": refusal} if refusal else result

    def _make_digests(self, variables: t.Mapping[str, t.Any], run: str) -> dict[str, str]:
        """Return a digest of what each host's rollout is asked to do.

        :raises EvaluationError: naming a host and a variable.
        """
        folders = [COLLECTION / "plugins", COLLECTION / "roles", Path(variables["playbook_dir"])]
        code = identify_code(folders, run)
        defaults = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
        environment = {option: _find_in_environment(option) for option in CONFIG_SPEC}
        templar, digests = Templar(self._loader), {}
        for host, of_host in of_hosts(variables):
            templar.available_variables = available = {**defaults, **of_host}
            try:
                values = evaluate(templar, available, CONFIG_SPEC)
            except EvaluationError as error:
                raise EvaluationError(f"{host}: {error}") from None
            digests[host] = make_digest({**environment, **values}, code)
        return digests


def _find_in_environment(option: str) -> str | None:
    names = SECRETS[option] if option in SECRETS else URLS[option][0] if option in URLS else ()
    found = find_variable(names)
    return found[1] if found else None

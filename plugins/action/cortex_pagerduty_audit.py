# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..module_utils._errors import InvalidOptionError
from ..module_utils._options import (
    CONFIG_SPEC,
    CONNECTION_SPEC,
    SECRETS,
    URLS,
    check_arguments,
    check_secret,
    find_variable,
    is_secret,
    is_url,
)
from ..plugin_utils._audit import Desired, Row, assess
from ..plugin_utils._preconditions import ONLY_ONCE, find_fault_of_play
from ..plugin_utils._report_file import find_fault_of_path, find_path
from ..plugin_utils._variables import PREFIX, EvaluationError, describe, evaluate, one_line
from .cortex_pagerduty_config_info import ActionModule as InfoAction

INFO = "cortexapps.cortex.cortex_pagerduty_config_info"
NO_BOOLEAN = "{} is not a boolean."
NO_CHOICE = "{} must be one of: {}."


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads a workspace as the task of a host would, in its own context, and compares."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        environment = self._find_environment()
        audit = {"id": self._task._uuid, "base_url": self._find_base_url(task_vars, environment)}
        try:
            settings = self._evaluate(task_vars, ("audit_report", "audit_strict"))
            fault = find_fault_of_play(
                str(self._task.get_play().strategy), task_vars["ansible_play_batch"], task_vars["ansible_play_hosts"]
            )
            path = find_path(settings.get("audit_report"))
            # Ansible would register the result of one host for all.
            fault = fault or (self._task.run_once and ONLY_ONCE) or (path and find_fault_of_path(path))
            if fault:
                return {**result, "failed": True, "msg": fault}
            is_strict = read_boolean("audit_strict", settings)
            desired = find_desired(self._evaluate(task_vars, DESIRED_OPTIONS), environment)
            result.update(self._read(self._evaluate(task_vars, CONNECTION_SPEC), task_vars))
            if "configuration" in result:
                status, reason = assess(result, desired)
                failure = Row("", status, reason, desired=desired).failure
                result.update({"msg": failure} if failure else {}, failed=bool(is_strict and failure))
                return {**result, "audit": {**audit, "status": status, "reason": reason, "desired": list(desired)}}
        except EvaluationError as error:
            result.update(failed=True, msg=str(error))
        except AnsibleError as error:
            result.update(failed=True, msg=describe(error))
        # The module did not run.
        return {**result, "audit": {**audit, "status": "error", "reason": one_line(result["msg"])}}

    def _evaluate(self, task_vars: dict[str, t.Any], options: t.Iterable[str]) -> dict[str, t.Any]:
        return evaluate(self._templar, task_vars, options)

    def _read(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the result of the module that reads."""
        task = self._task.copy()
        task.action = INFO
        # For ca_path, null means "not set".
        task.args = {name: value for name, value in options.items() if (name, value) != ("ca_path", None)}
        task.args["validate"] = True
        # Not by Ansible's loader, which would import it in each process that is forked for a host.
        action = InfoAction(
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        result: dict[str, t.Any] = action.run(task_vars=task_vars)
        return result

    def _find_environment(self) -> dict[str, str]:
        """Return the environment of the task, as far as it can be known on the controller."""
        keyword: dict[str, t.Any] = {}
        self._compute_environment_string(keyword)
        own = os.environ if self._connection.transport == "local" else {}
        return {**own, **{name: str(value) for name, value in keyword.items()}}

    def _find_base_url(self, task_vars: dict[str, t.Any], environment: t.Mapping[str, str]) -> str | None:
        """Return where the task sends its requests, None if that cannot be known or is not a URL."""
        variables, default, _sent = URLS["base_url"]
        try:
            given = self._evaluate(task_vars, ["base_url"])
        except EvaluationError:
            return None
        url = str(given.get("base_url", from_environment(variables, environment) or default))
        return url if is_url(url) else None


# What a rollout would use.
DESIRED_OPTIONS = [option for option in CONFIG_SPEC if option not in CONNECTION_SPEC]


def find_desired(values: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> Desired:
    """Return the configuration that a rollout with these variables would store.

    :raises EvaluationError: if it would refuse one of them.
    """
    check_desired(values, environment)
    token, previous = (
        str(values.get(option, from_environment(SECRETS[option], environment)))
        for option in ("token", "previous_token")
    )
    # With "on_create", a rollout leaves a token that is stored as it is.
    is_wanted = values.get("update_token") != "on_create"
    return Desired(
        values.get("state") == "absent",
        token[-4:] if is_wanted and is_secret(token) else None,
        read_boolean("is_token_readonly", values),
        previous[-4:] if is_secret(previous) else None,
    )


def check_desired(values: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> None:
    """Check each variable that is set as a rollout would. A token may be missing: then it is not compared.

    :raises EvaluationError: naming the first that cannot be used.
    """
    for option, value in values.items():
        spec = CONFIG_SPEC[option]
        try:
            check_arguments({option: value})
        except InvalidOptionError as error:
            raise EvaluationError(f"{PREFIX}{error}") from None
        if spec["type"] == "bool" and (option, value) != ("rollback", "as validate"):
            read_boolean(option, values)
        if value is not None and value not in spec.get("choices", [value]):
            raise EvaluationError(NO_CHOICE.format(PREFIX + option, ", ".join(spec["choices"])))
    for option in ("token", "previous_token"):
        [variable] = SECRETS[option]
        if option not in values and environment.get(variable):
            try:
                check_secret(option, environment[variable], variable=variable)
            except InvalidOptionError as error:
                raise EvaluationError(str(error)) from None


def from_environment(names: t.Iterable[str], environment: t.Mapping[str, str]) -> str | None:
    """Return the first variable that is set and not empty, None if there is none."""
    found = find_variable(names, environment)
    return found[1] if found else None


def read_boolean(option: str, values: t.Mapping[str, t.Any]) -> bool | None:
    """Return a boolean as Ansible reads it, None if it is not set.

    :raises EvaluationError: if it is none.
    """
    value = values.get(option)
    try:
        return None if value is None else boolean(value)
    except TypeError:
        raise EvaluationError(NO_BOOLEAN.format(PREFIX + option)) from None

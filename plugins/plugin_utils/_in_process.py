# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a task inside Ansible's own process where that is possible, elsewhere as an ordinary module."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._converge import Task
from ..module_utils._errors import Failure, InvalidOptionError
from ..module_utils._http import HAS_REQUESTS, INSTALL_REQUESTS, MISSING_REQUESTS
from ..module_utils._masking import mask_result
from ..module_utils._options import SECRETS, check_arguments, find_variable
from ..module_utils._redaction import Redactor
from ..module_utils._tls import load_default_ca_store
from ._preconditions import SHARED_API_KEY, find_fault_of_play

SET_API_KEY = "Set api_key (role: cortex_pagerduty_api_key) for each host, or run the task once (run_once: true)."
NOT_ONCE = "run_once has this effect only with the strategy linear and without serial."
ANOTHER_PYTHON = "Ansible ran the module with another Python, which failed: {}"

# Ansible loads this before it forks a process for each task.
if HAS_REQUESTS:
    load_default_ca_store()


class InProcessAction(ActionBase):  # type: ignore[misc]
    """An action that does the same as the module of its name.

    :cvar argument_spec: the module's.
    :cvar task_class: the class that the module runs.
    """

    _supports_async = True
    argument_spec: t.Mapping[str, t.Any]
    task_class: type[Task]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = self._plain_arguments()
        is_plain_local = self._connection.transport == "local" and self._connection.become is None
        # On macOS a forked process must not use the network (https://github.com/python/cpython/issues/77906).
        can_fork = sys.platform != "darwin"
        is_in_process = is_plain_local and HAS_REQUESTS and can_fork and not self._task.async_val
        with self._environment() as variables:
            # Before a module starts, too: it logs its arguments, and Ansible masks what it takes for secrets.
            params, outcome = self._validate(args, variables, task_vars)
            if outcome is None and is_in_process:
                outcome = self._run_task(params, task_vars)
        result.update(self._run_module(task_vars, is_plain_local) if outcome is None else outcome)
        if "inventory_hostname" in task_vars and "diff" in result:
            # A host is a workspace: Ansible shows its name above the diff.
            headers = dict.fromkeys(("before_header", "after_header"), task_vars["inventory_hostname"])
            result["diff"] = {**result["diff"], **headers}
        # Where Ansible rejects the arguments, it is unknown which of them contain secrets.
        if "configuration" not in result or not _is_invocation_wanted(task_vars):
            result.pop("invocation", None)
        return result

    def _plain_arguments(self) -> dict[str, t.Any]:
        """Return the arguments as a module gets them: without Ansible's tags, and decrypted if they are of a vault."""
        try:
            args: dict[str, t.Any] = json.loads(json.dumps(self._task.args, default=_plain))
        except TypeError as error:
            raise AnsibleActionFail(f"An argument contains a value of type {error}. Nothing was sent.") from None
        except ValueError:
            raise AnsibleActionFail("An argument contains a number that is too long. Nothing was sent.") from None
        return args

    def _validate(
        self, args: dict[str, t.Any], variables: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]
    ) -> tuple[dict[str, t.Any], dict[str, t.Any] | None]:
        """Return all options, and the result of the task if it must not run with these arguments."""
        try:
            check_arguments(args)
        except InvalidOptionError as error:
            # Not yet checked by Ansible: a secret may be in an option that does not exist.
            result = self._failed(args, error)
            del result["invocation"]
            return args, result
        validation = ArgumentSpecValidator(self.argument_spec).validate(args)
        if validation.error_messages:
            # A secret may be the value of the wrong option.
            redactor = Redactor(str(args[name]) for name in SECRETS if args.get(name))
            return args, {"failed": True, "msg": redactor.redact(self._describe(validation.errors))}
        params = validation.validated_parameters
        try:
            self._check_whose_api_key(args, variables, task_vars)
        except InvalidOptionError as error:
            return params, self._failed(params, error)
        return params, None

    def _failed(self, params: dict[str, t.Any], error: InvalidOptionError) -> dict[str, t.Any]:
        return mask_result(self.task_class(params, bool(self._task.check_mode)).failed(error.failure), params)

    def _check_whose_api_key(
        self, args: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]
    ) -> None:
        """Check that an API key of the process that runs Ansible is not used for several hosts.

        :param variables: those of the keyword ``environment``, which each host may have of its own.
        :raises InvalidOptionError: if it would be.
        """
        hosts = task_vars.get("ansible_play_hosts_all", ())
        found = find_variable(SECRETS["api_key"])
        if found is None or "api_key" in args or found[0] in variables:
            return
        if len(hosts) < 2 or self._connection.transport != "local":
            return
        sentences = [SHARED_API_KEY.format("play", len(hosts), found[0]), SET_API_KEY]
        if self._task.run_once:
            batch, remaining = task_vars["ansible_play_batch"], task_vars["ansible_play_hosts"]
            if not find_fault_of_play(self._task.get_play().strategy, batch, remaining):
                return
            sentences.append(NOT_ONCE)
        raise InvalidOptionError(*sentences)

    def _run_task(self, params: dict[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        def show(sentence: str) -> None:
            # Standard output may be JSON.
            Display().display(f"{task_vars.get('inventory_hostname', 'localhost')}: {sentence}", stderr=True)

        task = self.task_class(params, bool(self._task.check_mode), show)
        try:
            result = task.run()
        except BaseException:
            # The keyword "timeout" raises one. Its class is private to Ansible.
            if not self._task.timeout:
                raise
            failure = Failure((f"The task keyword timeout ({self._task.timeout} s) ended this task.",))
            result = {**task.failed(failure), "timedout": {"period": self._task.timeout}}
        if task.warnings:
            result["warnings"] = task.warnings
        return mask_result(result, params)

    def _describe(self, errors: t.Any) -> str:
        """Return the message for arguments that Ansible rejects, as AnsibleModule has it."""
        message = str(errors.msg)
        if isinstance(errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({self._task.action}) module: {message}"
        return message

    @contextlib.contextmanager
    def _environment(self) -> t.Iterator[dict[str, t.Any]]:
        """Set the variables of the keyword ``environment``, and restore them: a loop runs all items in one process.

        Yields those variables.
        """
        variables: dict[str, t.Any] = {}
        self._compute_environment_string(variables)
        before = dict(os.environ)
        try:
            for name, value in variables.items():
                try:
                    os.environ[name] = str(value)
                except (OSError, ValueError):
                    # Python's message does not name the variable.
                    raise AnsibleActionFail(
                        f"The keyword environment contains a variable that cannot be set: {name!r}. Nothing was sent."
                    ) from None
            yield variables
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _run_module(self, task_vars: dict[str, t.Any], is_plain_local: bool) -> dict[str, t.Any]:
        if is_plain_local and HAS_REQUESTS:
            task_vars = self._with_own_python(task_vars)
        result: dict[str, t.Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        # From ansible-core 2.22 on it is registered: whether the module's output was JSON.
        result.pop("ansible_parsed", None)
        if not self._task.async_val:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        if is_plain_local and not HAS_REQUESTS and result.get("failed") and "configuration" not in result:
            # Ansible chose a Python that did not even start the module.
            sentences = (
                MISSING_REQUESTS.format(sys.executable),
                INSTALL_REQUESTS,
                ANOTHER_PYTHON.format(result["msg"]),
            )
            result["msg"] = " ".join(sentences)
        return result

    def _with_own_python(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Have the module run in the Python that runs Ansible, unless the user has chosen one."""
        host = self._task.delegate_to
        if not host:
            return {"ansible_python_interpreter": sys.executable, **task_vars}
        delegated = task_vars["ansible_delegated_vars"]
        of_host = {"ansible_python_interpreter": sys.executable, **delegated[host]}
        return {**task_vars, "ansible_delegated_vars": {**delegated, host: of_host}}


def _plain(value: t.Any) -> str:
    """Return a value that JSON does not know as a string, if a module would get it.

    :raises TypeError: for a value that neither YAML nor JSON knows, such as bytes.
    """
    if isinstance(value, datetime.date):
        return str(value.isoformat())
    # Values of the vault have a type of Ansible's own.
    if type(value).__module__.partition(".")[0] == "ansible":
        return str(value)
    raise TypeError(type(value).__name__)


def _is_invocation_wanted(task_vars: dict[str, t.Any]) -> bool:
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
    except AnsibleError:
        # Before ansible-core 2.21 there is no such setting.
        return True

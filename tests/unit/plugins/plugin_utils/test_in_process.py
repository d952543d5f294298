# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a task runs, and that its result is the same in process and as a module, key for key."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils import _client
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _in_process
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    GET,
    OTHER_TOKEN,
    POST,
    TOKEN,
    api_key_of,
    configuration,
)

from ..conftest import CONFIG, INFO, Run, action, run_as_module, run_in_process, shown

OLD = configuration(OTHER_TOKEN)
WRONG_KEY = api_key_of("nobody")
MISSING = "omitted"


def given(simulator: Simulator, **options: Any) -> dict[str, Any]:
    """Return the arguments of a task; MISSING removes one."""
    urls = {"base_url": simulator.url, "preflight_url": simulator.pagerduty_url}
    arguments = {"api_key": API_KEY, "token": TOKEN, "is_token_readonly": True, "retries": 0, **urls, **options}
    return {name: value for name, value in arguments.items() if value is not MISSING}


# Same input, same result


@pytest.fixture(autouse=True)
def _arguments_are_returned(environment: pytest.MonkeyPatch) -> None:
    """Since ansible-core 2.21 it returns them only on demand."""
    environment.setenv("ANSIBLE_INJECT_INVOCATION", "true")


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"token": OTHER_TOKEN},
        {"state": "absent", "token": MISSING, "is_token_readonly": MISSING},
        {"is_token_readonly": "yes", "retries": "1", "timeout": "2.5", "ca_path": "/etc/../etc"},
        {"preflight": True, "validate": True, "rollback": True, "previous_token": OTHER_TOKEN},
        {"validate": True, "rollback": True, "previous_token": f"{OTHER_TOKEN}x"},
        {"token": "zq7"},
        {"token": "rue"},
        {"api_key": WRONG_KEY},
        {"base_url": "http://127.0.0.1:9"},
        {"token": f"{TOKEN}\n"},
        {"token": "None", "previous_token": None},
        {"token": ["a", "list"]},
        {"token": MISSING},
        {"api_key": MISSING},
        {"api_key": MISSING, "token": MISSING},
        {"is_token_readonly": "perhaps"},
        {"state": "gone"},
        {"unknown": 1},
        {"unknown": 1, "another": {"token": TOKEN}},
        {"unknown": 1, "state": "gone"},
        {"preflight_url": f"https://admin:{WRONG_KEY}@api.pagerduty.com"},
    ],
    ids=str,
)
def test_results_are_equal(
    simulator: Simulator, workspace: Workspace, options: dict[str, Any], check_mode: bool
) -> None:
    simulator.reject_token(TOKEN)
    arguments = {**given(simulator, **options), "_ansible_check_mode": check_mode, "_ansible_inject_invocation": True}
    results = []
    for run in (run_in_process, run_as_module):
        workspace.configuration = OLD
        workspace.clear_faults()
        workspace.fault("validate", body={"configurations": [{"isValid": False, "message": f"{TOKEN} is no good"}]})
        _result, printed = run(CONFIG, arguments)
        result = json.loads(printed)
        # A module returns what Ansible makes a string of.
        result["warnings"] = len(result.get("warnings", []))
        # Where Ansible rejects the arguments, it does not know which are secret: only the module itself shows them.
        if "configuration" not in result:
            result.pop("invocation", None)
        # Random.
        result.pop("request_id", None)
        results.append((result, workspace.configuration))
    assert results[0] == results[1]


def test_invocation_hides_secrets_only(simulator: Simulator, workspace: Workspace) -> None:
    printed = run_in_process(CONFIG, given(simulator, previous_token=OTHER_TOKEN))[1]
    arguments = json.loads(printed)["invocation"]["module_args"]
    hidden = {name for name, value in arguments.items() if value == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}
    assert hidden == {"api_key", "token", "previous_token"}
    assert arguments["base_url"] == simulator.url


# Arguments and environment


def vaulted(text: str) -> Any:
    """Return a value that is encrypted with Ansible Vault, as this version of Ansible reads it from a file."""
    from ansible.parsing import vault

    secret = vault.VaultSecret(b"the-password-of-the-vault")
    encrypted = vault.VaultLib().encrypt(text, secret)
    if not hasattr(vault, "EncryptedString"):
        from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode

        value = AnsibleVaultEncryptedUnicode(encrypted)
        value.vault = vault.VaultLib([("default", secret)])
        return value
    if vault.VaultSecretsContext.current(optional=True) is None:
        vault.VaultSecretsContext.initialize(vault.VaultSecretsContext([("default", secret)]))
    return vault.EncryptedString(ciphertext=encrypted.decode())


def test_values_of_the_vault(simulator: Simulator, workspace: Workspace) -> None:
    arguments = given(simulator, api_key=vaulted(API_KEY), token=vaulted(TOKEN))
    workspace.fault("add", status=400, body={"type": "BAD", "message": f"{TOKEN} and {API_KEY}"})
    result = action(CONFIG, arguments).run(task_vars={})
    assert workspace.requests[:2] == [GET, POST]
    assert "******** and ********" in result["msg"]
    assert TOKEN not in str(result)
    assert action(CONFIG, arguments).run(task_vars={})["configuration"] == shown(configuration(TOKEN))


def test_environment_is_obeyed_and_restored(
    simulator: Simulator, workspace: Workspace, environment: pytest.MonkeyPatch
) -> None:
    """A loop runs its items in one process: what one has does not serve the next."""
    environment.setenv("CORTEX_BASE_URL", "http://127.0.0.1:9")
    environment.setenv("PAGERDUTY_TOKEN", OTHER_TOKEN)
    before = dict(os.environ)
    variables = [{"CORTEX_API_KEY": API_KEY}, {"CORTEX_BASE_URL": simulator.url, "PAGERDUTY_TOKEN": TOKEN}]
    arguments = {"is_token_readonly": True, "retries": 0}
    first = action(CONFIG, arguments, environment=variables).run(task_vars={})
    assert dict(os.environ) == before
    second = action(CONFIG, arguments).run(task_vars={})
    third = action(CONFIG, {"unknown": 1}, environment=variables).run(task_vars={})
    assert dict(os.environ) == before
    assert (first.get("failed", False), workspace.configuration) == (False, configuration(TOKEN))
    assert second["msg"] == "missing required arguments: api_key"
    assert third["failed"] is True


@pytest.mark.parametrize("name", [CONFIG, INFO])
def test_unexpected_exception_becomes_a_failure(
    run: Any, simulator: Simulator, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its text could contain a secret, and is not shown."""

    def fail(*_arguments: Any) -> None:
        raise LookupError(f"the key {API_KEY} and the token {TOKEN}")

    monkeypatch.setattr(_client, "_parse", fail)
    arguments = given(simulator) if name == CONFIG else {"api_key": API_KEY, "base_url": simulator.url}
    ansible = {"_ansible_verbosity": 5, "_ansible_debug": True, "_ansible_tracebacks_for": ["error", "warning"]}
    result, printed = run(name, {**arguments, **ansible})
    assert (result["failed"], result["changed"], result["configuration"]) == (True, False, None)
    assert result["msg"].startswith("An unexpected error occurred: LookupError in test_in_process.py, line ")
    assert API_KEY not in printed
    assert TOKEN not in printed


def test_unexpected_exception_after_a_write(config: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise LookupError

    workspace.configuration = OLD
    monkeypatch.setattr("ansible_collections.cortexapps.cortex.plugins.module_utils._cortex.Cortex.validate", fail)
    result = config(validate=True)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["configuration"] == shown(workspace.configuration) == shown(configuration(TOKEN))


# Where a task runs


@pytest.fixture
def as_module(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The variables of each task that runs as a module; it does not, in these tests."""
    calls: list[dict[str, Any]] = []

    def execute(_action: object, task_vars: dict[str, Any], **_options: Any) -> dict[str, Any]:
        calls.append(task_vars)
        return {"changed": False}

    monkeypatch.setattr("ansible.plugins.action.ActionBase._execute_module", execute)
    return calls


PYTHON = "ansible_python_interpreter"


@pytest.mark.parametrize(
    ("reason", "python"),
    [
        ("remote", None),
        ("become", None),
        ("no requests", None),
        ("async", sys.executable),
        ("macOS", sys.executable),
    ],
)
def test_module_runs_where_the_task_cannot(
    simulator: Simulator,
    as_module: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    python: str | None,
) -> None:
    plugin = action(CONFIG, given(simulator), async_val=60 if reason == "async" else 0)
    if reason == "remote":
        monkeypatch.setattr(type(plugin._connection), "transport", "ssh")
    if reason == "become":
        plugin._connection.become = object()
    if reason == "no requests":
        monkeypatch.setattr(_in_process, "HAS_REQUESTS", False)
    if reason == "macOS":
        monkeypatch.setattr(sys, "platform", "darwin")
    assert plugin.run(task_vars={})["changed"] is False
    assert simulator.log == []
    assert [variables.get(PYTHON) for variables in as_module] == [python]


def test_user_chooses_the_python_of_a_module(simulator: Simulator, as_module: list[dict[str, Any]]) -> None:
    action(CONFIG, given(simulator), async_val=60).run(task_vars={PYTHON: "/opt/python"})
    assert as_module[0][PYTHON] == "/opt/python"


def test_delegated_task_takes_the_python_of_its_host(simulator: Simulator, as_module: list[dict[str, Any]]) -> None:
    variables = {PYTHON: "/opt/python", "ansible_delegated_vars": {"localhost": {}, "other": {PYTHON: "/x"}}}
    action(CONFIG, given(simulator), async_val=60, delegate_to="localhost").run(task_vars=variables)
    assert as_module[0]["ansible_delegated_vars"] == {"localhost": {PYTHON: sys.executable}, "other": {PYTHON: "/x"}}


def test_no_requests_anywhere(run: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "HAS_REQUESTS", False)
    result, _printed = run(CONFIG, given(simulator))
    assert result["failed"] is True
    assert f"The Python library requests is missing for {sys.executable}." in result["msg"]
    assert "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter" in result["msg"]

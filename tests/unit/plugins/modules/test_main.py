# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's own main(), which passes arguments and results on. Tasks are tested inside Ansible's process."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
import responses
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, GET, OTHER_TOKEN, TOKEN
from ansible_collections.cortexapps.cortex.tests.support.tasks import COLLECTION, CONFIG, INFO, run_module

URL = "http://cortex.example.com"
ARGUMENTS: dict[str, dict[str, Any]] = {
    INFO: {"api_key": API_KEY, "base_url": URL},
    CONFIG: {"api_key": API_KEY, "base_url": URL, "token": TOKEN, "is_token_readonly": True},
}
LOUD = {"_ansible_verbosity": 5, "_ansible_debug": True, "_ansible_tracebacks_for": ["error", "warning"]}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_result_and_warnings_are_passed_on(network: responses.RequestsMock, name: str) -> None:
    network.get(URL + GET.split()[1], json={"isTokenReadonly": False, "lastFour": "cd34"})
    result, _printed = run_module(name, {**ARGUMENTS[name], "_ansible_check_mode": True})
    assert ("failed" in result, result["changed"]) == (False, name == CONFIG)
    last_four = "ab12" if name == CONFIG else "cd34"
    assert result["configuration"] == {"is_token_readonly": name == CONFIG, "last_four": last_four}
    assert "base_url begins with http://" in str(result["warnings"])
    assert len(network.calls) == 1


@pytest.mark.parametrize("name", ARGUMENTS)
def test_failure_has_all_values_and_no_secret(network: responses.RequestsMock, name: str) -> None:
    network.get(URL + GET.split()[1], status=403, json={"message": f"{API_KEY} may not", "type": "FORBIDDEN"})
    result, printed = run_module(name, {**ARGUMENTS[name], **LOUD})
    assert (result["failed"], result["changed"], result["configuration"]) == (True, False, None)
    assert "HTTP 403: ******** may not." in result["msg"]
    assert result["error_type"] == "FORBIDDEN"
    assert API_KEY not in printed


@pytest.mark.parametrize("name", ARGUMENTS)
def test_unexpected_exception_is_named_without_its_text(network: responses.RequestsMock, name: str) -> None:
    network.get(URL + GET.split()[1], body=LookupError(API_KEY))
    result, printed = run_module(name, {**ARGUMENTS[name], **LOUD})
    assert result["msg"].startswith("An unexpected error occurred: LookupError in ")
    assert API_KEY not in printed


@pytest.mark.parametrize("name", ARGUMENTS)
def test_secret_in_a_url_is_masked(name: str) -> None:
    options = {"base_url": f"https://admin:{OTHER_TOKEN}@cortex.example.com", "_ansible_inject_invocation": True}
    result, printed = run_module(name, {**ARGUMENTS[name], **LOUD, **options})
    assert "base_url contains a user or a password" in result["msg"]
    assert OTHER_TOKEN not in printed


def test_missing_library_is_named_with_its_python(monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module(f"{COLLECTION}.plugins.modules.{INFO}")
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{COLLECTION}.plugins.module_utils.") and hasattr(module, "HAS_REQUESTS"):
            monkeypatch.setattr(module, "HAS_REQUESTS", False)
    message = run_module(INFO, ARGUMENTS[INFO])[0]["msg"]
    assert f"The Python library requests is missing for {sys.executable}." in message
    assert "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter" in message

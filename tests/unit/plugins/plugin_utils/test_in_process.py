"""Where a task runs, its arguments and environment, and how they are shown."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import responses
from ansible.errors import AnsibleActionFail
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _in_process
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._in_process import NOT_ONCE, SET_API_KEY
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._preconditions import SHARED_API_KEY
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, GET, OTHER_TOKEN, POST, TOKEN, VALIDATE
from ansible_collections.cortexapps.cortex.tests.support.tasks import CONFIG, INFO, action, run_module, run_task

URL = "https://cortex.example.com"
PYTHON = "ansible_python_interpreter"
CONNECTION: dict[str, Any] = {"api_key": API_KEY, "base_url": URL, "retries": 0}
ARGUMENTS = {**CONNECTION, "token": TOKEN, "is_token_readonly": True}


def respond(network: responses.RequestsMock, request: str, **response: Any) -> None:
    method, _blank, path = request.partition(" ")
    add = network.add_callback if "callback" in response else network.add
    add(method, URL + path, **response)


@pytest.fixture
def empty(network: responses.RequestsMock) -> responses.RequestsMock:
    """A workspace without a configuration, to which one can be added that ends in ab12."""
    respond(network, GET, status=404, json={"message": "No configuration"})
    respond(network, POST, json={"configurations": [{"isTokenReadonly": True, "lastFour": "ab12"}]})
    return network


@pytest.fixture
def as_module(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Stands for Ansible's way to run a task as a module, and does not run it."""
    execute = mock.Mock(return_value={"changed": False})
    monkeypatch.setattr("ansible.plugins.action.ActionBase._execute_module", execute)
    return execute


# Output


# Ansible masks what it knows in the whole process: no other test has this one.
QUOTED = "q_4wHbTn92-XcVm7Ld58"


@pytest.mark.parametrize("secret", ["a", "None", " ", "present", ["a"], f'"{QUOTED}"'])
def test_bad_secret_makes_nothing_unreadable_and_shows_no_arguments(
    environment: pytest.MonkeyPatch, secret: Any
) -> None:
    environment.setenv("ANSIBLE_INJECT_INVOCATION", "true")
    # A secret may be in an option that does not exist.
    result, printed = run_task(CONFIG, {**ARGUMENTS, "previous_token": secret, "previous_tokn": OTHER_TOKEN})
    assert (result["failed"], result["changed"], result["diff"]["after"]) == (True, False, {"state": "unknown"})
    assert "****" not in result["msg"]
    assert OTHER_TOKEN not in printed
    if importlib.util.find_spec("ansible.module_utils.secrets"):
        masked = importlib.import_module("ansible.module_utils.secrets").mask_secrets(f"localhost {QUOTED}")
        # The value within quotes is a secret nevertheless.
        assert masked == f"localhost {'$REDACTED$' if QUOTED in secret else QUOTED}"


@pytest.mark.parametrize("run", [run_task, run_module])
@pytest.mark.parametrize("name", [CONFIG, INFO])
def test_unexpected_exception_becomes_a_failure_without_its_text(
    network: responses.RequestsMock, name: str, run: Callable[..., tuple[dict[str, Any], str]]
) -> None:
    respond(network, GET, body=LookupError(f"the key {API_KEY} and the token {TOKEN}"))
    result, printed = run(name, ARGUMENTS if name == CONFIG else CONNECTION)
    assert (result["failed"], result["changed"], result["configuration"]) == (True, False, None)
    start = r"An unexpected error occurred: LookupError in (?!_converge)\w+\.py, line \d+\. Report it at https:"
    assert re.match(start, result["msg"])
    for secret in (API_KEY, TOKEN):
        assert secret not in printed


def test_unexpected_exception_after_a_write_reports_the_write(empty: responses.RequestsMock) -> None:
    respond(empty, VALIDATE, body=LookupError())
    result = run_task(CONFIG, {**ARGUMENTS, "validate": True})[0]
    assert (result["failed"], result["changed"], result["configuration"]["last_four"]) == (True, True, "ab12")


# Arguments and environment


def test_environment_is_obeyed_and_restored(empty: responses.RequestsMock, environment: pytest.MonkeyPatch) -> None:
    """A loop runs its items in one process: the environment of one is not used for the next."""
    environment.setenv("CORTEX_BASE_URL", "https://elsewhere.example.com")
    environment.setenv("PAGERDUTY_TOKEN", OTHER_TOKEN)
    before = dict(os.environ)
    variables = [{"CORTEX_API_KEY": API_KEY}, {"CORTEX_BASE_URL": URL, "PAGERDUTY_TOKEN": TOKEN}]
    arguments = {"is_token_readonly": True, "retries": 0}
    first = action(CONFIG, arguments, environment=variables).run(task_vars={})
    assert dict(os.environ) == before
    second = action(CONFIG, arguments).run(task_vars={})
    third = action(CONFIG, {"unknown": 1}, environment=variables).run(task_vars={})
    assert dict(os.environ) == before
    assert (first.get("failed", False), first["configuration"]["last_four"]) == (False, "ab12")
    assert second["msg"].startswith("api_key is missing. ")
    assert third["failed"] is True


@pytest.mark.parametrize(("name", "value"), [("NOTE", "a\0b"), ("A=B", "c"), ("", "c")])
def test_environment_that_cannot_be_set_leaks_nothing_into_the_next_item(name: str, value: str) -> None:
    before = dict(os.environ)
    plugin = action(CONFIG, {"is_token_readonly": True}, environment=[{"CORTEX_API_KEY": API_KEY, name: value}])
    with pytest.raises(AnsibleActionFail, match=f"a variable that cannot be set: '{name}'. Nothing was sent."):
        plugin.run(task_vars={})
    assert dict(os.environ) == before


HOSTS = {"ansible_play_hosts_all": ["a", "b", "c"], "ansible_play_hosts": ["a", "b", "c"], "ansible_play_batch": ["a"]}
ONE_BATCH = {**HOSTS, "ansible_play_batch": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("given", "keywords", "task_vars", "is_refused"),
    [
        ({}, {}, ONE_BATCH, True),
        ({"api_key": API_KEY}, {}, ONE_BATCH, False),
        ({}, {"environment": [{"CORTEX_API_KEY": API_KEY}]}, ONE_BATCH, False),
        ({}, {"environment": [{"CORTEX_API_TOKEN": API_KEY}]}, ONE_BATCH, True),
        ({}, {"environment": [{"CORTEX_API_KEY": "", "CORTEX_API_TOKEN": API_KEY}]}, ONE_BATCH, False),
        ({}, {"async_val": 9}, ONE_BATCH, True),
        ({}, {"transport": "ssh"}, ONE_BATCH, False),
        ({}, {}, {name: ["a"] for name in HOSTS}, False),
        ({}, {"run_once": True}, ONE_BATCH, False),
        ({}, {"run_once": True}, HOSTS, True),
        ({}, {"run_once": True, "strategy": "debug"}, ONE_BATCH, False),
        ({}, {"run_once": True, "strategy": "free"}, ONE_BATCH, True),
    ],
)
def test_api_key_of_the_environment_is_for_one_host(
    network: responses.RequestsMock,
    environment: pytest.MonkeyPatch,
    as_module: mock.Mock,
    given: dict[str, Any],
    keywords: dict[str, Any],
    task_vars: dict[str, Any],
    is_refused: bool,
) -> None:
    environment.setenv("CORTEX_API_KEY", API_KEY)
    respond(network, GET, json={"isTokenReadonly": True, "lastFour": "ab12"})
    transport, strategy = keywords.pop("transport", "local"), keywords.pop("strategy", "linear")
    plugin = action(INFO, {"base_url": URL, **given}, **keywords)
    environment.setattr(type(plugin._connection), "transport", transport)
    environment.setattr(type(plugin._task), "get_play", lambda task: mock.Mock(strategy=strategy))
    result = plugin.run(task_vars=task_vars)
    assert len(network.calls) + as_module.call_count == (0 if is_refused else 1)
    if is_refused:
        advice = f" {NOT_ONCE}" * ("run_once" in keywords)
        assert result["msg"] == f"{SHARED_API_KEY.format('play', 3, 'CORTEX_API_KEY')} {SET_API_KEY}{advice}"


@pytest.mark.parametrize("value", [TOKEN.encode(), {1, 2}, object()])
def test_value_that_is_not_of_yaml_or_json_is_refused(value: Any) -> None:
    name = type(value).__name__
    with pytest.raises(AnsibleActionFail, match=f"^An argument contains a value of type {name}. Nothing was sent.$"):
        action(CONFIG, {**ARGUMENTS, "token": value}).run(task_vars={})


# The keyword "timeout"


class TimedOut(BaseException):
    """As Ansible's own, whose class is private: not an Exception."""


def interrupt(exception: BaseException) -> Callable[..., Any]:
    return mock.Mock(side_effect=exception)


@pytest.mark.parametrize(
    ("on_write", "is_known"),
    [({"callback": interrupt(TimedOut())}, False), ({"status": 429}, True), ({"status": 503}, False)],
    ids=["while it is sent", "waiting after it was refused", "waiting after it was lost"],
)
def test_timeout_ends_the_task_and_reports_its_write(
    network: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, on_write: dict[str, Any], is_known: bool
) -> None:
    respond(network, GET, status=404, json={"message": "No configuration"})
    respond(network, POST, **on_write)
    monkeypatch.setattr(time, "sleep", interrupt(TimedOut()))
    before = dict(os.environ)
    plugin = action(CONFIG, {**ARGUMENTS, "retries": 1}, timeout=7, environment=[{"NO_PROXY": "127.0.0.1"}])
    result = plugin.run(task_vars={})
    assert dict(os.environ) == before
    unknown = "The current configuration is unknown: the write may have been applied."
    stored = "Current configuration: none (unchanged)." if is_known else unknown
    assert result["msg"] == f"The task keyword timeout (7 s) ended this task. {stored}"
    assert (result["failed"], result["changed"], result["timedout"]) == (True, not is_known, {"period": 7})
    assert result["diff"]["after"] == {"state": "absent" if is_known else "unknown"}


def test_other_interruption_is_not_taken_for_a_timeout(
    network: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    respond(network, GET, status=503)
    monkeypatch.setattr(time, "sleep", interrupt(KeyboardInterrupt()))
    before = dict(os.environ)
    plugin = action(INFO, {**CONNECTION, "retries": 1}, environment=[{"NO_PROXY": "127.0.0.1"}])
    with pytest.raises(KeyboardInterrupt):
        plugin.run(task_vars={})
    assert dict(os.environ) == before


# Where a task runs


def variables(execute: mock.Mock) -> list[dict[str, Any]]:
    return [call.kwargs["task_vars"] for call in execute.call_args_list]


@pytest.mark.parametrize(
    ("reason", "python"),
    [("remote", None), ("become", None), ("no requests", None), ("async", sys.executable), ("macOS", sys.executable)],
)
def test_module_runs_where_the_task_cannot(
    network: responses.RequestsMock,
    as_module: mock.Mock,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    python: str | None,
) -> None:
    plugin = action(CONFIG, ARGUMENTS, async_val=60 if reason == "async" else 0)
    if reason == "remote":
        monkeypatch.setattr(type(plugin._connection), "transport", "ssh")
    if reason == "become":
        plugin._connection.become = object()
    if reason == "no requests":
        monkeypatch.setattr(_in_process, "HAS_REQUESTS", False)
    if reason == "macOS":
        monkeypatch.setattr(sys, "platform", "darwin")
    assert plugin.run(task_vars={})["changed"] is False
    assert len(network.calls) == 0
    assert [each.get(PYTHON) for each in variables(as_module)] == [python]
    assert as_module.call_args.kwargs["wrap_async"] == (60 if reason == "async" else 0)


def test_missing_library_is_named_where_no_module_could_start(
    as_module: mock.Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_in_process, "HAS_REQUESTS", False)
    as_module.return_value = {"failed": True, "msg": "No start of json char found"}
    message = action(CONFIG, ARGUMENTS).run(task_vars={})["msg"]
    assert message.startswith(f"The Python library requests is missing for {sys.executable}. Install it for the Python")
    assert message.endswith("Ansible ran the module with another Python, which failed: No start of json char found")


def test_user_chooses_the_python_of_a_module(as_module: mock.Mock) -> None:
    action(CONFIG, ARGUMENTS, async_val=60).run(task_vars={PYTHON: "/opt/python"})
    of_hosts = {PYTHON: "/opt/python", "ansible_delegated_vars": {"localhost": {}, "other": {PYTHON: "/x"}}}
    for host in ("localhost", "other"):
        action(CONFIG, ARGUMENTS, async_val=60, delegate_to=host).run(task_vars=of_hosts)
    first, second, third = variables(as_module)
    assert first[PYTHON] == "/opt/python"
    # A delegated task runs in the Python of its host.
    assert second["ansible_delegated_vars"] == {"localhost": {PYTHON: sys.executable}, "other": {PYTHON: "/x"}}
    assert third["ansible_delegated_vars"] == of_hosts["ansible_delegated_vars"]

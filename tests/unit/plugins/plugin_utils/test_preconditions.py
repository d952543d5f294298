"""The checks of a playbook before its first request, and of the play that an audit is in."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
import yaml
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _preconditions as preconditions
from ansible_collections.cortexapps.cortex.tests.support.environment import ROOT

SHARED = "CORTEX_API_KEY of the environment is one and the same workspace"


def faults(keys: dict[str, str | None], others: int = 3, *names: str, variable: str | None = "CORTEX_API_KEY") -> str:
    return " ".join(preconditions.find_faults(list(keys), keys, others, variable, names))


def test_same_key_for_two_hosts_is_the_same_workspace() -> None:
    assert "b and d have the same API key" in faults(
        {"a": "key-of-a", "b": "key-of-b", "c": "key-of-c", "d": "key-of-b"}
    )


@pytest.mark.parametrize(
    ("keys", "others", "says"),
    [
        ({"a": None, "b": None}, 2, f"The play has 2 hosts, and {SHARED}"),
        # --limit or cortex_workspaces leaves one of several.
        ({"b": None}, 2, f"The inventory has 2 hosts, and {SHARED}"),
        ({"localhost": None, "b": "key-of-b"}, 1, f"The play has 2 hosts, and {SHARED}"),
        ({"b": None}, 1, ""),
        ({"localhost": None}, 9, ""),
        ({"a": "key-of-a", "b": "key-of-b", "c": "None", "d": "None", "e": "$encrypted$", "f": "$encrypted$"}, 6, ""),
    ],
)
def test_key_of_the_environment_is_for_one_workspace(keys: dict[str, str | None], others: int, says: str) -> None:
    assert says in faults(keys, others)
    assert (says == "") == (faults(keys, others) == "")
    assert faults(keys, others, variable=None) == ""


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("cortex_pagerdty_tokn", "cortex_pagerduty_token"),
        ("cortex_worskpaces", "cortex_workspaces"),
        ("CORTEX_ROLLOUT_SERIAL", "cortex_rollout_serial"),
        ("cortex-pagerduty-audit-stirct", "cortex_pagerduty_audit_strict"),
        ("cortx_pagerduty_preflight", "cortex_pagerduty_preflight"),
    ],
)
def test_misspelled_variable_is_named_with_the_right_one(name: str, right: str) -> None:
    assert faults({}, 0, name, "cortex_pagerduty_token") == preconditions.MISSPELLED.format(name, right)


def test_other_variables_are_the_users() -> None:
    specs = yaml.safe_load((ROOT / "roles/cortex_pagerduty/meta/argument_specs.yml").read_text())["argument_specs"]
    known = [name for spec in specs.values() for name in spec["options"]] + ["cortex_workspaces"]
    own = ["cortex_pagerduty_result", "cortex_pagerduty__read", "cortex_pagerduty_tokens", "cortex_workspace"]
    others = ["cortex_pagerduty_owner", "cortex_rollout_serial_of_eu", "pagerduty_token", "serial", "cortex"]
    assert faults({}, 0, *known, *own, *others) == ""


def test_many_hosts_take_little_time() -> None:
    keys: dict[str, str | None] = {f"host-{number}": f"key-{number:05}" for number in range(20000)}
    started = time.process_time()
    assert faults({**keys, "one-more": "key-00007"}, 20001) != ""
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("strategy", "batch", "says"),
    [
        ("ansible.builtin.linear", "ab", None),
        ("debug", "ab", None),
        ("free", "ab", "but the play has the strategy free"),
        ("linear", "a", "serial makes several"),
    ],
)
def test_audit_needs_all_hosts_at_once(strategy: str, batch: Sequence[str], says: str | None) -> None:
    fault = preconditions.find_fault_of_play(strategy, batch, "ab")
    assert says in fault if says and fault else fault is says

"""Hosts for a play, also under --limit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ansible.template
import pytest
from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.cortexapps.cortex.plugins.lookup.workspaces import LookupModule

GROUPS = {"all": ["a", "b", "c"], "ungrouped": ["c"], "cortex": ["a", "b"]}


def workspaces(pattern: Any, limit: str | None = None) -> list[str]:
    return look_up(cortex_workspaces=pattern, ansible_limit=limit)


def look_up(groups: dict[str, list[str]] | None = None, **variables: Any) -> list[str]:
    loader = DataLoader()
    templar = ansible.template.Templar(loader, variables=variables)
    found: list[str] = LookupModule(loader=loader, templar=templar).run([], {"groups": groups or GROUPS, **variables})
    return found


@pytest.mark.parametrize(
    "pattern", ["cortex", "all", "a", "a,c", "all:!a", "localhost", "a:&cortex", "~[ab]", "*", ["cortex", "!a"]]
)
def test_returns_patterns_with_hosts(pattern: Any) -> None:
    assert workspaces(pattern) == (pattern if isinstance(pattern, list) else re.split("[:,]", pattern))


@pytest.mark.parametrize("hosts", [[], ["localhost"]])
def test_it_is_localhost_where_there_is_nothing_else(hosts: list[str]) -> None:
    assert look_up({"all": hosts, "ungrouped": hosts}) == ["localhost"]


def test_not_set_although_there_are_hosts_is_an_error() -> None:
    with pytest.raises(AnsibleLookupError, match=r"cortex_workspaces is not set, but .* besides localhost: a, b and c"):
        look_up()


def test_something_undefined_in_it_is_an_error() -> None:
    with pytest.raises(AnsibleLookupError, match=r"cortex_workspaces cannot be evaluated: 'ring' is undefined"):
        workspaces(getattr(ansible.template, "trust_as_template", str)("{{ ring }}"))


def test_an_inventory_without_hosts_is_an_error_that_says_so() -> None:
    with pytest.raises(AnsibleLookupError, match=r"The inventory has no host[.] In AWX, .* disabled"):
        look_up({"all": [], "ungrouped": []}, cortex_workspaces="all")


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ({"tags": ["all"], "skip_tags": [], "start_at_task": None}, None),
        ({"tags": ["all", "a"], "skip_tags": []}, "job_tags"),
        ({"skip_tags": ["a"], "start_at_task": "Use the role"}, "start_at_task and skip_tags"),
    ],
)
def test_a_job_that_needs_an_approval_runs_all_of_its_tasks(
    arguments: dict[str, Any], given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "CLIARGS", arguments)
    for name in ("cortex_rollout_approval", "cortex_rollout__checked_7"):
        if given:
            with pytest.raises(AnsibleLookupError, match=f"The job has {given}, but"):
                look_up(None, cortex_workspaces="all", **{name: True})
        else:
            assert look_up(None, cortex_workspaces="all", **{name: True}) == ["all"]
    assert look_up(cortex_workspaces="all") == ["all"]


@pytest.mark.parametrize("limit", ["a", "c,a", "all,!b", "cortex"])
def test_limit_leaves_a_host(limit: str) -> None:
    assert workspaces("cortex", limit) == ["cortex"]


@pytest.mark.parametrize("content", ["a\n", "c\nb\n"])
def test_limit_in_a_file_leaves_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    # Ansible itself splits a limit at the blanks that the path of a clone may contain.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rollout.retry").write_text(content)
    assert workspaces("cortex", "@rollout.retry") == ["cortex"]


@pytest.mark.parametrize("pattern", ["a,unknown", "a:unknown", ["unknown", "a"], "a,~x", "unknown"])
def test_part_without_a_host_is_an_error_that_names_it(pattern: Any) -> None:
    with pytest.raises(AnsibleLookupError, match=r"cortex_workspaces contains (unknown|~x), which no host"):
        workspaces(pattern)


@pytest.mark.parametrize("pattern", ["cortex:!all", "a,&c", "", " ", None, [], ["", None]])
def test_no_host_is_an_error(pattern: Any) -> None:
    with pytest.raises(AnsibleLookupError, match="names no host"):
        workspaces(pattern)


@pytest.mark.parametrize(("pattern", "limit"), [("cortex", "c"), ("cortex", "all:!cortex"), ("localhost", "a")])
def test_no_host_that_the_limit_leaves_is_an_error(pattern: str, limit: str) -> None:
    with pytest.raises(AnsibleLookupError, match="--limit"):
        workspaces(pattern, limit)

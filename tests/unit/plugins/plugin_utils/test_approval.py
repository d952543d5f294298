from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _approval

SURVEY = ["cortex_workspaces"]
NODE = {"cortex_workspaces": "all", "awx_job_launch_type": "workflow", "awx_workflow_job_name": "W"}
SLICE = NODE | {"awx_job_template_name": "W", "awx_workflow_job_launch_type": "workflow"}
ARTIFACT: dict[str, Any] = {"cortex_rollout__checked_7": {"a": "1"}}


def test_a_digest_changes_with_each_option_with_the_code_and_with_the_run(tmp_path: Path) -> None:
    options = {"api_key": "key_of_payments_7Hq2", "token": "u+7Hq2LmZx9RtKc4ab12", "state": "present", "base_url": None}
    digest = _approval.make_digest(options, "5f2c")
    others = [_approval.make_digest({**options, name: f"x{value}"}, "5f2c") for name, value in options.items()]
    assert len({digest, *others, _approval.make_digest(options, "5f2d")}) == 6

    codes = [_approval.identify_code([tmp_path], revision) for revision in ("5f2c", "5f2d")]
    for name in ("compiled.pyc", "a.py", "b.yml"):
        (tmp_path / name).write_text(name)
        codes.append(_approval.identify_code([tmp_path], "5f2d"))
    assert [one == other for one, other in itertools.pairwise(codes)] == [False, True, False, False]

    for job, name, is_part in [
        (NODE, "awx_workflow_job_id", True),
        # That of the slices alone, which is another one for the check.
        (SLICE, "awx_workflow_job_id", False),
        (SLICE, "awx_project_revision", True),
        (SLICE, "awx_job_scm_branch", True),
        (SLICE, "awx_user_id", True),
        (NODE, "awx_job_id", False),
    ]:
        assert (_approval.identify_run(job | {name: 7}) != _approval.identify_run(job | {name: 8})) is is_part


@pytest.mark.parametrize(
    ("switch", "variables", "is_check", "fault"),
    [
        (True, NODE, True, None),
        ("true", NODE | ARTIFACT, False, None),
        (True, SLICE, False, None),
        (True, {**NODE, "awx_job_launch_type": "manual"}, True, None),
        ("false", NODE, False, _approval.NOT_TRUE),
        (None, NODE | ARTIFACT, False, _approval.NOT_TRUE),
        (
            True,
            NODE | {"cortex_pagerduty_base_url": "https://api"},
            True,
            "not in the survey: cortex_pagerduty_base_url[.]",
        ),
        (True, NODE | {"tower_host": 1, "cortex_rollout__last": 1}, False, ": cortex_rollout__last, tower_host[.]"),
        # The digest of a check comes from that check alone.
        (True, NODE | ARTIFACT, True, "not in the survey: cortex_rollout__checked_7[.]"),
        (True, NODE | ARTIFACT | {"awx_job_launch_type": "relaunch"}, False, _approval.NOT_CHECKED),
        (True, SLICE | ARTIFACT | {"awx_workflow_job_launch_type": "relaunch"}, False, _approval.NOT_CHECKED),
        (True, ARTIFACT, False, _approval.NOT_CHECKED),
    ],
)
def test_a_job_of_which_an_approval_says_nothing_is_refused(
    switch: Any, variables: Any, is_check: bool, fault: str | None
) -> None:
    found = _approval.find_fault_of_job(switch, variables, SURVEY, is_check=is_check)
    assert (found is None) is (fault is None)
    assert fault is None or fault == found or re.search(fault, found or "")


@pytest.mark.parametrize(
    ("approved", "digests", "differing"),
    [
        ([{"a": "1", "b": "2"}], {"a": "1", "b": "2"}, None),
        ([{"a": "1", "b": "2", "gone": "3"}], {"a": "1", "b": "3", "new": "4"}, "b, new, gone"),
        # Each slice is one that was checked.
        ([{"a": "1", "b": "2"}, {"c": "3"}], {"c": "3"}, None),
        ([{"a": "1", "b": "2"}, {"c": "3"}], {"b": "2", "c": "3"}, "a"),
    ],
)
def test_a_rollout_is_refused_that_is_not_exactly_what_the_check_has_shown(
    approved: Any, digests: Any, differing: str | None
) -> None:
    assert _approval.find_difference([], digests) == _approval.NOT_CHECKED
    assert _approval.find_difference(approved, digests) == (differing and _approval.CHANGED.format(differing))

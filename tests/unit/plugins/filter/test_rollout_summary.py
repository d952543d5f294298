"""The last line of a rollout."""

from __future__ import annotations

from typing import Any

from ansible_collections.cortexapps.cortex.plugins.filter.rollout_summary import FilterModule

rollout_summary = FilterModule().filters()["rollout_summary"]


def test_each_host_is_counted_once_and_names_need_attention() -> None:
    results = [{"changed": True}, {"changed": False}, {"changed": True, "failed": True}, None, {"changed": True}]
    hostvars: dict[str, dict[str, Any]] = {
        host: {"cortex_pagerduty_result": result} if result else {}
        for host, result in zip("abcde", results, strict=True)
    }
    # What "e" has is of an earlier rollout.
    says = "Summary: 1 changed, 1 unchanged, 2 failed (c, d), 1 not tried (e)."
    assert rollout_summary(hostvars, list("abcde"), ["e"]) == says
    assert rollout_summary(hostvars, ["a"], []) == "Summary: 1 changed, 0 unchanged, 0 failed, 0 not tried."

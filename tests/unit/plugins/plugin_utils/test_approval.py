# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cortexapps.cortex.plugins.plugin_utils._approval import NOT_CHECKED, find_refusal, make_digest


def test_a_digest_changes_with_each_option_and_knows_the_end_of_a_secret_only() -> None:
    options = {"api_key": "key_of_payments_7Hq2", "token": "u+7Hq2LmZx9RtKc4ab12", "state": "present", "base_url": None}
    digest = make_digest(options, "5f2c")
    others = [make_digest({**options, name: f"{value}x"}, "5f2c") for name, value in options.items()]
    assert len({digest, *others, make_digest(options, "5f2d")}) == 6
    assert make_digest({**options, "token": "ab12", "api_key": "7Hq2"}, "5f2c") == digest


def test_a_rollout_is_refused_for_workspaces_that_no_check_has_shown_as_they_are() -> None:
    assert find_refusal({}, {"a": "1"}) == NOT_CHECKED
    assert find_refusal({"a": "1", "b": "2", "gone": "3"}, {"a": "1", "b": "2"}) is None
    refusal = find_refusal({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "3", "c": None, "d": "4", "e": None})
    assert refusal is not None and "for these workspaces: b, c, d, e. Their" in refusal

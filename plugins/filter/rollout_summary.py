# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_summary
short_description: Summarize a rollout in one line (internal)
version_added: 1.0.0
description:
  - Says how many workspaces a rollout has changed and left unchanged, which failed, and which were not tried.
  - Only the playbook C(pagerduty_rollout) uses it. It may change in any release.
author: cortexapps.cortex contributors (@cortexapps)
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts of the rollout.
    type: list
    elements: str
    required: true
  not_tried:
    description: Those that come after the batches so far.
    type: list
    elements: str
    required: true
positional: hosts, not_tried
"""

EXAMPLES = r"""
- name: Summarize the rollout
  ansible.builtin.debug:
    msg: "{{ hostvars | cortexapps.cortex.rollout_summary(ansible_play_hosts_all, []) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The summary.
  type: str
  sample: "Summary: 2 changed, 1 unchanged, 1 failed (search), 0 not tried."
"""

import typing as t

SUMMARY = "Summary: {} changed, {} unchanged, {}, {}."


def rollout_summary(
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Sequence[str], not_tried: t.Sequence[str]
) -> str:
    counts = {"changed": 0, "unchanged": 0}
    failed = []
    for host in hosts[: len(hosts) - len(not_tried)]:
        result = hostvars[host].get("cortex_pagerduty_result") or {"failed": True}
        if result.get("failed"):
            failed.append(host)
        else:
            counts["changed" if result.get("changed") else "unchanged"] += 1
    return SUMMARY.format(*counts.values(), _count("failed", failed), _count("not tried", not_tried))


def _count(what: str, hosts: t.Sequence[str]) -> str:
    return f"{len(hosts)} {what}" + (f" ({', '.join(hosts)})" if hosts else "")


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"rollout_summary": rollout_summary}

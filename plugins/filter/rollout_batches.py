# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_batches
short_description: Read the batch sizes of a rollout (internal)
version_added: 1.0.0
description:
  - Turns C(cortex_rollout_serial) into a list for the play keyword C(serial), and rejects values that C(serial) would
    misread.
  - Only the playbook C(pagerduty_rollout) uses it. It may change in any release.
author: cortexapps.cortex contributors (@cortexapps)
options:
  _input:
    description:
      - A whole number from 1, a whole percentage from C(1%), or several of these as a list or separated by commas.
      - Blanks and empty entries are ignored. Without any entry there is one batch.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Roll out to one workspace, then to ten, then to all others
  hosts: cortex
  serial: "{{ '1,10,100%' | cortexapps.cortex.rollout_batches }}"
"""

RETURN = r"""
_value:
  description: The batch sizes.
  type: list
  elements: raw
"""

import re
import typing as t

from ansible.errors import AnsibleFilterError

# Characters of an entry.
MAX_LENGTH = 40
# More digits than any inventory needs, and fewer than Python or Ansible fails with.
_ENTRY = re.compile(r"(0*[1-9][0-9]{0,8})\s*(%?)", re.ASCII)


def rollout_batches(value: t.Any) -> list[int | str]:
    entries = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    given = [entry for entry in entries if entry is not None and str(entry).strip()]
    return [_batch(entry) for entry in given] or ["100%"]


def _batch(entry: t.Any) -> int | str:
    text = str(entry).strip()
    match = _ENTRY.fullmatch(text) if len(text) < MAX_LENGTH else None
    if match is None:
        shown = repr(entry) if len(text) < MAX_LENGTH else f"{text[:20]!r}… ({len(text)} characters)"
        raise AnsibleFilterError(
            f"cortex_rollout_serial contains {shown}. Use whole numbers from 1 and whole percentages from 1%."
        )
    return f"{int(match[1])}%" if match[2] else int(match[1])


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"rollout_batches": rollout_batches}

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: workspaces
short_description: Require hosts for a play
version_added: 1.0.0
description:
  - Returns C(cortex_workspaces) for the play keyword C(hosts) if it names a host that C(--limit) leaves, and fails
    otherwise. Ansible alone would skip the play and end with success.
author: cortexapps.cortex contributors (@cortexapps)
options:
  _terms:
    description: The host patterns.
    required: true
"""

EXAMPLES = r"""
- name: Roll out to the hosts of a group, and fail if there are none
  hosts: "{{ query('cortexapps.cortex.workspaces', 'cortex') }}"
"""

RETURN = r"""
_raw:
  description: The host patterns.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[t.Any], variables: dict[str, t.Any], **_options: t.Any) -> list[str]:
        inventory = InventoryManager(self._loader, parse=False)
        for group, hosts in variables["groups"].items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group)
        inventory.subset(variables.get("ansible_limit"))
        patterns = [str(term) for term in self._flatten(terms) if term is not None and str(term).strip()]
        try:
            # Without any pattern Ansible would take all hosts.
            found = patterns and inventory.get_hosts(patterns)
        except AnsibleError:  # HOST_PATTERN_MISMATCH=error
            found = []
        if not found:
            names = ", ".join(patterns)
            raise AnsibleLookupError(f"cortex_workspaces ({names}) names no host, or none that --limit leaves.")
        return patterns

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: workspaces
short_description: Require hosts for a play (internal)
version_added: 1.0.0
description:
  - Returns the extra variable C(cortex_workspaces) for the play keyword C(hosts).
  - Only the playbooks of this collection use it. It may change in any release.
  - Fails if the job needs an approval and leaves tasks out.
  - Fails if C(cortex_workspaces) is not set although the inventory has hosts, if a part of it matches no host, or if
    C(--limit) leaves none. Ansible alone would skip the play and end with success.
author: cortexapps.cortex contributors (@cortexapps)
options: {}
"""

EXAMPLES = r"""
- name: Roll out to the hosts that cortex_workspaces names, and fail if there are none
  hosts: "{{ query('cortexapps.cortex.workspaces') }}"
"""

RETURN = r"""
_raw:
  description: The host patterns; C(localhost) if C(cortex_workspaces) is not set and the inventory has no other host.
  type: list
  elements: str
"""

import typing as t

from ansible import constants, context
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._approval import RESTRICTED, is_needed
from ..plugin_utils._preconditions import enumerate_names
from ..plugin_utils._variables import UNDEFINED, describe

VARIABLE = "cortex_workspaces"
NOT_SET = (
    "cortex_workspaces is not set, but the inventory has hosts besides localhost: {}. Set it to the hosts to manage, "
    "for example with -e cortex_workspaces=all. A variable of the inventory has no effect."
)
UNKNOWN = "cortex_workspaces contains {}, which no host of the inventory matches."
ONLY_EXTRA_VARIABLES = " Use only extra variables in it: the variables of the inventory are read later."
NO_HOST_AT_ALL = (
    "The inventory has no host. In AWX, a job does not get disabled hosts, and a slice gets only some of the others."
)
NO_HOST = "cortex_workspaces ({}) names no host, or none that --limit leaves."


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[t.Any], variables: dict[str, t.Any], **_options: t.Any) -> list[str]:  # noqa: ARG002
        # Here, because the tasks of a play can be left out, but not its hosts.
        arguments = context.CLIARGS
        restrictions = {
            "start_at_task": arguments.get("start_at_task"),
            "job_tags": [tag for tag in arguments.get("tags") or () if tag != "all"],
            "skip_tags": arguments.get("skip_tags"),
        }
        given = [name for name, value in restrictions.items() if value]
        if given and is_needed(variables):
            raise AnsibleLookupError(RESTRICTED.format(enumerate_names(given)))
        if VARIABLE not in variables:
            others = [host for host in variables["groups"]["all"] if host not in constants.LOCALHOST]
            if others:
                raise AnsibleLookupError(NOT_SET.format(enumerate_names(others)))
            patterns = ["localhost"]
        else:
            # Something undefined in it is an error, never "not set".
            try:
                value = self._flatten([self._templar.template(variables[VARIABLE])])
            except AnsibleError as error:
                raise AnsibleLookupError(
                    UNDEFINED.format(VARIABLE, describe(error).rstrip(".")) + ONLY_EXTRA_VARIABLES
                ) from None
            patterns = split_host_pattern([str(part) for part in value if part is not None])
        inventory = InventoryManager(self._loader, parse=False)
        for group, hosts in variables["groups"].items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group)
        unknown = [part for part in patterns if part[0] not in "!&" and not _find_hosts(inventory, [part])]
        if unknown and not variables["groups"]["all"]:
            raise AnsibleLookupError(NO_HOST_AT_ALL)
        if unknown:
            raise AnsibleLookupError(UNKNOWN.format(enumerate_names(unknown)))
        inventory.subset(variables.get("ansible_limit"))
        # Without any pattern Ansible would take all hosts.
        if not patterns or not _find_hosts(inventory, patterns):
            raise AnsibleLookupError(NO_HOST.format(", ".join(patterns)))
        return patterns


def _find_hosts(inventory: InventoryManager, patterns: list[str]) -> list[t.Any]:
    try:
        found: list[t.Any] = inventory.get_hosts(patterns)
    except AnsibleError:  # HOST_PATTERN_MISMATCH=error
        return []
    return found

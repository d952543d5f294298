#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: awx_plan
short_description: Compare AWX with what the role awx sets up (internal)
version_added: 1.0.0
description:
  - Reads AWX by the lookup C(awx.awx.controller_api), and fails if the setup cannot be made or removed.
  - Only the role P(cortexapps.cortex.awx#role) uses it. It may change in any release.
author:
  - cortexapps.cortex contributors (@cortexapps)
options:
  state:
    description: Whether the setup is made or removed.
    type: str
    required: true
    choices: [present, absent]
  organization:
    description: The name of the organization.
    type: str
    required: true
  image:
    description: The image of the execution environment.
    type: str
  verify:
    description: Whether to fail if the workflow is not check, approval and rollout.
    type: bool
    default: false
  mark:
    description: By this in its description an object is known to be made by the role.
    type: str
    required: true
  purposes:
    description: The beginning of the description of each object.
    type: dict
    required: true
  names:
    description: The name of each object.
    type: dict
    required: true
  workspaces:
    description: The hosts of the inventory.
    type: list
    elements: dict
    required: true
  inventory_variables:
    description: The variables of the inventory.
    type: dict
    required: true
  references:
    description: Of each kind of objects, the names of those that are used and not made.
    type: dict
    required: true
  given:
    description: The credentials whose secret is given.
    type: list
    elements: str
    required: true
  base_url:
    description: The base URL of the Cortex credential. Blank if it is not given.
    type: str
    required: true
  update_secrets:
    description: Whether the secrets of existing credentials are written.
    type: bool
    required: true
  project_url:
    description: The URL of the project.
    type: str
    required: true
  types:
    description: The types of the credentials C(cortex) and C(pagerduty).
    type: dict
    required: true
  numbers:
    description: Those variables of the role that are numbers and have a minimum.
    type: dict
    required: true
  known:
    description: The names of the variables of the role.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
# See the file tasks/plan.yml of the role.
"""

RETURN = r"""
organization_id:
  description: The ID of the organization.
  returned: success
  type: int
  sample: 1
remove:
  description: The objects to remove, in this order.
  returned: success
  type: list
  elements: dict
  sample: [{kind: job_templates, id: 7, name: Cortex PagerDuty check, credential_type: null, stays: ""}]
notes:
  description: Sentences about everything else that the run does or does not do.
  returned: success
  type: list
  elements: str
  sample: ["The check Check is renamed to Cortex PagerDuty check."]
objects:
  description: Of each object its name, its description, by what the modules of awx.awx find it, and what they write.
  returned: if O(state=present)
  type: dict
  sample: {check: {name: Cortex PagerDuty check, find: "7", id: 7, description: "…"}}
type_descriptions:
  description: The descriptions of the credential types.
  returned: if O(state=present)
  type: dict
  sample: {cortex: "…", pagerduty: "…"}
references:
  description: The IDs of objects that are used but not made, by kind and name.
  returned: if O(state=present)
  type: dict
  sample: {credentials: {Vault password: 3}}
needs_cortex_credential:
  description: Whether a workspace takes its API key from the Cortex credential.
  returned: if O(state=present)
  type: bool
nodes_to_remove:
  description: The identifiers of all nodes of a workflow that is not as it should be, in this order.
  returned: if O(state=present)
  type: list
  elements: str
is_graph_complete:
  description: Whether the workflow is check, approval and rollout.
  returned: if O(state=present)
  type: bool
hosts:
  description: The hosts to create, to update and to remove.
  returned: if O(state=present)
  type: dict
  sample: {new: [], changed: [], obsolete: [{id: 9, name: search}]}
"""

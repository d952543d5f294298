#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_approval
short_description: Roll out only what an approved check has shown (internal)
version_added: 1.0.0
description:
  - In check mode, it hands a digest of what the rollout of each host would do on to the next jobs of an AWX workflow,
    as an artifact. Otherwise it fails unless a check has handed on the same digests, of the same hosts.
  - A digest is of the variables of the role P(cortexapps.cortex.cortex_pagerduty#role), of the environment, of the
    project, of this collection, and of the run of the workflow. Only who knows the API key and the tokens can make it.
  - It fails if the job has extra variables that are not in the survey, because these override all others.
  - It skips itself unless C(cortex_rollout_approval) is set, or a check was handed on.
  - Only the playbook C(pagerduty_rollout) uses it. It may change in any release.
author:
  - cortexapps.cortex contributors (@cortexapps)
options: {}
"""

EXAMPLES = r"""
# See the playbook pagerduty_rollout.yml.
"""

RETURN = r"""
ansible_stats:
  description: The digest of each host, in the form of C(ansible.builtin.set_stats).
  returned: in check mode
  type: dict
  sample: {data: {cortex_rollout__checked_7: {payments: 2b8e1f6c0d934a75…}}, per_host: false, aggregate: true}
"""

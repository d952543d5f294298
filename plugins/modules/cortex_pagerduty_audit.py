#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_audit
short_description: Read a workspace for an audit, and compare it with the desired configuration (internal)
version_added: 1.0.0
description:
  - Reads a workspace with M(cortexapps.cortex.cortex_pagerduty_config_info) and the variables of the role
    P(cortexapps.cortex.cortex_pagerduty#role), and compares it with what a rollout with these variables would want.
  - Only the entry point C(audit) of the role uses it. It may change in any release.
  - It fails if a variable cannot be evaluated, and, if C(cortex_pagerduty_audit_strict) is true, if the workspace is
    not as desired.
author:
  - cortexapps.cortex contributors (@cortexapps)
options: {}
"""

EXAMPLES = r"""
- name: Read a workspace
  cortexapps.cortex.cortex_pagerduty_audit:
"""

RETURN = r"""
audit:
  description: The status and the reason for the report, the base URL of the workspace, and the desired configuration.
  returned: always
  type: dict
"""

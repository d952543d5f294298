#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_report
short_description: Write the report of an audit (internal)
version_added: 1.0.0
description:
  - Makes a table of what M(cortexapps.cortex.cortex_pagerduty_config_info) returned for the hosts of the play, and can
    write it to a file.
  - Only the entry point C(audit) of the role P(cortexapps.cortex.cortex_pagerduty#role) uses it. It may change in any
    release.
  - It runs on the controller, in a task with C(run_once=true) of a play with the strategy C(linear) and without
    C(serial). In check mode it writes no file.
author:
  - cortexapps.cortex contributors (@cortexapps)
options:
  variable:
    description: The variable that has the registered result of each host.
    type: str
    required: true
  dest:
    description:
      - The file to write the report to. Its name ends in C(.json), C(.csv) or C(.html), which is a self-contained page.
        Only its owner can read it. If empty or null, no file is written.
      - A relative path is relative to where C(ansible-playbook) was started. The folder must exist.
    type: str
  check:
    description: Only check whether the play is suitable and O(dest) can be written.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write the report
  cortexapps.cortex.cortex_pagerduty_report:
    variable: pagerduty
    dest: ~/audit.html
  run_once: true
"""

RETURN = r"""
table:
  description: The lines of the table, problems first, then how many workspaces have which status.
  returned: if O(check=false)
  type: list
  elements: str
  sample:
    - "WORKSPACE  STATUS  LAST FOUR  READ-ONLY  REASON"
    - "payments   valid   ab12       yes        -"
    - "1 workspaces: 1 valid"
dest:
  description: The path of the report.
  returned: when O(dest) is set and O(check=false)
  type: str
  sample: /home/me/audit.html
"""

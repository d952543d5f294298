#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_check
short_description: Check the hosts and variables of a run before its first request (internal)
version_added: 1.0.0
description:
  - Fails if two hosts of the play are the same workspace, if hosts would use an API key of the environment although the
    inventory has several, or if the name of a variable is misspelled.
  - Only the playbooks of this collection use it. It may change in any release.
  - It runs on the controller, in a task with C(run_once=true).
author:
  - cortexapps.cortex contributors (@cortexapps)
options: {}
"""

EXAMPLES = r"""
- name: Check the hosts and variables
  cortexapps.cortex.cortex_pagerduty_check:
  run_once: true
"""

RETURN = r""" # """

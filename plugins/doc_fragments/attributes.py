# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that all modules share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/cortexapps.cortex.cortex) in C(module_defaults) to set options for all modules of this collection.
    support: full
    membership:
      - cortexapps.cortex.cortex
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying the target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run changes nothing.
  platform:
    description: Target operating systems that the module can run on.
    platforms: posix
    support: full
"""

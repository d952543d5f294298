# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulator of Cortex's PagerDuty integration: see README.md beside this file."""

from __future__ import annotations

from .faults import Fault
from .server import Simulator
from .state import Workspace

__all__ = ["Fault", "Simulator", "Workspace"]

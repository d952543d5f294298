# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulator of Cortex's PagerDuty integration: see README.md beside this file."""

from __future__ import annotations

from .faults import Fault
from .server import Simulator
from .state import Workspace

__all__ = ["Fault", "Simulator", "Workspace"]

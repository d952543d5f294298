# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates of Ansible's, on every version of ansible-core."""

from __future__ import annotations

import importlib
from typing import Any

#: Returns a string as one that Ansible evaluates. ansible-core before 2.19 evaluates all.
trusted: Any = getattr(importlib.import_module("ansible.template"), "trust_as_template", str)

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils._converge import ConfigTask
from ..module_utils._options import CONFIG_SPEC
from ..plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    """Runs ``cortex_pagerduty_config`` inside Ansible's own process."""

    argument_spec = CONFIG_SPEC
    task_class = ConfigTask

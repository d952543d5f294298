# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system's log, as a file."""

from __future__ import annotations

import json
import os
from pathlib import Path


def send(**fields: object) -> None:
    with Path(os.environ["TEST_JOURNAL"]).open("a", encoding="utf-8") as journal:
        journal.write(json.dumps(fields, default=str) + "\n")


# That Ansible looks for, to tell this library from others of the same name.
sendv = send

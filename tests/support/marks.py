# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks for the requirements of a test on the machine."""

from __future__ import annotations

import re
import sys

import pytest

#: For tests that have Ansible start a module in a Python of this clone.
plain_path = pytest.mark.skipif(
    not re.fullmatch(r"[\w./+@-]+", sys.executable),
    reason="Ansible does not quote the path of a module's Python everywhere, and this has blanks or special characters",
)

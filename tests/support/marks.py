# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks for the requirements of a test on the machine."""

from __future__ import annotations

import re
import sys

import pytest

#: For tests that have Ansible start a module in a Python of this clone.
path_without_blanks = pytest.mark.skipif(
    " " in sys.executable, reason="Ansible does not quote the path of a module's Python everywhere, and this has blanks"
)
path_without_shell_characters = pytest.mark.skipif(
    not re.fullmatch(r"[\w ./+@-]+", sys.executable),
    reason="Ansible does not quote the path of a module's Python, and this has special characters of the shell",
)

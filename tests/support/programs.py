# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs programs as a user does, where the path of the clone lets them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

#: For tests that have Ansible start a module in a Python of this clone.
plain_path = pytest.mark.skipif(
    not re.fullmatch(r"[\w./+@-]+", sys.executable),
    reason="Ansible does not quote the path of a module's Python everywhere, and this has blanks or special characters",
)


def run(
    *command: str | Path, cwd: Path, env: Mapping[str, str], timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    """Run a program without a terminal, and return it with its output. Both streams are one, as a user sees them."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )


def output_of(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> str:
    """Run a program that must succeed, and return its output."""
    done = run(*command, cwd=cwd, env=env)
    assert done.returncode == 0, done.stdout
    return done.stdout

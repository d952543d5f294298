# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder that everything which make runs is kept in."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

WORKDIR = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "workdir.py"))


def test_temporary_files_are_kept_in_the_folder_until_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            pass
        for process in (ended, running):
            (tmp_path / str(process.pid) / "cortex-simulator-x").mkdir(parents=True)
        WORKDIR["use_temporary_folder"](tmp_path)
        left = {path.name for path in tmp_path.iterdir()}
    assert left == {str(running.pid), str(os.getpid())}
    used = subprocess.check_output([sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"], text=True)
    assert used.strip() == str(tmp_path / str(os.getpid()))

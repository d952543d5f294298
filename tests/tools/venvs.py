# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further virtual environments below `.work/`, for what does not go together with the one that the tests run in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from workdir import WORK, SetupError, environment, pip_environment


def make_venv(name: str, python: str | Path, requirements: list[str]) -> Path:
    """Make the virtual environment `.work/venvs/<name>` where it is missing or another one was wanted then.

    Args:
        python: the interpreter it is made with.
        requirements: what is installed, as pip's arguments.

    Returns:
        Its folder.

    Raises:
        SetupError: when it cannot be made; with what pip said.
    """
    folder = WORK / "venvs" / name
    stamp = folder / ".stamp"
    wanted = f"{python} {requirements}"
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run([python, "-m", "venv", folder])
        _run([folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-input", *requirements])
        stamp.write_text(wanted)
    return folder


def venv_environment(venv: Path) -> dict[str, str]:
    """Return the environment for programs of a virtual environment."""
    env = environment()
    env["PATH"] = os.pathsep.join([str(venv / "bin"), env["PATH"]])
    env["VIRTUAL_ENV"] = str(venv)
    return env


def _run(command: list[str | Path]) -> None:
    env: Mapping[str, str] = pip_environment()
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{done.stdout}{done.stderr}\nThis failed: {' '.join(map(str, command))}")

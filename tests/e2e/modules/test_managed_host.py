# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules run on the Python of a managed host. The sessions "modules-3.9" and so on name it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.cortex import API_KEY
from tests.support.environment import ROOT, isolated
from tests.support.marks import path_without_blanks

TOKEN = {"token": "u+EXAMPLExxxxxxxab12", "is_token_readonly": True, "validate": True}
STORED = {"token": TOKEN["token"], "is_token_readonly": True}

BECOME_PLUGINS = ROOT / "tests" / "integration" / "targets" / "setup_simulator" / "become_plugins"
PLUGINS = [
    path.relative_to(ROOT)
    for folder in ("modules", "module_utils")
    for path in (ROOT / "plugins" / folder).glob("*.py")
]


@pytest.mark.parametrize("path", PLUGINS, ids=str)
def test_compiles(python: str, path: Path) -> None:
    program = "import sys; compile(open(sys.argv[1], encoding='utf-8').read(), sys.argv[1], 'exec')"
    done = subprocess.run([python, "-c", program, ROOT / path], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("stored", "module", "options", "outcome", "result"),
    [
        (None, "cortex_pagerduty_config", TOKEN, "CHANGED", '"is_valid": true'),
        (STORED, "cortex_pagerduty_config", TOKEN, "SUCCESS", '"is_valid": true'),
        (STORED, "cortex_pagerduty_config", {"state": "absent"}, "CHANGED", '"configuration": null'),
        (STORED, "cortex_pagerduty_config_info", {"validate": True}, "SUCCESS", '"is_valid": true'),
    ],
    ids=["create", "keep", "delete", "info"],
)
@path_without_blanks
def test_runs(
    python: str, tmp_path: Path, stored: Any, module: str, options: dict[str, object], outcome: str, result: str
) -> None:
    with Simulator(tls=True) as simulator:
        simulator.add_workspace(API_KEY, "team-a", stored)
        arguments = {"api_key": API_KEY, "base_url": simulator.url, "ca_path": simulator.ca_path, **options}
        command = [sys.executable, "-m", "ansible", "adhoc", "managed", "-i", "managed,", "-c", "local"]
        command += ["-m", f"cortexapps.cortex.{module}", "-a", json.dumps(arguments)]
        # With become a task runs as an ordinary module; this way to become another user stays the same.
        command += ["-e", f"ansible_python_interpreter={python}", "--become", "--become-method", "as_is"]
        env = isolated(tmp_path) | {"ANSIBLE_BECOME_PLUGINS": str(BECOME_PLUGINS)}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert f"managed | {outcome} => " in done.stdout, done.stdout + done.stderr
    assert result in done.stdout

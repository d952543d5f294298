# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules run on the Python of a managed host. The sessions "modules-3.9" and so on name it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.cortex import TOKEN, api_key_of
from tests.support.environment import ROOT, isolated
from tests.support.marks import path_without_blanks
from tests.support.programs import run

CONFIG = {"token": TOKEN, "is_token_readonly": True}
# What is stored, the module, its options, and whether it changes anything.
CASES: dict[str, tuple[Any, str, dict[str, Any], bool]] = {
    "create": (None, "config", {**CONFIG, "validate": True}, True),
    "keep": (CONFIG, "config", {**CONFIG, "validate": True}, False),
    "delete": (CONFIG, "config", {"state": "absent"}, True),
    "info": (CONFIG, "config_info", {"validate": True}, False),
}


@pytest.fixture
def python(request: pytest.FixtureRequest) -> str:
    """The Python of a managed host: nothing but requests is installed."""
    return str(request.config.getoption("--managed-python"))


def test_files_compile(python: str) -> None:
    paths = [*ROOT.glob("plugins/modules/*.py"), *ROOT.glob("plugins/module_utils/*.py")]
    program = "import sys\nfor path in sys.argv[1:]: compile(open(path, encoding='utf-8').read(), path, 'exec')"
    done = subprocess.run([python, "-c", program, *paths], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@path_without_blanks
def test_modules_run(python: str, tmp_path: Path) -> None:
    with Simulator(tls=True) as simulator:
        tasks = []
        for name, (stored, module, options, _changed) in CASES.items():
            simulator.add_workspace(api_key_of(name), name, stored)
            arguments = {"api_key": api_key_of(name), "base_url": simulator.url, "ca_path": simulator.ca_path}
            tasks.append({"name": name, f"cortexapps.cortex.cortex_pagerduty_{module}": arguments | options})
        become = {"become": True, "become_method": "as_is"}
        play = {"hosts": "managed", "connection": "local", "gather_facts": False, **become, "tasks": tasks}
        (tmp_path / "playbook.yml").write_text(yaml.safe_dump([play]))
        command = [sys.executable, "-m", "ansible", "playbook", "-v", "playbook.yml", "-i", "managed,"]
        command += ["-e", f"ansible_python_interpreter={python}"]
        done = run(*command, cwd=tmp_path, env=isolated(tmp_path))
        configurations = {name: workspace.configuration for name, workspace in simulator.workspaces.items()}
    outcomes = re.findall(r"^TASK \[(\w+)\] \**\n(?:.+\n)*?(\w+): \[managed\]", done.stdout, re.MULTILINE)
    assert dict(outcomes) == {name: "changed" if case[-1] else "ok" for name, case in CASES.items()}, done.stdout
    # In three results: of the whole, and of the one configuration in it.
    assert done.stdout.count('"is_valid": true') == 6
    assert configurations == {"create": CONFIG, "keep": CONFIG, "delete": None, "info": CONFIG}

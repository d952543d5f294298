"""The modules run on the Python of a managed host. The sessions "modules-3.9" and so on name it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.cortex import API_KEY, DELETE, GET, POST, TOKEN, VALIDATE
from tests.support.environment import isolated
from tests.support.programs import plain_path, run

CONFIG = {"token": TOKEN, "is_token_readonly": True, "preflight": True, "validate": True}
TASKS: list[tuple[str, dict[str, Any]]] = [
    ("config", CONFIG),
    ("config_info", {"validate": True}),
    ("config", {"state": "absent"}),
]


@plain_path
def test_modules_run_on_the_python_of_a_managed_host(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Nothing but requests is installed there."""
    python = request.config.getoption("--managed-python")
    with Simulator(tls=True) as simulator:
        workspace = simulator.add_workspace(API_KEY)
        client: dict[str, Any] = {"api_key": API_KEY, "base_url": simulator.url, "ca_path": simulator.ca_path}
        url = {"preflight_url": simulator.pagerduty_url}
        tasks = [
            {f"cortexapps.cortex.cortex_pagerduty_{module}": client | options | (url if module == "config" else {})}
            for module, options in TASKS
        ]
        become = {"become": True, "become_method": "as_is"}
        play = {"hosts": "managed", "connection": "local", "gather_facts": False, **become, "tasks": tasks}
        (tmp_path / "playbook.yml").write_text(yaml.safe_dump([play]))
        command = [sys.executable, "-m", "ansible", "playbook", "-v", "playbook.yml", "-i", "managed,"]
        command += ["-e", f"ansible_python_interpreter={python}"]
        env = {**isolated(tmp_path), "SSL_CERT_FILE": simulator.ca_path or ""}
        done = run(*command, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stdout
        assert workspace.requests == [GET, POST, VALIDATE, GET, VALIDATE, GET, DELETE]
    # In two results: of the whole, and of the one configuration in it.
    assert done.stdout.count('"is_valid": true') == 4

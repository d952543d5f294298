"""Tasks inside Ansible's own process, as far as only a whole run shows them: the vault, async, timeout and the end."""

from __future__ import annotations

import json
import re
import signal
import site
import sys
import textwrap
import venv
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.simulator import Simulator
from tests.support.cortex import GET, OTHER_TOKEN, PUT, TOKEN, VALIDATE, api_key_of, configuration
from tests.support.environment import isolated
from tests.support.leaks import leaks_in
from tests.support.programs import plain_path, run
from tests.support.vault import encrypt

HOSTS = ("encrypted", "background", "timeout", "terminated", "without_requests")
# Without the names of the hosts, which are no secrets.
KEYS = {name: api_key_of(f"team{number}") for number, name in enumerate(HOSTS)}
SECRETS = {"key": KEYS["encrypted"], "token": "z_KcYf5rWq8JxNdPef56", "password": "correct-horse-battery-9"}
PLAYBOOK = ("playbook", Path(__file__).parent / "tasks" / "keywords.yml", "-vvv")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(tls=True) as simulator:
        for name, key in KEYS.items():
            simulator.add_workspace(key, name, configuration(OTHER_TOKEN))
        yield simulator


def ansible(
    folder: Path, simulator: Simulator, *arguments: str | Path, python: str = sys.executable, **variables: str
) -> CompletedProcess[str]:
    hosts = {name: {"key": key, "token": TOKEN} for name, key in KEYS.items()}
    hosts["without_requests"] |= {"ansible_python_interpreter": python, "with_requests": sys.executable}
    inventory = {"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    connection = {"CORTEX_BASE_URL": simulator.url, "SSL_CERT_FILE": str(simulator.ca_path)}
    command = (python, "-m", "ansible", *arguments, "-i", "inventory.json")
    return run(*command, cwd=folder, env=isolated(folder) | connection | variables)


def pythons(output: str) -> list[str]:
    """Return the Python of each task of this collection that ran as an ordinary module."""
    return re.findall(r"EXEC .*?(/\S*python\S*) .*AnsiballZ_cortex_pagerduty_config", output)


@plain_path
def test_keywords_are_obeyed(tmp_path: Path, simulator: Simulator) -> None:
    encrypted = {name: textwrap.indent(encrypt(secret, SECRETS["password"]), "  ") for name, secret in SECRETS.items()}
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "encrypted.yml").write_text(
        f"key: !vault |\n{encrypted['key']}\ntoken: !vault |\n{encrypted['token']}\n"
    )
    (tmp_path / "password").write_text(SECRETS["password"])
    simulator.workspaces["timeout"].fault("validate", delay=600, drop=True)  # longer than the test
    options = ("--vault-password-file", "password", "--limit", "encrypted,background,timeout")
    done = ansible(tmp_path, simulator, *PLAYBOOK, *options)
    assert done.returncode == 0, done.stdout
    assert {name: simulator.workspaces[name].requests for name in HOSTS[:3]} == {
        "encrypted": [GET, PUT],
        "background": [GET, PUT, GET],
        "timeout": [GET, PUT, VALIDATE],
    }
    assert simulator.workspaces["encrypted"].configuration == configuration(SECRETS["token"])
    assert leaks_in(done.stdout, SECRETS) == []
    # Only what is in the background is a module.
    assert len(pythons(done.stdout)) == 2


def test_ad_hoc_command_is_a_task(tmp_path: Path, simulator: Simulator) -> None:
    arguments = ("adhoc", "encrypted", "-m", "cortexapps.cortex.cortex_pagerduty_config_info")
    done = ansible(tmp_path, simulator, *arguments, CORTEX_API_KEY=KEYS["encrypted"])
    assert (done.returncode, '"last_four": "cd34"' in done.stdout) == (0, True), done.stdout


# Terminates Ansible when a write has just been applied.
TERMINATION = """
import os, requests, signal

request = requests.Session.request

def request_and_terminate(self, method, *arguments, **options):
    response = request(self, method, *arguments, **options)
    if method == os.environ.get("TEST_TERMINATE"):
        for process in (os.getppid(), os.getpid()):
            os.kill(process, signal.SIGTERM)
    return response

requests.Session.request = request_and_terminate
"""


def test_run_that_is_terminated_during_a_write_can_be_repeated(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "sitecustomize.py").write_text(TERMINATION)
    arguments = (*PLAYBOOK, "--limit", "terminated")
    done = ansible(tmp_path, simulator, *arguments, PYTHONPATH=str(tmp_path), TEST_TERMINATE="PUT")
    leaks = leaks_in(done.stdout, {"key": KEYS["terminated"], "token": TOKEN})
    assert (done.returncode, leaks) == (-signal.SIGTERM, [])
    again = ansible(tmp_path, simulator, *arguments)
    assert (again.returncode, "changed=0" in again.stdout) == (0, True), again.stdout
    assert simulator.workspaces["terminated"].requests == [GET, PUT, GET]


@plain_path
def test_without_requests_a_task_is_an_ordinary_module(tmp_path: Path, simulator: Simulator) -> None:
    """In a Python with all that this one has, ansible-core too, but requests."""
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "requests.py").write_text("raise ModuleNotFoundError('No module named requests')\n")
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    python = str(folder / "bin" / "python")
    done = ansible(tmp_path, simulator, *PLAYBOOK, "--limit", "without_requests", python=python)
    assert done.returncode == 0, done.stdout
    assert pythons(done.stdout) == [python, sys.executable]

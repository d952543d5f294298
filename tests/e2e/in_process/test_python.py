# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which Python a task runs as an ordinary module, and what happens without requests."""

from __future__ import annotations

import site
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.support.cortex import api_key_of
from tests.support.marks import path_without_blanks

from .playbook import AS_MODULE, AnsibleFolder, info, plays

pytestmark = path_without_blanks

CHOICE = "ansible_python_interpreter"
# On a host that no task gets to.
ELSEWHERE = {"ansible_connection": "ssh", "ansible_host": "host.invalid", CHOICE: "/no/such/python"}


@pytest.fixture(scope="module")
def without_requests(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with all that this one has, ansible-core too, but requests."""
    folder = tmp_path_factory.mktemp("without") / "venv"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "requests.py").write_text("raise ModuleNotFoundError('No module named requests')\n")
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    return str(folder / "bin" / "python")


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[AnsibleFolder]:
    with Simulator(tls=True) as simulator:
        simulator.add_workspace(api_key_of("team"), "team")
        yield AnsibleFolder(tmp_path, simulator)


def test_without_requests_a_task_is_an_ordinary_module(controller: AnsibleFolder, without_requests: str) -> None:
    controller.python = without_requests
    tasks = [info("missing") | {"ignore_errors": True}, info("chosen") | {"vars": {CHOICE: sys.executable}}]
    run = controller.play(plays(team=tasks), "-vvv", team={CHOICE: without_requests})
    assert run.pythons == [without_requests, sys.executable]
    results = run.results["team"]
    assert results["missing"]["msg"].startswith(
        f"The Python library requests is missing for {without_requests}. Install it for the Python that runs "
        "ansible-playbook, or set ansible_python_interpreter to a Python that has it."
    )
    assert (results["chosen"]["failed"], results["chosen"]["configuration"]) == (False, None)


def test_module_runs_in_the_python_of_ansible_unless_the_user_chooses(
    controller: AnsibleFolder, without_requests: str
) -> None:
    # Of no workspace: it may still run when the test has ended.
    task = info(api_key="ck_live_nobody") | {"async": 300, "poll": 0}
    delegated = task | {"delegate_to": "localhost"}
    chosen = {"vars": {CHOICE: without_requests}}
    run = controller.play(
        plays(
            team=[task, task | chosen],
            chosen=[task, info("in_process", api_key=api_key_of("team"))],
            elsewhere=[delegated, delegated | chosen],
        ),
        "-vvv",
        chosen={CHOICE: without_requests},
        elsewhere=ELSEWHERE,
    )
    assert run.pythons == [sys.executable, without_requests, without_requests, sys.executable, without_requests]
    assert (run.status, run.results["chosen"]["in_process"]["failed"]) == (0, False)


def test_with_become_the_choice_is_the_users(controller: AnsibleFolder, without_requests: str) -> None:
    """Interpreter discovery finds another Python than the one that runs Ansible."""
    controller.env["PATH"] = f"{Path(without_requests).parent}:/usr/bin:/bin"
    run = controller.play(plays(team=[info() | AS_MODULE | {"ignore_errors": True}]), "-vvv")
    assert len(run.pythons) == 1
    assert run.pythons[0] != sys.executable

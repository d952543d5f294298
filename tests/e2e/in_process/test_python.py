# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which Python a task runs as an ordinary module, and what happens without requests."""

from __future__ import annotations

import os
import site
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.state import Workspace
from tests.support.cortex import GET
from tests.support.marks import path_without_blanks

from .playbook import AS_MODULE, Controller, info, play

CHOICE = "ansible_python_interpreter"
HINT = (
    "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter to a Python that has it."
)
LOCAL = {"ansible_connection": "local"}
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


@path_without_blanks
def test_without_requests_a_task_is_an_ordinary_module(
    controller: Controller, workspace: Workspace, without_requests: str
) -> None:
    controller.python = without_requests
    run = controller.play(
        info("missing") | {"ignore_errors": True},
        info("chosen") | {"vars": {CHOICE: sys.executable}},
        inventory={"localhost": {**LOCAL, CHOICE: without_requests}},
        options=["-vvv"],
    )
    assert run.pythons == [without_requests, sys.executable]
    missing = f"The Python library requests is missing for {without_requests}. {HINT}"
    assert run.results["missing"]["msg"].startswith(missing)
    assert run.results["chosen"]["configuration"] is None
    assert workspace.requests == [GET]


def test_with_requests_the_choice_of_another_python_has_no_effect(
    controller: Controller, workspace: Workspace, without_requests: str
) -> None:
    run = controller.play(info("read"), inventory={"localhost": {**LOCAL, CHOICE: without_requests}}, options=["-vvv"])
    assert (run.status, run.pythons) == (0, [])


@path_without_blanks
def test_local_module_without_become_runs_in_the_python_of_ansible(
    controller: Controller, workspace: Workspace, without_requests: str
) -> None:
    """Interpreter discovery would find another one, as it does with become."""
    controller.env["PATH"] = f"{Path(without_requests).parent}{os.pathsep}{os.defpath}"
    run = controller.play(
        in_background(), info() | AS_MODULE | {"ignore_errors": True}, inventory={"localhost": LOCAL}, options=["-vvv"]
    )
    own, discovered = run.pythons
    assert own == sys.executable
    assert discovered != sys.executable


@path_without_blanks
def test_module_delegated_to_the_implicit_localhost_runs_in_the_python_of_ansible(controller: Controller) -> None:
    run = controller.play(delegated(), hosts="team", inventory={"team": ELSEWHERE}, options=["-vvv"])
    assert (run.status, run.pythons) == (0, [sys.executable])


@pytest.mark.parametrize("is_chosen", [False, True])
@path_without_blanks
def test_python_chosen_in_the_inventory_or_by_a_task_is_used(
    controller: Controller, without_requests: str, is_chosen: bool
) -> None:
    chosen = {CHOICE: without_requests}
    run = controller.playbook(
        play(in_background(), in_background(**chosen)),
        play(delegated(), delegated(**chosen), hosts="team"),
        inventory={"localhost": LOCAL | (chosen if is_chosen else {}), "team": ELSEWHERE},
        options=["-vvv"],
    )
    default = without_requests if is_chosen else sys.executable
    assert (run.status, run.pythons) == (0, [default, without_requests] * 2)


def in_background(**variables: str) -> dict[str, Any]:
    """Return a task that cannot run in process, of no workspace: it may still run when the test has ended."""
    return info(api_key="ck_live_nobody") | {"async": 300, "poll": 0, "vars": variables}


def delegated(**variables: str) -> dict[str, Any]:
    return in_background(**variables) | {"delegate_to": "localhost"}

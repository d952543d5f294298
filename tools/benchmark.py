# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures what a task, a rollout and an audit cost, compared with the alternatives, on one machine and in one run.

All requests go over TLS on loopback to the simulator, which runs in this process, so that its CPU time is not counted.
CPU time is user and system time of ansible-playbook and all its processes. The two sides of a comparison run in turn,
pair by pair, and a ratio is taken within a pair: what else the machine does affects both alike.

The cost of a task is that of a play with COPIES copies of it, minus that of an empty play, divided by COPIES.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import ansible.release
import certifi

from tests.simulator import Simulator
from tests.support.environment import short_folder
from tools import chart

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".work" / "benchmark"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance_guide.rst"
CLI = WORK / "venv-cli" / "bin" / "cortex"
BECOME_PLUGINS = ROOT / "tests" / "integration" / "targets" / "setup_simulator" / "become_plugins"

COPIES = 10  # even, so that the last copy leaves the first token stored
FLEET, LARGE_FLEET = 50, 1000
API_KEY = "ck_live_bench_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
TOKENS = ("u+EXAMPLExxxxxxxab12", "u+EXAMPLExxxxxxxcd34")
BAD_TOKEN = "u+EXAMPLExxxxxxxbad1"
STORED = {"token": TOKENS[0], "is_token_readonly": True}

Task = dict[str, Any]


class Cost(NamedTuple):
    """What a run costs: seconds of CPU and by the clock, and what the simulator sees."""

    cpu: float
    wall: float
    requests: float = 0
    connections: float = 0

    def per(self, count: int, base: Cost) -> Cost:
        """Return the cost of one of `count` equal things, `base` being the cost of none of them."""
        return Cost(*((mine - of_base) / count for mine, of_base in zip(self, base, strict=True)))


class Subject(NamedTuple):
    """What is measured: a run of ansible-playbook that does something `size` times.

    `exact` is how many requests and connections each one must make. `base` is a run that does it zero times; without
    one, `size` is a number of workspaces, and what it costs to start belongs to the result.
    """

    name: str
    arguments: tuple[str, ...]
    size: int
    exact: tuple[int, int] | None = None
    base: tuple[str, ...] | None = None


class Comparison(NamedTuple):
    """Two subjects whose ratio of CPU time must not exceed a limit."""

    mine: Subject
    other: Subject
    limit: float
    rounds: int = sys.maxsize

    @property
    def text(self) -> str:
        return f"{self.mine.name} / {self.other.name}"


def module(token: str = TOKENS[0], **options: object) -> Task:
    return {"cortexapps.cortex.cortex_pagerduty_config": {"token": token, "is_token_readonly": True, **options}}


def uri(method: str, path: str, body: Task | None = None, **keywords: object) -> Task:
    """Return a task that calls the API without this collection."""
    arguments: Task = {
        "url": "{{ lookup('env', 'CORTEX_BASE_URL') }}/api/v1/pagerduty" + path,
        "method": method,
        "headers": {"Authorization": "Bearer {{ cortex_pagerduty_api_key }}"},
    }
    if body:
        arguments |= {"body_format": "json", "body": body}
    return {"ansible.builtin.uri": arguments, **keywords}


def uri_tasks(token: str = TOKENS[0]) -> list[Task]:
    """Return what people write without this collection: read, replace if it differs, validate what was replaced."""
    return [
        uri("GET", "/default-configuration", register="stored"),
        uri(
            "PUT",
            "/configuration",
            {"token": token, "isTokenReadonly": True},
            register="replaced",
            when=f"stored.json.lastFour != '{token[-4:]}' or not stored.json.isTokenReadonly",
        ),
        uri("POST", "/configuration/validate", when="replaced is not skipped"),
    ]


def cli(*commands: str) -> list[Task]:
    """Return tasks that call the vendor's command line. Its `add` sends a body that the API refuses."""
    return [
        {"ansible.builtin.command": f"{CLI} integrations pagerduty {command}", "failed_when": False}
        for command in commands
    ]


class Benchmark:
    """Runs playbooks against a simulator and measures them."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.folder = folder
        self.costs: dict[Subject, list[Cost]] = {}
        # As large as a system's: what it costs to load it is part of the cost.
        bundle = folder / "bundle.pem"
        bundle.write_bytes(Path(certifi.where()).read_bytes() + Path(simulator.ca_path or "").read_bytes())
        temporary = folder / "tmp"
        temporary.mkdir()
        self.env = {
            **os.environ,
            "TMPDIR": str(temporary),
            "ANSIBLE_LOCAL_TEMP": str(temporary),
            "ANSIBLE_REMOTE_TEMP": str(temporary),
            "ANSIBLE_BECOME_PLUGINS": str(BECOME_PLUGINS),
            "CORTEX_BASE_URL": simulator.url,
            "CORTEX_API_KEY": API_KEY,
            "REQUESTS_CA_BUNDLE": str(bundle),
            "SSL_CERT_FILE": str(bundle),
        }
        simulator.add_workspace(API_KEY, "bench", STORED)
        simulator.reject_token(BAD_TOKEN)
        self.empty = self.play([], "localhost")

    def file(self, content: object) -> str:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def play(self, tasks: list[Task], hosts: str, **keywords: object) -> tuple[str, ...]:
        """Return the arguments for a play. The interpreter is for tasks of modules."""
        interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play = {"hosts": hosts, "connection": "local", "gather_facts": False, "vars": interpreter, "tasks": tasks}
        return (self.file([{**play, **keywords}]),)

    def task(
        self, name: str, tasks: Callable[[str], list[Task]], exact: tuple[int, int] | None = None, **keywords: object
    ) -> Subject:
        """Return the work on one workspace; `tasks` makes that of a copy from its token, which differs each time."""
        copies = [task for copy in range(COPIES) for task in tasks(TOKENS[(copy + 1) % 2])]
        arguments = (*self.play(copies, "localhost", **keywords), "-e", f"cortex_pagerduty_api_key={API_KEY}")
        return Subject(name, arguments, COPIES, exact, self.empty)

    def fleets(self, size: int) -> dict[str, Subject]:
        """Return the work on many workspaces, in which nothing has to change."""
        known = self.simulator.workspaces
        keys = {f"workspace-{number}": f"{API_KEY}_{number}" for number in range(size)}
        for name in keys.keys() - known.keys():
            self.simulator.add_workspace(keys[name], name, STORED)
        hosts = {name: {"cortex_pagerduty_api_key": key} for name, key in keys.items()}
        shared = {"cortex_pagerduty_token": TOKENS[0], "cortex_pagerduty_is_token_readonly": True}
        options = ("-i", self.file({"fleet": {"hosts": hosts, "vars": shared}}), "-e", "cortex_workspaces=fleet")
        ways = {
            "rollout": (("cortexapps.cortex.pagerduty_rollout",), (2, 1)),
            "audit": (("cortexapps.cortex.pagerduty_audit",), (2, 1)),
            "uri tasks": (self.play(uri_tasks(), "fleet"), None),
            "ping": (self.play([{"ansible.builtin.ping": {}}], "fleet"), None),
        }
        return {
            name: Subject(f"{name}, {size} workspaces", (*arguments, *options), size, exact)
            for name, (arguments, exact) in ways.items()
        }

    def run(self, arguments: tuple[str, ...]) -> Cost:
        """Run ansible-playbook, which must succeed."""
        self.simulator.clear_log()
        command = ["ansible-playbook", *arguments]
        with (self.folder / "output").open("w") as output:
            start = time.monotonic()
            process = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            _pid, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} failed:\n{(self.folder / 'output').read_text()[-4000:]}")
        simulator = self.simulator
        return Cost(usage.ru_utime + usage.ru_stime, wall, len(simulator.requests), simulator.connections)

    def measure(self, subject: Subject) -> float:
        """Measure a subject once more; return the CPU time of one of what it does."""
        base = self.run(subject.base) if subject.base else Cost(0, 0)
        cost = self.run(subject.arguments).per(subject.size, base)
        if subject.exact not in (None, cost[2:]):
            raise SystemExit(f"{subject.name}: {cost[2:]} requests and connections, not {subject.exact}")
        self.costs.setdefault(subject, []).append(cost)
        return cost.cpu


def measure(benchmark: Benchmark, rounds: int, large: int) -> dict[Comparison, list[float]]:
    """Measure everything, and return the ratios of each comparison."""
    ping = benchmark.task("ping", lambda token: [{"ansible.builtin.ping": {}}])
    uri_get = benchmark.task("nothing to change, one uri GET", lambda token: uri_tasks()[:1])
    uri_change = benchmark.task("change and validate, uri tasks", uri_tasks)
    add = f"add --alias default --api-key {TOKENS[1]} --is-default"
    cli_change = benchmark.task(
        "change and validate, cortexapps-cli", lambda token: cli("get-default", add, "validate-all")
    )
    nothing = benchmark.task("nothing to change", lambda token: [module()], (1, 1))
    change = benchmark.task("change and validate", lambda token: [module(token, validate=True)], (3, 1))
    preflight = {"preflight": True, "preflight_url": benchmark.simulator.pagerduty_url}
    bad = {"validate": True, "rollback": True, "previous_token": TOKENS[0]}
    alone = [
        benchmark.task(
            "change and validate, with preflight", lambda token: [module(token, validate=True, **preflight)], (4, 2)
        ),
        benchmark.task(
            "invalid token, rolled back", lambda token: [{**module(BAD_TOKEN, **bad), "ignore_errors": True}], (5, 1)
        ),
        benchmark.task(
            "change and validate, as an ordinary module",
            lambda token: [module(token, validate=True)],
            (3, 1),
            become=True,
            become_method="as_is",
        ),
    ]
    fleet = benchmark.fleets(FLEET)
    comparisons = [
        Comparison(nothing, ping, 0.30),
        Comparison(nothing, uri_get, 0.25),
        Comparison(change, uri_change, 0.08),
        Comparison(change, cli_change, 0.05),
        Comparison(fleet["rollout"], fleet["uri tasks"], 0.30),
        Comparison(fleet["rollout"], fleet["ping"], 0.45),
        Comparison(fleet["audit"], fleet["ping"], 0.45),
    ]
    if large > FLEET:
        comparisons.append(Comparison(benchmark.fleets(large)["rollout"], fleet["rollout"], 1.10, rounds=3))
    ratios: dict[Comparison, list[float]] = {comparison: [] for comparison in comparisons}
    for number in range(rounds):
        for comparison in comparisons:
            if number < comparison.rounds:
                # The first one may find the machine in another state: they take turns.
                pair = [comparison.mine, comparison.other][:: -1 if number % 2 else 1]
                cpu = {subject: benchmark.measure(subject) for subject in pair}
                ratios[comparison].append(cpu[comparison.mine] / cpu[comparison.other])
        for subject in alone:
            benchmark.measure(subject)
        print(f"Round {number + 1} of {rounds} is done.", file=sys.stderr, flush=True)
    return ratios


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table that a terminal and reStructuredText show alike."""
    content = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*content, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in content]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def report(benchmark: Benchmark, ratios: dict[Comparison, list[float]], *, with_limits: bool) -> str:
    """Return the results as text."""
    one, many = [], []
    for subject, measured in benchmark.costs.items():
        cost = Cost(*map(statistics.median, zip(*measured, strict=True)))
        cpu = f"{1000 * cost.cpu:.0f} ms"
        if subject.base:
            seen = (f"{cost.requests:g}", f"{cost.connections:g}")
            one.append((subject.name, cpu, f"{1000 * cost.wall:.0f} ms", *seen))
        else:
            whole = (f"{subject.size * cost.cpu:.1f} s", f"{subject.size * cost.wall:.1f} s")
            many.append((subject.name, *whole, cpu))
    compared = [
        (
            comparison.text,
            f"{statistics.median(measured):.2f}",
            f"{min(measured):.2f} to {max(measured):.2f}",
            *([f"{comparison.limit:.2f}"] if with_limits else []),
        )
        for comparison, measured in ratios.items()
    ]
    python = f"Python {platform.python_version()}"
    machine = f"Measured with ansible-core {ansible.release.__version__} and {python} on {os.cpu_count()} CPU cores."
    return "\n\n".join(
        [
            machine,
            table(("one workspace", "CPU", "time", "requests", "connections"), one),
            table(("many workspaces", "CPU", "time", "CPU for each"), many),
            table(("ratio of CPU", "median", "range", *(["limit"] if with_limits else [])), compared),
        ]
    )


def install_cli() -> None:
    """Install the vendor's command line into a virtual environment of its own."""
    if not CLI.is_file():
        print("Installing cortexapps-cli", file=sys.stderr, flush=True)
        venv.create(CLI.parents[1], with_pip=True, clear=True)
        requirements = ROOT / "tools" / "requirements-cli.txt"
        subprocess.run([CLI.with_name("python"), "-m", "pip", "install", "-q", "-r", requirements], check=True)


def main() -> None:
    """Measure, print, and write the results as JSON and, on request, into the guide."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each pair is measured")
    parser.add_argument("--large", type=int, default=LARGE_FLEET, help="workspaces of the large rollout; 0: none")
    parser.add_argument("--write-guide", action="store_true", help=f"put the results into {GUIDE.relative_to(ROOT)}")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    install_cli()
    with short_folder() as folder, Simulator(tls=True) as simulator:
        benchmark = Benchmark(simulator, folder)
        ratios = measure(benchmark, options.rounds, options.large)
    print(report(benchmark, ratios, with_limits=True))
    results = {
        "costs": {each.name: [cost._asdict() for cost in measured] for each, measured in benchmark.costs.items()},
        "ratios": {each.text: {"limit": each.limit, "measured": measured} for each, measured in ratios.items()},
    }
    (WORK / "results.json").write_text(json.dumps(results, indent=2))
    print(f"\nAll numbers are in {(WORK / 'results.json').relative_to(ROOT)}.")
    if options.write_guide:
        begin, end = ".. results begin\n", ".. results end\n"
        before, _old, after = re.split(f"({re.escape(begin)}.*{re.escape(end)})", GUIDE.read_text(), flags=re.DOTALL)
        GUIDE.write_text(f"{before}{begin}\n{report(benchmark, ratios, with_limits=False)}\n\n{end}{after}")
        chart.main()


if __name__ == "__main__":
    main()

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures what a task, a rollout and an audit cost, compared with the alternatives, on one machine and in one run.

All requests go over TLS on loopback to the simulator, which runs in this process, so that its CPU time is not counted.
The two sides of a comparison run in turn, and a ratio is taken within a pair: what else the machine does affects both
alike. The cost of a task is that of a play with COPIES copies of it, minus that of an empty play, divided by COPIES.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
import venv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.release
import certifi

from tests.simulator import Simulator
from tests.support.environment import isolated, short_folder
from tools import chart

WORK = chart.ROOT / ".work" / "benchmark"
CLI = WORK / "venv-cli" / "bin" / "cortex"
COPIES = 10  # even, so that the last copy leaves the first token stored
FLEET = 50
API_KEY = "ck_live_bench_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
TOKENS = ("u+EXAMPLExxxxxxxab12", "u+EXAMPLExxxxxxxcd34")
BAD_TOKEN = "u+EXAMPLExxxxxxxbad1"
STORED = {"token": TOKENS[0], "is_token_readonly": True}
# The rows of the tables that are compared. All others are measured alone.
COMPARED = [
    ("nothing to change", "ping"),
    ("nothing to change", "nothing to change, one uri GET"),
    ("change and validate", "change and validate, uri tasks"),
    ("change and validate", "change and validate, cortexapps-cli"),
    (f"rollout, {FLEET} workspaces", f"uri tasks, {FLEET} workspaces"),
    (f"rollout, {FLEET} workspaces", f"ping, {FLEET} workspaces"),
    (f"audit, {FLEET} workspaces", f"ping, {FLEET} workspaces"),
]

Task = dict[str, Any]
# Seconds of CPU (user and system time of all processes) and by the clock, requests and connections.
Cost = tuple[float, ...]


def module(token: str, **options: object) -> Task:
    return {"cortexapps.cortex.cortex_pagerduty_config": {"token": token, "is_token_readonly": True, **options}}


def uri(method: str, path: str, body: Task | None = None, **keywords: object) -> Task:
    """Return a task that calls the API without this collection."""
    arguments: Task = {
        "url": "{{ lookup('env', 'CORTEX_BASE_URL') }}/api/v1/pagerduty" + path,
        "method": method,
        "headers": {"Authorization": "Bearer {{ cortex_pagerduty_api_key }}"},
        **({"body_format": "json", "body": body} if body else {}),
    }
    return {"ansible.builtin.uri": arguments, **keywords}


def uri_tasks(token: str) -> list[Task]:
    """Return what people write without this collection: read, replace if it differs, validate what was replaced."""
    body = {"token": token, "isTokenReadonly": True}
    differs = f"stored.json.lastFour != '{token[-4:]}' or not stored.json.isTokenReadonly"
    return [
        uri("GET", "/default-configuration", register="stored"),
        uri("PUT", "/configuration", body, register="replaced", when=differs),
        uri("POST", "/configuration/validate", when="replaced is not skipped"),
    ]


def cli_tasks(token: str) -> list[Task]:
    """Return tasks that call the vendor's command line. Its `add` sends a body that the API refuses."""
    commands = ("get-default", f"add --alias default --api-key {token} --is-default", "validate-all")
    command = f"{CLI} integrations pagerduty"
    return [{"ansible.builtin.command": f"{command} {each}", "failed_when": False} for each in commands]


class Benchmark:
    """Runs playbooks against a simulator and measures them."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.folder = folder
        self.costs: defaultdict[str, list[Cost]] = defaultdict(list)
        # As large as a system's: what it costs to load it is part of the cost.
        bundle = folder / "bundle.pem"
        bundle.write_bytes(Path(certifi.where()).read_bytes() + Path(simulator.ca_path or "").read_bytes())
        self.env = {
            **isolated(folder),
            "CORTEX_BASE_URL": simulator.url,
            "CORTEX_API_KEY": API_KEY,
            "REQUESTS_CA_BUNDLE": str(bundle),
            "SSL_CERT_FILE": str(bundle),
        }
        simulator.add_workspace(API_KEY, "bench", STORED)
        simulator.reject_token(BAD_TOKEN)
        preflight: Task = {"preflight": True, "preflight_url": simulator.pagerduty_url}
        undo: Task = {"validate": True, "rollback": True, "previous_token": TOKENS[0], "token": BAD_TOKEN}
        # For each row: the arguments of ansible-playbook, and how often it does the same.
        self.subjects = {
            "ping": self.task(lambda token: [{"ansible.builtin.ping": {}}]),
            "nothing to change": self.task(lambda token: [module(TOKENS[0])]),
            "nothing to change, one uri GET": self.task(lambda token: uri_tasks(token)[:1]),
            "change and validate": self.task(lambda token: [module(token, validate=True)]),
            "change and validate, uri tasks": self.task(uri_tasks),
            "change and validate, cortexapps-cli": self.task(cli_tasks),
            "change and validate, with preflight": self.task(lambda token: [module(token, validate=True, **preflight)]),
            "invalid token, rolled back": self.task(lambda token: [module(**undo) | {"ignore_errors": True}]),
            "change and validate, as an ordinary module": self.task(
                lambda token: [module(token, validate=True)], become=True, become_method="as_is"
            ),
        }
        self.add_fleet(FLEET, "rollout", "uri tasks", "ping", "audit")

    def file(self, content: object) -> str:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def play(self, tasks: list[Task], hosts: str, **keywords: object) -> str:
        """Write a playbook. The interpreter is for tasks of modules."""
        interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play = {"hosts": hosts, "connection": "local", "gather_facts": False, "vars": interpreter, "tasks": tasks}
        return self.file([{**play, **keywords}])

    def task(self, tasks: Callable[[str], list[Task]], **keywords: object) -> tuple[tuple[str, ...], int]:
        """Return the work on one workspace; `tasks` makes that of a copy from its token, which differs each time."""
        copies = [task for copy in range(COPIES) for task in tasks(TOKENS[(copy + 1) % 2])]
        return (self.play(copies, "localhost", **keywords), "-e", f"cortex_pagerduty_api_key={API_KEY}"), COPIES

    def add_fleet(self, size: int, *names: str) -> None:
        """Add the work on many workspaces, in which nothing has to change."""
        hosts = {
            f"{size}-{number}": {"cortex_pagerduty_api_key": f"{API_KEY}_{size}_{number}"} for number in range(size)
        }
        for name, variables in hosts.items():
            self.simulator.add_workspace(variables["cortex_pagerduty_api_key"], name, STORED)
        shared = {"cortex_pagerduty_token": TOKENS[0], "cortex_pagerduty_is_token_readonly": True}
        options = ("-i", self.file({"fleet": {"hosts": hosts, "vars": shared}}), "-e", "cortex_workspaces=fleet")
        playbooks = {
            "rollout": "cortexapps.cortex.pagerduty_rollout",
            "audit": "cortexapps.cortex.pagerduty_audit",
            "uri tasks": self.play(uri_tasks(TOKENS[0]), "fleet"),
            "ping": self.play([{"ansible.builtin.ping": {}}], "fleet"),
        }
        self.subjects |= {f"{name}, {size} workspaces": ((playbooks[name], *options), size) for name in names}

    def run(self, *arguments: str) -> Cost:
        """Run ansible-playbook, which must succeed."""
        self.simulator.clear_log()
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", *arguments], env=self.env, capture_output=True, text=True, check=False
        )
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
        if done.returncode:
            sys.exit(f"ansible-playbook {arguments} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cpu, wall, len(self.simulator.requests), self.simulator.connections

    def measure(self, name: str) -> float:
        """Measure a row once more; return the CPU time of one of what it does. A run's start is no part of a task."""
        arguments, size = self.subjects[name]
        base = self.run(self.play([], "localhost")) if size == COPIES else (0.0,) * 4
        self.costs[name].append(
            tuple((all_ - none) / size for all_, none in zip(self.run(*arguments), base, strict=True))
        )
        return self.costs[name][-1][0]

    def compare(self, rounds: int, large: int) -> dict[str, list[float]]:
        """Measure everything; return the ratios of each comparison."""
        compared = list(COMPARED)
        if large:
            self.add_fleet(large, "rollout")
            compared.append((f"rollout, {large} workspaces", f"rollout, {FLEET} workspaces"))
        ratios: defaultdict[str, list[float]] = defaultdict(list)
        for number in range(rounds):
            for mine, other in compared:
                # The first one may find the machine in another state: they take turns.
                cpu = {name: self.measure(name) for name in ((mine, other) if number % 2 else (other, mine))}
                ratios[f"{mine} / {other}"].append(cpu[mine] / cpu[other])
            for name in self.subjects.keys() - set().union(*compared):
                self.measure(name)
            print(f"Round {number + 1} of {rounds} is done.", file=sys.stderr, flush=True)
        return ratios

    def report(self, ratios: dict[str, list[float]]) -> str:
        """Return the results as text."""
        one = [("one workspace", "CPU", "time", "requests", "connections")]
        many = [("many workspaces", "CPU", "time", "CPU for each")]
        for name, (_arguments, size) in self.subjects.items():
            cpu, wall, requests, connections = map(statistics.median, zip(*self.costs[name], strict=True))
            each = f"{1000 * cpu:.0f} ms"
            if size == COPIES:
                one.append((name, each, f"{1000 * wall:.0f} ms", f"{requests:g}", f"{connections:g}"))
            else:
                many.append((name, f"{size * cpu:.1f} s", f"{size * wall:.1f} s", each))
        compared = [("ratio of CPU", "median", "range")]
        for text, values in ratios.items():
            compared.append((text, f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"))
        versions = f"ansible-core {ansible.release.__version__} and Python {platform.python_version()}"
        machine = f"Measured with {versions} on {os.cpu_count()} CPU cores."
        return "\n\n".join([machine, table(one), table(many), table(compared)])


def table(rows: list[Any]) -> str:
    """Return a table that a terminal and reStructuredText show alike."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def main() -> None:
    """Measure, print, and write the results as JSON and, on request, into the guide."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured")
    parser.add_argument("--large", type=int, default=1000, help="workspaces of the large rollout; 0: none")
    parser.add_argument("--write-guide", action="store_true", help="put the results into the performance guide")
    options = parser.parse_args()
    if not CLI.is_file():
        venv.create(CLI.parents[1], with_pip=True, clear=True)
        subprocess.run([CLI.with_name("pip"), "install", "-q", "cortexapps-cli==1.50.0"], check=True)
    with short_folder() as folder, Simulator(tls=True) as simulator:
        benchmark = Benchmark(simulator, folder)
        ratios = benchmark.compare(options.rounds, options.large)
    report = benchmark.report(ratios)
    print(report)
    (WORK / "results.json").write_text(json.dumps({"costs": benchmark.costs, "ratios": ratios}, indent=2))
    if options.write_guide:
        guide = chart.GUIDE.read_text()
        chart.GUIDE.write_text(re.sub(r"(?s)(?<=results begin\n).*(?=\.\. results end)", f"\n{report}\n\n", guide))
        chart.main()


if __name__ == "__main__":
    main()

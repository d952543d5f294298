# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the cost of a task, a rollout and an audit, compared with the alternatives, on one machine and in one run.

All requests go over TLS on loopback to the simulator, which runs in this process, so that its CPU time is not counted.
The two sides of a comparison run in turn, and a ratio is taken within a pair: what else the machine does affects both
alike. The cost of a task is that of a play with COPIES copies of it, minus that of an empty play, divided by COPIES.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import string
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import ansible.release
import certifi
import yaml

from tests.simulator import Simulator
from tests.simulator.validation import Settings
from tests.support.environment import isolated, short_folder

COPIES = 40  # even, so that the last copy leaves the first token stored
FLEET = 50
FORKS = (5, 20, 50)
LATENCIES = (0, 20)  # milliseconds, of each response
API_KEY = "ck_live_bench_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
TOKENS = ("u+EXAMPLExxxxxxxab12", "u+EXAMPLExxxxxxxcd34")
STORED = {"token": TOKENS[0], "is_token_readonly": True}
# The tasks of each row for one workspace. $token differs from copy to copy, $first is the token that is stored before.
TASKS = """\
nothing to change: [cortexapps.cortex.cortex_pagerduty_config: {token: $first, is_token_readonly: true}]
debug: [ansible.builtin.debug: {}]
ping: [ansible.builtin.ping: {}]
nothing to change, one uri GET:
- &read
  register: stored
  ansible.builtin.uri:
    url: "$api/default-configuration"
    headers: &headers {Authorization: "Bearer {{ cortex_pagerduty_api_key }}"}
change and validate:
- cortexapps.cortex.cortex_pagerduty_config: {token: $token, is_token_readonly: true, validate: true}
# The tasks that people write without this collection: read, replace if it differs, validate.
change and validate, uri tasks:
- *read
- register: replaced
  when: stored.json.lastFour != '$token'[-4:] or not stored.json.isTokenReadonly
  ansible.builtin.uri:
    <<: {url: "$api/configuration", method: PUT, headers: *headers, body_format: json}
    body: {token: $token, isTokenReadonly: true}
- when: replaced is not skipped
  ansible.builtin.uri: {url: "$api/configuration/validate", method: POST, headers: *headers}
"""
# The rows that are compared.
COMPARED = [
    ("nothing to change", "debug"),
    ("nothing to change", "ping"),
    ("nothing to change", "nothing to change, one uri GET"),
    ("change and validate", "change and validate, uri tasks"),
    (f"rollout, {FLEET} workspaces", f"uri tasks, {FLEET} workspaces"),
    (f"rollout, {FLEET} workspaces", f"ping, {FLEET} workspaces"),
    (f"audit, {FLEET} workspaces", f"ping, {FLEET} workspaces"),
]


class Benchmark:
    """Runs playbooks against a simulator and measures them."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.folder = folder
        # As large as a system's, because loading it is part of the cost.
        bundle = folder / "bundle.pem"
        bundle.write_bytes(Path(certifi.where()).read_bytes() + Path(simulator.ca_path or "").read_bytes())
        self.env = isolated(folder) | {"CORTEX_BASE_URL": simulator.url, "CORTEX_API_KEY": API_KEY}
        self.env |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(bundle))
        simulator.add_workspace(API_KEY, "bench", STORED)
        names = {"first": TOKENS[0], "api": f"{simulator.url}/api/v1/pagerduty"}
        template = string.Template(TASKS)
        # Of the second token and of the first, by the name of the row.
        self.tasks: list[Any] = [yaml.safe_load(template.substitute(names, token=each)) for each in reversed(TOKENS)]
        # For each row: the arguments of ansible-playbook, and how often it does the same.
        self.subjects: dict[str, tuple[list[str], int]] = {}
        for name in self.tasks[0]:
            playbook = self.play([task for tasks in self.tasks * (COPIES // 2) for task in tasks[name]])
            self.subjects[name] = ([playbook, "-e", f"cortex_pagerduty_api_key={API_KEY}"], COPIES)
        self.add_fleet(FLEET, "rollout", "uri tasks", "ping", "audit")
        # For each row and round: seconds of CPU (of all processes) and by the clock.
        self.costs: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    def file(self, content: object) -> str:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def play(self, tasks: list[Any], hosts: str = "localhost") -> str:
        """Write a playbook. The interpreter is for tasks of modules."""
        interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play = {"hosts": hosts, "connection": "local", "gather_facts": False, "vars": interpreter, "tasks": tasks}
        return self.file([play])

    def add_fleet(self, size: int, *names: str) -> None:
        """Add the work on many workspaces, in which nothing has to change."""
        hosts = {}
        for number in range(size):
            key = f"{API_KEY}_{size}_{number}"
            self.simulator.add_workspace(key, f"{size}-{number}", STORED)
            hosts[f"{size}-{number}"] = {"cortex_pagerduty_api_key": key}
        shared = {"cortex_pagerduty_token": TOKENS[0], "cortex_pagerduty_is_token_readonly": True}
        options = ["-i", self.file({"fleet": {"hosts": hosts, "vars": shared}}), "-e", "cortex_workspaces=fleet"]
        playbooks = {
            "rollout": "cortexapps.cortex.pagerduty_rollout",
            "audit": "cortexapps.cortex.pagerduty_audit",
            "uri tasks": self.play(self.tasks[1]["change and validate, uri tasks"], "fleet"),
            "ping": self.play(self.tasks[1]["ping"], "fleet"),
        }
        self.subjects |= {f"{name}, {size} workspaces": ([playbooks[name], *options], size) for name in names}

    def run(self, *arguments: str) -> tuple[float, float]:
        """Run ansible-playbook, which must succeed; return its seconds of CPU and by the clock."""
        self.simulator.clear_log()
        command = ["ansible-playbook", *arguments]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
        if done.returncode:
            sys.exit(f"{command} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall

    def measure(self, name: str) -> float:
        """Measure a row once more; return the CPU time of one task. The start of a run is not part of it."""
        arguments, size = self.subjects[name]
        (cpu, wall), (cpu_of_start, wall_of_start) = self.run(*arguments), (0.0, 0.0)
        if size == COPIES:
            cpu_of_start, wall_of_start = self.run(self.play([]))
        self.costs[name].append(((cpu - cpu_of_start) / size, (wall - wall_of_start) / size))
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
            print(f"Round {number + 1} of {rounds} is done.", file=sys.stderr, flush=True)
        return ratios

    def measure_forks(self, size: int) -> list[tuple[str, str, str, str]]:
        """Return a table of the rollout to many workspaces, once with each number of forks and each latency."""
        rows = [("forks", "latency", "CPU", "time")]
        for latency in LATENCIES:
            self.simulator.settings = Settings(latency=latency / 1000)
            for forks in FORKS:
                cpu, wall = self.run(*self.subjects[f"rollout, {size} workspaces"][0], f"--forks={forks}")
                rows.append((str(forks), f"{latency} ms", f"{cpu:.0f} s", f"{wall:.0f} s"))
                print(*rows[-1], sep=", ", file=sys.stderr, flush=True)
        return rows

    def report(self, ratios: dict[str, list[float]], forks: list[Any]) -> str:
        """Return the results as text."""
        one: list[Any] = [("one workspace", "CPU", "time")]
        many = [("many workspaces", "CPU", "time", "CPU for each")]
        for name, (_arguments, size) in self.subjects.items():
            cpu, wall = map(statistics.median, zip(*self.costs[name], strict=True))
            each = f"{1000 * cpu:.0f} ms"
            if size == COPIES:
                one.append((name, each, f"{1000 * wall:.0f} ms"))
            else:
                many.append((name, f"{size * cpu:.1f} s", f"{size * wall:.1f} s", each))
        compared = [("ratio of CPU", "median", "range")]
        for text, values in ratios.items():
            compared.append((text, f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"))
        versions = f"ansible-core {ansible.release.__version__} and Python {platform.python_version()}"
        machine = f"Measured with {versions} on {os.cpu_count()} CPU cores."
        return "\n\n".join([machine, *map(table, (one, many, compared, forks))])


def table(rows: list[Any]) -> str:
    """Return a table that a terminal and reStructuredText show alike."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def main() -> None:
    """Measure, and print the tables of the performance guide."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured")
    parser.add_argument("--large", type=int, default=1000, help="workspaces of the large rollout; 0: none")
    options = parser.parse_args()
    with short_folder() as folder, Simulator(tls=True) as simulator:
        benchmark = Benchmark(simulator, folder)
        ratios = benchmark.compare(options.rounds, options.large)
        forks = benchmark.measure_forks(options.large or FLEET)
    print(benchmark.report(ratios, forks))


if __name__ == "__main__":
    main()

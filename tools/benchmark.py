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
import venv
from collections import defaultdict
from pathlib import Path
from typing import Any

import ansible.release
import certifi
import yaml

from tests.simulator import Simulator
from tests.support.environment import isolated, short_folder

WORK = Path(__file__).resolve().parents[1] / ".work" / "benchmark"
CLI = WORK / "venv-cli" / "bin" / "cortex"
COPIES = 10  # even, so that the last copy leaves the first token stored
FLEET = 50
API_KEY = "ck_live_bench_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
TOKENS = ("u+EXAMPLExxxxxxxab12", "u+EXAMPLExxxxxxxcd34")
BAD_TOKEN = "u+EXAMPLExxxxxxxbad1"
STORED = {"token": TOKENS[0], "is_token_readonly": True}
# The tasks of each row for one workspace. $token differs from copy to copy, $first is the token that is stored before.
TASKS = """\
nothing to change: [cortexapps.cortex.cortex_pagerduty_config: {token: $first, is_token_readonly: true}]
ping: [ansible.builtin.ping: {}]
nothing to change, one uri GET:
- &read
  register: stored
  ansible.builtin.uri:
    url: "$api/default-configuration"
    headers: &headers {Authorization: "Bearer {{ cortex_pagerduty_api_key }}"}
change and validate:
- cortexapps.cortex.cortex_pagerduty_config: &change {token: $token, is_token_readonly: true, validate: true}
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
# The vendor's command line. Its `add` sends a body that the API refuses.
change and validate, cortexapps-cli:
- {failed_when: false, ansible.builtin.command: $cli get-default}
- {failed_when: false, ansible.builtin.command: $cli add --alias default --api-key $token --is-default}
- {failed_when: false, ansible.builtin.command: $cli validate-all}
change and validate, with preflight:
- cortexapps.cortex.cortex_pagerduty_config: {<<: *change, preflight: true, preflight_url: "$pagerduty"}
invalid token, rolled back:
- cortexapps.cortex.cortex_pagerduty_config: {<<: *change, token: $bad, rollback: true, previous_token: $first}
  ignore_errors: true
change and validate, as an ordinary module:
- {cortexapps.cortex.cortex_pagerduty_config: *change, become: true, become_method: as_is}
"""
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
        simulator.reject_token(BAD_TOKEN)
        names = {"first": TOKENS[0], "bad": BAD_TOKEN, "pagerduty": simulator.pagerduty_url}
        names["api"] = "{{ lookup('env', 'CORTEX_BASE_URL') }}/api/v1/pagerduty"
        names["cli"] = f"{CLI} integrations pagerduty"
        template = string.Template(TASKS)
        # Of the second token and of the first, by the name of the row.
        self.tasks: list[Any] = [yaml.safe_load(template.substitute(names, token=each)) for each in reversed(TOKENS)]
        # For each row: the arguments of ansible-playbook, and how often it does the same.
        self.subjects: dict[str, tuple[list[str], int]] = {}
        for name in self.tasks[0]:
            playbook = self.play([task for tasks in self.tasks * (COPIES // 2) for task in tasks[name]])
            self.subjects[name] = ([playbook, "-e", f"cortex_pagerduty_api_key={API_KEY}"], COPIES)
        self.add_fleet(FLEET, "rollout", "uri tasks", "ping", "audit")
        # For each row and round: seconds of CPU (of all processes) and by the clock, requests and connections.
        self.costs: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)

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

    def run(self, *arguments: str) -> tuple[float, ...]:
        """Run ansible-playbook, which must succeed."""
        self.simulator.clear_log()
        command = ["ansible-playbook", *arguments]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
        if done.returncode:
            sys.exit(f"{command} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cpu, wall, len(self.simulator.requests), self.simulator.connections

    def measure(self, name: str) -> float:
        """Measure a row once more; return the CPU time of one task. The start of a run is not part of it."""
        arguments, size = self.subjects[name]
        base = self.run(self.play([])) if size == COPIES else (0.0,) * 4
        cost = tuple((all_ - none) / size for all_, none in zip(self.run(*arguments), base, strict=True))
        self.costs[name].append(cost)
        return cost[0]

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
    """Measure, print the tables of the performance guide, and write the results as JSON."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured")
    parser.add_argument("--large", type=int, default=1000, help="workspaces of the large rollout; 0: none")
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


if __name__ == "__main__":
    main()

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark: this collection beside what people would use instead, on one machine and in one run.

Everything talks over loopback TLS to the simulator, which runs in this process, so that its CPU time is not counted.
The two contestants of a comparison run in turn, pair by pair, and the ratio is taken within a pair: what else the
machine does hits them alike. CPU time is user and system time of ansible-playbook and all its processes.

One task's cost is that of a play with COPIES copies of it, less that of an empty play, divided by COPIES.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import certifi

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".work" / "benchmark"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance_guide.rst"
CLI = WORK / "venv-cli" / "bin" / "cortex"

COPIES = 10
# Workspaces. Large fleets take long: above the first only the last of the numbers of forks is measured, above the
# second only the rollout.
LARGEST_WITH_ALL_FORKS, LARGEST_COMPARISON = 50, 200
API_KEY = "ck_live_bench_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
TOKENS = ("u+EXAMPLExxxxxxxab12", "u+EXAMPLExxxxxxxcd34")
API = "/api/v1/pagerduty"

Task = dict[str, Any]

# Runs a program from a process that is smaller than it: Linux counts the memory of the process that starts a program as
# the program's own.
LAUNCHER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
assert status == 0
print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


class Cost(NamedTuple):
    """What a run cost: seconds of CPU and by the clock, and what the simulator saw."""

    cpu: float
    wall: float
    requests: float
    connections: float
    handshakes: float

    def per(self, count: int, base: Cost) -> Cost:
        """Return the cost of one of `count` equal things, `base` being the cost of none of them."""
        return Cost(*((mine - of_base) / count for mine, of_base in zip(self, base, strict=True)))


class Comparison(NamedTuple):
    """Two contestants whose ratio of CPU time is to stay below a limit."""

    text: str
    mine: str
    other: str
    limit: float


class Limit(NamedTuple):
    """A ratio that is to stay below a limit.

    `of_cheapest` is that of the cheapest runs: what else a machine does makes a run dearer and never cheaper.
    """

    text: str
    ratios: list[float]
    limit: float
    of_cheapest: float | None = None

    @property
    def verdict(self) -> str:
        """Say whether the median stays below the limit."""
        return f"at most {self.limit:.2f}: {'met' if self.median <= self.limit else 'NOT MET'}"

    @property
    def spread(self) -> str:
        """Return the median and the range."""
        return f"{self.median:.2f} ({min(self.ratios):.2f}-{max(self.ratios):.2f})"

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)


def module(token: str = TOKENS[0], **options: object) -> list[Task]:
    return [{"cortexapps.cortex.cortex_pagerduty_config": {"token": token, "is_token_readonly": True, **options}}]


def uri(method: str, path: str, body: Task | None = None, **keywords: object) -> Task:
    """Return a hand-written task that calls the API."""
    arguments: Task = {
        "url": "{{ lookup('env', 'CORTEX_BASE_URL') }}" + API + path,
        "method": method,
        "headers": {"Authorization": "Bearer {{ cortex_pagerduty_api_key }}"},
    }
    if body:
        arguments |= {"body_format": "json", "body": body}
    return {"ansible.builtin.uri": arguments, **keywords}


def uri_recipe(token: str = TOKENS[0]) -> list[Task]:
    """Return what people write by hand: look, replace when it differs, validate when it was replaced."""
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


NOTHING = "nothing to change: module"
URI_GET = "nothing to change: one uri GET"
# The system's CA store is a hashed directory, as on Debian and Ubuntu, and not one file, as on Red Hat.
HASHED = ", hashed CA store"
MODULE, URI_TASKS, ROLLOUT = "module", "three uri tasks", "rollout"
# A rollout has each workspace validated; the recipe by hand only reads where there is nothing to change.
UNVALIDATED = ", no validation"
CHANGING = "change and validate: "
CHANGE = f"{CHANGING}module"
PING: list[Task] = [{"ansible.builtin.ping": {}}]
ADD = f"add --alias default --api-key {TOKENS[1]} --is-default"


COMPARISONS = [
    Comparison("nothing to change, CPU beside ping", NOTHING, "ping", 1.25),
    Comparison("nothing to change, CPU beside one uri GET", NOTHING, URI_GET, 0.90),
    Comparison(f"nothing to change{HASHED}, CPU beside ping", f"{NOTHING}{HASHED}", "ping", 1.25),
    Comparison(f"nothing to change{HASHED}, CPU beside one uri GET", f"{NOTHING}{HASHED}", f"{URI_GET}{HASHED}", 0.90),
    Comparison("change and validate, CPU beside three uri tasks", CHANGE, f"{CHANGING}three uri tasks", 0.52),
    Comparison("change and validate, CPU beside cortexapps-cli", CHANGE, f"{CHANGING}cortexapps-cli", 0.35),
    Comparison("change and validate, CPU beside nothing to change", CHANGE, NOTHING, 1.10),
]


def play(tasks: list[Task], hosts: str = "localhost") -> list[Task]:
    return [
        {
            "hosts": hosts,
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": tasks,
        }
    ]


def ca_store(file: str, directory: str) -> dict[str, str]:
    """Return the environment in which these are the system's CA store."""
    return {"SSL_CERT_FILE": file, "SSL_CERT_DIR": directory, "REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}


class Bench:
    """Runs plays against a simulator and measures them."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.folder = folder
        bundle = folder / "bundle.pem"
        # As large as a system's: what loading it costs is part of the cost.
        bundle.write_bytes(Path(certifi.where()).read_bytes() + Path(simulator.ca_path or "").read_bytes())
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
            "CORTEX_BASE_URL": simulator.url,
            "CORTEX_API_KEY": API_KEY,
            **ca_store(str(bundle), str(folder / "none")),
            "REQUESTS_CA_BUNDLE": str(bundle),
        }

    def run(self, *arguments: str, forks: int = 5, env: dict[str, str] | None = None) -> Cost:
        """Run ansible-playbook, which must succeed, and return what it cost."""
        self.simulator.clear_log()
        command = ["ansible-playbook", "--forks", str(forks), *arguments]
        with (self.folder / "output").open("w") as output:
            start = time.monotonic()
            process = subprocess.Popen(
                command,
                env={**self.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _pid, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} failed:\n{(self.folder / 'output').read_text()[-4000:]}")
        simulator = self.simulator
        return Cost(
            usage.ru_utime + usage.ru_stime,
            wall,
            len(simulator.requests),
            simulator.connections,
            simulator.handshakes,
        )

    def playbook(self, content: list[Task]) -> str:
        path = self.folder / f"play-{len(list(self.folder.glob('play-*')))}.json"
        path.write_text(json.dumps(content))
        return str(path)


class Contestant(NamedTuple):
    """One way to do a piece of work: what makes the tasks of its n-th copy, and the environment it wants."""

    name: str
    tasks: Callable[[int], list[Task]]
    env: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default


def single_tasks(
    bench: Bench, rounds: int, options: list[Contestant]
) -> tuple[dict[str, list[Cost]], dict[Comparison, list[float]]]:
    """Measure what is done for one workspace, and compare it pair by pair."""
    token_for = [TOKENS[copy % 2] for copy in range(COPIES)]
    contestants = [
        Contestant("ping", lambda copy: PING),
        Contestant(NOTHING, lambda copy: module()),
        Contestant(URI_GET, lambda copy: uri_recipe()[:1]),
        Contestant("nothing to change: three uri tasks", lambda copy: uri_recipe()),
        Contestant("nothing to change: cortexapps-cli", lambda copy: cli("get-default")),
        *options,
        # Each copy brings another token than the one before it, so that each has something to change.
        Contestant(CHANGE, lambda copy: module(token_for[copy - 1], validate=True)),
        Contestant(f"{CHANGING}three uri tasks", lambda copy: uri_recipe(token_for[copy - 1])),
        Contestant(f"{CHANGING}cortexapps-cli", lambda copy: cli("get-default", ADD, "validate-all")),
    ]
    workspace = bench.simulator.workspaces["bench"]
    variables = json.dumps({"cortex_pagerduty_api_key": API_KEY})
    empty = bench.playbook(play([]))
    playbooks = {
        one.name: bench.playbook(play([task for copy in range(COPIES) for task in one.tasks(copy)]))
        for one in contestants
    }
    environments = {one.name: one.env for one in contestants}
    costs: dict[str, list[Cost]] = {one.name: [] for one in contestants}
    comparisons = [each for each in COMPARISONS if each.mine in costs and each.other in costs]
    ratios: dict[Comparison, list[float]] = {each: [] for each in comparisons}
    plan: list[tuple[Comparison | None, tuple[str, ...]]] = [(each, (each.mine, each.other)) for each in comparisons]
    compared = {name for _comparison, names in plan for name in names}
    plan += [(None, (name,)) for name in costs if name not in compared]

    def measure(name: str, base: Cost) -> Cost:
        workspace.configuration = {"token": TOKENS[0], "is_token_readonly": True}
        cost = bench.run(playbooks[name], "-e", variables, env=environments[name]).per(COPIES, base)
        costs[name].append(cost)
        return cost

    for number in range(rounds):
        for comparison, names in plan:
            base = bench.run(empty)
            # Whichever runs first finds the machine in another state: they take turns.
            cpu = {name: measure(name, base).cpu for name in names[:: -1 if number % 2 else 1]}
            if comparison:
                ratios[comparison].append(cpu[comparison.mine] / cpu[comparison.other])
        print(f"round {number + 1} of {rounds} done", file=sys.stderr, flush=True)
    return costs, ratios


def fleets(bench: Bench, sizes: list[int], forks: list[int]) -> list[dict[str, Any]]:
    """Measure the rollout beside the recipe and ping on many workspaces with nothing to change."""
    largest = max(sizes)
    hosts = {}
    for number in range(largest):
        name, key = f"workspace-{number}", f"{API_KEY}_{number}"
        bench.simulator.add_workspace(key, name, {"token": TOKENS[0], "is_token_readonly": True})
        hosts[name] = {"cortex_pagerduty_api_key": key}
    shared = {"cortex_pagerduty_token": TOKENS[0], "cortex_pagerduty_is_token_readonly": True}
    inventory = bench.folder / "inventory.json"
    inventory.write_text(json.dumps({"fleet": {"hosts": hosts, "vars": shared}}))
    bare = module(TOKENS[0], api_key="{{ cortex_pagerduty_api_key }}", validate=True)
    rollout = ("cortexapps.cortex.pagerduty_rollout", "-e", "cortex_workspaces=all")
    ways: dict[str, tuple[str, ...]] = {
        ROLLOUT: rollout,
        f"{ROLLOUT}{UNVALIDATED}": (*rollout, "-e", "cortex_pagerduty_validate=false"),
        MODULE: (bench.playbook(play(bare, "all")),),
        URI_TASKS: (bench.playbook(play(uri_recipe(), "all")),),
        "ping": (bench.playbook(play(PING, "all")),),
    }
    rows = []
    for size, fork in itertools.product(sizes, forks):
        if size > LARGEST_WITH_ALL_FORKS and fork != forks[-1]:
            continue
        row: dict[str, Any] = {"workspaces": size, "forks": fork}
        for name, arguments in ways.items():
            if size > LARGEST_COMPARISON and name != ROLLOUT:
                continue
            limit = ("--limit", f"fleet[0:{size - 1}]")
            row[name] = bench.run(*arguments, "-i", str(inventory), *limit, forks=fork)._asdict()
        rows.append(row)
        print(f"{size} workspaces with {fork} forks done", file=sys.stderr, flush=True)
    return rows


def payloads(bench: Bench, rounds: int) -> dict[str, dict[str, float]]:
    """Measure the modules' own processes: bytes sent, milliseconds of CPU and of imports, KiB of memory at most."""
    arguments = {
        "ping": PING,
        "uri": uri_recipe()[:1],
        "cortex_pagerduty_config": module(),
    }
    folder = bench.folder / "payloads"
    files = {}
    for name, tasks in arguments.items():
        variables = json.dumps({"cortex_pagerduty_api_key": API_KEY})
        bench.run(
            bench.playbook(play(tasks)),
            "-e",
            variables,
            env={"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TEMP": str(folder)},
        )
        files[name] = next(folder.glob(f"*/AnsiballZ_{name}.py"))
    usages: dict[str, list[list[float]]] = {name: [] for name in files}
    for _round, (name, path) in itertools.product(range(rounds), files.items()):
        command: list[str | Path] = [sys.executable, "-S", "-c", LAUNCHER, sys.executable, path]
        usages[name].append(json.loads(subprocess.check_output(command, env=bench.env)))
    result = {}
    for name, path in files.items():
        trace = subprocess.run(
            [sys.executable, "-X", "importtime", path],
            env=bench.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        result[name] = {
            "payload_bytes": path.stat().st_size,
            "cpu_ms": 1000 * statistics.median(cpu for cpu, _memory in usages[name]),
            "memory_kib": statistics.median(memory for _cpu, memory in usages[name]),
            "import_basic_ms": import_time(trace, r"ansible\.module_utils\.basic"),
            "import_requests_ms": import_time(trace, "requests"),
            "import_own_ms": import_time(trace, r"ansible_collections\.cortexapps\S*", own=True),
        }
    return result


def import_time(trace: str, name: str, *, own: bool = False) -> float:
    """Return the milliseconds that modules of a name took to import, with (or without) what they import."""
    lines = re.findall(rf"import time: +(\d+) \| +(\d+) \| +{name}$", trace, re.MULTILINE)
    return sum(int(line[0 if own else 1]) for line in lines) / 1000


def limits(
    costs: dict[str, list[Cost]],
    ratios: dict[Comparison, list[float]],
    rows: list[dict[str, Any]],
    processes: dict[str, dict[str, float]],
) -> list[Limit]:
    """Return the limits and what was measured for them."""
    memory = processes["cortex_pagerduty_config"]["memory_kib"] / processes["ping"]["memory_kib"]
    cheapest = {name: min(cost.cpu for cost in measured) for name, measured in costs.items()}
    found = [
        *(
            Limit(each.text, measured, each.limit, cheapest[each.mine] / cheapest[each.other])
            for each, measured in ratios.items()
        ),
        Limit("the module's process, memory beside ping", [memory], 1.15),
    ]
    fifty = [row for row in rows if row["workspaces"] == 50]
    if fifty:
        for way, other, limit in (
            (ROLLOUT, URI_TASKS, 0.80),
            (f"{ROLLOUT}{UNVALIDATED}", URI_TASKS, 0.80),
            (ROLLOUT, MODULE, 1.60),
        ):
            cpu = [row[way]["cpu"] / row[other]["cpu"] for row in fifty]
            found.append(Limit(f"{way}, 50 workspaces, CPU beside {other}", cpu, limit))
    largest = max((row["workspaces"] for row in rows), default=0)
    if fifty and largest > 50:
        per_workspace = {
            size: statistics.median(row[ROLLOUT]["cpu"] for row in rows if row["workspaces"] == size) / size
            for size in (50, largest)
        }
        found.append(
            Limit(
                f"CPU per workspace, {largest} beside 50 workspaces", [per_workspace[largest] / per_workspace[50]], 1.10
            )
        )
    return found


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table that a terminal and reStructuredText show alike."""
    content = [header, *rows]
    widths = [max(len(row[column]) for row in content) for column in range(len(header))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in content]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def report(
    costs: dict[str, list[Cost]], rows: list[dict[str, Any]], processes: dict[str, dict[str, float]], found: list[Limit]
) -> str:
    """Return the results as text."""

    def median(name: str, field: str) -> float:
        return float(statistics.median(getattr(cost, field) for cost in costs[name]))

    tasks = table(
        ("one workspace", "CPU", "wall", "requests", "connections", "TLS handshakes"),
        (
            (
                name,
                f"{1000 * median(name, 'cpu'):.0f} ms",
                f"{1000 * median(name, 'wall'):.0f} ms",
                *(f"{median(name, field):g}" for field in ("requests", "connections", "handshakes")),
            )
            for name in costs
        ),
    )
    start = table(
        ("the module's process", "payload", "CPU", "memory", "imports: basic", "requests", "own"),
        (
            (
                name,
                f"{values['payload_bytes'] / 1024:.0f} KiB",
                f"{values['cpu_ms']:.0f} ms",
                f"{values['memory_kib'] / 1024:.1f} MiB",
                *(f"{values[f'import_{part}_ms']:.0f} ms" for part in ("basic", "requests", "own")),
            )
            for name, values in processes.items()
        ),
    )
    ways = [name for name in (rows[0] if rows else {}) if name not in ("workspaces", "forks")]
    fleet = table(
        ("workspaces", "forks", *ways),
        (
            (
                str(row["workspaces"]),
                str(row["forks"]),
                *(f"{row[name]['cpu']:.1f}, {row[name]['wall']:.1f}" if name in row else "—" for name in ways),
            )
            for row in rows
        ),
    )
    verdicts = table(
        ("ratio", "median (range)", "of the cheapest runs", "limit for the median"),
        (
            (each.text, each.spread, "—" if each.of_cheapest is None else f"{each.of_cheapest:.2f}", each.verdict)
            for each in found
        ),
    )
    return "\n\n".join(
        [tasks, start, *(["Many workspaces, seconds of CPU and by the clock:", fleet] if rows else []), verdicts]
    )


def hashed_store(bench: Bench) -> list[Contestant]:
    """Return contestants with a hashed directory as the system's CA store, where openssl is there to make one."""
    folder = bench.folder / "hashed"
    folder.mkdir()
    certificates = re.findall(
        "-----BEGIN .*?-----END [^\n]*\n", Path(bench.env["SSL_CERT_FILE"]).read_text(), re.DOTALL
    )
    for number, certificate in enumerate(certificates):
        (folder / f"{number}.pem").write_text(certificate)
    try:
        subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print("without openssl no hashed directory is measured", file=sys.stderr)
        return []
    env = ca_store(str(bench.folder / "none"), str(folder))
    return [
        Contestant(f"{name}{HASHED}", tasks, env)
        for name, tasks in ((NOTHING, lambda copy: module()), (URI_GET, lambda copy: uri_recipe()[:1]))
    ]


def install_cli() -> None:
    """Install the vendor's command line into a virtual environment of its own."""
    if not CLI.is_file():
        print("Installing cortexapps-cli", file=sys.stderr, flush=True)
        venv.create(CLI.parents[1], with_pip=True, clear=True)
        requirements = ROOT / "tools" / "requirements-cli.txt"
        subprocess.run([CLI.with_name("python"), "-m", "pip", "install", "-q", "-r", requirements], check=True)


def main() -> None:
    """Measure, print, and write the results as JSON and, if asked to, into the guide."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each task is measured")
    parser.add_argument("--fleet", default="1,10,50", help="numbers of workspaces; all: 1,10,50,200,1000")
    parser.add_argument("--forks", default="1,2,5,20", help="numbers of forks")
    parser.add_argument("--write-guide", action="store_true", help=f"put the results into {GUIDE.relative_to(ROOT)}")
    options = parser.parse_args()
    sizes = (
        [1, 10, 50, 200, 1000] if options.fleet == "all" else [int(size) for size in options.fleet.split(",") if size]
    )
    forks = [int(fork) for fork in options.forks.split(",")]

    WORK.mkdir(parents=True, exist_ok=True)
    install_cli()
    with tempfile.TemporaryDirectory() as folder, Simulator(tls=True) as simulator:
        simulator.add_workspace(API_KEY, "bench")
        bench = Bench(simulator, Path(folder))
        costs, ratios = single_tasks(
            bench,
            options.rounds,
            [
                *hashed_store(bench),
                Contestant(f"{NOTHING}, pipelining", lambda copy: module(), {"ANSIBLE_PIPELINING": "1"}),
            ],
        )
        processes = payloads(bench, 3 * options.rounds)
        rows = fleets(bench, sizes, forks) if sizes else []
    found = limits(costs, ratios, rows, processes)
    text = report(costs, rows, processes, found)
    print(text)
    results = {
        "tasks": {name: [cost._asdict() for cost in measured] for name, measured in costs.items()},
        "processes": processes,
        "fleets": rows,
        "limits": [{**each._asdict(), "median": each.median, "met": each.median <= each.limit} for each in found],
    }
    (WORK / "results.json").write_text(json.dumps(results, indent=2))
    print(f"\nAll numbers are in {(WORK / 'results.json').relative_to(ROOT)}.")
    if options.write_guide:
        begin, end = ".. results begin\n", ".. results end\n"
        before, _old, after = re.split(f"({re.escape(begin)}.*{re.escape(end)})", GUIDE.read_text(), flags=re.DOTALL)
        GUIDE.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")


if __name__ == "__main__":
    main()

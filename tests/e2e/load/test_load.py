# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollouts to many workspaces at a time."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.e2e.secrets.playbook import ROLLOUT
from tests.simulator import Simulator
from tests.support.cortex import GET, OTHER_TOKEN, POST, TOKEN, TWIN_TOKEN, VALIDATE, api_key_of
from tests.support.environment import isolated

CONVERGE = [GET, POST, VALIDATE]
OLD = {"token": OTHER_TOKEN, "is_token_readonly": False}
NEW = {"token": TOKEN, "is_token_readonly": True}

FORKS = 20
# Workspaces whose requests exceed the limit, and the seconds that are left then of the minute that it counts in.
LIMITED = 10
SECONDS_LEFT = 12
# What the controller's memory may grow by between the first tenth of the requests and the last, in KiB: Ansible keeps
# each host's results until the play ends.
GROWTH_PER_WORKSPACE = 8
GROWTH_OF_ANY_RUN = 8 * 1024
# Seconds.
SAMPLE_EVERY = 0.5
TIMEOUT_PER_WORKSPACE = 5


@dataclass
class Run:
    """What came of a rollout. `memory` has the resident KiB of the controller after how many requests."""

    status: int
    failed: set[str]
    memory: list[tuple[int, int]]

    def growth(self, requests_in_all: int) -> int:
        """Return by how many KiB the controller grew after a tenth of the requests."""
        begun = [kib for count, kib in self.memory if count >= requests_in_all / 10]
        return max(begun) - begun[0]


class Clock:
    """Stands still until a request comes after `begin`, so that it does not matter how long Ansible takes to start."""

    def __init__(self) -> None:
        self._now = 0.0
        self._has_begun = False
        self._started: float | None = None

    def begin(self, now: float) -> None:
        self._now = now
        self._has_begun = True

    def __call__(self) -> float:
        if not self._has_begun:
            return self._now
        if self._started is None:
            self._started = time.monotonic()
        return self._now + time.monotonic() - self._started


def rollout(folder: Path, simulator: Simulator, hosts: dict[str, dict[str, Any]]) -> Run:
    """Roll TOKEN out to `hosts`, each with variables of its own, and watch the controller."""
    group = {
        "hosts": {
            name: {"cortex_pagerduty_api_key": api_key_of(name), **variables} for name, variables in hosts.items()
        },
        "vars": {
            "cortex_pagerduty_base_url": simulator.url,
            "cortex_pagerduty_ca_path": simulator.ca_path,
            "cortex_pagerduty_token": TOKEN,
            "cortex_pagerduty_is_token_readonly": True,
        },
    }
    inventory = folder / "workspaces.yml"
    inventory.write_text(yaml.safe_dump({"cortex": group}))
    options = ("-i", str(inventory), "-e", "cortex_workspaces=cortex", "--forks", str(FORKS))
    deadline = time.monotonic() + 60 + TIMEOUT_PER_WORKSPACE * len(hosts)
    memory = []
    output = folder / "output"
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "ansible", "playbook", ROLLOUT, *options],
            cwd=folder,
            env=isolated(folder),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None and time.monotonic() < deadline:
                size = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, check=False)
                if size.stdout.strip():
                    memory.append((simulator.state.totals["requests"], int(size.stdout)))
                time.sleep(SAMPLE_EVERY)
        finally:
            process.terminate()
            status = process.wait()
    recap = re.findall(r"^(\S+) +: ok=.* unreachable=(\d+) +failed=(\d+) ", output.read_text(), re.MULTILINE)
    assert {line[0] for line in recap} == hosts.keys(), output.read_text()[-3000:]
    failed = {host for host, *counts in recap if counts != ["0", "0"]}
    return Run(status, failed, memory)


def test_every_workspace_converges_with_no_more_retries_than_the_limit_forces(tmp_path: Path, is_long: bool) -> None:
    """The limit allows just the requests that are needed. Of some workspaces, one was used up a while before."""
    names = [f"team-{number:04}" for number in range(1000 if is_long else 40)]
    limited = names[:LIMITED]
    clock = Clock()
    with Simulator(tls=True, rate_limit=len(CONVERGE), clock=clock) as simulator:
        for name in names:
            simulator.add_workspace(api_key_of(name), name)
        for name in limited:
            use_up_a_request(simulator, name)
        simulator.clear_log()
        clock.begin(60 - SECONDS_LEFT)

        run = rollout(tmp_path, simulator, {name: {} for name in names})
        assert (run.status, run.failed) == (0, set())
        stored = {name: simulator.workspaces[name].configuration for name in names}
        assert {name: stored[name] for name in names if stored[name] != NEW} == {}
        logs = requests_by_workspace(simulator)
        accepted = {name: [request for request, status in logs[name] if status != 429] for name in names}
        assert {name: accepted[name] for name in names if accepted[name] != CONVERGE} == {}
        refused = Counter({name: sum(status == 429 for _request, status in logs[name]) for name in names})
        assert set(+refused) <= set(limited)
        assert max(refused.values()) == 1
        # One connection for all requests of a workspace, also after it was refused.
        assert simulator.connections == len(names)
        assert run.growth(len(simulator.log)) < GROWTH_PER_WORKSPACE * len(names) + GROWTH_OF_ANY_RUN


def test_only_the_workspaces_that_fail_are_reported_and_the_others_are_finished(tmp_path: Path, is_long: bool) -> None:
    names = [f"team-{number:04}" for number in range(200 if is_long else 30)]
    failing = names[7::10]
    wrong_key, down, not_valid = failing[0::3], failing[1::3], failing[2::3]
    variables: dict[str, dict[str, Any]] = {name: {} for name in names}
    with Simulator(tls=True) as simulator:
        simulator.reject_token(TWIN_TOKEN)
        for name in names:
            simulator.add_workspace(api_key_of(name), name, OLD if name in failing else None)
        for name in wrong_key:
            variables[name]["cortex_pagerduty_api_key"] = f"{api_key_of(name)}-expired"
        for name in down:
            simulator.workspaces[name].fault("any", status=503, times=None)
            variables[name]["cortex_pagerduty_retries"] = 1
        for name in not_valid:
            variables[name] |= {
                "cortex_pagerduty_token": TWIN_TOKEN,
                "cortex_pagerduty_previous_token": OTHER_TOKEN,
            }

        run = rollout(tmp_path, simulator, variables)
        assert (run.status, run.failed) == (2, set(failing))
        stored = {name: simulator.workspaces[name].configuration for name in names}
        assert stored == {name: OLD if name in failing else NEW for name in names}
        logs = requests_by_workspace(simulator)
        others = [name for name in names if name not in failing]
        assert {name: simulator.workspaces[name].requests for name in others} == dict.fromkeys(others, CONVERGE)
        assert [logs[name] for name in down] == [[(GET, 503)] * 2] * len(down)


def use_up_a_request(simulator: Simulator, name: str) -> None:
    url = f"{simulator.url}{GET.partition(' ')[2]}"
    headers = {"Authorization": f"Bearer {api_key_of(name)}"}
    response = requests.get(url, headers=headers, verify=simulator.ca_path or True, timeout=30)
    assert response.status_code == 404  # there is no configuration


def requests_by_workspace(simulator: Simulator) -> dict[str, list[tuple[str, int]]]:
    logs: dict[str, list[tuple[str, int]]] = {name: [] for name in simulator.workspaces}
    for entry in simulator.log:
        if entry["workspace"]:
            logs[entry["workspace"]].append((f"{entry['method']} {entry['path']}", entry["status"]))
    return logs

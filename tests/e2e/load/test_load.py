"""A rollout to many workspaces at a time."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from tests.simulator import Simulator
from tests.support.cortex import GET, OTHER_TOKEN, POST, TOKEN, TWIN_TOKEN, VALIDATE, api_key_of, configuration
from tests.support.environment import isolated
from tests.support.programs import run

OLD = configuration(OTHER_TOKEN, is_token_readonly=False)


def test_all_workspaces_but_those_that_fail_converge_with_no_needless_request(tmp_path: Path, is_long: bool) -> None:
    names = [f"team-{number:04}" for number in range(1000 if is_long else 40)]
    limited, failing = names[:4], names[7 :: len(names) // 4]
    wrong_key, down, *not_valid = failing
    converging = [name for name in names if name not in failing]
    variables: dict[str, dict[str, Any]] = {name: {"cortex_pagerduty_api_key": api_key_of(name)} for name in names}
    variables[wrong_key]["cortex_pagerduty_api_key"] = f"{api_key_of(wrong_key)}-expired"
    variables[down]["cortex_pagerduty_retries"] = 1
    for name in not_valid:
        variables[name] |= {"cortex_pagerduty_token": TWIN_TOKEN, "cortex_pagerduty_previous_token": OTHER_TOKEN}
        variables[name]["cortex_pagerduty_preflight"] = False

    def asked() -> list[dict[str, Any]]:
        """Return the requests to PagerDuty, whose limit is for the token, which the workspaces share."""
        return [entry for entry in simulator.log if entry["operation"] == "abilities"]

    def clock() -> float:
        """Return seconds in which the first request begins a minute, which ends 2 s after the limit was exceeded."""
        refused = [float(entry["time"]) for entry in asked() if entry["status"] == 429]
        return 58 + time.monotonic() - refused[0] if refused else 58.0 * (len(asked()) > 1)

    limit = 960 if is_long else 30
    with Simulator(tls=True, pagerduty_rate_limit=limit, clock=clock) as simulator:
        shared = {
            "cortex_pagerduty_base_url": simulator.url,
            "cortex_pagerduty_ca_path": simulator.ca_path,
            "cortex_pagerduty_preflight": True,
            "cortex_pagerduty_preflight_url": simulator.pagerduty_url,
            "cortex_pagerduty_token": TOKEN,
            "cortex_pagerduty_is_token_readonly": True,
        }
        workspaces = {
            name: simulator.add_workspace(api_key_of(name), name, OLD if name in failing else None) for name in names
        }
        simulator.reject_token(TWIN_TOKEN)
        workspaces[down].fault("any", status=503, times=None)
        for name in limited:
            workspaces[name].fault("get", status=429, headers={"Retry-After": "1"})
        inventory = tmp_path / "workspaces.json"
        inventory.write_text(json.dumps({"cortex": {"hosts": variables, "vars": shared}}))
        play = ("playbook", "cortexapps.cortex.pagerduty_rollout", "-i", inventory, "-e", "cortex_workspaces=cortex")
        program = (sys.executable, "-m", "ansible", *play, "--forks", "20")
        env = {**isolated(tmp_path), "SSL_CERT_FILE": simulator.ca_path or ""}
        done = run(*program, cwd=tmp_path, env=env, timeout=60 + 5 * len(names))

        recap = re.findall(r"^(\S+) +: ok=.* unreachable=(\d+) +failed=(\d+) ", done.stdout, re.MULTILINE)
        failures = {host: (unreachable, failed) for host, unreachable, failed in recap}
        assert failures == {name: ("0", "1" if name in failing else "0") for name in names}, done.stdout[-3000:]
        stored = {name: workspaces[name].configuration for name in names}
        assert stored == {name: OLD if name in failing else configuration() for name in names}
        assert workspaces[down].requests == [GET, GET]
        # Whoever was refused, by Cortex or by PagerDuty, reads the configuration again after the wait.
        requests = [workspaces[name].requests for name in converging]
        assert [sent for sent in requests if sent != [GET] * (len(sent) - 2) + [POST, VALIDATE]] == []
        refused = len(asked()) - len(converging)
        assert refused == [entry["status"] for entry in asked()].count(429) > 0
        assert sum(map(len, requests)) == 3 * len(converging) + len(limited) + refused
        # One connection for all requests of a workspace, also after it was refused, and one to PagerDuty.
        assert simulator.connections == len(names) + len(converging)

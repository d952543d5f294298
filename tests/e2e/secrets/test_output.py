# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret gets out: every outcome, with every output turned on, and all that was written searched."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.secrets.leaks import echoes, leaks_below
from tests.e2e.secrets.outcomes import OUTCOMES, host_variables
from tests.e2e.secrets.playbook import AUDIT, ROLLOUT, TIMEOUT, everything_recorded, run_playbook
from tests.simulator import Simulator
from tests.support.environment import isolated
from tests.support.servers import recording_server

BY_NAME = {outcome.name: outcome for outcome in OUTCOMES}
VAULT_PASSWORD = "correct-horse-battery-staple-9"
SECRETS = {name: secret for outcome in OUTCOMES for name, secret in outcome.secrets.items()} | {
    "the vault's password": VAULT_PASSWORD
}


@dataclass
class Site:
    """A simulator, and what a user gives to ansible-playbook to work with it."""

    simulator: Simulator
    places: dict[str, str]
    given: Path

    def prepare(self, *, sent: Collection[str] | None = None) -> None:
        self.simulator.reset()
        for outcome in OUTCOMES:
            outcome.prepare(self.simulator, sent=sent)

    def environment(self, written: Path) -> dict[str, str]:
        return {
            **isolated(written),
            **everything_recorded(written),
            "ANSIBLE_FORKS": "8",
            "ANSIBLE_DEBUG": "1",
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "CORTEX_API_KEY": BY_NAME["from-environment"].api_key,
            "PAGERDUTY_TOKEN": BY_NAME["from-environment"].token,
            "SSL_CERT_FILE": self.simulator.ca_path or "",
        }

    @property
    def options(self) -> list[str | Path]:
        return [
            *("-i", self.given / "workspaces.yml"),
            *("-e", f"@{self.given / 'extra.yml'}"),
            *("-e", f"@{self.given / 'vault.yml'}"),
            *("--vault-password-file", self.given / "vault-password"),
            *("-e", "cortex_workspaces=cortex"),
        ]


def respond_with_echo(connection: socket.socket, head: bytes) -> None:
    """Respond as a PagerDuty that writes the token back wherever it can."""
    path, _line_end, rest = head.decode("latin-1").partition("\r\n")
    token = re.search(r"Token token=(\S+)", rest)
    echo = echoes(token[1]) if token else ""
    if "/garbage" in path:
        response = f"{echo}\r\n\r\n"
    else:
        status = f"302 {echo}" if "/moved" in path else f"401 {echo}"
        headers = f"Location: http://127.0.0.1:1/{echo}\r\nX-Echo: {echo}\r\nWWW-Authenticate: Token {echo}\r\n"
        response = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(echo)}\r\n\r\n{echo}"
    connection.sendall(response.encode("latin-1"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    given = tmp_path_factory.mktemp("given")
    with (
        Simulator(tls=True) as simulator,
        Simulator(tls="self-signed") as untrusted,
        recording_server(respond_with_echo) as pagerduty,
    ):
        token_file = given / "token"
        token_file.write_text(BY_NAME["from-file"].token)
        places = {
            "pagerduty_url": simulator.pagerduty_url,
            "untrusted_url": untrusted.url,
            "echo_url": pagerduty.url,
            "closed_url": "http://127.0.0.1:1",
            "token_file": str(token_file),
        }
        site = Site(simulator, places, given)
        write_inventory(site)
        (given / "extra.yml").write_text(yaml.safe_dump({"extra_api_key": BY_NAME["from-extra-vars"].api_key}))
        (given / "vault.yml").write_text(yaml.safe_dump({"vaulted_token": BY_NAME["from-vault"].token}))
        (given / "vault-password").write_text(VAULT_PASSWORD)
        encrypt = ("vault", "encrypt", "--vault-password-file", given / "vault-password", given / "vault.yml")
        subprocess.run(
            [sys.executable, "-m", "ansible", *map(str, encrypt)],
            env=isolated(tmp_path_factory.mktemp("vault")),
            check=True,
            capture_output=True,
        )
        yield site


def write_inventory(site: Site) -> None:
    group = {
        "hosts": {outcome.name: host_variables(outcome, site.places) for outcome in OUTCOMES},
        "vars": {
            "cortex_pagerduty_base_url": site.simulator.url,
            "cortex_pagerduty_ca_path": site.simulator.ca_path,
            "cortex_pagerduty_is_token_readonly": True,
            "cortex_pagerduty_retries": 0,
        },
    }
    (site.given / "workspaces.yml").write_text(yaml.safe_dump({"cortex": group}, sort_keys=False))


def last_results(written: Path) -> dict[str, dict[str, Any]]:
    """Return the result of each host's last task."""
    return {path.name: json.loads(path.read_text()) for path in (written / "tree").iterdir()}


def messages(written: Path) -> dict[str, str]:
    """Return what each host's failure says; of those that succeeded, an empty text."""
    return {host: result.get("msg", "") for host, result in last_results(written).items()}


@pytest.fixture(params=[True, False], ids=["in process", "as a module"])
def in_process(request: pytest.FixtureRequest) -> bool:
    """Whether the tasks run inside Ansible's own process, or with become as ordinary modules."""
    return bool(request.param)


def way(in_process: bool) -> dict[str, Any]:
    """Return the extra variables for it."""
    if in_process:
        return {}
    become = {"ansible_become": True, "ansible_become_method": "as_is"}
    return {**become, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def ran_in_process(written: Path) -> bool:
    """Tell by the files that Ansible keeps of each module."""
    return not any(written.rglob("AnsiballZ_cortex_pagerduty_config*.py"))


def test_rollout(site: Site, tmp_path: Path, in_process: bool) -> None:
    site.prepare()
    rollout = (ROLLOUT, *site.options, "-e", json.dumps(way(in_process)), "--diff")
    assert run_playbook(tmp_path, *rollout, env=site.environment(tmp_path)) == 2
    assert ran_in_process(tmp_path) == in_process
    said = messages(tmp_path)
    assert {name: said.get(name) for name, outcome in BY_NAME.items() if not outcome.fits(said.get(name))} == {}
    assert leaks_below(tmp_path, SECRETS) == []


def test_rollout_in_check_mode(site: Site, tmp_path: Path, in_process: bool) -> None:
    names = (
        "added,awkward,replaced,removed,wrong-key,sign-in,whole-token,no-boolean,preflight-accepted,preflight-refused"
    )
    site.prepare()
    check = (ROLLOUT, *site.options, "-e", json.dumps(way(in_process)), "--check", "--diff", "--limit", names)
    assert run_playbook(tmp_path, *check, env=site.environment(tmp_path)) == 2
    assert ran_in_process(tmp_path) == in_process
    assert last_results(tmp_path).keys() == set(names.split(","))
    assert leaks_below(tmp_path, SECRETS) == []


def test_audit_with_a_report(site: Site, tmp_path: Path, in_process: bool) -> None:
    names = "added,replaced,from-environment,wrong-key,moved,nowhere,whole-token,key-in-url,not-rolled-back,unreachable"
    report = tmp_path / "report.json"
    site.prepare(sent=["api_key"])
    variables = {
        "cortex_pagerduty_audit_report": str(report),
        "cortex_pagerduty_audit_strict": True,
        **way(in_process),
    }
    audit = (AUDIT, *site.options, "-e", json.dumps(variables), "--diff")
    assert run_playbook(tmp_path, *audit, "--limit", names, env=site.environment(tmp_path)) == 2
    assert ran_in_process(tmp_path) == in_process
    assert {row["workspace"] for row in json.loads(report.read_text())["workspaces"]} == set(names.split(","))
    assert leaks_below(tmp_path, SECRETS) == []


def test_jobs_of_ansible_runner(site: Site, tmp_path: Path, in_process: bool) -> None:
    """What AWX does, with the modules and the role used in other ways, and the rollout at the end."""
    names = "awkward,bad-request,rollback-off"
    written = tmp_path / "written"
    private = tmp_path / "private"
    for folder in ("env", "inventory", "project"):
        (private / folder).mkdir(parents=True)
    written.mkdir()
    shutil.copy(site.given / "workspaces.yml", private / "inventory")
    shutil.copy(Path(__file__).parent / "tasks" / "jobs.yml", private / "project")
    variables = {"cortex_workspaces": "cortex", "extra_api_key": "unused", **way(in_process)}
    (private / "env" / "extravars").write_text(json.dumps(variables))
    (private / "env" / "cmdline").write_text(f"--diff --limit {names}")
    # ansible-runner writes the environment that it is given into its artifacts: no secret is in it.
    env = {**isolated(written), **everything_recorded(written), "ANSIBLE_FORKS": "4"}
    run = ("run", str(private), "-p", "jobs.yml", "--artifact-dir", str(written / "artifacts"), "--ident", "job")
    site.prepare()
    done = subprocess.run(
        [sys.executable, "-m", "ansible_runner", *run],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    (written / "stdout").write_text(done.stdout + done.stderr)
    assert done.returncode == 2, done.stdout[-2000:] + done.stderr[-2000:]
    assert last_results(written).keys() == set(names.split(","))
    assert list((written / "artifacts" / "job" / "job_events").glob("*.json"))
    assert leaks_below(written, SECRETS) == []

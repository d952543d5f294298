# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret gets out: every outcome, with every output turned on, and all that was written searched."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.marks import path_without_shell_characters
from tests.support.servers import recording_server
from tests.support.vault import encrypt

from .leaks import PAYLOADS, echoes, leaks_below
from .outcomes import OUTCOMES, host_variables
from .playbook import AUDIT, ROLLOUT, everything_debugged, run_playbook

pytestmark = path_without_shell_characters

BY_NAME = {outcome.name: outcome for outcome in OUTCOMES}
VAULT_PASSWORD = "correct-horse-battery-staple-9"
SECRETS = {name: secret for outcome in OUTCOMES for name, secret in outcome.secrets.items()} | {
    "the vault's password": VAULT_PASSWORD
}
AS_MODULE = {
    "ansible_become": True,
    "ansible_become_method": "as_is",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


@pytest.fixture(params=[{}, AS_MODULE], ids=["in process", "as a module"])
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The variables for a way to run tasks: inside Ansible's own process, or with become as ordinary modules."""
    variables: dict[str, Any] = request.param
    return variables


@dataclass
class Site:
    """A simulator, and a folder with what a user gives to Ansible to work with it."""

    simulator: Simulator
    given: Path

    def prepare(self, sent: Collection[str] | None = None) -> None:
        self.simulator.reset()
        for outcome in OUTCOMES:
            outcome.prepare(self.simulator, sent=sent)

    def play(self, folder: Path, playbook: str, *options: str, way: dict[str, Any], **variables: Any) -> None:
        """Run a playbook one way, in which hosts fail, and search all that was written for secrets."""
        inputs: list[str | Path] = ["-i", self.given / "workspaces.yml"]
        inputs += ["-e", f"@{self.given / 'extra.yml'}", "-e", f"@{self.given / 'vault.yml'}"]
        inputs += ["--vault-password-file", self.given / "vault-password"]
        inputs += ["-e", json.dumps({"cortex_workspaces": "cortex", **way, **variables})]
        env = {
            **everything_debugged(folder),
            "ANSIBLE_FORKS": "8",
            "CORTEX_API_KEY": BY_NAME["from-environment"].api_key,
            "PAGERDUTY_TOKEN": BY_NAME["from-environment"].token,
            "SSL_CERT_FILE": self.simulator.ca_path or "",
        }
        assert run_playbook(folder, playbook, *inputs, "--diff", *options, env=env) == 2
        # Ansible keeps the payload of each module.
        assert any(folder.rglob(PAYLOADS)) == bool(way)
        assert leaks_below(folder, SECRETS) == []


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
        places = {
            "pagerduty_url": simulator.pagerduty_url,
            "untrusted_url": untrusted.url,
            "echo_url": pagerduty.url,
            "closed_url": "http://127.0.0.1:1",
            "token_file": str(given / "token"),
        }
        group = {
            "hosts": {outcome.name: host_variables(outcome, places) for outcome in OUTCOMES},
            "vars": {
                "cortex_pagerduty_base_url": simulator.url,
                "cortex_pagerduty_ca_path": simulator.ca_path,
                "cortex_pagerduty_is_token_readonly": True,
                "cortex_pagerduty_retries": 0,
            },
        }
        files = {
            "token": BY_NAME["from-file"].token,
            "workspaces.yml": yaml.safe_dump({"cortex": group}, sort_keys=False),
            "extra.yml": f"extra_api_key: {BY_NAME['from-extra-vars'].api_key}\n",
            "vault.yml": encrypt(f"vaulted_token: {BY_NAME['from-vault'].token}\n", VAULT_PASSWORD),
            "vault-password": VAULT_PASSWORD,
        }
        for name, text in files.items():
            (given / name).write_text(text)
        yield Site(simulator, given)


def last_results(written: Path) -> dict[str, dict[str, Any]]:
    """Return the result of each host's last task."""
    return {path.name: json.loads(path.read_text()) for path in (written / "tree").iterdir()}


def test_rollout(site: Site, tmp_path: Path, way: dict[str, Any]) -> None:
    site.prepare()
    site.play(tmp_path, ROLLOUT, way=way)
    said = {host: result.get("msg", "") for host, result in last_results(tmp_path).items()}
    assert {name: said.get(name) for name, outcome in BY_NAME.items() if not outcome.fits(said.get(name))} == {}


def test_rollout_in_check_mode(site: Site, tmp_path: Path, way: dict[str, Any]) -> None:
    names = (
        "added,awkward,replaced,removed,wrong-key,sign-in,whole-token,no-boolean,preflight-accepted,preflight-refused"
    )
    site.prepare()
    site.play(tmp_path, ROLLOUT, "--check", "--limit", names, way=way)
    assert last_results(tmp_path).keys() == set(names.split(","))


def test_audit_with_a_report(site: Site, tmp_path: Path, way: dict[str, Any]) -> None:
    names = "added,replaced,from-environment,wrong-key,moved,nowhere,whole-token,key-in-url,not-rolled-back,unreachable"
    report = tmp_path / "report.json"
    site.prepare(sent=["api_key"])
    settings = {"cortex_pagerduty_audit_report": str(report), "cortex_pagerduty_audit_strict": True}
    site.play(tmp_path, AUDIT, "--limit", names, way=way, **settings)
    assert {row["workspace"] for row in json.loads(report.read_text())["workspaces"]} == set(names.split(","))


def test_jobs_of_ansible_runner(site: Site, tmp_path: Path, way: dict[str, Any]) -> None:
    """What AWX does, with the modules and the role used in other ways, and the rollout at the end."""
    names = "added,awkward,bad-request,rollback-off"
    written = tmp_path / "written"
    private = tmp_path / "private"
    for folder in (written, private / "env", private / "inventory", private / "project"):
        folder.mkdir(parents=True)
    shutil.copy(site.given / "workspaces.yml", private / "inventory")
    shutil.copy(Path(__file__).parent / "tasks" / "jobs.yml", private / "project")
    variables = {"cortex_workspaces": "cortex", "extra_api_key": "unused", **way}
    (private / "env" / "extravars").write_text(json.dumps(variables))
    (private / "env" / "cmdline").write_text(f"--diff --limit {names}")
    # ansible-runner writes the environment that it is given into its artifacts: no secret is in it.
    job = ("run", private, "-p", "jobs.yml", "--artifact-dir", written / "artifacts", "--ident", "job")
    site.prepare()
    assert run_playbook(written, *job, program=["ansible_runner"], env={"ANSIBLE_FORKS": "4"}) == 2
    assert last_results(written).keys() == set(names.split(","))
    assert list((written / "artifacts" / "job" / "job_events").glob("*.json"))
    assert leaks_below(written, SECRETS) == []

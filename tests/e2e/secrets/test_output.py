"""No secret gets out: every outcome and every output at once, and all that was written searched."""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import string
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.disguises import FORMS
from tests.support.environment import isolated, short_folder
from tests.support.leaks import PAYLOADS, leaks_below
from tests.support.programs import plain_path, run
from tests.support.servers import recording_server
from tests.support.vault import encrypt

pytestmark = plain_path

HERE = Path(__file__).parent
GROUPS = yaml.safe_load((HERE / "tasks" / "workspaces.yml").read_text(encoding="utf-8"))
HOSTS: dict[str, dict[str, Any]] = {
    host: {**GROUPS["all"]["vars"], **group.get("vars", {}), **variables}
    for group in GROUPS.values()
    for host, variables in group.get("hosts", {}).items()
}
ERROR = dict.fromkeys(("message", "type", "requestId", "details"), "{echo}")
AS_MODULE = {
    "ansible_become": True,
    "ansible_become_method": "as_is",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}
PASSWORDS = {"vault": "correct-horse-battery-staple-9", "proxy": "proxy-4Wm8NbY3rHs6", "netrc": "netrc-9Xk2LpQ7vTz4"}


def invent(host: str) -> dict[str, str]:
    """Return the secrets of a host, the same in each process."""
    choice = random.Random(host)  # noqa: S311 - not a secret
    key, token, previous = ("".join(choice.choices(string.ascii_letters + string.digits, k=18)) for _each in range(3))
    if host == "awkward" or "faults" in HOSTS[host]:
        # They look different in JSON, in HTML and in a URL.
        key, token = f'{key[:9]}"/<&%+\\{key[9:]}', f'/"\\{token}<&%+'
    own = {"api_key": f"ck_live_{key}", "token": f"u+{token}", "previous_token": f"y_{previous}"}
    return {**own, **HOSTS[host]["literal"]}


SECRETS = {host: invent(host) for host in HOSTS}
ALL_SECRETS = PASSWORDS | {f"{name} of {host}": value for host in HOSTS for name, value in SECRETS[host].items()}


def prepare(simulator: Simulator) -> None:
    """Create the workspaces and their faults. Each echo comes in another form."""
    forms = cycle(FORMS.values())
    for host, outcome in HOSTS.items():
        secrets = SECRETS[host]
        stored = {"token": secrets["previous_token"], "is_token_readonly": True} if outcome["stored"] else None
        workspace = simulator.add_workspace(secrets["api_key"], host, stored)
        if not outcome["accepted"]:
            simulator.reject_token(secrets["token"])
        for fault in outcome.get("faults", []):
            text = json.dumps({"times": None, "headers": {"X-Echo": "{echo}"}, "body": ERROR, **fault})
            while "{echo}" in text:
                echo = " ".join(map(next(forms), (secrets[name] for name in outcome["echoed"]))).replace("\n", " ")
                text = text.replace("{echo}", json.dumps(echo)[1:-1], 1)
            workspace.fault(**json.loads(text))


def respond_with_echo(connection: socket.socket, head: bytes) -> None:
    """Respond as a PagerDuty that writes the token back wherever it can."""
    token = re.findall(rb"Token token=(\S+)", head)[0].decode("latin-1")
    echo = " ".join(form(token).replace("\n", " ") for form in FORMS.values())
    body = json.dumps({"error": {"message": echo}})
    headers = f"Location: http://127.0.0.1:1/{echo}\r\nX-Echo: {echo}\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(f"HTTP/1.1 401 {echo}\r\n{headers}\r\n{body}".encode("latin-1"))


class Records(NamedTuple):
    """The output of one run, in a folder, and its hosts."""

    hosts: dict[str, dict[str, Any]]
    folder: Path


@pytest.fixture(scope="module", params=[{}, AS_MODULE], ids=["in process", "as a module"])
def records(request: pytest.FixtureRequest) -> Iterator[Records]:
    """A run as AWX does it, with tasks inside Ansible's own process or, with become, as ordinary modules."""
    with (
        short_folder() as folder,
        Simulator(tls=True) as simulator,
        Simulator(tls="self-signed") as untrusted,
        recording_server(respond_with_echo) as pagerduty,
    ):
        prepare(simulator)
        given, written = folder / "given", folder / "written"
        places = {
            "cortex": simulator.url,
            "ca": simulator.ca_path,
            "pagerduty": simulator.pagerduty_url,
            "untrusted": untrusted.url,
            "echo": pagerduty.url,
            "closed": "http://127.0.0.1:1",
            "token_file": str(given / "token"),
            "report": str(written / "report.json"),
        }
        in_process = GROUPS["rolled_out_in_process"]["hosts"].keys() if request.param else ()
        hosts = {host: outcome for host, outcome in HOSTS.items() if host not in in_process}
        options = ["--diff", "-e", f"@{given}/vault.yml", "--vault-password-file", f"{given}/vault-password"]
        options += ["--limit", "all:!rolled_out_in_process"] if request.param else []
        extra = {"places": places, "audited": "audited", "rolled_out": "rolled_out*", **request.param}
        files = {
            "token": SECRETS["from-file"]["token"],
            "vault-password": PASSWORDS["vault"],
            "vault.yml": encrypt(json.dumps({"secrets": SECRETS}), PASSWORDS["vault"]),
            "netrc": f"machine 127.0.0.1 login somebody password {PASSWORDS['netrc']}\n",
            "env/extravars": json.dumps(extra),
            "env/cmdline": " ".join(options),
        }
        for name, text in files.items():
            (given / name).parent.mkdir(parents=True, exist_ok=True)
            (given / name).write_text(text, encoding="utf-8")
        (given / "inventory").mkdir()
        shutil.copy(HERE / "tasks" / "workspaces.yml", given / "inventory")
        shutil.copytree(HERE / "tasks", given / "project")
        written.mkdir()
        env = {
            **isolated(written),
            # All that Ansible can write.
            "ANSIBLE_VERBOSITY": "5",
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "ANSIBLE_LOG_PATH": str(written / "ansible.log"),
            "ANSIBLE_LOG_VERBOSITY": "5",
            # The system's log, see journal/.
            "PYTHONPATH": str(HERE / "journal"),
            "TEST_JOURNAL": str(written / "journal"),
            "ANSIBLE_CALLBACKS_ENABLED": "junit,tree",
            "ANSIBLE_CALLBACK_TREE_DIR": str(written / "tree"),
            "JUNIT_OUTPUT_DIR": str(written / "junit"),
            "JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT": "true",
            # A job of ansible-runner would have an event for each line that is debugged.
            "ANSIBLE_DEBUG": "0" if request.param else "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json" if request.param else "yaml",
            "CORTEX_API_KEY": SECRETS["from-environment"]["api_key"],
            "PAGERDUTY_TOKEN": SECRETS["from-environment"]["token"],
            "HTTPS_PROXY": f"http://somebody:{PASSWORDS['proxy']}@127.0.0.1:1",
            "NO_PROXY": "127.0.0.1",
            "NETRC": str(given / "netrc"),
            "SSL_CERT_FILE": simulator.ca_path or "",
        }
        playbook: list[str | Path] = ["ansible", "playbook", given / "project" / "everything.yml", *options]
        playbook += ["-i", given / "inventory", "-e", f"@{given}/env/extravars"]
        job = ["ansible_runner", "run", given, "-p", "everything.yml", "--artifact-dir", written / "artifacts"]
        done = run(sys.executable, "-m", *(job if request.param else playbook), cwd=written, env=env)
        (written / "stdout").write_text(done.stdout)
        for command in written.glob("artifacts/*/command"):
            command.unlink()  # the environment, as ansible-runner was given it
        yield Records(hosts, written)


def test_each_host_comes_out_as_meant(records: Records) -> None:
    recap = re.findall(r"(\S+) +: ok=.* failed=(\d)", (records.folder / "ansible.log").read_text())
    meant = {host: "1" if "says" in outcome else "0" for host, outcome in records.hosts.items()}
    assert dict(recap) == meant
    for host, outcome in records.hosts.items():
        assert outcome.get("says", "") in (records.folder / "tree" / host).read_text()


def test_no_secret_is_in_anything_that_was_written(records: Records) -> None:
    written = {path.relative_to(records.folder).parts[0] for path in records.folder.rglob("*") if path.is_file()}
    assert written >= {"ansible.log", "journal", "junit", "report.json", "stdout", "tree"}
    # Ansible keeps the payload of each module: in process, only of those in the background.
    is_module = len(list(records.folder.rglob(PAYLOADS))) > len(records.hosts) / 2
    assert is_module == bool(list(records.folder.glob("artifacts/*/job_events/*.json")))
    assert leaks_below(records.folder, ALL_SECRETS) == []


def test_ansible_warns_of_nothing(records: Records) -> None:
    warnings = re.findall(r"\[(?:DEPRECATION )?WARNING\]: (.*)", (records.folder / "stdout").read_text())
    # The collection's own, and of a callback plugin that only this test uses.
    expected = re.compile("token has|(The )?tree |Deprecation warnings can be disabled")
    assert [warning for warning in warnings if not expected.match(warning)] == []

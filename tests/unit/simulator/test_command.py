# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tests.simulator``, as a user or a script runs it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.cortexapps.cortex.tests.support.cortex import GET
from ansible_collections.cortexapps.cortex.tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
START_SECONDS = 30


@contextmanager
def started(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run the command until the block ends; give the process and what its ready file says."""
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "tests.simulator", "--ready-file", str(ready), *options]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment["TMPDIR"] = str(tmp_path)
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            wait_until(lambda: ready.exists() or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield process, json.loads(ready.read_text(encoding="utf-8"))
        finally:
            process.kill()


def exported(output: str) -> list[dict[str, str]]:
    """Return the variables of each export line."""
    lines = [shlex.split(line)[1:] for line in output.splitlines() if line.startswith("export ")]
    return [dict(word.split("=", 1) for word in words) for words in lines]


def get(url: str, key: str, ca_path: str | None = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(
            f"{url}{GET.split()[1]}",
            headers={"Authorization": f"Bearer {key}"},
            verify=ca_path or True,
            timeout=10,
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_prints_what_to_export_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--tls", "--prefix", "/cortex", "--state-dir", str(tmp_path / "a state")) as (
        process,
        ready,
    ):
        assert ready["pid"] == process.pid
        process.send_signal(number)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert ready["url"] in output
    variables = exported(output)
    assert len({each.pop("CORTEX_API_KEY") for each in variables}) == 3
    ca_path = str(tmp_path / "a state" / "ca.pem")
    expected = {"CORTEX_BASE_URL": ready["url"], "REQUESTS_CA_BUNDLE": ca_path, "SSL_CERT_FILE": ca_path}
    assert all(each.items() >= expected.items() for each in variables)
    assert ready["ca_path"] == ca_path


def test_lines_come_at_once_through_a_pipe_and_the_temporary_ca_goes_at_the_end(tmp_path: Path) -> None:
    with started(tmp_path, "--tls") as (process, ready):
        assert process.stdout is not None
        watchdog = threading.Timer(START_SECONDS, process.kill)
        watchdog.start()
        line = next((line for line in process.stdout if line.startswith("export ")), "")
        watchdog.cancel()
        assert line, "nothing was printed before the end"
        (variables,) = exported(line)
        response = get(variables["CORTEX_BASE_URL"], variables["CORTEX_API_KEY"], variables["REQUESTS_CA_BUNDLE"])
        assert response.json()["type"] == "NOT_FOUND"
        assert Path(ready["ca_path"]).exists()
        process.terminate()
        process.wait(timeout=10)
    assert not Path(ready["ca_path"]).exists()


def test_options(tmp_path: Path) -> None:
    workspaces = tmp_path / "workspaces.yml"
    workspaces.write_text(
        "workspaces:\n"
        "- {name: one, api_key: ck_live_one, configuration: {token: abcdefgh, is_token_readonly: false}}\n",
        encoding="utf-8",
    )
    log = tmp_path / "log"
    with started(tmp_path, "--workspaces", str(workspaces), "--rate-limit", "1", "--log", str(log)) as (
        _process,
        ready,
    ):
        assert ready["ca_path"] is None
        assert get(ready["url"], "ck_live_one").json() == {"isTokenReadonly": False, "lastFour": "efgh"}
        assert get(ready["url"], "ck_live_one").status_code == 429
    assert [json.loads(line)["status"] for line in log.read_text(encoding="utf-8").splitlines()] == [200, 429]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--port", "70000"], "port must be from 0 to 65535"),
        (["--port", "-1"], "port must be from 0 to 65535"),
        (["--port", "{taken}"], "in use"),
        (["--host", ""], "host must not be empty"),
        (["--host", "nonsense.invalid"], "nonsense.invalid"),
        (["--host", "a..b"], "a..b"),
        (["--rate-limit", "0"], "rate_limit must be at least 1"),
        (["--log", "{folder}/missing/log"], "{folder}/missing/log"),
        (["--ready-file", "{folder}/missing/ready"], "cannot write {folder}/missing/ready: No such file"),
        (["--ready-file", "{file}/ready"], "cannot write {file}/ready: Not a directory"),
        (["--ready-file", "{folder}"], "cannot write {folder}: Is a directory"),
        (["--tls", "--state-dir", "{file}"], "{file}"),
        (["--workspaces", "{folder}/missing.yml"], "{folder}/missing.yml"),
        (["--workspaces", "{folder}"], "{folder}"),
        (["--workspaces", "{file}"], "{file}: while parsing"),
    ],
)
def test_it_says_why_it_cannot_start(tmp_path: Path, options: list[str], reason: str) -> None:
    file = tmp_path / "file"
    file.write_text("workspaces: [", encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        values = {"folder": tmp_path, "file": file, "taken": taken.getsockname()[1]}
        run = subprocess.run(
            [sys.executable, "-m", "tests.simulator", *(option.format(**values) for option in options)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary)},
            text=True,
            capture_output=True,
            timeout=START_SECONDS,
            check=False,
        )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("The simulator cannot start: ")
    assert len(run.stderr.splitlines()) == 1
    assert reason.format(**values) in run.stderr
    assert sorted(tmp_path.iterdir()) == [file, temporary]
    assert list(temporary.iterdir()) == []

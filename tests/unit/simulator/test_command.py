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
import tempfile
import threading
from pathlib import Path

import pytest
import requests

from tests.simulator.__main__ import main
from tests.support.cortex import API_KEY, GET

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("number", "options"),
    [(signal.SIGTERM, "--tls"), (signal.SIGINT, "--tls --state-dir {state}"), (signal.SIGHUP, "--rate-limit 1")],
)
def test_it_prints_what_to_export_and_stops_cleanly(tmp_path: Path, number: signal.Signals, options: str) -> None:
    workspaces, log, ready, state = (tmp_path / name for name in ("workspaces.yml", "log", "ready", "a state"))
    workspaces.write_text(f"workspaces: [{{api_key: {API_KEY}}}]", encoding="utf-8")
    always = f"--workspaces '{workspaces}' --log '{log}' --ready-file '{ready}' --prefix /cortex "
    command = [sys.executable, "-m", "tests.simulator", *shlex.split(always + options.format(state=f"'{state}'"))]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment["TMPDIR"] = str(tmp_path)
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            # It comes at once, though through a pipe: the command ends by a signal only.
            line = next((line for line in process.stdout if line.startswith("export ")), "")
            variables = dict(word.split("=", 1) for word in shlex.split(line)[1:])
            shown = json.loads(ready.read_text(encoding="utf-8"))
            with requests.Session() as session:
                session.trust_env = False
                session.headers["Authorization"] = f"Bearer {variables['CORTEX_API_KEY']}"
                session.verify = ca_path = variables.get("REQUESTS_CA_BUNDLE", True)
                url = variables["CORTEX_BASE_URL"] + GET.split()[1]
                statuses = [session.get(url, timeout=10).status_code for _request in range(2)]
            process.send_signal(number)
            assert (process.communicate(timeout=30)[1], process.returncode) == ("", 0)
        finally:
            watchdog.cancel()
            process.kill()
    assert statuses == ([404, 429] if "--rate-limit" in options else [404, 404])
    assert [json.loads(line)["status"] for line in log.read_text(encoding="utf-8").splitlines()] == statuses
    assert (shown["url"], shown["pid"]) == (variables["CORTEX_BASE_URL"], process.pid)
    assert shown["url"].endswith("/cortex")
    assert shown["ca_path"] == variables.get("SSL_CERT_FILE") == (ca_path if "--tls" in options else None)
    # A temporary CA goes at the end.
    kept = {workspaces, log, ready, *([state] if "--state-dir" in options else [])}
    assert set(tmp_path.iterdir()) == kept
    assert "--state-dir" not in options or shown["ca_path"] == str(state / "ca.pem")


def test_it_says_why_it_cannot_start_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, temporary = tmp_path / "file", tmp_path / "temporary"
    file.write_text("workspaces: [", encoding="utf-8")
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(signal, "signal", lambda *_arguments: None)
    monkeypatch.setattr("tests.simulator.__main__._announce", lambda _simulator: pytest.fail("it has started"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for options, reason in (
            (["--port", "70000"], "port must be from 0 to 65535"),
            (["--port", "-1"], "port must be from 0 to 65535"),
            (["--port", str(taken.getsockname()[1])], "in use"),
            (["--host", ""], "host must be an address"),
            (["--host", "nonsense.invalid"], "nonsense.invalid"),
            (["--host", "a..b"], "a..b"),
            (["--rate-limit", "0"], "rate_limit must be at least 1"),
            (["--log", f"{tmp_path}/missing/log"], f"{tmp_path}/missing/log"),
            (["--ready-file", f"{tmp_path}/missing/ready"], f"cannot write {tmp_path}/missing/ready: No such file"),
            (["--ready-file", f"{temporary}"], f"cannot write {temporary}: Is a directory"),
            (["--state-dir", f"{file}"], f"{file}"),
            (["--workspaces", f"{tmp_path}/missing.yml"], f"{tmp_path}/missing.yml"),
            (["--workspaces", f"{file}"], f"{file}: while parsing"),
        ):
            assert main(["--tls", *options]) == 1
            printed = capsys.readouterr()
            assert printed.out == ""
            assert printed.err.startswith("The simulator cannot start: ")
            assert reason in printed.err
            assert len(printed.err.splitlines()) == 1
            assert [*temporary.iterdir(), *sorted(tmp_path.iterdir())] == [file, temporary]

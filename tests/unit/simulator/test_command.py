"""``python -m tests.simulator``, as a user or a script runs it."""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from subprocess import PIPE

import pytest
import requests

from tests.simulator import Simulator
from tests.simulator.__main__ import announce, main
from tests.support.cortex import API_KEY, GET
from tests.support.environment import ROOT, clean


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_prints_exports_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "workspaces").write_text(f"workspaces: [{{api_key: {API_KEY}}}]", encoding="utf-8")
    options = "--tls --rate-limit 1 --workspaces workspaces --prefix /cortex"
    command = [sys.executable, "-m", "tests.simulator", *options.split()]
    # Without PYTHONUNBUFFERED: a line comes at once, though through a pipe.
    env = {**clean(), "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, text=True, stdout=PIPE, stderr=PIPE) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith("export ")), "")
            variables = dict(word.split("=", 1) for word in shlex.split(line)[1:])
            with requests.Session() as session:
                session.trust_env = False
                session.headers["Authorization"] = f"Bearer {variables['CORTEX_API_KEY']}"
                session.verify = variables["REQUESTS_CA_BUNDLE"]
                url = variables["CORTEX_BASE_URL"] + GET.split()[1]
                statuses = [session.get(url, timeout=10).status_code for _request in range(2)]
            process.send_signal(number)
            assert (process.communicate(timeout=30)[1], process.returncode) == ("", 0)
        finally:
            watchdog.cancel()
            process.kill()
    assert statuses == [404, 429]
    assert variables["CORTEX_BASE_URL"].endswith("/cortex")
    # The temporary CA is gone.
    assert [path.name for path in tmp_path.iterdir()] == ["workspaces"]


def test_guide_shows_its_output(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    simulator.load(ROOT / "tests" / "simulator" / "workspaces.yml")
    announce(simulator)
    printed = capsys.readouterr().out.replace(simulator.url, "http://127.0.0.1:8443")
    guide = (ROOT / "docs" / "docsite" / "rst" / "simulator_guide.rst").read_text(encoding="utf-8")
    assert textwrap.indent(f"$ make simulator\n{printed}", "   ") in guide


def test_it_says_why_it_cannot_start_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, temporary = tmp_path / "file", tmp_path / "temporary"
    file.write_text("[" * 1_000, encoding="utf-8")
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(signal, "signal", lambda *_arguments: None)
    monkeypatch.setattr("tests.simulator.__main__.announce", lambda _simulator: pytest.fail("it has started"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for options, reason in (
            (["--port", "70000"], "port: Input should be less than or equal to 65535"),
            (["--port", str(taken.getsockname()[1])], "in use"),
            (["--latency", "inf"], "latency: Input should be less than or equal to 3600"),
            (["--workspaces", f"{file}"], f"{file}: maximum recursion depth exceeded"),
            (["--workspaces", __file__], f"{__file__}: expected"),
        ):
            assert main(["--tls", *options]) == 1
            printed = capsys.readouterr()
            assert printed.out == ""
            assert printed.err.startswith("The simulator cannot start: ")
            assert reason in printed.err
            assert len(printed.err.splitlines()) == 1
            assert [*temporary.iterdir(), *sorted(tmp_path.iterdir())] == [file, temporary]

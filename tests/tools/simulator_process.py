# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator of the API that the integration targets talk to."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from workdir import LOGS, ROOT, VENV_PYTHON, environment

# Seconds.
START_TIMEOUT = 30
STOP_TIMEOUT = 10


class SimulatorError(Exception):
    """The simulator did not start."""


@contextlib.contextmanager
def running_simulator() -> Iterator[dict[str, str]]:
    """Run the simulator of this clone on a free port, with TLS.

    Yields:
        The variables of the integration targets: `simulator_url`, `simulator_pagerduty_url`, `simulator_control_url`,
        `simulator_ca_path`, and `simulator_log` (the path of the request log, a JSON object a line).

    Raises:
        SimulatorError: when it does not start.
    """
    log = LOGS / "simulator-requests.jsonl"
    log.unlink(missing_ok=True)
    output = LOGS / "simulator.log"
    with tempfile.TemporaryDirectory() as folder, output.open("w") as stream:
        ready = Path(folder) / "ready.json"
        command: list[str | Path] = [
            VENV_PYTHON,
            "-m",
            "tests.simulator",
            "--tls",
            "--state-dir",
            folder,
            "--ready-file",
            ready,
            "--log",
            log,
        ]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            settings = _settings(process, ready)
            if settings is None:
                raise SimulatorError(f"The simulator did not start: {output.read_text()}")
            yield {**settings, "simulator_log": str(log)}
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _settings(process: subprocess.Popen[bytes], ready: Path) -> dict[str, str] | None:
    """Wait for the file that the simulator writes when it listens; return what it says, None when it does not come."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if ready.is_file():
            content = json.loads(ready.read_text())
            return {f"simulator_{name}": value for name, value in content.items() if name != "pid"}
        time.sleep(0.05)
    return None

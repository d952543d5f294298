# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line of the simulator: ``python -m tests.simulator --help``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from .server import BAD_CERTIFICATES, Simulator

_EXAMPLE = Path(__file__).with_name("workspaces.yml")
_EXAMPLE_TOKEN = "u+EXAMPLExxxxxxxab12"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator",
        description="Simulates the PagerDuty integration of Cortex, and PagerDuty's abilities, until you press Ctrl-C.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--tls",
        nargs="?",
        const=True,
        default=False,
        choices=BAD_CERTIFICATES,
        help="use HTTPS, with a certificate that is valid or has the named fault",
    )
    parser.add_argument(
        "--workspaces",
        type=Path,
        default=_EXAMPLE,
        metavar="FILE",
        help="workspaces at the start (default: three examples)",
    )
    parser.add_argument(
        "--rate-limit", type=int, metavar="N", help="requests a minute from one API key (default: no limit)"
    )
    parser.add_argument("--prefix", default="", metavar="PATH", help="path prefix of the Cortex API, such as /cortex")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append a JSON line for each request")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="keep ca.pem here (default: a temporary folder)")
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="write url, pagerduty_url, ca_path and pid here"
    )
    return parser.parse_args(arguments)


def _announce(simulator: Simulator) -> None:
    """Print what a shell needs to know. The keys are the simulator's own, so they may be shown."""
    print(f"# Cortex at {simulator.url}, PagerDuty at {simulator.pagerduty_url}, control at {simulator.control_url}")
    common = {"CORTEX_BASE_URL": simulator.url, "PAGERDUTY_TOKEN": _EXAMPLE_TOKEN}
    if simulator.ca_path is not None:
        print(f"# ca_path: {simulator.ca_path}")
        common |= {"REQUESTS_CA_BUNDLE": simulator.ca_path, "SSL_CERT_FILE": simulator.ca_path}
    for workspace in simulator.workspaces.values():
        print(f"# workspace {workspace.name}")
        variables = {**common, "CORTEX_API_KEY": workspace.api_key}
        print("export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items()))
    sys.stdout.flush()


def _write_ready_file(path: Path, simulator: Simulator) -> None:
    """Write the file in one step, so that whoever waits for it never reads half of it.

    Raises OSError when it cannot be written.
    """
    content = {
        "url": simulator.url,
        "pagerduty_url": simulator.pagerduty_url,
        "control_url": simulator.control_url,
        "ca_path": simulator.ca_path,
        "pid": os.getpid(),
    }
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise OSError(f"cannot write {path}: {error.strerror}") from error


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator until SIGINT, SIGTERM or SIGHUP; return the exit status."""
    options = _parse(arguments)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        simulator = Simulator(
            options.tls,
            options.rate_limit,
            options.prefix,
            host=options.host,
            port=options.port,
            state_dir=options.state_dir,
            log_path=options.log,
        )
        with contextlib.closing(simulator):
            simulator.load(options.workspaces)
            simulator.start()
            if options.ready_file is not None:
                _write_ready_file(options.ready_file, simulator)
            _announce(simulator)
            stop.wait()
    except (OSError, ValueError) as error:
        # What the YAML parser says has several lines.
        print(f"The simulator cannot start: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line of the simulator: ``python -m tests.simulator --help``."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import get_args

from .server import BadCertificate, Simulator
from .validation import Deviation, explain

_EXAMPLE = Path(__file__).with_name("workspaces.yml")
_EXAMPLE_TOKEN = "u+EXAMPLExxxxxxxab12"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator",
        description="Simulates the PagerDuty integration of Cortex, and PagerDuty's abilities, until you press Ctrl-C.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on (default: a free one)")
    tls = "use HTTPS, with a certificate that is valid or has the named fault"
    add("--tls", nargs="?", const=True, default=False, choices=get_args(BadCertificate), help=tls)
    add("--workspaces", type=Path, default=_EXAMPLE, metavar="FILE", help="workspaces at the start (default: examples)")
    add("--rate-limit", type=int, metavar="N", help="requests a minute with one API key (default: no limit)")
    add("--pagerduty-rate-limit", type=int, metavar="N", help="requests a minute with one token (default: no limit)")
    add("--latency", type=float, default=0, metavar="SECONDS", help="time before each response (default: 0)")
    deviations = "differ from the API description (may be repeated)"
    add("--deviation", dest="deviations", action="append", default=[], choices=get_args(Deviation), help=deviations)
    add("--prefix", default="", metavar="PATH", help="path prefix of the Cortex API, such as /cortex")
    return parser.parse_args(arguments)


def announce(simulator: Simulator) -> None:
    """Print the environment for a shell. The keys are the simulator's own, so they may be shown."""
    print(f"# Cortex at {simulator.url}, PagerDuty at {simulator.pagerduty_url}, control at {simulator.control_url}")
    common = {"CORTEX_BASE_URL": simulator.url, "PAGERDUTY_API_URL": simulator.pagerduty_url}
    common |= {"PAGERDUTY_TOKEN": _EXAMPLE_TOKEN}
    if simulator.ca_path is not None:
        print(f"# ca_path: {simulator.ca_path}")
        common |= {"REQUESTS_CA_BUNDLE": simulator.ca_path, "SSL_CERT_FILE": simulator.ca_path}
    for workspace in simulator.workspaces.values():
        print(f"# workspace {workspace.name}")
        variables = {**common, "CORTEX_API_KEY": workspace.api_key}
        print("export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items()))
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator until SIGINT, SIGTERM or SIGHUP; return the exit status."""
    options = vars(_parse(arguments))
    workspaces = options.pop("workspaces")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_received: stop.set())
    try:
        with contextlib.closing(Simulator(**options)) as simulator:
            simulator.load(workspaces)
            simulator.start()
            announce(simulator)
            stop.wait()
    except (OSError, ValueError) as error:
        print(f"The simulator cannot start: {explain(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

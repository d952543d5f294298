# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command while a simulator runs that the integration targets find: ``python -m tests.support.with_simulator``.

To be run in the collection's folder: the targets read tests/integration/integration_config.yml.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.simulator import Simulator

with Simulator(tls=True) as simulator:
    settings = {
        "simulator_url": simulator.url,
        "simulator_pagerduty_url": simulator.pagerduty_url,
        "simulator_control_url": simulator.control_url,
        "simulator_ca_path": simulator.ca_path,
    }
    # JSON is YAML.
    Path("tests/integration/integration_config.yml").write_text(json.dumps(settings))
    status = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, check=False).returncode
sys.exit(status)

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import API_KEY

from .playbook import Controller


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(tls=True) as simulator:
        yield simulator


@pytest.fixture
def workspace(simulator: Simulator) -> Workspace:
    return simulator.add_workspace(API_KEY, name="team-a")


@pytest.fixture
def controller(tmp_path: Path, simulator: Simulator) -> Controller:
    return Controller(tmp_path, simulator)

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator import Simulator, Workspace
from tests.support.cortex import API_KEY
from tests.unit.simulator.client import Client


@pytest.fixture(autouse=True)
def no_error_in_the_simulator(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not caplog.get_records("call")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def workspace(simulator: Simulator) -> Workspace:
    return simulator.add_workspace(API_KEY, name="team-a")


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with Client(simulator) as client:
        yield client

"""Tasks that send their requests to the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import API_KEY, TOKEN
from tests.support.tasks import CONFIG, INFO, RunTask, environment, run_task, waits  # noqa: F401  # pylint: disable=unused-import


@pytest.fixture(scope="session")
def server() -> Iterator[Simulator]:
    with Simulator() as server:
        yield server


@pytest.fixture(scope="session")
def secure() -> Iterator[Simulator]:
    """One that speaks TLS, with a certificate of its own authority."""
    with Simulator(tls=True) as server:
        server.add_workspace(API_KEY)
        yield server


@pytest.fixture
def simulator(server: Simulator) -> Simulator:
    server.reset()
    return server


@pytest.fixture
def workspace(simulator: Simulator) -> Workspace:
    return simulator.add_workspace(API_KEY, name="team-a")


@pytest.fixture
def config(workspace: Workspace, simulator: Simulator) -> RunTask:
    """Run cortex_pagerduty_config on the workspace; PagerDuty is the simulator, too."""
    urls = {"base_url": simulator.url, "preflight_url": simulator.pagerduty_url}
    defaults = {"api_key": API_KEY, "token": TOKEN, "is_token_readonly": True, **urls}

    def run(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {name: value for name, value in {**defaults, **options}.items() if value is not None}
        return run_task(CONFIG, given, check_mode=check_mode)[0]

    return run


@pytest.fixture
def info(workspace: Workspace, simulator: Simulator) -> RunTask:
    """Run cortex_pagerduty_config_info on the workspace."""

    def run(**options: Any) -> dict[str, Any]:
        return run_task(INFO, {"api_key": API_KEY, "base_url": simulator.url, **options})[0]

    return run

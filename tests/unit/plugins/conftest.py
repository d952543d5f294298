"""No test below opens a socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses
from ansible_collections.cortexapps.cortex.tests.support.tasks import environment, waits  # noqa: F401  # pylint: disable=unused-import


@pytest.fixture(autouse=True)
def network() -> Iterator[responses.RequestsMock]:
    """Responds to requests, and records them. A request that it does not know fails."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as network:
        yield network

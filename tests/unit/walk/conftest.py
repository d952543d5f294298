# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many faults the walk tries at a time, and how much it has walked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils import _converge, _options, _task

from .exploration import Schedules, Walk, in_parallel, walk_pairs, walk_tasks
from .mutations import MUTATIONS, Mutation, find
from .run import Product
from .tree import Failure

_WALKED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=int, default=1, help="how many faults at a time the walk tries (default: 1)")
    parser.addoption("--write-walk", action="store_true", help="write what the walk finds into its documentation")


@pytest.fixture(scope="session")
def walk(request: pytest.FixtureRequest) -> Walk:
    """All runs of one controller."""
    return walk_tasks(Product(_converge, _task, _options), request.config.getoption("--faults", default=1))


@pytest.fixture(scope="session")
def schedules(walk: Walk, request: pytest.FixtureRequest) -> Schedules:
    """All schedules of two controllers."""
    schedules = walk_pairs(walk)
    request.config.stash[_WALKED] = (
        f"Walked {schedules.schedules:,} schedules of two controllers with up to {walk.number_of_faults} fault(s): "
        f"{schedules.states:,} states, {walk.runs:,} runs."
    )
    return schedules


@pytest.fixture(scope="session")
def found() -> dict[Mutation, Failure | None]:
    """What the walk finds in each mutated product."""
    return dict(zip(MUTATIONS, in_parallel(find, MUTATIONS), strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[None]:
    yield
    if _WALKED in config.stash:
        terminalreporter.write_line(config.stash[_WALKED])

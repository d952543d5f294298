# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for all tests with playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import short_folder

LONGEST = ["test_setup.py", "test_output.py", "test_keywords.py", "test_commands.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="roll out to 1,000 workspaces instead of 40")
    parser.addoption(
        "--managed-python", help="the Python that the modules run with; without it tests/e2e/modules is not run"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the modules on another Python to the sessions that have one."""
    return True if collection_path.name == "modules" and not config.getoption("--managed-python") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, so that all workers end at the same time."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture
def is_long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Replaces pytest's, in which a playbook cannot run everywhere."""
    with short_folder() as folder:
        path = folder / "t"
        path.mkdir()
        yield path

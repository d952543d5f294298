# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests with playbooks share."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST = ["test_setup.py", "test_output.py", "test_same_result.py", "test_keywords.py", "test_commands.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="roll out to 1,000 workspaces instead of 40")
    parser.addoption("--managed-python", default=sys.executable, help="the Python that the modules run with")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, so that all workers end at the same time."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture
def is_long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Replaces pytest's: ansible-core 2.21 makes a socket in it, whose path may have no more than 107 characters."""
    # A module that runs in the background may still write.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder, "t")
        path.mkdir()
        yield path

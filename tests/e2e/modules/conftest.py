# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--managed-python", default=sys.executable, help="the Python that the modules run with")


@pytest.fixture
def python(request: pytest.FixtureRequest) -> str:
    """The Python of a managed host: nothing but requests is installed."""
    return str(request.config.getoption("--managed-python"))

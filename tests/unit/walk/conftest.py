"""How many faults at a time the walk tries."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=int, default=1, help="how many faults at a time the walk tries (default: 1)")

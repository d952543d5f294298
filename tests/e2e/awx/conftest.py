"""What the tests of AWX share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .downloads import oldest_ansible_core


@pytest.fixture(scope="session")
def oldest_core() -> Path:
    """The folder of programs of the oldest supported ansible-core; where it does not run, of this ansible-core."""
    programs = None if " " in sys.executable else oldest_ansible_core()
    return programs or Path(sys.executable).parent

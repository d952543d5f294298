# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the tests import the collection from a plain clone, wherever it lies, and from ansible-test alike."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = "ansible_collections.cortexapps.cortex"


def make_importable(name: str, path: list[str]) -> None:
    """Register package `name` with the search path `path`, unless it can be imported already."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        package = types.ModuleType(name)
        package.__path__ = path
        sys.modules[name] = package
        parent, _dot, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, package)


make_importable("ansible_collections", [])
make_importable("ansible_collections.cortexapps", [])
make_importable(COLLECTION, [str(ROOT)])

# "tests.simulator"
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


def pytest_configure() -> None:
    """Keep temporary files in ansible-test's own folder: it does not pass TMPDIR on."""
    folder = ROOT / "tests" / "output" / ".tmp"
    if "TMPDIR" not in os.environ and folder.parent.is_dir():
        folder.mkdir(exist_ok=True)
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None  # found before

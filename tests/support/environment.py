# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment in which nothing of the machine decides an outcome. Needs only the standard library."""

from __future__ import annotations

import os
from collections.abc import Mapping

# What can change the outcome of a run: settings of the tools, of the collection, and the way to other hosts.
_PREFIXES = (
    "ANSIBLE_",
    "CORTEX_",
    "COVERAGE_",
    "CURL_",
    "GIT_",
    "HYPOTHESIS_",
    "MYPY",
    "PAGERDUTY_",
    "PYTEST_",
    "PYTHON",
    "REQUESTS_",
    "RUFF_",
    "SSL_",
)
_SUFFIXES = ("_PROXY",)
_NAMES = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "NETRC", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}


def is_foreign(name: str) -> bool:
    """Return whether an environment variable can change the outcome of a run."""
    name = name.upper()
    return name.startswith(_PREFIXES) or name.endswith(_SUFFIXES) or name in _NAMES


def clean(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without what can change the outcome of a run."""
    return {name: value for name, value in environment.items() if not is_foreign(name)}

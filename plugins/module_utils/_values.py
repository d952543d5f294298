# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that Cortex shows of a PagerDuty configuration."""

from __future__ import annotations

import typing as t


class Configuration(t.NamedTuple):
    """The stored configuration, as Cortex shows it."""

    is_token_readonly: bool
    last_four: str


class Verdict(t.NamedTuple):
    """Cortex's verdict on one stored configuration, after it tried the token with PagerDuty."""

    alias: str | None
    is_valid: bool
    message: str | None

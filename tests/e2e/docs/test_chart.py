# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from tools.chart import CHART, GUIDE, draw


def test_chart_shows_the_numbers_of_the_guide() -> None:
    drawn = draw(GUIDE.read_text(encoding="utf-8"))
    assert CHART.read_text(encoding="utf-8") == drawn, "Draw it again: python3 -m tools.chart"

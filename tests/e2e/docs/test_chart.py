# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_chart_shows_the_numbers_of_the_guide() -> None:
    chart, guide = (
        set(re.findall(r"(\d+)(?:&#160;| )ms", (DOCS / file).read_text(encoding="utf-8")))
        for file in ("images/performance.svg", "docsite/rst/performance_guide.rst")
    )
    assert len(chart) == 9
    assert chart <= guide, "Draw it again: make picture"

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws docs/images/performance.svg from the tables of the performance guide."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance_guide.rst"
CHART = ROOT / "docs" / "images" / "performance.svg"

# For each group of bars: their labels, and the rows of the guide's tables. The first bar is this collection.
GROUPS = {
    "One task, nothing to change": {
        "this collection": "nothing to change",
        "ping": "ping",
        "one uri task (GET)": "nothing to change, one uri GET",
    },
    "One task, change and validate": {
        "this collection": "change and validate",
        "uri tasks": "change and validate, uri tasks",
        "cortexapps-cli": "change and validate, cortexapps-cli",
    },
    "Rollout, each of 50 workspaces": {
        "this collection": "rollout, 50 workspaces",
        "ping": "ping, 50 workspaces",
        "uri tasks": "uri tasks, 50 workspaces",
    },
}
WIDTH, LEFT, RIGHT, BAR, GAP = 840, 170, 760, 18, 26
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>CPU time of tasks and rollouts</title>
<style>
  svg {{ color-scheme: light dark; --page: #fff; --text: #1f2328; --muted: #59636e; --mine: #0969da; --other: #c4ccd4 }}
  @media (prefers-color-scheme: dark) {{
    svg {{ --page: #0d1117; --text: #f0f6fc; --muted: #9198a1; --mine: #4493f8; --other: #3d444d }}
  }}
  text {{ font: 14px system-ui, sans-serif; fill: var(--text) }}
  .page {{ fill: var(--page) }}
  .group {{ font-weight: 600 }}
  .label {{ text-anchor: end }}
  .other {{ fill: var(--muted) }}
  rect.mine {{ fill: var(--mine) }}
  rect.other {{ fill: var(--other) }}
</style>
<rect class="page" width="100%" height="100%" rx="6"/>
<text x="20" y="28">CPU time. Less is better.</text>
{bars}
</svg>
"""


def main() -> None:
    CHART.write_text(draw(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")


def draw(guide: str) -> str:
    """Return the chart for the tables in the text of the guide."""
    values = {label: {name: milliseconds(guide, row) for name, row in bars.items()} for label, bars in GROUPS.items()}
    scale = (RIGHT - LEFT) / max(value for bars in values.values() for value in bars.values())
    lines = []
    y = 2 * GAP + BAR
    for group, bars in values.items():
        lines.append(f'<text class="group" x="20" y="{y}">{group}</text>')
        for number, (name, value) in enumerate(bars.items()):
            y += GAP
            kind = "other" if number else "mine"
            lines.append(f'<text class="label {kind}" x="{LEFT - 10}" y="{y}">{name}</text>')
            lines.append(
                f'<rect class="{kind}" x="{LEFT}" y="{y - 14}" width="{value * scale:.1f}" height="{BAR}" rx="2"/>'
            )
            lines.append(f'<text class="{kind}" x="{LEFT + value * scale + 8:.1f}" y="{y}">{value} ms</text>')
        y += GAP + BAR
    return SVG.format(width=WIDTH, height=y - GAP, bars="\n".join(lines))


def milliseconds(guide: str, row: str) -> int:
    """Return the CPU time in the first column of a row, or "for each" workspace in the last."""
    found = re.search(rf"^{re.escape(row)}  +(?:.* s +)?(\d+) ms", guide, re.MULTILINE)
    if not found:
        raise ValueError(f"The guide has no row {row!r}.")
    return int(found[1])


if __name__ == "__main__":
    main()

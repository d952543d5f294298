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

# For each group of bars: the rows of the guide's tables. The first is this collection.
GROUPS = {
    "One task, nothing to change": ("nothing to change", "ping", "nothing to change, one uri GET"),
    "One task, change and validate": (
        "change and validate",
        "change and validate, uri tasks",
        "change and validate, cortexapps-cli",
    ),
    "Rollout, each of 50 workspaces": ("rollout, 50 workspaces", "ping, 50 workspaces", "uri tasks, 50 workspaces"),
}
LEFT, LONGEST, LINE = 170, 590, 26
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 {height}" width="840" height="{height}" role="img">
<title>CPU time of tasks and rollouts</title>
<style>
  svg {{ --page: #fff; --text: #1f2328; --muted: #59636e; --mine: #0969da; --other: #c4ccd4 }}
  @media (prefers-color-scheme: dark) {{
    svg {{ --page: #0d1117; --text: #f0f6fc; --muted: #9198a1; --mine: #4493f8; --other: #3d444d }}
  }}
  text {{ font: 14px system-ui, sans-serif; fill: var(--text) }}
  .group {{ font-weight: 600 }}
  .label {{ text-anchor: end }}
  text.other {{ fill: var(--muted) }}
  rect.mine {{ fill: var(--mine) }}
  rect.other {{ fill: var(--other) }}
</style>
<rect fill="var(--page)" width="100%" height="100%" rx="6"/>
<text x="20" y="28">CPU time. Less is better.</text>
{lines}
</svg>
"""
BAR = """\
<text class="label {kind}" x="{label}" y="{y}">{name}</text>
<rect class="{kind}" x="{left}" y="{top}" width="{width:.1f}" height="18" rx="2"/>
<text class="{kind}" x="{right:.1f}" y="{y}">{value} ms</text>"""


def main() -> None:
    CHART.write_text(draw(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")


def draw(guide: str) -> str:
    """Return the chart for the tables in the text of the guide."""
    values = {row: milliseconds(guide, row) for rows in GROUPS.values() for row in rows}
    lines = []
    y = 70
    for group, rows in GROUPS.items():
        lines.append(f'<text class="group" x="20" y="{y}">{group}</text>')
        for kind, row in zip(("mine", "other", "other"), rows, strict=True):
            y += LINE
            name = "this collection" if kind == "mine" else re.sub("nothing to change, |.*validate, |, 50.*", "", row)
            place = {"left": LEFT, "label": LEFT - 10, "y": y, "top": y - 14}
            width = LONGEST * values[row] / max(values.values())
            lines.append(
                BAR.format(kind=kind, name=name, value=values[row], width=width, right=LEFT + width + 8, **place)
            )
        y += 44
    return SVG.format(height=y - LINE, lines="\n".join(lines))


def milliseconds(guide: str, row: str) -> int:
    """Return the CPU time in the first column of a row, or "for each" workspace in the last."""
    found = re.search(rf"^{re.escape(row)}  +(?:.* s +)?(\d+) ms", guide, re.MULTILINE)
    if not found:
        raise ValueError(f"The guide has no row {row!r}.")
    return int(found[1])


if __name__ == "__main__":
    main()

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws docs/images/check-diff.svg: what a rollout in check mode prints, from a real run against the simulator."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tools.demo import TOKEN, workspaces
from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "check-diff.svg"
COLUMNS = 120
COMMAND = (
    "ansible-playbook cortexapps.cortex.pagerduty_rollout -i workspaces.yml -e cortex_workspaces=cortex --check --diff"
)
THEME = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
    [
        (110, 118, 129),
        (255, 161, 152),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (240, 246, 252),
    ],
)
# Without the font that rich would have readers' browsers fetch from a third party.
SVG = """\
<!--
Copyright (c) 2026 cortexapps.cortex contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
Written by "make picture" from the output of a real run.
-->
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
  font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> int:
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(output()), encoding="utf-8")
    print(f"Written: {PICTURE.relative_to(ROOT)}")
    return 0


def output() -> str:
    """Return what the command prints, with its colours."""
    with tempfile.TemporaryDirectory() as folder, Simulator(tls=True) as simulator:
        # JSON is YAML.
        (Path(folder) / "workspaces.yml").write_text(json.dumps(workspaces(simulator)))
        env = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            "PAGERDUTY_TOKEN": TOKEN,
            "ANSIBLE_FORCE_COLOR": "true",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_LOCAL_TEMP": folder,
            "ANSIBLE_REMOTE_TEMP": folder,
            # One workspace after the other, so that the picture is the same each time.
            "ANSIBLE_FORKS": "1",
        }
        env.pop("ANSIBLE_NOCOLOR", None)
        done = subprocess.run(
            COMMAND.split(), cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
    return done.stdout


def draw(colored: str) -> str:
    """Return an SVG of a terminal that shows the command and its output."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {COMMAND}\n", style="bold"))
    for line in colored.strip("\n").splitlines():
        console.print(Text.from_ansi(line.rstrip()))
    svg = console.export_svg(title="A rollout to three workspaces, in check mode", theme=THEME, code_format=SVG)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main())

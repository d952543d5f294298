# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws the pictures in docs/images from real runs against the simulator."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.simulator import Simulator
from tests.support.environment import short_folder
from tools.demo import BAD_TOKEN, READ_ONLY, TOKEN, environment, workspaces

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
ROLLOUT = "ansible-playbook cortexapps.cortex.pagerduty_rollout -i workspaces.yml -e cortex_workspaces="
AUDIT = "ansible-playbook cortexapps.cortex.pagerduty_audit -i workspaces.yml -e cortex_workspaces=cortex"
# The lines of the recap are the longest.
COLUMNS = 118
# The red of rich's own themes is too dark to read.
BLACK, RED, GREEN, YELLOW = (72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)
BLUE, MAGENTA, CYAN, WHITE = (88, 166, 255), (188, 140, 255), (57, 197, 207), (201, 209, 217)
THEME = TerminalTheme((22, 27, 34), WHITE, [BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE])
# An SVG can contain HTML. This is the report itself, with its own colors for light and dark.
PAGE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<foreignObject width="100%" height="100%">
<html xmlns="http://www.w3.org/1999/xhtml">
{page}
</html>
</foreignObject>
</svg>
"""


def main() -> None:
    with short_folder() as folder, Simulator(tls=True) as simulator:
        inventory: Any = workspaces(simulator)
        hosts = inventory["cortex"]["hosts"]
        (folder / "workspaces.yml").write_text(json.dumps(inventory))  # JSON is YAML
        simulator.reject_token(BAD_TOKEN)

        command = f"{ROLLOUT}payments,checkout --check --diff"
        draw_terminal("check-diff", command, run(folder, command, PAGERDUTY_TOKEN=TOKEN))

        run(folder, f"{ROLLOUT}cortex", PAGERDUTY_TOKEN=TOKEN)
        command = f"{ROLLOUT}cortex -e cortex_rollout_serial=1,100%"
        tokens = {"PAGERDUTY_TOKEN": BAD_TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": TOKEN}
        draw_terminal("rollback", command, run(folder, command, status=2, **tokens))

        simulator.workspaces["search"].configuration = {"token": BAD_TOKEN, "is_token_readonly": READ_ONLY}
        simulator.add_workspace(key := "ck_live_orders_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E", "orders")
        hosts["orders"] = {"cortex_pagerduty_api_key": key}
        hosts["shipping"] = {"cortex_pagerduty_api_key": "{{ vault_cortex_api_keys.shipping }}"}
        (folder / "workspaces.yml").write_text(json.dumps(inventory))  # JSON is YAML
        run(folder, f"{AUDIT} -e cortex_pagerduty_audit_report=audit.html", status=2)
        draw_page("audit", (folder / "audit.html").read_text(encoding="utf-8"), width=1000, height=535)


def run(folder: Path, command: str, status: int = 0, **variables: str) -> str:
    """Return what the command prints, with its colors."""
    env = environment(
        folder,
        **variables,
        ANSIBLE_FORCE_COLOR="true",
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
        # One workspace after the other, so that the picture is the same each time.
        ANSIBLE_FORKS="1",
    )
    done = subprocess.run(
        command.split(), cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        sys.exit(f"{command} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def draw_terminal(name: str, command: str, output: str) -> None:
    """Write a picture of a terminal that shows the command and its output."""
    # Where the task is in the file: a path of this machine.
    output = re.sub(r"^\S*Origin: (?:.*\n)+?(?=\S*fatal: )", "", output, flags=re.MULTILINE)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {command}\n", style="bold"))
    for line in output.strip("\n").splitlines():
        console.print(Text.from_ansi(line.rstrip()))
    svg = console.export_svg(title="cortexapps.cortex", theme=THEME, unique_id=name)
    # Without the fonts that a reader's browser would get from a third party.
    write(name, re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def draw_page(name: str, page: str, width: int, height: int) -> None:
    """Write a picture of an HTML page."""
    head_and_body = re.sub(r".*?(<style>.*</style>).*(<body>.*</body>).*", r"\1\n\2", page, flags=re.DOTALL)
    write(name, PAGE.format(width=width, height=height, page=head_and_body))


def write(name: str, svg: str) -> None:
    path = IMAGES / f"{name}.svg"
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

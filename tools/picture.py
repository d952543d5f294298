# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws the pictures in docs/images from real runs against the simulator, and the chart from the performance guide."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.simulator import Simulator
from tests.support.environment import short_folder
from tools.demo import BAD_TOKEN, READ_ONLY, TOKEN, environment, workspaces

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance_guide.rst"
# For each group of bars: the rows of the guide's tables. The first is this collection.
GROUPS = {
    "Nothing to change": "nothing to change | debug | ping | nothing to change, one uri GET",
    "Change and validate": "change and validate | change and validate, uri tasks",
    "Rollout, each of 50 workspaces": "rollout, 50 workspaces | ping, 50 workspaces | uri tasks, 50 workspaces",
}
ROLLOUT = "ansible-playbook cortexapps.cortex.pagerduty_rollout -i workspaces.yml -e cortex_workspaces="
AUDIT = "ansible-playbook cortexapps.cortex.pagerduty_audit -i workspaces.yml -e cortex_workspaces=cortex"
COLUMNS = 118  # the lines of the recap are the longest
# An SVG can contain HTML. This is the report itself, with its own colors for light and dark.
PAGE = r"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 535" width="1000" height="535">
<foreignObject width="100%" height="100%">
<html xmlns="http://www.w3.org/1999/xhtml">
\1
\2
</html>
</foreignObject>
</svg>
"""


def main() -> None:
    draw_chart(GUIDE.read_text(encoding="utf-8"))
    with short_folder() as folder, Simulator(tls=True) as simulator:
        inventory: Any = workspaces(simulator)
        hosts = inventory["cortex"]["hosts"]
        (folder / "workspaces.yml").write_text(json.dumps(inventory))  # JSON is YAML
        simulator.reject_token(BAD_TOKEN)
        command = f"{ROLLOUT}payments,checkout --check --diff"
        draw_output("check-diff", command, run(folder, command, PAGERDUTY_TOKEN=TOKEN))
        run(folder, f"{ROLLOUT}cortex", PAGERDUTY_TOKEN=TOKEN)
        command = f"{ROLLOUT}cortex -e cortex_rollout_serial=1,100%"
        tokens = {"PAGERDUTY_TOKEN": BAD_TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": TOKEN}
        draw_output("rollback", command, run(folder, command, status=2, **tokens))

        simulator.workspaces["search"].configuration = {"token": BAD_TOKEN, "is_token_readonly": READ_ONLY}
        simulator.add_workspace(key := "ck_live_orders_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E", "orders")
        hosts["orders"] = {"cortex_pagerduty_api_key": key}
        hosts["shipping"] = {"cortex_pagerduty_api_key": "{{ vault_cortex_api_keys.shipping }}"}
        (folder / "workspaces.yml").write_text(json.dumps(inventory))  # JSON is YAML
        run(folder, f"{AUDIT} -e cortex_pagerduty_audit_report=audit.html", status=2)
        # Without the head but for its style.
        style_and_body = r"(?s).*?(<style>.*</style>).*(<body>.*</body>).*"
        write("audit", re.sub(style_and_body, PAGE, (folder / "audit.html").read_text(encoding="utf-8")))


def run(folder: Path, command: str, status: int = 0, **variables: str) -> str:
    """Return the output of the command, with its colors."""
    # One workspace after the other, so that the picture is the same each time.
    options = {"ANSIBLE_FORCE_COLOR": "true", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_FORKS": "1"}
    env = environment(folder, **options, **variables)
    done = subprocess.run(command.split(), input="", cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != status:
        sys.exit(f"{command} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def draw_output(name: str, command: str, output: str) -> None:
    """Draw a command and its output."""
    # Where the task is in the file: a path of this machine.
    output = re.sub(r"^\S*Origin: (?:.*\n)+?(?=\S*fatal: )", "", output, flags=re.MULTILINE)
    draw_terminal(name, Text(f"$ {command}\n", style="bold"), Text.from_ansi(output.strip("\n")))


def draw_chart(guide: str) -> None:
    """Draw the first column of each row, or the last one: the CPU time of one task or workspace."""
    chart = Text("CPU time of a task or a workspace. Less is better.\n")
    for group, rows in GROUPS.items():
        chart.append(f"\n{group}\n", "bold")
        for row in rows.split(" | "):
            is_own = rows.startswith(f"{row} |")
            name = "this collection" if is_own else re.sub("nothing to change, |.*validate, |, 50.*", "", row)
            (value,) = re.findall(rf"^{re.escape(row)}  +(?:.* s +)?(\d+) ms", guide, re.MULTILINE)
            stripe = " " * round(int(value) / 14)
            chart.append(f"{name:>16} ").append(stripe, "on blue" if is_own else "on white").append(f" {value} ms\n")
    draw_terminal("performance", chart)


def draw_terminal(name: str, *texts: Text) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(*texts, sep="\n")
    svg = console.export_svg(title="cortexapps.cortex", theme=MONOKAI, unique_id=name)
    # Without the fonts that a reader's browser would get from a third party.
    write(name, re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def write(name: str, svg: str) -> None:
    path = IMAGES / f"{name}.svg"
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

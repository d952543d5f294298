# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit found: from a registered result to a row, and from rows to a table, JSON, CSV and HTML."""

from __future__ import annotations

import csv
import html
import io
import json
import typing as t
from collections import Counter

HEADINGS = ("Workspace", "Status", "Last four", "Read-only", "Reason")
# In the order of the page, problems first. Symbols, because colors alone do not tell everyone.
STATUSES = {"error": "!", "invalid": "\u2717", "absent": "\u2013", "valid": "\u2713"}

NOT_READ = "The workspace was not read: it failed before, or the play has serial or another strategy than linear."
ABSENT = "There is no PagerDuty configuration."
INVALID = "The PagerDuty configuration is not valid."


class Row(t.NamedTuple):
    """What a workspace has. `configuration` and `validation` are as the module returns them."""

    workspace: str
    status: str
    configuration: dict[str, t.Any] | None
    validation: dict[str, t.Any] | None
    error: str | None

    @property
    def reason(self) -> str:
        """Return the error, or else what Cortex says of the configuration, on one line."""
        if self.error is not None:
            # ansible-core before 2.19 adds paragraphs on where the task is written.
            return _on_one_line(self.error.strip().partition("\n\n")[0])
        verdicts = self.validation["configurations"] if self.validation else []
        return _on_one_line("; ".join(verdict["message"] for verdict in verdicts if verdict.get("message")))

    @property
    def cells(self) -> tuple[str, ...]:
        """Return what is below HEADINGS."""
        last_four = read_only = ""
        if self.configuration:
            last_four = _on_one_line(self.configuration["last_four"])
            read_only = "yes" if self.configuration["is_token_readonly"] else "no"
        return self.workspace, self.status, last_four, read_only, self.reason


def _on_one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def make_row(workspace: str, result: t.Mapping[str, t.Any] | None) -> Row:
    """Return the row for what cortex_pagerduty_config_info returned, None if it was not run."""
    if result is None:
        return Row(workspace, "error", None, None, NOT_READ)
    configuration, validation = result.get("configuration"), result.get("validation")
    # Without its return values the module did not run, for example because a variable is undefined.
    if result.get("failed") or "configuration" not in result:
        return Row(workspace, "error", configuration, validation, str(result.get("msg")))
    if configuration is None:
        return Row(workspace, "absent", None, None, None)
    is_valid = validation is not None and validation["is_valid"]
    return Row(workspace, "valid" if is_valid else "invalid", configuration, validation, None)


def describe_failure(row: Row) -> str:
    """Return why there is no valid configuration."""
    return {"absent": ABSENT, "invalid": f"{INVALID} {row.reason}".strip()}.get(row.status, row.reason)


def to_table(rows: t.Sequence[Row]) -> list[str]:
    lines = [tuple(map(str.upper, HEADINGS)), *(tuple(cell or "-" for cell in row.cells) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def to_json(rows: t.Sequence[Row]) -> str:
    return json.dumps({"workspaces": [row._asdict() for row in rows]}, indent=4) + "\n"


def to_csv(rows: t.Sequence[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heading.lower().replace(" ", "_").replace("-", "_") for heading in HEADINGS)
    # With an apostrophe before what a spreadsheet would take for a formula.
    writer.writerows(
        [f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@") else cell for cell in row.cells] for row in rows
    )
    return stream.getvalue()


def to_html(rows: t.Sequence[Row], read_at: str) -> str:
    """Return a self-contained page."""
    counts = Counter(row.status for row in rows)
    order = list(STATUSES)
    return _PAGE.format(
        style=_STYLE,
        summary=f"{counts['valid']} of {len(rows)} valid",
        read_at=html.escape(read_at),
        counts="\n".join(f"<li><strong>{counts[status]}</strong> {_html_status(status)}</li>" for status in order),
        headings="".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS),
        rows="\n".join(map(_html_row, sorted(rows, key=lambda row: order.index(row.status)))),
    )


def _html_row(row: Row) -> str:
    workspace, status, *others = map(html.escape, row.cells)
    cells = "".join(f"<td>{cell}</td>" for cell in (_html_status(status), *others))
    return f'<tr><th scope="row">{workspace}</th>{cells}</tr>'


def _html_status(status: str) -> str:
    symbol = f'<span aria-hidden="true">{STATUSES[status]}</span>'
    return f'<span class="status" style="color: var(--{status})">{symbol} {status}</span>'


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PagerDuty audit of Cortex workspaces: {summary}</title>
<style>{style}</style>
</head>
<body>
<h1>PagerDuty audit of Cortex workspaces</h1>
<p>{summary}, read on {read_at}</p>
<ul>
{counts}
</ul>
<table>
<thead><tr>{headings}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
_STYLE = """
:root { --page: #f4f5f7; --card: #fff; --text: #1b2230; --muted: #596275; --line: #dce0e7;
  --error: #b3261e; --invalid: #8f4a00; --absent: #4b5566; --valid: #17693a }
@media screen { :root { color-scheme: light dark } }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #111419; --card: #1a1f27; --text: #e6e9ef; --muted: #9ba6b7; --line: #2e3541;
    --error: #ff9d93; --invalid: #f4b566; --absent: #b8c1ce; --valid: #7dd5a0 } }
body { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem; background: var(--page); color: var(--text);
  font: .9375rem/1.45 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.5rem }
p { margin: .25rem 0 1.25rem; color: var(--muted) }
ul { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1.5rem; padding: 0; list-style: none }
li { flex: 1 1 8rem; padding: .75rem 1rem; border-radius: .5rem }
li, table { border: 1px solid var(--line); background: var(--card) }
strong { display: block; font-size: 1.75rem; line-height: 1.2 }
table { width: 100%; border-collapse: collapse }
th, td { padding: .5rem .75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
thead th { position: sticky; top: 0; background: var(--card); color: var(--muted); font-size: .8125rem }
tbody th { min-width: 11rem; font-weight: 600; overflow-wrap: anywhere }
td:nth-child(3) { font-family: ui-monospace, monospace }
td:last-child { min-width: 16rem; overflow-wrap: anywhere }
thead th, .status { font-weight: 600; white-space: nowrap }
.status span { display: inline-block; width: 1.1em }
@media print { body { padding: 0; background: none } thead th { position: static } tr { break-inside: avoid } }
"""

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit: from a registered result to a row, and from rows to a table, JSON, CSV and HTML."""

from __future__ import annotations

import csv
import html
import io
import json
import typing as t
import unicodedata
from collections import Counter

from ._preconditions import enumerate_names
from ._variables import describe, one_line

HEADINGS = ("Workspace", "Status", "Last four", "Read-only", "Reason")
# Problems first, the order of every report. Symbols, because colors alone do not tell everyone.
STATUSES = {
    "error": "!",
    "invalid": "\u2717",
    "outdated": "\u2260",
    "absent": "\u2013",
    "skipped": "\u00b7",
    "valid": "\u2713",
}

NOT_READ = "The workspace was not read: its host failed before the audit."
NOTHING_READ = (
    "No workspace was read before the report. Start the playbook from its beginning, without --start-at-task."
)
NO_RESULT = "The variable {} does not contain a result of cortex_pagerduty_config_info."
A_LOOP = "The variable {} contains the results of a loop. Read each workspace in a task without a loop."
NOT_VALIDATED = "The configuration was not validated. Set validate in the task that reads it."
ABSENT = "There is no PagerDuty configuration."
INVALID = "The PagerDuty configuration is not valid."
OUTDATED = "The PagerDuty configuration is outdated:"
UNWANTED = "a configuration is stored, but desired is none"
OTHER_TOKEN = "ends in {}, desired is {}"
OTHER_FLAG = "read-only is {}, desired is {}"
MAY_DELETE = "You may delete the previous token in PagerDuty: no workspace has it."
NOT_ALL_AUDITED = (
    "None of the {} audited workspaces has the previous token, but the inventory has {} hosts. Before you delete the "
    "token in PagerDuty, audit each of the others that is a workspace."
)
KEEP = "Do not delete the previous token in PagerDuty yet."
HAVE_PREVIOUS = "Its last four characters ({}) are in {} of {} workspaces: {}."
UNKNOWN = "Unknown in {}: {}."
SAME_LAST_FOUR = (
    "Whether you may delete the previous token in PagerDuty is unknown: it has the same last four characters as the "
    "new one ({}), so the two cannot be told apart."
)


class Desired(t.NamedTuple):
    """The configuration that a rollout with the same variables would store. None: it would leave this as it is.

    :ivar is_absent: whether there should be no configuration.
    :ivar previous_last_four: the end of the previous token, None if it is not set.
    """

    is_absent: bool = False
    last_four: str | None = None
    is_token_readonly: bool | None = None
    previous_last_four: str | None = None


class Row(t.NamedTuple):
    """The state of a workspace. `configuration` and `validation` are as the module returns them."""

    workspace: str
    status: str
    reason: str
    base_url: str | None = None
    configuration: t.Mapping[str, t.Any] | None = None
    validation: t.Mapping[str, t.Any] | None = None
    desired: Desired = Desired()

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells below HEADINGS."""
        last_four = read_only = ""
        if self.configuration:
            last_four = one_line(self.configuration["last_four"])
            read_only = _yes_no(self.configuration["is_token_readonly"])
        return one_line(self.workspace), self.status, last_four, read_only, self.reason

    @property
    def failure(self) -> str | None:
        """Return why the workspace is not as it should be, None if it is or may be."""
        sentences = {
            "error": self.reason,
            "invalid": f"{INVALID} {self.reason}".strip(),
            "outdated": f"{OUTDATED} {self.reason}.",
            "absent": None if self.desired.is_absent else ABSENT,
        }
        return sentences.get(self.status)


def assess(result: t.Mapping[str, t.Any], desired: Desired) -> tuple[str, str]:
    """Return the status and the reason for a result of cortex_pagerduty_config_info."""
    configuration, validation = result["configuration"], result["validation"]
    if result.get("failed"):
        return "error", describe(result.get("msg"))
    if configuration is None:
        return "absent", ""
    if desired.is_absent:
        return "outdated", UNWANTED
    if validation is None:
        return "error", NOT_VALIDATED
    if not validation["is_valid"]:
        messages = (verdict.get("message") for verdict in validation["configurations"])
        return "invalid", one_line("; ".join(filter(None, messages)))
    last_four, flag = configuration["last_four"], configuration["is_token_readonly"]
    differences = []
    if desired.last_four not in (None, last_four):
        differences.append(OTHER_TOKEN.format(last_four, desired.last_four))
    if desired.is_token_readonly not in (None, flag):
        differences.append(OTHER_FLAG.format(_yes_no(flag), _yes_no(not flag)))
    return ("outdated", one_line("; ".join(differences))) if differences else ("valid", "")


def make_row(workspace: str, result: t.Any, variable: str, *, is_in_play: bool, audit: str | None) -> Row:
    """Return the row of a host.

    :param result: the registered result of the task that reads; None if there is none.
    :param variable: where it did, for the message.
    :param is_in_play: whether the host has not failed.
    :param audit: which audit reports, None if its task read nothing else than cortex_pagerduty_config_info does.
    """
    if not (result is None or isinstance(result, t.Mapping)):
        return Row(workspace, "error", NO_RESULT.format(variable))
    result = result or {"skipped": True}
    own = result.get("audit")
    # What a host has that left the play, or what another audit read, is not of this audit.
    is_old = own["id"] != audit if own else not is_in_play and not result.get("failed")
    if is_old or result.get("skipped"):
        return Row(workspace, "skipped", "") if is_in_play else Row(workspace, "error", NOT_READ)
    if "results" in result:
        return Row(workspace, "error", A_LOOP.format(variable))
    stored = result.get("configuration"), result.get("validation")
    if own:
        desired = Desired(*own.get("desired", ()))
        return Row(workspace, own["status"], own["reason"], own["base_url"], *stored, desired)
    if {"configuration", "validation"} <= set(result):
        return Row(workspace, *assess(result, Desired()), None, *stored)
    # The module did not run, for example because a variable is undefined.
    has_reason = result.get("failed") and "msg" in result
    return Row(workspace, "error", describe(result["msg"]) if has_reason else NO_RESULT.format(variable))


def _yes_no(flag: bool) -> str:
    return "yes" if flag else "no"


def sort(rows: t.Iterable[Row]) -> list[Row]:
    """Return rows with problems first."""
    return sorted(rows, key=lambda row: list(STATUSES).index(row.status))


def describe_previous_token(rows: t.Sequence[Row], unread: int = 0) -> str | None:
    """Return whether the previous token may be deleted in PagerDuty, None if there is none.

    :param unread: how many hosts the inventory has that are not of the audit.
    """
    previous = {row.desired.previous_last_four for row in rows} - {None}
    if not previous:
        return None
    same = previous & {row.desired.last_four for row in rows}
    if same:
        return SAME_LAST_FOUR.format(", ".join(map(str, sorted(same, key=str))))
    having = [row.workspace for row in rows if row.configuration and row.configuration["last_four"] in previous]
    unknown = [row.workspace for row in rows if row.configuration is None and row.status in ("error", "skipped")]
    if not having and not unknown:
        return NOT_ALL_AUDITED.format(len(rows), len(rows) + unread) if unread else MAY_DELETE
    ends = ", ".join(sorted(map(str, previous)))
    sentences = [KEEP]
    if having:
        sentences.append(HAVE_PREVIOUS.format(ends, len(having), len(rows), enumerate_names(having)))
    if unknown:
        sentences.append(UNKNOWN.format(len(unknown), enumerate_names(unknown)))
    return " ".join(sentences)


def count(rows: t.Sequence[Row]) -> str:
    """Return how many workspaces have which status."""
    counts = Counter(row.status for row in rows)
    return f"{len(rows)} workspace{'' if len(rows) == 1 else 's'}: " + ", ".join(
        f"{counts[each]} {each}" for each in STATUSES if counts[each]
    )


def to_table(rows: t.Sequence[Row], unread: int = 0) -> list[str]:
    lines = [tuple(map(str.upper, HEADINGS)), *(tuple(cell or "-" for cell in row.cells) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return [*table, count(rows), *filter(None, [describe_previous_token(rows, unread)])]


def to_json(rows: t.Sequence[Row], read_at: str, unread: int = 0) -> str:
    """Return the report for programs.

    :param read_at: when the workspaces were read (UTC, ISO 8601).
    :param unread: how many hosts the inventory has that are not of the audit.
    """
    workspaces = [
        {
            "workspace": row.workspace,
            "status": row.status,
            "reason": row.reason,
            "error": row.reason if row.status == "error" else None,
            "base_url": row.base_url,
            "configuration": row.configuration,
            "validation": row.validation,
        }
        for row in rows
    ]
    previous_token = describe_previous_token(rows, unread)
    report = {"read_at": read_at, "previous_token": previous_token, "workspaces": workspaces}
    return json.dumps(report, indent=4) + "\n"


def to_csv(rows: t.Sequence[Row], _read_at: str, _unread: int = 0) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heading.lower().replace(" ", "_").replace("-", "_") for heading in (*HEADINGS, "Base URL"))
    writer.writerows([*map(without_formulas, row.cells), without_formulas(row.base_url or "")] for row in rows)
    return stream.getvalue()


def without_formulas(cell: str) -> str:
    """Return a cell, with an apostrophe before text that a spreadsheet would read as a formula.

    Where the system's separator is a semicolon, a cell begins after each.
    """
    return ";".join(f"'{part}" if _is_formula(part) else part for part in cell.split(";"))


def _is_formula(text: str) -> bool:
    # Full-width and small signs are signs too, and quotes do not count.
    return unicodedata.normalize("NFKC", text.lstrip("\"' \t\r\n\xa0\u3000")[:1])[:1] in tuple("=+-@")


def to_html(rows: t.Sequence[Row], read_at: str, unread: int = 0) -> str:
    """Return a self-contained page."""
    counts = Counter(row.status for row in rows)
    return _PAGE.format(
        style=_STYLE,
        summary=f"{counts['valid']} of {len(rows)} valid",
        read_at=html.escape(read_at.replace("T", " at ").replace("+00:00", " UTC")),
        counts="\n".join(f"<li><strong>{counts[status]}</strong> {_html_status(status)}</li>" for status in STATUSES),
        previous_token=html.escape(describe_previous_token(rows, unread) or ""),
        headings="".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS),
        rows="\n".join(map(_html_row, rows)),
    )


def _html_row(row: Row) -> str:
    workspace, _status, *others = (html.escape(without_formulas(cell)) for cell in row.cells)
    cells = "".join(f"<td>{cell}</td>" for cell in (_html_status(row.status), *others))
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
<p>{previous_token}</p>
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
  --error: #b3261e; --invalid: #8f4a00; --outdated: #6b3fa0; --absent: #4b5566; --skipped: #4b5566;
  --valid: #17693a }
@media screen { :root { color-scheme: light dark } }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #111419; --card: #1a1f27; --text: #e6e9ef; --muted: #9ba6b7; --line: #2e3541;
    --error: #ff9d93; --invalid: #f4b566; --outdated: #cdb0ff; --absent: #b8c1ce; --skipped: #b8c1ce;
    --valid: #7dd5a0 } }
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
@media screen and (max-width: 48rem) {
  table, tbody, tr, th, td { display: block; width: auto }
  thead { display: none }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0 }
  tbody th, td { border: 0; padding: .125rem .75rem }
  td:empty { display: none }
  td:nth-child(3)::before { content: "Last four: " }
  td:nth-child(4)::before { content: "Read-only: " } }
@media print { body { padding: 0; background: none } thead th { position: static } tr { break-inside: avoid } }
"""

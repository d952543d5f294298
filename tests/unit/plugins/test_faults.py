# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault in every request: what the task reports, what it sends, and what is stored then.

What is expected follows from the kind of the fault (`expected`), and from `EXCEPTIONS`. What is found is what
docs/docsite/rst/fault_matrix.rst says; ``pytest tests/unit/plugins/test_faults.py --write-fault-matrix`` writes that.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    ABILITIES,
    DELETE,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    TOKEN,
    VALIDATE,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.faults import FAULTS, MARKER, PAGERDUTY_FAULTS, Fault, Kind
from ansible_collections.cortexapps.cortex.tests.support.wire import broken_wire

from .conftest import ROOT, WHAT_IS_STORED, Run, Stored, Unknown, shown, state, without_note

MATRIX = ROOT / "docs" / "docsite" / "rst" / "fault_matrix.rst"
RETRIES = 2
ATTEMPTS = 1 + RETRIES
REJECTED = (401, 403)


class Task(NamedTuple):
    """A task that meets a fault in the last request of `sent`, where it would go on with `later`.

    `initial` is stored at first, and `after` when all went well. `purpose` is in the message, and `now` ends it.
    """

    title: str
    about: str
    operation: str
    sent: list[str]
    later: list[str]
    options: dict[str, Any]
    initial: Stored
    after: Stored
    purpose: str
    now: str
    faults: dict[str, Fault] = FAULTS
    is_rollback: bool = False

    @property
    def has_written(self) -> bool:
        """Whether the task has written before the fault."""
        return bool({POST, PUT} & set(self.sent[:-1]))

    @property
    def before(self) -> Stored:
        """What is stored when the fault comes."""
        return NEW if self.has_written else self.initial

    @property
    def third_column(self) -> str:
        return "Rolled back" if self.is_rollback else "preflight" if self.operation == "abilities" else "Task"

    @property
    def is_write(self) -> bool:
        return self.operation in ("add", "replace", "delete")


OLD, NEW = configuration(OTHER_TOKEN), configuration(TOKEN)
ROLLBACK = {"validate": True, "rollback": True, "previous_token": OTHER_TOKEN}
NOW_OLD = "Current configuration: a token ending in cd34, is_token_readonly=true (unchanged)."
NOW_NEW = "Current configuration: a token ending in ab12, is_token_readonly=true."
TASKS = {
    "get": Task(
        "Reading the configuration",
        "The task is to replace the old configuration with a new one.",
        *("get", [GET], [PUT], {}, OLD, NEW),
        *("Could not read the PagerDuty configuration", "Nothing was changed."),
    ),
    "preflight": Task(
        "Checking the token with PagerDuty",
        "The task is to replace the old configuration with a new one, with ``preflight: true``. Where the column "
        "*preflight* does not say *true*, the task fails.",
        *("abilities", [GET, ABILITIES], [PUT], {"preflight": True}, OLD, NEW),
        *("The token could not be checked with PagerDuty", NOW_OLD, PAGERDUTY_FAULTS),
    ),
    "add": Task(
        "Adding a configuration",
        "There is no configuration, and the task is to add one.",
        *("add", [GET, POST], [], {}, None, NEW),
        *("Could not add the PagerDuty configuration", "Current configuration: none (unchanged)."),
    ),
    "replace": Task(
        "Replacing the configuration",
        "The task is to replace the old configuration with a new one.",
        *("replace", [GET, PUT], [], {}, OLD, NEW),
        *("Could not replace the PagerDuty configuration", NOW_OLD),
    ),
    "delete": Task(
        "Deleting the configuration",
        "The task is to delete the old configuration.",
        *("delete", [GET, DELETE], [], {"state": "absent"}, OLD, None),
        *("Could not delete the PagerDuty configuration", NOW_OLD),
    ),
    "validate": Task(
        "Validating the configuration",
        "The task has replaced the old configuration with a new one, which is valid.",
        *("validate", [GET, PUT, VALIDATE], [], {"validate": True}, OLD, NEW),
        *("Could not validate the PagerDuty configuration", NOW_NEW),
    ),
    "rollback-get": Task(
        "Rolling back: reading the configuration",
        "The task has replaced the old configuration with a new one, and Cortex says that it is not valid. "
        "``previous_token`` is set. The task fails in any case.",
        *("get", [GET, PUT, VALIDATE, GET], [PUT], ROLLBACK, OLD, OLD),
        *("Could not read the PagerDuty configuration", NOW_NEW),
        is_rollback=True,
    ),
    "rollback-replace": Task(
        "Rolling back: storing the previous token again",
        "The same task. The request with the previous token fails.",
        *("replace", [GET, PUT, VALIDATE, GET, PUT], [], ROLLBACK, OLD, OLD),
        *("Could not replace the PagerDuty configuration", NOW_NEW),
        is_rollback=True,
    ),
    "rollback-delete": Task(
        "Rolling back: deleting the configuration again",
        "There was no configuration. The task has added a new one, and Cortex says that it is not valid. The task "
        "fails in any case.",
        *("delete", [GET, POST, VALIDATE, GET, DELETE], [], ROLLBACK, None, None),
        *("Could not delete the PagerDuty configuration", NOW_NEW),
        is_rollback=True,
    ),
}


class Outcome(NamedTuple):
    """How a task ends; `ok` of a rollback means that the write of the task was undone."""

    ok: bool
    changed: bool
    says: Stored | Unknown
    stored: Stored
    sent: list[str]


def expected(moment: str, kind: Kind, lasts: bool) -> Outcome:
    """Return what the interface promises for a fault of a kind.

    Reading and validating change nothing, so they are repeated. A write is repeated when it certainly was not applied.
    Otherwise what is stored is read first, and decides.
    """
    task = TASKS[moment]
    earlier, request = task.sent[:-1], task.sent[-1:]
    once = task.sent
    again = once if kind is Kind.NOT_SENT else once + request
    exhausted = earlier if kind is Kind.NOT_SENT else earlier + request * ATTEMPTS
    good = Outcome(True, True, task.after, task.after, [])
    # Where nothing at all could be read, nothing is known.
    bad = Outcome(False, task.has_written, task.before if earlier else "unknown", task.before, [])
    if kind is Kind.HARMLESS:
        outcome, sent = good, once
    elif kind is Kind.REFUSED or (kind in (Kind.ODD, Kind.ODD_BUT_DONE) and not task.is_write):
        outcome, sent = bad, once
    elif kind in (Kind.NOT_SENT, Kind.NOT_NOW) or not task.is_write:
        outcome, sent = (bad, exhausted) if lasts else (good, again)
    elif kind in (Kind.LOST_BUT_DONE, Kind.ODD_BUT_DONE):
        outcome, sent = good, [*once, GET]
    elif kind is Kind.ODD:
        outcome, sent = bad, [*once, GET]
    elif lasts:
        outcome, sent = bad, earlier + [*request, GET] * ATTEMPTS
    else:
        outcome, sent = good, [*once, GET, *request]
    return outcome._replace(sent=sent + task.later * outcome.ok)


# Where a response means more at one moment than at the others.
REFUSED_ADDITION = Outcome(False, False, None, None, [GET, POST, GET])  # it could have been added in between
CONFLICT = "another client changed the configuration."
EXCEPTIONS = {
    ("get", "404 of Cortex"): Outcome(True, True, NEW, NEW, [GET, POST]),
    ("replace", "404 of Cortex"): Outcome(True, True, NEW, NEW, [GET, PUT, GET, POST]),
    ("delete", "404 of Cortex"): Outcome(True, True, None, None, [GET, DELETE]),
    ("validate", "404 of Cortex"): Outcome(False, True, None, None, [GET, PUT, VALIDATE]),
    ("rollback-get", "404 of Cortex"): Outcome(False, True, None, None, TASKS["rollback-get"].sent),
    ("rollback-replace", "404 of Cortex"): Outcome(False, True, None, None, [*TASKS["rollback-replace"].sent, GET]),
    ("rollback-delete", "404 of Cortex"): Outcome(True, True, None, None, TASKS["rollback-delete"].sent),
    ("add", "400"): REFUSED_ADDITION,
    ("add", "409"): REFUSED_ADDITION,
    ("delete", "no configurations in the response"): Outcome(True, True, None, None, [GET, DELETE]),
    ("validate", "two configurations in the response"): Outcome(True, True, NEW, NEW, [GET, PUT, VALIDATE]),
    ("rollback-delete", "no configurations in the response"): Outcome(
        True, True, None, None, TASKS["rollback-delete"].sent
    ),
}
OTHER_MESSAGES = {
    ("validate", "404 of Cortex"): ("Another client removed it", "Current configuration: none."),
    ("validate", "no configurations in the response"): ("it lists no verdict",),
    ("rollback-get", "404 of Cortex"): (f"Nothing was rolled back: {CONFLICT}", "Current configuration: none."),
    ("rollback-replace", "404 of Cortex"): (f"The rollback was given up: {CONFLICT}", "Current configuration: none."),
}
CASES = [(moment, title) for moment, task in TASKS.items() for title in task.faults]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str, bool], list[str]]]:
    """What the tests find, for the matrix."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    yield found
    if request.config.getoption("--write-fault-matrix", default=False):
        MATRIX.parent.mkdir(parents=True, exist_ok=True)
        MATRIX.write_text(render(found), encoding="utf-8")


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "each time"])
@pytest.mark.parametrize(("moment", "title"), CASES)
def test_fault(
    config: Run,
    simulator: Simulator,
    workspace: Workspace,
    waits: list[float],
    found: dict[tuple[str, str, bool], list[str]],
    request: pytest.FixtureRequest,
    moment: str,
    title: str,
    lasts: bool,
) -> None:
    task = TASKS[moment]
    fault = task.faults[title]
    outcome = EXCEPTIONS.get((moment, title)) or expected(moment, fault.kind, lasts)
    times, skip = None if lasts else 1, task.sent.count(task.sent[-1]) - 1
    workspace.configuration = task.initial
    if task.is_rollback:
        simulator.reject_token(TOKEN)
    if fault.fields:
        workspace.fault(task.operation, skip=skip, times=times, **fault.fields_for(moment))
    with broken_wire(task.sent[-1], fault.wire, times, skip) if fault.wire else contextlib.nullcontext():
        result = config(retries=RETRIES, **task.options)

    sent = simulator.requests
    assert sent == outcome.sent
    assert workspace.configuration == outcome.stored
    assert result.get("failed", False) is (task.is_rollback or not outcome.ok)
    assert result["changed"] is outcome.changed
    assert result["rolled_back"] is (task.is_rollback and outcome.ok)
    assert without_note(result["diff"]["after"]) == state(outcome.says)
    assert result["configuration"] == shown(outcome.says)
    accepted = None
    if moment == "preflight":
        accepted = outcome.ok or (False if fault.status in REJECTED else None)
    assert result["preflight"] is accepted
    assert len(waits) == expected_waits(task, fault.kind, lasts, outcome)
    if not outcome.ok:
        gives_up = lasts and fault.kind in (Kind.NOT_SENT, Kind.NOT_NOW, Kind.LOST, Kind.LOST_BUT_DONE)
        check_message(moment, title, result, gives_up)

    ends = {"Task": "ok" if outcome.ok else "failed", "preflight": json.dumps(accepted), "Rolled back": yes(outcome.ok)}
    cells = [
        ends[task.third_column],
        yes(result["changed"]),
        named(outcome.says),
        named(outcome.stored),
        ", ".join(SHORT_NAMES.get(each) or each.partition(" ")[0] for each in sent),
    ]
    found[moment, title, lasts] = cells
    if not request.config.getoption("--write-fault-matrix", default=False):
        assert documented().get((moment, title, lasts)) == cells, f"{MATRIX.name} is stale: see this file's docstring"


def test_matrix_has_no_other_rows(
    found: dict[tuple[str, str, bool], list[str]], request: pytest.FixtureRequest
) -> None:
    rows = found if request.config.getoption("--write-fault-matrix", default=False) else documented()
    assert rows.keys() == {(moment, title, lasts) for moment, title in CASES for lasts in (False, True)}


def expected_waits(task: Task, kind: Kind, lasts: bool, outcome: Outcome) -> int:
    """Return how often the client waits: before each repetition, and before it reads what became of a write."""
    if kind not in (Kind.NOT_SENT, Kind.NOT_NOW, Kind.LOST, Kind.LOST_BUT_DONE):
        return 0
    if outcome.ok:
        return 1
    return RETRIES if kind in (Kind.NOT_SENT, Kind.NOT_NOW) or not task.is_write else ATTEMPTS


def check_message(moment: str, title: str, result: dict[str, Any], gives_up: bool) -> None:
    """Check that a message says what was being done, what happened, what to do, and what is stored now."""
    task, message = TASKS[moment], result["msg"]
    fault = task.faults[title]
    for text in OTHER_MESSAGES.get((moment, title)) or (*fault.says, task.now):
        assert text in message
    assert len(WHAT_IS_STORED.findall(message)) == 1
    assert ("Gave up after 3 attempts" in message) is gives_up
    if (moment, title) in OTHER_MESSAGES:
        return
    method, _blank, path = task.sent[-1].partition(" ")
    said = {name: result.get(name) for name in ("http_status", "request_id", "error_type")}
    purpose, status, error_type = task.purpose, fault.status, "SIMULATED" if "A simulated fault" in message else None
    if moment == "preflight":
        # What the API said is about Cortex only.
        status = None
        if fault.status in REJECTED:
            purpose = "PagerDuty does not accept the token"
        assert fault.status is None or f"HTTP {fault.status}" in message
        assert "Check token or preflight_url." in message
        assert MARKER not in message
    start = f"{purpose} ({method} http://127.0.0.1:"
    assert f"The rollback failed. {start}" in message if task.is_rollback else message.startswith(start)
    assert path in message
    assert said == {"http_status": status, "request_id": None, "error_type": error_type}


# The matrix as a document

INTRODUCTION = f"""\
..
  Copyright (c) 2026 cortexapps.cortex contributors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.cortexapps.cortex.docsite.fault_matrix:

Failure reference
=================

These tables show what a task of ``cortexapps.cortex.cortex_pagerduty_config`` does when one of its requests fails, once
or each time it is sent. The unit tests check every row, and write this page.

Each task runs with ``retries: {RETRIES}``. *old* is the configuration before the task, *new* is the configuration that
the task stores, and *none* means that there is no configuration.

- *Task*: how the task ends. It is *ok* if the failure does not matter, or if a retry succeeds.
- *Changed* and *Reported*: what the task returns, also when it fails. It reports *unknown* only where it could not read
  anything, and then it has not changed anything.
- *Stored*: what Cortex stores after the task.
- *Requests*: the requests that arrive, in this order. *validate* stands for
  ``POST /api/v1/pagerduty/configuration/validate``, and *abilities* for PagerDuty's ``GET /abilities``.

A write with an unknown outcome is never repeated blindly. The task reads the configuration (GET) first, and then
decides.

Each table is about one task alone. What two tasks on one workspace do to each other, with every failure at every
request, and the mistakes that these tests would notice, are in
:ref:`ansible_collections.cortexapps.cortex.docsite.exhaustive_tests`.
"""
HOW_OFTEN = {(False,): "once", (True,): "each time", (False, True): "once or each time"}
SHORT_NAMES = {VALIDATE: "validate", ABILITIES: "abilities"}


def yes(value: bool) -> str:
    return "yes" if value else "no"


def named(stored: Stored | Unknown) -> str:
    """Return the word for what is stored."""
    return "unknown" if stored == "unknown" else "none" if stored is None else "old" if stored == OLD else "new"


def render(found: dict[tuple[str, str, bool], list[str]]) -> str:
    """Return the document; the two rows of a fault are one where they are equal."""
    text = io.StringIO()
    text.write(INTRODUCTION)
    writer = csv.writer(text, lineterminator="\n")
    for moment, task in TASKS.items():
        about = "\n".join(textwrap.wrap(task.about, 120))
        text.write(f"\n{task.title}\n{'-' * len(task.title)}\n\n{about}\n\n.. csv-table::\n   :header-rows: 1\n\n   ")
        writer.writerow(["Fault", "How often", task.third_column, "Changed", "Reported", "Stored", "Requests"])
        for title in task.faults:
            once, each_time = found[moment, title, False], found[moment, title, True]
            rows = [((False, True), once)] if once == each_time else [((False,), once), ((True,), each_time)]
            for lasts, cells in rows:
                text.write("   ")
                writer.writerow([title, HOW_OFTEN[lasts], *cells])
    return text.getvalue()


@functools.cache
def documented() -> dict[tuple[str, str, bool], list[str]]:
    """Return what the document says: the opposite of `render`."""
    rows: dict[tuple[str, str, bool], list[str]] = {}
    moments = {task.title: moment for moment, task in TASKS.items()}
    often = {words: lasts for lasts, words in HOW_OFTEN.items()}
    moment = ""
    for line in MATRIX.read_text(encoding="utf-8").splitlines() if MATRIX.exists() else []:
        moment = moments.get(line, moment)
        cells = next(csv.reader([line.strip()]), [])
        if line.startswith("   ") and len(cells) == 7 and cells[0] != "Fault":
            for lasts in often[cells[1]]:
                rows[moment, cells[0], lasts] = cells[2:]
    return rows

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault in every operation: what the task reports, what it sends, and what is stored then.

What is expected follows from the kind of a fault (`expected`), and from `EXCEPTIONS`. What is found is what
docs/docsite/rst/fault_matrix.rst says; ``pytest tests/unit/plugins/test_faults.py --write-fault-matrix`` writes that.
"""

from __future__ import annotations

import contextlib
import csv
import email.utils
import functools
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace

from .conftest import (
    DELETE,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    ROOT,
    TOKEN,
    VALIDATE,
    Run,
    Stored,
    configuration,
    shown,
    state,
)
from .wire import broken_wire

MATRIX = ROOT / "docs" / "docsite" / "rst" / "fault_matrix.rst"
RETRIES = 2
ATTEMPTS = 1 + RETRIES


class Kind(Enum):
    """What a fault means for the request that it hits."""

    HARMLESS = auto()
    NOT_SENT = auto()  # it never arrived; that may pass
    NOT_NOW = auto()  # it was refused, and may be accepted later
    REFUSED = auto()
    LOST = auto()  # no sensible answer, and it was not carried out; that may pass
    LOST_BUT_DONE = auto()
    ODD = auto()  # an answer that is not this API's, and it was not carried out
    ODD_BUT_DONE = auto()


@dataclass
class Fault:
    """A fault: `fields` are the simulator's, to be `resolved`; `wire` is that of `broken_wire`.

    `status` is the HTTP status that a failed task reports, and `says` is in its message.
    """

    kind: Kind
    status: int | None
    says: tuple[str, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    wire: str | None = None


HTML = "<!DOCTYPE html><html><body>Sign in</body></html>"
NOT_CORTEX = ("base_url does not look like the Cortex API.",)
REFUSAL = ("Cortex responded with HTTP ", "A simulated fault")
LIMIT = ("HTTP 429", "The rate limit of the Cortex API (1000 requests a minute) was exceeded.")
WRONG_TYPES = {"isTokenReadonly": "true", "lastFour": 1234, "isValid": "true"}
RIGHT = {"isTokenReadonly": True, "lastFour": "ab12", "isValid": True}
# What Cortex truly answers to each operation of TASKS.
TRUE_ANSWERS: dict[str, dict[str, Any]] = {
    "get": {"isTokenReadonly": True, "lastFour": "cd34"},
    "add": {"configurations": [{"isTokenReadonly": True, "lastFour": "ab12"}]},
    "replace": {"configurations": [{"isTokenReadonly": True, "lastFour": "ab12"}]},
    "delete": {"configurations": []},
    "validate": {"configurations": [{"isValid": True}]},
}


ODD_ANSWERS: dict[str, dict[str, Any]] = {
    "HTML with 200": {"body": HTML, "content_type": "text/html"},
    "empty body": {"body": ""},
    "JSON cut short": {"body": '{"configurations": [{"isTok'},
    "wrong types": {"body": {**WRONG_TYPES, "configurations": [WRONG_TYPES]}},
    "a list for an object": {"body": [RIGHT]},
    "10 MB of answer": {"body": TRUE_ANSWERS.get, "pad_to_bytes": 10_000_000},
    "bytes that are not UTF-8": {"body": '{"configurations": ["\udce9"]}'},
    "gzip announced, not sent": {"body": RIGHT, "headers": {"Content-Encoding": "gzip"}},
}


def http_date(operation: str) -> str:
    """Return the date that is forty seconds away."""
    return email.utils.formatdate(time.time() + 40, usegmt=True)


def limited(kind: Kind = Kind.NOT_NOW, *says: str, retry_after: str | Callable[[str], str] | None = None) -> Fault:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(kind, 429, (*LIMIT, *says), {"status": 429, "headers": headers})


def resolved(value: Any, operation: str) -> Any:
    """Return a field of a fault, in which functions stand for what depends on the operation or the time."""
    if isinstance(value, dict):
        return {name: resolved(item, operation) for name, item in value.items()}
    return value(operation) if callable(value) else value


FAULTS = {
    "connection refused": Fault(Kind.NOT_SENT, None, ("Connection refused",), wire="refused"),
    "no connection in time": Fault(
        Kind.NOT_SENT, None, ("timed out after 30 s waiting for a connection", "timeout"), wire="silent"
    ),
    "dropped before it was carried out": Fault(Kind.LOST, None, ("connection was lost",), {"drop": True}),
    "dropped after it was carried out": Fault(
        Kind.LOST_BUT_DONE, None, ("connection was lost",), {"drop": True, "processed": True}
    ),
    "dropped within the answer": Fault(
        Kind.LOST_BUT_DONE, None, ("connection was lost",), {"truncate": 10, "processed": True}
    ),
    "no answer in time, not carried out": Fault(
        Kind.LOST,
        None,
        ("timed out after 30 s waiting for a response", "timeout"),
        {"delay": 60, "drop": True},
        wire="impatient",
    ),
    "no answer in time, carried out": Fault(
        Kind.LOST_BUT_DONE,
        None,
        ("timed out after 30 s waiting for a response", "timeout"),
        {"delay": 60, "drop": True, "processed": True},
        wire="impatient",
    ),
    "400": Fault(Kind.REFUSED, 400, REFUSAL, {"status": 400}),
    "401": Fault(Kind.REFUSED, 401, (*REFUSAL, "Check api_key"), {"status": 401}),
    "403": Fault(Kind.REFUSED, 403, (*REFUSAL, "Configure integrations"), {"status": 403}),
    # In that form it is true: there is none, so somebody has removed it.
    "404 in Cortex's form": Fault(Kind.REFUSED, 404, REFUSAL, {"status": 404, "afterwards": {"configuration": None}}),
    "404 of another form (JSON)": Fault(
        Kind.REFUSED, 404, NOT_CORTEX, {"status": 404, "body": {"error": "no such route"}}
    ),
    "404 of another form (HTML)": Fault(
        Kind.REFUSED, 404, NOT_CORTEX, {"status": 404, "body": HTML, "content_type": "text/html"}
    ),
    "409": Fault(Kind.REFUSED, 409, REFUSAL, {"status": 409}),
    "429, Retry-After: 7": limited(Kind.NOT_NOW, "requested a retry after 7 s.", retry_after="7"),
    "429, Retry-After: a date": limited(Kind.NOT_NOW, "requested a retry after", retry_after=http_date),
    "429, Retry-After missing": limited(),
    "429, Retry-After: -5": limited(retry_after="-5"),
    "429, Retry-After: soon": limited(retry_after="soon"),
    "429, Retry-After: 86400": limited(
        Kind.REFUSED, "requested a retry after 86400 s, and the module waits 60 s at most", retry_after="86400"
    ),
    **{
        f"{status}, {'' if done else 'not '}carried out": Fault(
            Kind.LOST_BUT_DONE if done else Kind.LOST, status, REFUSAL, {"status": status, "processed": done}
        )
        for status in (500, 502, 503, 504)
        for done in (False, True)
    },
    "503 as HTML": Fault(
        Kind.LOST, 503, (*NOT_CORTEX, "gateway"), {"status": 503, "body": HTML, "content_type": "text/html"}
    ),
    "redirect to another host": Fault(
        Kind.ODD,
        302,
        (
            "redirects to login.example.com",
            "Redirects are not followed, so the API key is never sent to another host.",
            "Check base_url",
        ),
        {"status": 302, "headers": {"Location": "https://login.example.com/sso?next=1"}},
    ),
    "redirect to itself": Fault(
        Kind.ODD,
        307,
        ("redirects to 127.0.0.1:", "Redirects are not followed, so the API key is never sent to another host."),
        {"status": 307, "headers": {"Location": "?again"}},
    ),
    **{
        f"{title}, {'' if done else 'not '}carried out": Fault(
            Kind.ODD_BUT_DONE if done else Kind.ODD, 200, NOT_CORTEX, {**fields, "processed": done}
        )
        for title, fields in ODD_ANSWERS.items()
        for done in (False, True)
    },
    # Carried out each time: an answer of the right form that lies about it cannot be told from a true one.
    "no configurations in the answer": Fault(
        Kind.ODD_BUT_DONE, 200, NOT_CORTEX, {"body": {"configurations": []}, "processed": True}
    ),
    "two configurations in the answer": Fault(
        Kind.ODD_BUT_DONE, 200, NOT_CORTEX, {"body": {"configurations": [RIGHT, RIGHT]}, "processed": True}
    ),
    "extra fields": Fault(
        Kind.HARMLESS,
        None,
        (),
        {"body": lambda operation: {**TRUE_ANSWERS[operation], "more": [{}]}, "processed": True},
    ),
    "another charset in Content-Type": Fault(
        Kind.HARMLESS, None, (), {"content_type": "application/json; charset=utf-16"}
    ),
    "gzip": Fault(Kind.HARMLESS, None, (), {"gzip": True}),
}


class Task(NamedTuple):
    """A task that meets a fault in `request`, after it has sent `earlier` and before it would send `later`."""

    options: dict[str, Any]
    request: str
    earlier: list[str]
    later: list[str]
    old: Stored
    wanted: Stored


OLD, WANTED = configuration(OTHER_TOKEN), configuration(TOKEN)
TASKS = {
    "get": Task({}, GET, [], [PUT], OLD, WANTED),
    "add": Task({}, POST, [GET], [], None, WANTED),
    "replace": Task({}, PUT, [GET], [], OLD, WANTED),
    "delete": Task({"state": "absent"}, DELETE, [GET], [], OLD, None),
    "validate": Task({"validate": True}, VALIDATE, [GET, PUT], [], OLD, WANTED),
}
PURPOSES = {
    "get": "Could not read the PagerDuty configuration",
    "add": "Could not add the PagerDuty configuration",
    "replace": "Could not replace the PagerDuty configuration",
    "delete": "Could not delete the PagerDuty configuration",
    "validate": "Could not validate the PagerDuty configuration",
}


class Outcome(NamedTuple):
    """How a task ends; `says` and `stored` are "wanted", "old", "nothing" or "unknown"."""

    ok: bool
    changed: bool
    says: str
    stored: str
    sent: list[str]


def expected(operation: str, kind: Kind, lasts: bool) -> Outcome:
    """Return what the interface promises for a fault of a kind.

    Reading and validating change nothing, so they are repeated. A write is repeated when it certainly was not carried
    out; else what is stored is read first, and decides.
    """
    task = TASKS[operation]
    request, is_write = [task.request], operation not in ("get", "validate")
    once = task.earlier + request
    again = once if kind is Kind.NOT_SENT else once + request
    exhausted = task.earlier if kind is Kind.NOT_SENT else task.earlier + request * ATTEMPTS
    good = Outcome(True, True, "wanted", "wanted", [])
    bad = {
        "get": Outcome(False, False, "unknown", "old", []),
        "validate": Outcome(False, True, "wanted", "wanted", []),
    }.get(operation, Outcome(False, False, "old", "old", []))
    if kind is Kind.HARMLESS:
        outcome, sent = good, once
    elif kind is Kind.REFUSED or (kind in (Kind.ODD, Kind.ODD_BUT_DONE) and not is_write):
        outcome, sent = bad, once
    elif kind in (Kind.NOT_SENT, Kind.NOT_NOW) or not is_write:
        outcome, sent = (bad, exhausted) if lasts else (good, again)
    elif kind in (Kind.LOST_BUT_DONE, Kind.ODD_BUT_DONE):
        outcome, sent = good, [*once, GET]
    elif kind is Kind.ODD:
        outcome, sent = bad, [*once, GET]
    elif lasts:
        outcome, sent = bad, task.earlier + [task.request, GET] * ATTEMPTS
    else:
        outcome, sent = good, [*once, GET, task.request]
    return outcome._replace(sent=sent + task.later * outcome.ok)


# Where an answer means more in one operation than in the others.
REFUSED_ADDITION = Outcome(False, False, "old", "old", [GET, POST, GET])  # it could have come into being in between
EXCEPTIONS = {
    ("get", "404 in Cortex's form"): Outcome(True, True, "wanted", "wanted", [GET, POST]),
    ("replace", "404 in Cortex's form"): Outcome(True, True, "wanted", "wanted", [GET, PUT, GET, POST]),
    ("delete", "404 in Cortex's form"): Outcome(True, True, "wanted", "wanted", [GET, DELETE]),
    ("validate", "404 in Cortex's form"): Outcome(False, True, "nothing", "nothing", [GET, PUT, VALIDATE]),
    ("add", "400"): REFUSED_ADDITION,
    ("add", "409"): REFUSED_ADDITION,
    ("delete", "no configurations in the answer"): Outcome(True, True, "wanted", "wanted", [GET, DELETE]),
    ("validate", "two configurations in the answer"): Outcome(True, True, "wanted", "wanted", [GET, PUT, VALIDATE]),
}
OTHER_MESSAGES = {
    ("validate", "404 in Cortex's form"): ("Another client removed it", "Current configuration: none."),
    ("validate", "no configurations in the answer"): ("it lists no verdict",),
}
NOW = {
    "get": "Nothing was changed.",
    "add": "Current configuration: none (unchanged).",
    "replace": "Current configuration: a token ending in cd34, is_token_readonly=true (unchanged).",
    "delete": "Current configuration: a token ending in cd34, is_token_readonly=true (unchanged).",
    "validate": "Current configuration: a token ending in ab12, is_token_readonly=true.",
}


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str, bool], list[str]]]:
    """What the tests find, for the matrix."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    yield found
    if request.config.getoption("--write-fault-matrix", default=False):
        MATRIX.parent.mkdir(parents=True, exist_ok=True)
        MATRIX.write_text(render(found), encoding="utf-8")


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "each time"])
@pytest.mark.parametrize("title", FAULTS)
@pytest.mark.parametrize("operation", TASKS)
def test_fault(
    config: Run,
    workspace: Workspace,
    waits: list[float],
    found: dict[tuple[str, str, bool], list[str]],
    request: pytest.FixtureRequest,
    operation: str,
    title: str,
    lasts: bool,
) -> None:
    task, fault = TASKS[operation], FAULTS[title]
    outcome = EXCEPTIONS.get((operation, title)) or expected(operation, fault.kind, lasts)
    times = None if lasts else 1
    workspace.configuration = task.old
    if fault.fields:
        workspace.fault(operation, times=times, **resolved(fault.fields, operation))
    with broken_wire(task.request, fault.wire, times) if fault.wire else contextlib.nullcontext():
        result = config(retries=RETRIES, **task.options)

    names = {"old": task.old, "wanted": task.wanted, "nothing": None}
    assert workspace.requests == outcome.sent
    assert workspace.configuration == names[outcome.stored]
    assert result.get("failed", False) is not outcome.ok
    assert result["changed"] is outcome.changed
    after = {name: value for name, value in result["diff"]["after"].items() if name != "token"}
    assert after == ({"state": "unknown"} if outcome.says == "unknown" else state(names[outcome.says]))
    assert result["configuration"] == (None if outcome.says == "unknown" else shown(names[outcome.says]))
    assert len(waits) == expected_waits(operation, title, lasts, outcome)
    if not outcome.ok:
        gives_up = lasts and fault.kind in (Kind.NOT_SENT, Kind.NOT_NOW, Kind.LOST, Kind.LOST_BUT_DONE)
        check_message(operation, title, result, gives_up)

    cells = [
        "ok" if outcome.ok else "failed",
        "yes" if result["changed"] else "no",
        outcome.says,
        outcome.stored,
        ", ".join("validate" if each == VALIDATE else each.partition(" ")[0] for each in workspace.requests),
    ]
    found[operation, title, lasts] = cells
    if not request.config.getoption("--write-fault-matrix", default=False):
        assert documented().get((operation, title, lasts)) == cells, (
            f"{MATRIX.name} is stale: see this file's docstring"
        )


def test_matrix_has_no_other_rows(
    found: dict[tuple[str, str, bool], list[str]], request: pytest.FixtureRequest
) -> None:
    rows = found if request.config.getoption("--write-fault-matrix", default=False) else documented()
    assert rows.keys() == {
        (operation, title, lasts) for operation in TASKS for title in FAULTS for lasts in (False, True)
    }


def expected_waits(operation: str, title: str, lasts: bool, outcome: Outcome) -> int:
    """Return how often the client waits: before each repetition, and before it reads what became of a write."""
    kind = FAULTS[title].kind
    if kind not in (Kind.NOT_SENT, Kind.NOT_NOW, Kind.LOST, Kind.LOST_BUT_DONE):
        return 0
    if outcome.ok:
        return 1
    return RETRIES if kind in (Kind.NOT_SENT, Kind.NOT_NOW) or operation in ("get", "validate") else ATTEMPTS


def check_message(operation: str, title: str, result: dict[str, Any], gives_up: bool) -> None:
    """Check that a message says what was being done, what happened, what to do, and what is stored now."""
    fault, message = FAULTS[title], result["msg"]
    says: tuple[str, ...] = (*fault.says, NOW[operation])
    if (operation, title) in OTHER_MESSAGES:
        says = OTHER_MESSAGES[operation, title]
    for text in says:
        assert text in message
    assert ("Gave up after 3 attempts" in message) is gives_up
    if "lists no verdict" not in message:
        method, _blank, path = TASKS[operation].request.partition(" ")
        assert message.startswith(f"{PURPOSES[operation]} ({method} http://127.0.0.1:")
        assert f"{path}):" in message
        assert result.get("http_status") == fault.status
        assert result.get("error_type") == ("SIMULATED" if "A simulated fault" in message else None)


# The matrix as a document

HEADER = ["Fault", "How often", "Task", "Changed", "Reported as stored", "Stored", "Requests"]
INTRODUCTION = f"""\
..
  Copyright (c) 2026 cortexapps.cortex contributors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.cortexapps.cortex.docsite.fault_matrix:

What happens when something goes wrong
======================================

These tables say what a task of ``cortexapps.cortex.cortex_pagerduty_config`` does when one of its requests meets a
fault, once or each time it is sent. They are written by the tests, from what they find.

Each task runs with ``retries: {RETRIES}``. It is to replace a stored configuration (*old*) with another one (*wanted*).
Only in *Adding* there is none at first, which is the *old* state then; in *Deleting* there is to be none.

- *Task*: how the task ends. A fault that is not noticed, or that a repeated request makes up for, leaves it *ok*.
- *Changed* and *Reported as stored*: what the task says, also when it fails. *Unknown* is said only where the task
  failed before it had read anything, and then nothing was changed.
- *Stored*: what Cortex truly holds then.
- *Requests*: what reaches Cortex, in this order. A request that never got there is not listed. *validate* stands for
  ``POST /api/v1/pagerduty/configuration/validate``.

A write whose outcome is not known is never simply sent again: what is stored is read first (GET), and decides.
"""
SECTIONS = {
    "get": "Reading the configuration",
    "add": "Adding a configuration",
    "replace": "Replacing the configuration",
    "delete": "Deleting the configuration",
    "validate": "Validating the configuration",
}
HOW_OFTEN = {(False,): "once", (True,): "each time", (False, True): "once or each time"}


def render(found: dict[tuple[str, str, bool], list[str]]) -> str:
    """Return the document; the two rows of a fault are one where they are equal."""
    text = io.StringIO()
    text.write(INTRODUCTION)
    for operation, section in SECTIONS.items():
        text.write(f"\n{section}\n{'-' * len(section)}\n\n.. csv-table::\n   :header-rows: 1\n\n")
        writer = csv.writer(text, lineterminator="\n")
        text.write("   ")
        writer.writerow(HEADER)
        for title in FAULTS:
            once, each_time = found[operation, title, False], found[operation, title, True]
            rows = [((False, True), once)] if once == each_time else [((False,), once), ((True,), each_time)]
            for lasts, cells in rows:
                text.write("   ")
                writer.writerow([title, HOW_OFTEN[lasts], *cells])
    return text.getvalue()


@functools.cache
def documented() -> dict[tuple[str, str, bool], list[str]]:
    """Return what the document says: the opposite of `render`."""
    rows: dict[tuple[str, str, bool], list[str]] = {}
    operations = {section: operation for operation, section in SECTIONS.items()}
    often = {words: lasts for lasts, words in HOW_OFTEN.items()}
    operation = ""
    for line in MATRIX.read_text(encoding="utf-8").splitlines() if MATRIX.exists() else []:
        operation = operations.get(line, operation)
        cells = next(csv.reader([line.strip()]), [])
        if line.startswith("   ") and len(cells) == len(HEADER) and cells != HEADER:
            for lasts in often[cells[1]]:
                rows[operation, cells[0], lasts] = cells[2:]
    return rows

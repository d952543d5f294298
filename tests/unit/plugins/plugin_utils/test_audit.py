"""The rows of an audit, and the formats that show them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _audit as audit
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._audit import Desired, make_row


def result(is_valid: bool, *messages: str | None) -> dict[str, Any]:
    verdicts = [{"alias": None, "is_valid": is_valid, "message": message} for message in messages]
    stored = {"is_token_readonly": is_valid, "last_four": "ab12"}
    return {"configuration": stored, "validation": {"is_valid": is_valid, "configurations": verdicts}}


VALID = result(True, None)
INVALID = result(False, "expired", None, "revoked")
ABSENT = {"configuration": None, "validation": None, "changed": False}
REFUSED = {"configuration": None, "validation": None, "failed": True, "msg": "HTTP 401. Check api_key."}
UNEVALUATED = {"failed": True, "msg": "{{ a.b }}: 'dict object' has no attribute 'b'. 'dict …\n\nThe error …"}
UNREAD = {"id": "1", "base_url": None, "status": "error", "reason": "x is undefined"}
SAME, OTHER = Desired(False, "ab12", True), Desired(False, "cd34", False)


def row(given: Any, *, is_in_play: bool = True, audit: str | None = None) -> audit.Row:
    return make_row("payments", given, "read", is_in_play=is_in_play, audit=audit)


def audited(given: dict[str, Any], desired: Desired = SAME, name: str = "payments") -> audit.Row:
    """Return the row for the result of the task that reads."""
    status, reason = audit.assess(given, desired)
    own = {"id": "1", "base_url": "https://a.b", "status": status, "reason": reason, "desired": list(desired)}
    return make_row(name, {**given, "audit": own}, "read", is_in_play=True, audit="1")


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        (VALID, "valid", ""),
        (INVALID, "invalid", "expired; revoked"),
        (ABSENT, "absent", ""),
        (REFUSED, "error", "HTTP 401. Check api_key."),
        ({**VALID, "failed": True, "msg": "HTTP 503"}, "error", "HTTP 503"),
        ({**VALID, "validation": None}, "error", audit.NOT_VALIDATED),
        (UNEVALUATED, "error", "'dict object' has no attribute 'b'"),
        ({"failed": True, "audit": UNREAD}, "error", "x is undefined"),
        ({"unreachable": True, "failed": True, "msg": "Failed to connect"}, "error", "Failed to connect"),
        ({"skipped": True, "changed": False}, "skipped", ""),
        (None, "skipped", ""),
        ({"results": [VALID], "msg": "All items completed"}, "error", audit.A_LOOP.format("read")),
        ("payments", "error", audit.NO_RESULT.format("read")),
        ({"changed": False}, "error", audit.NO_RESULT.format("read")),
    ],
)
def test_the_row_explains_a_result(given: Any, status: str, reason: str) -> None:
    found = row(given, audit="1", is_in_play=given != "payments")
    assert (found.workspace, found.status, found.reason) == ("payments", status, reason)


@pytest.mark.parametrize(
    ("given", "desired", "status", "reason"),
    [
        (VALID, SAME, "valid", ""),
        (VALID, Desired(), "valid", ""),
        (VALID, Desired(last_four="cd34"), "outdated", "ends in ab12, desired is cd34"),
        (VALID, OTHER, "outdated", "ends in ab12, desired is cd34; read-only is yes, desired is no"),
        (VALID, Desired(is_absent=True), "outdated", audit.UNWANTED),
        (INVALID, OTHER, "invalid", "expired; revoked"),
        (INVALID, Desired(is_absent=True), "outdated", audit.UNWANTED),
        (ABSENT, SAME, "absent", ""),
        (ABSENT, Desired(is_absent=True), "absent", ""),
    ],
)
def test_stored_and_desired_configuration_are_compared(
    given: dict[str, Any], desired: Desired, status: str, reason: str
) -> None:
    found = audited(given, desired)
    assert (found.status, found.reason, found.base_url) == (status, reason, "https://a.b")
    assert (found.failure is None) == (status == "valid" or (status == "absent" and desired.is_absent))


@pytest.mark.parametrize("given", [None, VALID, {**VALID, "audit": {"id": "0"}}])
def test_results_of_a_host_that_left_the_play_are_ignored(given: Any) -> None:
    found = row(given, is_in_play=False, audit="1")
    assert (found.status, found.reason) == ("error", audit.NOT_READ)


def test_the_table_has_problems_first_and_a_line_for_each_workspace() -> None:
    messy = {"failed": True, "msg": "first\r\nsecond\tthird\x1b[31m\u2028fourth\u202e"}
    rows = [audited(VALID), make_row("a-long\nname", messy, "read", is_in_play=True, audit=None)]
    assert audit.to_table(audit.sort(rows)) == [
        "WORKSPACE    STATUS  LAST FOUR  READ-ONLY  REASON",
        "a-long name  error   -          -          first second third [31m fourth",
        "payments     valid   ab12       yes        -",
        "2 workspaces: 1 error, 1 valid",
    ]


PREVIOUS = Desired(False, "cd34", True, "ab12")
NEW = {**VALID, "configuration": {"is_token_readonly": True, "last_four": "cd34"}}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([audited(VALID)], None),
        ([audited(NEW, PREVIOUS), audited(ABSENT, PREVIOUS)], audit.MAY_DELETE),
        (
            [audited(VALID, PREVIOUS, "a"), audited(NEW, PREVIOUS, "b"), row(None)],
            f"{audit.KEEP} Its last four characters (ab12) are in 1 of 3 workspaces: a. Unknown in 1: payments.",
        ),
        # Some other workspace may have it.
        (
            [audited(NEW, PREVIOUS), audited(VALID, SAME._replace(last_four="ef56"), "b")],
            f"{audit.KEEP} Its last four characters (ab12) are in 1 of 2 workspaces: b.",
        ),
        (
            [audited({**VALID, "failed": True, "msg": "HTTP 503"}, PREVIOUS, "a"), audited(REFUSED, PREVIOUS, "b")],
            f"{audit.KEEP} Its last four characters (ab12) are in 1 of 2 workspaces: a. Unknown in 1: b.",
        ),
        ([audited(VALID, PREVIOUS._replace(last_four="ab12"))], audit.SAME_LAST_FOUR.format("ab12")),
    ],
)
def test_the_last_line_says_whether_the_previous_token_may_be_deleted(rows: list[audit.Row], says: str | None) -> None:
    assert audit.describe_previous_token(rows) == says
    if says == audit.MAY_DELETE:
        says = audit.NOT_ALL_AUDITED.format(2, 3)
    assert audit.to_table(rows, 1)[-1] == says or not says
    assert says is None or all(says in report(rows, "now", 1) for report in (audit.to_json, audit.to_html))


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", " ", '"', "\t", "bad;", "bad; '"])
def test_no_report_has_a_formula(sign: str, before: str) -> None:
    formula = f"{before}{sign}HYPERLINK(1)"
    rows = [row({**INVALID, "validation": result(False, formula)["validation"]})._replace(workspace=formula)]
    [_headings, cells] = csv.reader(io.StringIO(audit.to_csv(rows, "now")))
    for cell in (cells[0], cells[4]):
        assert all(part.startswith("'") for part in cell.split(";") if "HYPERLINK" in part)
    assert ";" in before or "<td>&#x27;" in audit.to_html(rows, "now")


def test_csv_has_a_line_for_each_workspace() -> None:
    rows = [audited(VALID), row(result(False, 'He said "no",\nand left'))]
    assert audit.to_csv(rows, "now").splitlines() == [
        "workspace,status,last_four,read_only,reason,base_url",
        "payments,valid,ab12,yes,,https://a.b",
        'payments,invalid,ab12,no,"He said ""no"", and left",',
    ]


def test_json_has_the_fields_of_each_workspace() -> None:
    assert json.loads(audit.to_json([audited(VALID)], "2026-11-29T12:00:00+00:00")) == {
        "read_at": "2026-11-29T12:00:00+00:00",
        "previous_token": None,
        "workspaces": [
            {"workspace": "payments", "status": "valid", "reason": "", "error": None, "base_url": "https://a.b"} | VALID
        ],
    }


def test_the_page_counts_each_status() -> None:
    page = audit.to_html([audited(VALID), audited(VALID, OTHER), audited(VALID)], "today")
    counts = re.findall(r"<strong>(\d+)</strong>.*</span> (\w+)<", page)
    assert [status for _count, status in counts] == list(audit.STATUSES)
    assert {status: count for count, status in counts if count != "0"} == {"outdated": "1", "valid": "2"}


def test_the_page_stands_alone_and_shows_markup_as_text() -> None:
    script = "<script>alert('{style}')</script>"
    page = audit.to_html([row(result(False, script))._replace(workspace=script)], script)
    tree = ElementTree.fromstring(re.sub("<!DOCTYPE html>|<meta[^>]+>", "", page))  # noqa: S314
    assert tree.get("lang") == "en"
    assert not [each for each in tree.iter() if each.tag == "script" or {"src", "href"} & set(each.keys())]
    assert [each.get("scope") for each in tree.iter("th")] == ["col"] * 5 + ["row"]

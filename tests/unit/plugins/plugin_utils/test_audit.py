# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of an audit, and what shows them."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _audit as audit


def result(is_valid: bool, *messages: str | None) -> dict[str, Any]:
    verdicts = [{"alias": None, "is_valid": is_valid, "message": message} for message in messages]
    stored = {"is_token_readonly": is_valid, "last_four": "ab12"}
    return {"configuration": stored, "validation": {"is_valid": is_valid, "configurations": verdicts}}


VALID = result(True, None)
INVALID = result(False, "expired", None, "revoked")
ABSENT = {"configuration": None, "validation": None, "changed": False}
REFUSED = {"configuration": None, "validation": None, "failed": True, "msg": "HTTP 401. Check api_key."}
UNEVALUATED = {"failed": True, "msg": "'dict object' has no attribute 'search'\n\nThe error appears to be in …"}
UNREACHABLE = {"unreachable": True, "msg": "Failed to connect"}


@pytest.mark.parametrize(
    ("given", "status", "reason", "failure"),
    [
        (VALID, "valid", "", ""),
        (INVALID, "invalid", "expired; revoked", "The PagerDuty configuration is not valid. expired; revoked"),
        (result(False), "invalid", "", "The PagerDuty configuration is not valid."),
        (ABSENT, "absent", "", "There is no PagerDuty configuration."),
        (REFUSED, "error", REFUSED["msg"], REFUSED["msg"]),
        ({**VALID, "failed": True, "msg": "HTTP 503"}, "error", "HTTP 503", "HTTP 503"),
        (UNEVALUATED, "error", "'dict object' has no attribute 'search'", "'dict object' has no attribute 'search'"),
        (UNREACHABLE, "error", "Failed to connect", "Failed to connect"),
        (None, "error", audit.NOT_READ, audit.NOT_READ),
    ],
)
def test_the_row_says_what_a_result_means(given: dict[str, Any] | None, status: str, reason: str, failure: str) -> None:
    row = audit.make_row("payments", given)
    assert (row.workspace, row.status, row.reason) == ("payments", status, reason)
    if status != "valid":
        assert audit.describe_failure(row) == failure


def test_the_table_has_a_line_for_each_workspace_whatever_the_reason() -> None:
    messy = {"failed": True, "msg": "first\r\nsecond\tthird\x1b[31m\u2028fourth\u202e"}
    rows = [audit.make_row("payments", VALID), audit.make_row("a-long-name", messy)]
    assert audit.to_table(rows) == [
        "WORKSPACE    STATUS  LAST FOUR  READ-ONLY  REASON",
        "payments     valid   ab12       yes        -",
        "a-long-name  error   -          -          first second third [31m fourth",
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " ="])
def test_csv_has_no_formulas(start: str) -> None:
    formula = f'{start}HYPERLINK("https://example.com")'
    [_headings, cells] = csv.reader(io.StringIO(audit.to_csv([audit.make_row(formula, result(False, formula))])))
    assert cells[0] == f"'{formula}"
    assert cells[4] == f"'{formula.strip()}"


def test_csv_has_a_line_for_each_workspace() -> None:
    rows = [audit.make_row("payments", VALID), audit.make_row("search", result(False, 'He said "no",\nand left'))]
    assert audit.to_csv(rows).splitlines() == [
        "workspace,status,last_four,read_only,reason",
        "payments,valid,ab12,yes,",
        'search,invalid,ab12,no,"He said ""no"", and left"',
    ]


class Page(HTMLParser):
    """What the tests look for in a page, and whether its elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A script is not allowed to be there at all.
        assert tag != "script"
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_lists_problems_first() -> None:
    given = {"first": VALID, "second": ABSENT, "third": INVALID, "fourth": REFUSED, "fifth": VALID}
    page = audit.to_html([audit.make_row(name, of_host) for name, of_host in given.items()], "today")
    assert re.findall(r'<th scope="row">(\w+)', page) == ["fourth", "third", "second", "first", "fifth"]
    assert re.findall(r"<strong>(\d+)</strong>.*</span> (\w+)<", page) == [
        ("1", "error"),
        ("1", "invalid"),
        ("1", "absent"),
        ("2", "valid"),
    ]


def test_the_page_stands_alone_and_shows_markup_as_text() -> None:
    script = "<script>alert('{style}')</script>"
    page = Page(audit.to_html([audit.make_row(script, result(False, script))], script))
    assert page.open == []
    assert not [each for each in page.attributes if each[1] in ("src", "href")]
    assert ("html", "lang", "en") in page.attributes
    assert [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")] == ["col"] * 5 + ["row"]

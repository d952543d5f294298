# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit as a file, and where its rows come from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.cortexapps.cortex.plugins.action import cortex_pagerduty_report as report
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._audit import Row, make_row

ROWS = (make_row("payments", {"configuration": None, "validation": None}),)


def write(path: Path, *, check_mode: bool = False, rows: Sequence[Row] = ROWS) -> bool:
    return report.write(str(path), rows, check_mode=check_mode)


def test_each_host_has_its_own_row() -> None:
    absent = {"configuration": None, "validation": None}
    refused = {"failed": True, "configuration": None, "msg": "HTTP 401"}
    hostvars: dict[str, dict[str, Any]] = {
        "payments": {"read": absent},
        "checkout": {"read": refused},
        "search": {},
        # It failed before this audit read it: what is left is of an earlier one.
        "ledger": {"read": absent},
    }
    rows = report.read_rows(
        {
            "hostvars": hostvars,
            "ansible_play_hosts_all": ["payments", "checkout", "search", "ledger"],
            "ansible_play_hosts": ["payments", "checkout", "search"],
        },
        "read",
    )
    assert [(row.workspace, row.status, row.error) for row in rows[:2]] == [
        ("payments", "absent", None),
        ("checkout", "error", "HTTP 401"),
    ]
    assert [(row.workspace, row.status) for row in rows[2:]] == [("search", "error"), ("ledger", "error")]
    assert all("not read" in str(row.error) for row in rows[2:])


@pytest.mark.parametrize("ending", [".json", ".csv", ".html", ".JSON"])
def test_only_the_owner_can_read_it(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report{ending}"
    path.write_text("old")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        assert write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "payments" in path.read_text()


def test_it_is_written_once_and_not_in_check_mode(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert write(path, check_mode=True)
    assert list(tmp_path.iterdir()) == []
    assert write(path)
    first = path.stat().st_ino
    assert not write(path)
    assert path.stat().st_ino == first
    path.write_text("of another audit")
    assert write(path)
    assert "payments" in path.read_text()


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with mock.patch("os.replace", side_effect=OSError("no space")), pytest.raises(OSError, match="no space"):
        write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["report.txt", "report", "report.json.bak", "json", "missing/report.json"])
def test_an_unknown_ending_or_a_missing_folder_is_named(tmp_path: Path, name: str) -> None:
    says = re.escape(f"{tmp_path}/missing") if "missing" in name else r"\.json, \.csv, \.html"
    with pytest.raises(report.ReportError, match=says):
        write(tmp_path / name)


def test_what_no_encoding_knows_is_replaced(tmp_path: Path) -> None:
    rows = [make_row("payments\ud800", {"configuration": None})]
    path = tmp_path / "report.html"
    assert write(path, rows=rows)
    path.read_text(encoding="utf-8")


def test_json_has_the_fields_of_each_workspace(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write(path)
    assert json.loads(path.read_text()) == {
        "workspaces": [
            {"workspace": "payments", "status": "absent", "configuration": None, "validation": None, "error": None}
        ]
    }

"""The report of an audit as a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _report_file as report
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._audit import Row

ROWS = (Row("payments", "absent", ""),)


@pytest.mark.parametrize("ending", [".json", ".csv", ".html", ".JSON"])
def test_only_the_owner_can_read_it(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report{ending}"
    path.write_text("old")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        report.write(str(path), ROWS, "now")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "payments" in path.read_text()


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with mock.patch("os.replace", side_effect=OSError("no space")), pytest.raises(OSError, match="no space"):
        report.write(str(path), ROWS, "now")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("dest", [None, "", " "])
def test_empty_path_is_none(dest: str | None) -> None:
    assert report.find_path(dest) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("report.json", None),
        ("new-link.json", None),
        ("report.txt", report.OTHER_ENDING),
        ("report", report.OTHER_ENDING),
        ("report.json.bak", report.OTHER_ENDING),
        (".json", report.OTHER_ENDING),
        ("missing/report.json", "missing does not exist."),
        ("dangling.json", "missing does not exist."),
        ("locked/report.json", "you may not write to the folder"),
        *((f"{kind}.json", report.NO_FILE) for kind in ("folder", "fifo", "socket", "loop")),
    ],
)
def test_path_that_cannot_be_written_is_found_out_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str | None
) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "locked").mkdir()
    os.mkfifo(tmp_path / "fifo.json")
    for link, target in {"dangling": "missing/a.json", "loop": "loop.json", "new-link": "new.json"}.items():
        (tmp_path / f"{link}.json").symlink_to(tmp_path / target)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket.json")
    # root may write everywhere.
    monkeypatch.setattr(os, "access", lambda folder, mode: not str(folder).endswith("locked"))
    fault = report.find_fault_of_path(report.find_path(name) or "")
    assert fault is None if says is None else says in str(fault)


def test_characters_without_an_encoding_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    report.write(str(path), [Row("payments\ud800", "absent", "")], "now")
    path.read_text(encoding="utf-8")

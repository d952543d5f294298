"""The search for leaks finds them: without this, finding none would say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.disguises import BY_CHARACTER, FORMS
from tests.support.leaks import leaks_below, leaks_in

SECRET = 'u+7F/"LmN<é>2pRs&Xq4b\\漢🔑ab12'


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_found_in_each_form(form: str) -> None:
    assert leaks_in(f"before {FORMS[form](SECRET)} after", {"the token": SECRET}) == ["the token"]


@pytest.mark.parametrize("form", BY_CHARACTER)
def test_part_of_a_secret_is_found_in_each_form(form: str) -> None:
    assert leaks_in(FORMS[form]("7Qm2v+w9L"), {"key": "ck_live_7Qm2v+w9LrT4", "other": "w9LrT47Qm2v"}) == ["key"]


@pytest.mark.parametrize("before", ["", "k", "kk"])
def test_base64_is_found_at_each_place_and_within_escapes(before: str) -> None:
    for form in BY_CHARACTER.keys() - {"in capitals"}:
        encoded = BY_CHARACTER[form](FORMS["base64"](f"{before}{SECRET}"))
        assert leaks_in(encoded, {"the token": SECRET}) == ["the token"]


def test_last_four_characters_and_a_mask_are_no_leak() -> None:
    assert leaks_in(f"a token ending in {SECRET[-4:]}, sent as ********", {"the token": SECRET}) == []


def test_each_file_below_a_folder_is_searched_but_payloads(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "AnsiballZ_config.py").write_text(SECRET)
    (inner / "result.json").write_bytes(b"\xff" + SECRET.encode())
    assert leaks_below(tmp_path, {"the token": SECRET}) == ["a/b/result.json: the token"]

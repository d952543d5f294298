# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for leaks finds them: without this, finding none would say nothing."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.secrets.leaks import echoes, leaks_below, leaks_in

SECRET = 'u+7F/"LmN<é>2pRs&ab12'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET[:19],
        f"xx{SECRET[2:]}",
        quote(SECRET),
        quote(quote(SECRET, safe=""), safe=""),
        SECRET.replace("+", "%2b").replace("/", "%2f"),
        html.escape(SECRET),
        json.dumps(SECRET),
        json.dumps(json.dumps([SECRET])),
        "".join(f"\\u{ord(char):04X}" for char in SECRET),
        SECRET.replace("/", r"\/"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"Bearer {SECRET}.".encode()).decode(),
        base64.b64encode(f"k:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"a{SECRET}b".encode()).decode(),
        base64.encodebytes(f"{'line ' * 12}{SECRET}{' line' * 12}".encode()).decode(),
        quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
        echoes(SECRET),
    ],
)
def test_each_form_is_found(text: str) -> None:
    assert leaks_in(f"before {text} after", {"the token": SECRET})


def test_the_last_four_characters_and_a_mask_are_no_leak() -> None:
    assert leaks_in(f"a token ending in {SECRET[-4:]}, sent as ********", {"the token": SECRET}) == []


def test_each_file_below_a_folder_is_searched_but_payloads(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "AnsiballZ_config.py").write_text(SECRET)
    (inner / "result.json").write_bytes(b"\xff" + SECRET.encode())
    assert leaks_below(tmp_path, {"the token": SECRET}) == ["a/b/result.json: the token, plain"]

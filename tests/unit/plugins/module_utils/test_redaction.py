"""Masked, withheld and readable strings. In results: tests/api/test_secrets.py."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._redaction import MASK, MAX_SHOWN, WITHHELD, Redactor
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, TOKEN
from ansible_collections.cortexapps.cortex.tests.support.disguises import FORMS
from ansible_collections.cortexapps.cortex.tests.support.leaks import leaks_in

# With characters that every form escapes, and that are + and / in base64 wherever it begins.
SECRET = "Legacy???Key>>>/+\"7Fz<Qk&Lm'\\%ö漢🔑ab12"

MESSAGE = (
    "INTEGRATION_NOTFOUND 2b7e6a04-a2b3-4c1f-9d0e-5f6a7b8c9d0e in internationalization, see https://docs.cortex.io/x"
)


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        *(([secret], f"Bearer {secret}, {secret}.", f"Bearer {MASK}, {MASK}.") for secret in (API_KEY, TOKEN, SECRET)),
        (["ck_live_7Qm2", API_KEY, ""], f"Bearer {API_KEY}", f"Bearer {MASK}"),
        *((secrets, MESSAGE, MESSAGE) for secrets in ([], ["zq7"], ["\ud83d"], [API_KEY, TOKEN])),
        (["7"], "Not Here", "Not Here"),
        ([SECRET], r"half of a pair: \ud83d", r"half of a pair: \ud83d"),
    ],
)
def test_secret_is_masked_in_place_and_nothing_else(secrets: list[str], text: str, expected: str) -> None:
    assert Redactor(secrets).clean(text) == expected


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [API_KEY, TOKEN, SECRET])
def test_no_form_leaves_a_readable_part(form: str, secret: str) -> None:
    for around in ("{}", "x" * (MAX_SHOWN - 20) + " {}", "the key '{}' is refused, and so is {}"):
        cleaned = Redactor([secret]).clean(around.replace("{}", FORMS[form](secret)))
        assert leaks_in(cleaned, {"the secret": secret}) == []


@pytest.mark.parametrize("outer", ["plain", "URL-encoded", "JSON", "HTML"])
@pytest.mark.parametrize("inner", ["URL-encoded", "JSON", "HTML", "base64"])
def test_secret_in_disguise_is_withheld(inner: str, outer: str) -> None:
    text = FORMS[outer](f"The server got {FORMS[inner](SECRET)}.")
    assert Redactor([SECRET]).clean(text) == WITHHELD
    assert Redactor([API_KEY, SECRET]).clean(f"{API_KEY} {text}") == WITHHELD


@pytest.mark.parametrize("secret", [API_KEY, TOKEN])
@pytest.mark.parametrize(
    "form",
    {
        **{f"with {between!r}": between.join for between in "\n\0\u200b -."},
        "in two lines": lambda secret: f"{secret[:9]}\r\n{secret[9:]}",
        "hex": lambda secret: secret.encode().hex(),
        "hex with colons": lambda secret: secret.encode().hex(":").upper(),
        "a list of bytes": lambda secret: " ".join(map(hex, secret.encode())),
        "in escaped lines": lambda secret: f"{secret[:9]}\\n{secret[9:]}",
        "in tags": lambda secret: f"<b>{secret[:9]}</b><wbr/>\x1b[0m{secret[9:]}",
        "in full width": lambda secret: "".join(chr(ord(char) + 0xFEE0) for char in secret),
        "code points": lambda secret: "".join(f"%u{ord(char):04x}" for char in secret),
        "octal": lambda secret: "".join(f"\\{byte:03o}" for byte in secret.encode()),
        "escaped bytes": lambda secret: "".join(f"\\x{byte:x}" for byte in secret.encode()),
        "without the beginning": lambda secret: secret[4:],
        "without the end": lambda secret: f"{secret[:-4]}…",
        "without its middle": lambda secret: f"{secret[:16]}*{secret[17:]}",
        "base64 of a part": lambda secret: base64.b64encode(secret[1:18].encode()).decode(),
    }.items(),
    ids=lambda form: form[0],
)
def test_broken_secret_and_large_part_of_one_are_withheld(form: tuple[str, Callable[[str], str]], secret: str) -> None:
    assert Redactor([secret]).clean(f"The server got {form[1](secret)} from you.") == WITHHELD


@pytest.mark.parametrize("before", ["", "a", "ab"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_base64_may_begin_anywhere(encode: type[bytes], before: str) -> None:
    text = encode(f"{before}{SECRET}, and much more text than fits into one line of it".encode()).decode()
    assert Redactor([SECRET]).clean(text) == WITHHELD


@pytest.mark.parametrize(
    ("text", "is_masked"),
    [
        ("y_NbxKq81+tWzGh4cd34", True),
        ("u+7FzQkLmN2pRsTvab12", True),
        ("ABCDEFGHIJ0123456789", False),
        ("NullPointerException", False),
        ("2026-11-29T20-01-02Z", False),
        ("y_NbxKq81+tWzGh4cd3", False),
        ("y_NbxKq81+tWzGh4cd345", False),
        ("internationalization", False),
        ("INTEGRATION_NOTFOUND", False),
        ("2b7e6a04-a2b3-4c1f-9d0e-5f6a7b8c9d0e", False),
    ],
)
def test_string_that_looks_like_a_token_of_pagerduty(text: str, is_masked: bool) -> None:
    assert Redactor([]).clean(f"the token '{text}'") == f"the token '{MASK if is_masked else text}'"
    # The identifier of a request may look like one.
    assert Redactor([]).clean(text, is_identifier=True) == text
    assert Redactor([text]).clean(text, is_identifier=True) == MASK


@pytest.mark.parametrize(
    ("last_four", "text", "expected"),
    [
        ("cd34", "Legacy.y_Nbx/81+tWzGh4cd34 is not valid", f"{MASK} is not valid"),
        ("cd34", "the token that ends in cd34", "the token that ends in cd34"),
        ("cd34", "…cd34 is not valid", "…cd34 is not valid"),
        ("d34", "a token with d34 in it: Legacyabcd34", "a token with d34 in it: Legacyabcd34"),
        ("ning", "Provisioning of Legacy.y_Nbx1ning.", f"Provisioning of {MASK}."),
        ("2026", "at 2026-11-29 or 29.11.2026", "at 2026-11-29 or 29.11.2026"),
        ("", "a token", "a token"),
    ],
    ids=["token", "last four", "four and less", "three characters", "word", "date", "nothing"],
)
def test_stored_token_is_known_by_its_last_four(last_four: str, text: str, expected: str) -> None:
    assert Redactor([], last_four).clean(text) == expected


def test_line_of_bounded_length() -> None:
    cleaned = Redactor([]).clean("a\r\nb\t\x1b[2J\u202ec " + "word " * 1000)
    assert cleaned.startswith("a b [2J c word ")
    assert cleaned.isprintable()
    assert len(cleaned) == 501


@pytest.mark.parametrize("text", ["\\", "&amp;", "%25", "c", "ck_live_", "&#0", "u+", " ", "x"])
def test_masking_takes_time_in_proportion(text: str) -> None:
    """With as much as a response may have, it would take minutes where its time grew with the square."""
    assert len(Redactor([API_KEY, TOKEN], "ab12").clean(text * (64 * 1024 // len(text)))) <= MAX_SHOWN + 1

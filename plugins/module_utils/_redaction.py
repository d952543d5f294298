# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of texts that come from outside, in every form in which servers write back what they were sent.

Private to this collection: it may change in any release.
"""

from __future__ import annotations

import base64
import functools
import html.entities
import re
import typing as t

MASK = "********"
# A stored token may be unknown here. PagerDuty's have 20 characters, of which only + is ever escaped
# (https://support.pagerduty.com/main/docs/api-access-keys). What has only small or only capital letters is a word.
_PAGERDUTY_TOKEN = re.compile(r"(?<![\w+-])(?![a-z_+-]{20}|[A-Z_+-]{20})(?:[\w+-]|%2[Bb]|&#43;){20}(?![\w+-])")


def mask(text: str, secrets: frozenset[str], last_four: str = "") -> str:
    """Return a text without secrets.

    :param secrets: what must not show up in it.
    :param last_four: all that is known of a further secret, a stored token; shorter ones are not searched for.
    """
    if _may_hold(text, secrets):
        text = _secrets_pattern(secrets).sub(MASK, text)
    text = _PAGERDUTY_TOKEN.sub(MASK, text)
    if len(last_four) == 4:
        token = _token_pattern(last_four)
        # Word by word, since a pattern for a whole word would take time that grows with the square of the text.
        text = re.sub(r"\S+", lambda word: MASK if token.search(word[0]) else word[0], text)
    return text


def _may_hold(text: str, secrets: frozenset[str]) -> bool:
    """Return whether to search a text, for which the pattern takes tens of milliseconds to compile.

    Without a character that begins an escape, a secret can only be there as it is or in base64.
    """
    squeezed = "".join(text.split()).lower()
    return bool(re.search(r"[%&\\]", text)) or any(
        part.lower() in squeezed for secret in secrets for part in (secret, *_base64_parts(secret))
    )


@functools.lru_cache(maxsize=4)
def _secrets_pattern(secrets: frozenset[str]) -> re.Pattern[str]:
    # The longest first, so that one that begins with another is masked whole.
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.compile("|".join(pattern for secret in longest_first for pattern in _patterns(secret)), re.IGNORECASE)


def _token_pattern(last_four: str) -> re.Pattern[str]:
    return re.compile(r"\S{4}" + "".join(map(_character_pattern, last_four)))


def _patterns(secret: str) -> t.Iterator[str]:
    """Yield regular expressions that find a secret as it is and as servers write it back.

    That is with any of its characters URL-encoded, JSON- or HTML-escaped, also several times; and in base64, also
    inside a longer text that is encoded as a whole and broken into lines. Repetitions are bounded, so that the time to
    search a text grows no faster than the text.
    """
    yield "".join(map(_character_pattern, secret))
    escaped = {"+": "(?:%2b|[+])", "/": r"(?:%2f|\\?/)"}
    for part in _base64_parts(secret):
        yield r"\s*".join(escaped.get(char, char) for char in part) + r"[\w+/-]?={0,2}"


def _base64_parts(secret: str) -> t.Iterator[str]:
    """Yield what base64 makes of a secret, in both alphabets, without the ends that depend on its neighbours."""
    raw = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        # Inside a longer text a secret begins at one of three places of a base64 group.
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        part = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        if len(part) >= 4:
            yield from {part, part.replace("+", "-").replace("/", "_")}


def _character_pattern(char: str) -> str:
    code = ord(char)
    url = "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
    utf16 = char.encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(rf"\\{{1,8}}u{utf16[start : start + 4]}" for start in range(0, len(utf16), 4))
    names = [f"#0*{code}", f"#x0*{code:x}", *filter(None, [html.entities.codepoint2name.get(code)])]
    return rf"(?:\\{{0,8}}{re.escape(char)}|{url}|{escaped}|&(?:amp;){{0,3}}(?:{'|'.join(names)});?)"

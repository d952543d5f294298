# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of strings that come from outside."""

from __future__ import annotations

import base64
import html
import re
import sys
import typing as t
import unicodedata
from functools import cached_property
from itertools import takewhile
from urllib.parse import unquote

MASK = "********"
WITHHELD = "(withheld, because it contains a secret)"
# Characters of a string of the API that are shown.
MAX_SHOWN = 500
# Consecutive characters of a secret that are not shown, however few of the others are there.
MIN_PART = 12
# How many decodings are looked at. Each adds at most three; an escape within an escape needs a few.
_MAX_DECODINGS = 40
# A stored token may be unknown here. PagerDuty's have 20 characters
# (https://support.pagerduty.com/main/docs/api-access-keys). Those of one case, and words in CamelCase, are no tokens.
_PAGERDUTY_TOKEN = re.compile(
    r"(?<![\w+-])(?=[^a-z]{0,19}[a-z])(?=[^A-Z]{0,19}[A-Z])(?!([A-Z][a-z]{2,})+(?![\w+-]))[\w+-]{20}(?![\w+-])"
)
# What may be a token that ends in the known characters, and has at least four more.
_WORD = re.compile(r"[^\s<>\"'`(){}\[\],;]{8,}")
# As in JSON, Python and C.
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv0])|(.))", re.DOTALL
)
_OTHER_ESCAPE = re.compile(r"(?:%u|U\+)([0-9a-fA-F]{4})")
_MARKUP = re.compile(r"<[^<>]*>|\x1b\[[0-9;]*[A-Za-z]")


class Redactor:
    """Makes strings from outside fit to be shown.

    :param secrets: the strings that must not be shown in any form.
    :param last_four: all that is known of a further secret, a stored token. Fewer than four characters are not searched
        for.
    """

    def __init__(self, secrets: t.Iterable[str], last_four: str = "") -> None:
        # The longest first, so that one that begins with another is masked whole.
        self._secrets = sorted(set(filter(None, secrets)), key=len, reverse=True)
        self._last_four = last_four

    # Most tasks get no string to look into.
    @cached_property
    def _plain(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._secrets)) or "(?!)", re.IGNORECASE)

    @cached_property
    def _letters(self) -> _Finder:
        # With anything between the characters. Fewer are a word.
        return _Finder((part for part in map(_letters, self._secrets) if len(part) >= MIN_PART // 2), MIN_PART)

    @cached_property
    def _hex(self) -> _Finder:
        return _Finder((secret.encode("utf-8", "surrogatepass").hex() for secret in self._secrets), 2 * MIN_PART)

    @cached_property
    def _base64(self) -> _Finder:
        return _Finder((part for secret in self._secrets for part in _base64_parts(secret)), MIN_PART // 3 * 4)

    def clean(self, text: str, *, is_identifier: bool = False) -> str:
        """Return a string from outside as one line of bounded length without any secret.

        :param is_identifier: a string that looks like a token of PagerDuty may be shown.
        """
        # Shortened last: a part of a secret would not be found.
        return one_line(self.redact(text, is_identifier=is_identifier))

    def redact(self, text: str, *, is_identifier: bool = False) -> str:
        """Return a string without secrets: with the mask in place of whole ones, or withheld.

        It is withheld where a secret is in disguise, or where a part of it is too long to be shown.
        """
        masked = self._mask(text, is_identifier)
        is_disguised = any(self._is_disguised(form, is_identifier) for form in _decodings(masked))
        return WITHHELD if is_disguised else masked

    def _mask(self, text: str, is_identifier: bool) -> str:
        text = self._plain.sub(MASK, text)
        if not is_identifier:
            text = _PAGERDUTY_TOKEN.sub(MASK, text)
        if len(self._last_four) == 4:
            text = _WORD.sub(self._mask_word, text)
        return text

    def _mask_word(self, match: re.Match[str]) -> str:
        word = match[0].rstrip(".:!?")
        is_token = word.endswith(self._last_four) and not re.fullmatch("[A-Z]?[a-z]*|[0-9:/.-]*", word)
        return MASK + match[0][len(word) :] if is_token else match[0]

    def _is_disguised(self, form: str, is_identifier: bool) -> bool:
        return (
            self._mask(form, is_identifier) != form
            or self._letters.is_in(_letters(form))
            or self._hex.is_in(re.sub("0x|[^0-9a-f]", "", form.lower()))
            or self._base64.is_in("".join(form.split()).replace("-", "+").replace("_", "/"))
        )


class _Finder:
    """Finds secrets and long parts of them.

    :param shortest: the length from which on a part of a secret is found. Shorter secrets are found whole.
    """

    def __init__(self, secrets: t.Iterable[str], shortest: int) -> None:
        self._shortest = shortest
        # A part of that length contains a whole one of these pieces, which are quickly found.
        size = shortest // 2
        self._places: dict[str, list[tuple[str, int]]] = {}
        for secret in secrets:
            is_long = len(secret) >= shortest
            for start in range(0, len(secret) - size + 1, size) if is_long else (0,):
                piece = secret[start : start + size] if is_long else secret
                self._places.setdefault(piece, []).append((secret, start))
        pieces = sorted(self._places, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, pieces)) or "(?!)")

    def is_in(self, text: str) -> bool:
        return any(
            _same(text, match.start(), secret, place) >= min(self._shortest, len(secret))
            for match in self._pattern.finditer(text)
            for secret, place in self._places[match[0]]
        )


def _same(text: str, start: int, secret: str, place: int) -> int:
    """Return how many characters in a row are the same around a place in a text and one in a secret."""
    before = zip(reversed(text[max(0, start - place) : start]), reversed(secret[:place]))
    after = zip(text[start : start + len(secret)], secret[place:])
    return sum(sum(1 for _each in takewhile(lambda pair: pair[0] == pair[1], pairs)) for pairs in (before, after))


def _letters(text: str) -> str:
    """Return the letters and digits of a text in lower case."""
    return "".join(filter(str.isalnum, text)).lower()


def one_line(text: str) -> str:
    """Return a string as one line of bounded length, without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_SHOWN else line[:MAX_SHOWN] + "…"


def _decodings(text: str) -> list[str]:
    """Return a string, and its forms when the escapes that servers use are undone, in any order."""
    forms, pending = [text], [text]
    while pending:
        form = pending.pop(0)
        for decode in (unquote, html.unescape, _unescape, _unescape_code_points, _strip_markup, _normalize):
            decoded = decode(form)
            if decoded not in forms and len(forms) < _MAX_DECODINGS:
                forms.append(decoded)
                pending.append(decoded)
    return forms


def _unescape(text: str) -> str:
    def decode(escape: re.Match[str]) -> str:
        four, two, eight, octal, space, other = escape.groups()
        code = int(four or two or eight or "0", 16) or int(octal or "0", 8)
        return " " if space or code > sys.maxunicode else chr(code) if code else other or ""

    # A character beyond 16 bits is escaped as a pair of surrogates.
    return _ESCAPE.sub(decode, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescape_code_points(text: str) -> str:
    return _OTHER_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)


def _strip_markup(text: str) -> str:
    return _MARKUP.sub("", text)


def _normalize(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _base64_parts(secret: str) -> t.Iterator[str]:
    """Yield the base64 forms of a secret, without the ends that depend on its neighbors.

    Inside a longer string it begins at one of three places of a group.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        part = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        if len(part) >= 4:
            yield part

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of strings that come from outside."""

from __future__ import annotations

import base64
import html
import re
import typing as t
from urllib.parse import unquote

MASK = "********"
WITHHELD = "(withheld, because it contains a secret)"
# Characters of a string of the API that are shown.
MAX_SHOWN = 500
# How many decodings are looked at. Each adds at most three; an escape within an escape needs a few.
_MAX_DECODINGS = 40
# A stored token may be unknown here. PagerDuty's have 20 characters
# (https://support.pagerduty.com/main/docs/api-access-keys). One case alone is a word.
_PAGERDUTY_TOKEN = re.compile(r"(?<![\w+-])(?![a-z_+-]{20}|[A-Z_+-]{20})[\w+-]{20}(?![\w+-])")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")


class Redactor:
    """Makes strings from outside fit to be shown.

    :param secrets: what must not be shown in any form.
    :param last_four: all that is known of a further secret, a stored token. Fewer than four characters are not searched
        for.
    """

    def __init__(self, secrets: t.Iterable[str], last_four: str = "") -> None:
        # The longest first, so that one that begins with another is masked whole.
        self._secrets = sorted(set(filter(None, secrets)), key=len, reverse=True)
        self._plain = re.compile("|".join(map(re.escape, self._secrets)) or "(?!)", re.IGNORECASE)
        self._encoded = {part for secret in self._secrets for part in _base64_parts(secret)}
        self._last_four = last_four

    def clean(self, text: str) -> str:
        """Return a string from outside as one line of bounded length without any secret."""
        # Shortened last: a part of a secret would not be found.
        return one_line(self.redact(text))

    def redact(self, text: str) -> str:
        """Return a string without secrets: with the mask in their place, or withheld where they are in disguise."""
        masked = self._mask(text)
        for form in _decodings(masked):
            squeezed = "".join(form.split()).replace("-", "+").replace("_", "/")
            if self._mask(form) != form or any(part in squeezed for part in self._encoded):
                return WITHHELD
        return masked

    def _mask(self, text: str) -> str:
        text = _PAGERDUTY_TOKEN.sub(MASK, self._plain.sub(MASK, text))
        if len(self._last_four) == 4:
            # Word by word: a pattern for whole words takes time that grows with the square of the length.
            text = re.sub(r"\S+", lambda word: MASK if self._last_four in word[0][4:] else word[0], text)
        return text


def one_line(text: str) -> str:
    """Return a string as one line of bounded length, without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_SHOWN else line[:MAX_SHOWN] + "…"


def _decodings(text: str) -> list[str]:
    """Return a string, and what it becomes when the escapes that servers use are undone, in any order."""
    forms, pending = [text], [text]
    while pending:
        form = pending.pop(0)
        for decode in (unquote, html.unescape, _unescape_json):
            decoded = decode(form)
            if decoded not in forms and len(forms) < _MAX_DECODINGS:
                forms.append(decoded)
                pending.append(decoded)
    return forms


def _unescape_json(text: str) -> str:
    decoded = _JSON_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2], text)
    # A character beyond 16 bits is escaped as a pair of surrogates.
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _base64_parts(secret: str) -> t.Iterator[str]:
    """Yield what base64 makes of a secret, without the ends that depend on its neighbors.

    Inside a longer string it begins at one of three places of a group.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        part = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        if len(part) >= 4:
            yield part

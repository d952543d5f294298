# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds secrets in what a run has written, in whatever form they got there."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

# Half a token is a leak too. The last four characters of a token are shown on purpose.
PIECE = 10
# What Ansible sends to the host to be run: with ANSIBLE_KEEP_REMOTE_FILES it stays there, the arguments within.
PAYLOADS = "AnsiballZ_*.py"
# What Ansible prints with ANSIBLE_DEBUG whatever no_log says, as the documentation of that setting warns: the arguments
# that a module was called with.
ANSIBLES_OWN = re.compile(r"^ *[0-9]+ [0-9.]+: done with _execute_module \(.*$", re.MULTILINE)

_READINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "URL-encoded": lambda text: unquote(re.sub("%(?:25)+", "%", text)),
    "HTML-escaped": html.unescape,
    "JSON-escaped": lambda text: re.sub(
        r'\\+(?:u([0-9a-fA-F]{4})|(["/\\]))', lambda found: chr(int(found[1], 16)) if found[1] else found[2], text
    ),
    "broken into lines": lambda text: re.sub(r"(?:\\+[rn]|\s)+", "", text),
}


def base64_cores(text: str) -> Iterator[str]:
    """Yield what base64 makes of a text that begins at each of the three places of a group, inside of another text."""
    raw = text.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        core = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))


def echoes(secret: str) -> str:
    """Return a secret in all the forms that a server may write it back in, in one line."""
    escaped = "".join(f"\\u{ord(char):04x}" for char in secret)
    encoded = [base64.b64encode(f"{before}{secret}".encode()).decode() for before in ("", "k:", "Bearer ", '{"k":"')]
    url_safe = base64.urlsafe_b64encode(secret.encode()).decode()
    return " ".join([secret, quote(secret, safe=""), quote(quote(secret, safe="")), escaped, url_safe, *encoded])


def leaks_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets a text holds, whole or in part, and how written. `secrets` maps what they are to them."""
    found: dict[str, str] = {}
    for reading, read in _READINGS.items():
        haystack = read(text)
        if reading != "plain" and haystack == text:
            continue
        for name in secrets.keys() - found.keys():
            secret = secrets[name]
            pieces = {secret[start : start + PIECE] for start in range(0, len(secret) - PIECE + 1, PIECE)}
            if any(piece in haystack for piece in pieces or {secret}):
                found[name] = reading
            elif any(core in haystack for core in base64_cores(secret)):
                found[name] = f"{reading}, in base64"
    return [f"{name}, {form}" for name, form in found.items()]


def leaks_below(folder: Path, secrets: Mapping[str, str]) -> list[str]:
    """Return the leaks in the names and contents of all files below a folder, but for `PAYLOADS` and `ANSIBLES_OWN`."""
    leaks = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.match(PAYLOADS):
            name = str(path.relative_to(folder))
            text = path.read_text(encoding="utf-8", errors="replace")
            if path.name == "stdout":
                text = ANSIBLES_OWN.sub("", text)
            leaks += [f"{name}: {leak}" for leak in leaks_in(f"{name}\n{text}", secrets)]
    return leaks

# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds secrets in the output and files of a run, whole or in part, in any form.

It undoes the forms in what was written, and searches the rest for pieces of the secrets.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

# This many letters and digits of a secret are a leak too. The last four characters of a token are shown on purpose.
PIECE = 8
# Escapes within escapes, for example JSON in JSON.
LAYERS = 4
# Ansible sends these to the host to be run. With ANSIBLE_KEEP_REMOTE_FILES they stay there, with the arguments.
PAYLOADS = "AnsiballZ_*.py"
# What Ansible prints with ANSIBLE_DEBUG whatever no_log says, as the documentation of that setting warns: the arguments
# that a module was called with.
ANSIBLES_OWN = re.compile(r"^ *[0-9]+ [0-9.]+: done with _execute_module \(.*$", re.MULTILINE)


def leaks_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """Return the names of the secrets that a text contains, in any form."""
    pieces = {piece: name for name, secret in secrets.items() for piece in _pieces(_plain(secret))}
    short = {name: secret for name, secret in secrets.items() if len(_plain(secret)) < PIECE}
    found: set[str] = set()
    for reading in _readings(text):
        found.update(pieces[piece] for piece in _pieces(_plain(reading)) if piece in pieces)
        found.update(name for name, secret in short.items() if secret in reading)
    return sorted(found)


def _plain(text: str) -> str:
    """Return the letters and digits alone: signs are what the forms differ in."""
    return re.sub(r"[\W_]+", "", text).lower()


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(len(text) - PIECE + 1))


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and with escapes and base64 decoded."""
    for _layer in range(LAYERS):
        yield text
        in_one_line = re.sub(r"\s+|\\+[nr]", "", text).replace("-", "+").replace("_", "/")
        for encoded in re.findall(r"[A-Za-z0-9+/]{12,}", in_one_line):
            for start in range(4):
                groups = (len(encoded) - start) // 4 * 4
                yield base64.b64decode(encoded[start : start + groups]).decode("latin-1")
        unescaped = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda escape: chr(int(escape[1], 16)), text)
        unescaped = html.unescape(unquote(unescaped))
        if unescaped == text:
            break
        text = unescaped


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

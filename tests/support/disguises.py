# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which a server may send a secret back."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from .cortex import POST


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


#: In these a part of a secret is a part of the form.
BY_CHARACTER: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in capitals": lambda secret: "".join(each.upper() if each.isascii() else each for each in secret),
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "URL-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "each character URL-encoded": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "JSON": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "HTML": html.escape,
    "HTML, numbered": lambda secret: "".join(f"&#{ord(each)};" for each in secret),
}
FORMS: dict[str, Callable[[str], str]] = {
    **BY_CHARACTER,
    "base64": _base64,
    "URL-safe base64": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "inside base64": lambda secret: _base64(f"Authorization: Bearer {secret}\r\nAccept: */*"),
    "inside lines of base64": lambda secret: base64.encodebytes(f"{POST} HTTP/1.1\r\n{secret}\r\n".encode()).decode(),
}


def filled(value: Any, placeholder: str, text: str) -> Any:
    """Return a value of JSON with a text in place of each placeholder in it."""
    return json.loads(json.dumps(value).replace(placeholder, json.dumps(text)[1:-1]))

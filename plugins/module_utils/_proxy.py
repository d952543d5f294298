# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy that the environment names for a URL, as messages show it."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from urllib.parse import urlsplit

with contextlib.suppress(ImportError):
    # Without requests no request is sent that could fail.
    from requests.utils import get_environ_proxies, select_proxy

# A host and a port. All else may be, or contain, a password.
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:[0-9]+)?/?", re.ASCII)


class Proxy(t.NamedTuple):
    """A proxy.

    :param name: its name in messages, without a user and a password.
    :param variable: where its URL is set.
    """

    name: str
    variable: str
    is_socks: bool


def find_proxy(url: str) -> Proxy | None:
    """Return the proxy for a request to a URL; None if there is none."""
    proxy = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    if not proxy:
        return None
    address = proxy.rpartition("://")[2].rpartition("@")[2]
    shown = f"{address.rstrip('/')} " if _ADDRESS.fullmatch(address) else ""
    # On macOS they may be the system's.
    variable = _variable(urlsplit(url).scheme) or "the proxy settings"
    return Proxy(f"the proxy {shown}of {variable}", variable, proxy.lower().startswith("socks"))


def _variable(scheme: str) -> str | None:
    for wanted in (f"{scheme}_proxy", "all_proxy"):
        # One in lower case comes first.
        for name in sorted(os.environ, reverse=True):
            if name.lower() == wanted and os.environ[name]:
                return name
    return None

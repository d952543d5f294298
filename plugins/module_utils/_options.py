# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every module of this collection shares: how to reach Cortex, and as whom.

Private to this collection: it may change in any release.
"""

from __future__ import annotations

import math
import os
import re
import typing as t
from ipaddress import ip_address
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleFallbackNotFound, AnsibleModule

from ._client import CortexClient, CortexError

# Characters of a secret or a URL, seconds, attempts. Far above what is of use: a slip of the template is to be named
# before anything is sent.
LONGEST_OPTION = 4096
LONGEST_TIMEOUT = 3600
MOST_RETRIES = 20
# What a template that gave no value, or a switch, looks like after Ansible has made a text of it.
NO_TEXTS = ("None", "True", "False")


# An IPv6 address or a host name of labels, and a port.
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+(%25[\w.-]+)?\]|[\w-]{1,63}(\.[\w-]{1,63})*\.?)(:[0-9]*)?", re.ASCII)


def nonempty_env_fallback(*names: str) -> str:
    """Return the first of some environment variables that is set and not empty.

    Empty ones count as unset: AWX injects optional fields that were left blank as empty variables.
    """
    for name in names:
        if os.environ.get(name):
            return os.environ[name]
    raise AnsibleFallbackNotFound


def connection_argument_spec() -> dict[str, t.Any]:
    """Return the argument spec that goes with the documentation fragment ``cortexapps.cortex.connection``."""
    return {
        "api_key": {
            "type": "str",
            "required": True,
            "no_log": True,
            "fallback": (nonempty_env_fallback, ["CORTEX_API_KEY", "CORTEX_API_TOKEN"]),
        },
        "base_url": {
            "type": "str",
            "default": "https://api.getcortexapp.com",
            "fallback": (nonempty_env_fallback, ["CORTEX_BASE_URL", "CORTEX_API_URL"]),
        },
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 30},
        "retries": {"type": "int", "default": 4},
    }


class InvalidOptionError(CortexError):
    """An option has a value that cannot work; nothing was sent."""


def settle_masking(module: AnsibleModule) -> None:
    """Have Ansible mask what it does not know to be secret, and leave in clear what is none.

    Ansible takes each value of an option with ``no_log`` for a secret. A blank or the word None among them would be
    masked all over the message that says what is wrong with it.
    """
    no_secrets = [value for value in module.no_log_values if not value.strip() or value in NO_TEXTS]
    module.no_log_values.difference_update(no_secrets)
    # A user, password or query in base_url is refused, but the task's arguments are shown with a high verbosity.
    module.no_log_values.update(re.findall(r"(?<=//)[^/]*@|[?#].+", module.params["base_url"] or "", re.DOTALL))


def check_given(params: t.Mapping[str, t.Any], *names: str) -> None:
    """Check that options are not null, which Ansible takes for given.

    :raises InvalidOptionError: naming the first that is.
    """
    for name in names:
        if params[name] is None:
            raise InvalidOptionError(f"{name} is null, but state=present needs it.")


def check_connection(params: t.Mapping[str, t.Any]) -> list[str]:
    """Check the connection options of a task.

    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option, never showing a secret.
    """
    check_secret("api_key", params["api_key"])
    if not params["api_key"].isascii():
        raise InvalidOptionError("api_key holds a character that is not ASCII. Cortex's API keys are printable ASCII.")
    if not (math.isfinite(params["timeout"]) and 0 < params["timeout"] <= LONGEST_TIMEOUT):
        raise InvalidOptionError(f"timeout must be above 0 and at most {LONGEST_TIMEOUT} seconds.")
    if not 0 <= params["retries"] <= MOST_RETRIES:
        raise InvalidOptionError(f"retries must be from 0 to {MOST_RETRIES}.")
    if params["ca_path"] is not None and not os.path.exists(params["ca_path"]):
        raise InvalidOptionError(
            f"ca_path names no file or directory on the host that the module runs on: {params['ca_path'][:200]!r}."
        )
    return _check_base_url(params["base_url"])


def check_secret(name: str, value: str | None) -> None:
    """Check that a secret can be one: neither empty nor huge, without white space and control characters.

    With a line break in it, as files and commands like to add one, requests would raise an error that shows it.

    :raises InvalidOptionError: naming the option and not its value.
    """
    if not value or value.isspace():
        raise InvalidOptionError(f"{name} is empty or blank. Leave it out to take it from the environment.")
    if len(value) > LONGEST_OPTION:
        raise InvalidOptionError(f"{name} has {len(value)} characters; at most {LONGEST_OPTION} are possible.")
    if value in NO_TEXTS:
        raise InvalidOptionError(f"{name} is the word {value}: a template or a look-up gave no text.")
    if value[0] + value[-1] in ("[]", "{}"):
        raise InvalidOptionError(f"{name} is a list or a dictionary, but has to be a text.")
    # str.isprintable() is false for control, format (zero-width) and separator characters except the blank.
    if not value.isprintable() or " " in value:
        inside = value.rstrip()
        place = "ends in" if inside.isprintable() and " " not in inside else "holds"
        raise InvalidOptionError(
            f"{name} {place} white space or a control character, such as a line break or a zero-width character."
        )


def check_token(token: str | None, *, is_used: bool) -> list[str]:
    """Check a PagerDuty token.

    :returns: warnings for the user, where the token is going to be used. PagerDuty's REST API keys have 20 characters,
        integration keys of its Events API have 32 (https://support.pagerduty.com/main/docs/api-access-keys).
    :raises InvalidOptionError: not showing the token.
    """
    if token is None:
        return []
    check_secret("token", token)
    if not is_used or len(token) == 20:
        return []
    kind = " It may be an integration key of PagerDuty's Events API, which does not serve." if len(token) == 32 else ""
    return [f"token has {len(token)} characters, while PagerDuty's REST API keys have 20.{kind}"]


def open_client(params: t.Mapping[str, t.Any], secrets: t.Iterable[str] = ()) -> CortexClient:
    """Return a client made of the connection options of a task (checked by :func:`check_connection`)."""
    return CortexClient(secrets=secrets, **{name: params[name] for name in connection_argument_spec()})


def _check_base_url(base_url: str | None) -> list[str]:
    example = "It must be a URL such as https://api.getcortexapp.com"
    if not base_url:
        raise InvalidOptionError(f"base_url is empty. {example}, or left out.")
    if len(base_url) > LONGEST_OPTION:
        raise InvalidOptionError(f"base_url has {len(base_url)} characters. {example}.")
    if not re.fullmatch("[!-~]+", base_url):
        raise InvalidOptionError(
            "base_url holds white space, a control character or one that is not ASCII (write the host's punycode). "
            f"{example}."
        )
    if not re.match("https?://", base_url, re.IGNORECASE):
        raise InvalidOptionError(f"base_url does not begin with https:// (or http://). {example}.")
    if "?" in base_url or "#" in base_url:
        raise InvalidOptionError(f"base_url has a query or a fragment. {example}.")
    try:
        url = urlsplit(base_url)
        has_valid_port = url.port is None or url.port > 0
    except ValueError:
        raise InvalidOptionError(f"base_url has an invalid host or port. {example}.") from None
    if "@" in url.netloc:
        raise InvalidOptionError(f"base_url holds a user or a password. {example}; the API key goes into api_key.")
    if not _NETLOC.fullmatch(url.netloc) or not has_valid_port or "\\" in base_url:
        raise InvalidOptionError(f"base_url has an invalid host or port. {example}.")
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        return ["base_url begins with http://, so that the API key and the token cross the network in clear."]
    return []


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules: argument specs, environment variables, and every check."""

from __future__ import annotations

import math
import os
import re
import typing as t
from ipaddress import ip_address
from urllib.parse import urlsplit

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ._errors import InvalidOptionError

# Characters of a secret or a URL, seconds, attempts. Far more than is of use: a mistake in a template should be named
# before anything is sent.
MAX_LENGTH = 4096
MAX_TIMEOUT = 3600
MAX_RETRIES = 20
# What Ansible turns a template that returned no value, or a boolean, into.
NO_STRINGS = ("None", "True", "False")

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


# Goes with the documentation fragment cortexapps.cortex.connection.
CONNECTION_SPEC: dict[str, t.Any] = {
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
# The arguments of AnsibleModule and of ArgumentSpecValidator for each module.
INFO_ARGUMENTS: dict[str, t.Any] = {
    "argument_spec": {**CONNECTION_SPEC, "validate": {"type": "bool", "default": False}},
}
CONFIG_ARGUMENTS: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION_SPEC,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "token": {"type": "str", "no_log": True, "fallback": (nonempty_env_fallback, ["PAGERDUTY_TOKEN"])},
        # Its name looks like that of a secret, which it is not.
        "is_token_readonly": {"type": "bool", "no_log": False},
        "update_token": {
            "type": "str",
            "choices": ["on_change", "always", "on_create"],
            "default": "on_change",
            "no_log": False,
        },
        "preflight": {"type": "bool", "default": False},
        "preflight_url": {"type": "str", "default": "https://api.pagerduty.com"},
        "validate": {"type": "bool", "default": False},
        "rollback": {"type": "bool", "default": False},
        "previous_token": {
            "type": "str",
            "no_log": True,
            "fallback": (nonempty_env_fallback, ["PAGERDUTY_PREVIOUS_TOKEN"]),
        },
        "previous_is_token_readonly": {"type": "bool", "no_log": False},
    },
    "required_if": [("state", "present", ("token", "is_token_readonly"))],
}


def adjust_no_log_values(no_log_values: set[str], params: t.Mapping[str, t.Any]) -> None:
    """Change in place what Ansible masks: add secrets that it does not know, and remove what is none.

    Ansible takes each value of an option with ``no_log`` for a secret. A blank or the string "None" among them would be
    masked all over the message that says what is wrong with it.
    """
    no_log_values -= {value for value in no_log_values if not value.strip() or value in NO_STRINGS}
    # A user, password or query in a URL is an error, but the arguments are shown with a high verbosity.
    for url in (value for name, value in params.items() if name.endswith("_url")):
        no_log_values |= set(re.findall(r"(?<=//)[^/]*@|[?#].+", str(url or ""), re.DOTALL))


def check_connection(params: t.Mapping[str, t.Any]) -> list[str]:
    """Check the connection options of a task.

    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option, without any secret.
    """
    check_secret("api_key", params["api_key"])
    if not params["api_key"].isascii():
        raise InvalidOptionError("api_key contains a character that is not ASCII. API keys of Cortex are ASCII.")
    if not (math.isfinite(params["timeout"]) and 0 < params["timeout"] <= MAX_TIMEOUT):
        raise InvalidOptionError(f"timeout must be above 0 and at most {MAX_TIMEOUT} seconds.")
    if not 0 <= params["retries"] <= MAX_RETRIES:
        raise InvalidOptionError(f"retries must be from 0 to {MAX_RETRIES}.")
    if params["ca_path"] is not None and not os.path.exists(params["ca_path"]):
        raise InvalidOptionError(
            f"ca_path is no file or directory on the host that the task runs on: {params['ca_path'][:200]!r}."
        )
    return check_url("base_url", params["base_url"], "https://api.getcortexapp.com", "the API key and the token are")


def check_config(params: t.Mapping[str, t.Any]) -> list[str]:
    """Check all options of a task of ``cortex_pagerduty_config``.

    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option, without any secret.
    """
    is_present = params["state"] == "present"
    can_roll_back = is_present and params["validate"] and params["rollback"]
    # Ansible takes null for a value.
    for name in ("token", "is_token_readonly") if is_present else ():
        if params[name] is None:
            raise InvalidOptionError(f"{name} is null, but state=present needs it.")
    warnings = [
        *check_connection(params),
        *check_pagerduty_token("token", params["token"], is_used=is_present),
        *check_pagerduty_token("previous_token", params["previous_token"], is_used=can_roll_back),
        *check_url("preflight_url", params["preflight_url"], "https://api.pagerduty.com", "the token is"),
    ]
    if can_roll_back and params["previous_token"] == params["token"]:
        raise InvalidOptionError("previous_token equals token, so there would be nothing to go back to.")
    return warnings


def check_secret(name: str, value: str | None) -> None:
    """Check that a secret can be one: neither empty nor huge, without whitespace and control characters.

    With a line break in it, as files and commands like to add one, requests would raise an error that shows it.

    :raises InvalidOptionError: naming the option and not its value.
    """
    if not value or value.isspace():
        raise InvalidOptionError(f"{name} is empty or blank. To use the environment variable, omit it.")
    if len(value) > MAX_LENGTH:
        raise InvalidOptionError(f"{name} has {len(value)} characters. At most {MAX_LENGTH} are possible.")
    if value in NO_STRINGS:
        raise InvalidOptionError(f'{name} is the string "{value}": a template or lookup returned no value.')
    if value[0] + value[-1] in ("[]", "{}"):
        raise InvalidOptionError(f"{name} is a list or a dictionary, but must be a string.")
    # str.isprintable() is false for control, format (zero-width) and separator characters except the blank.
    if not value.isprintable() or " " in value:
        inside = value.rstrip()
        place = "ends in" if inside.isprintable() and " " not in inside else "contains"
        raise InvalidOptionError(
            f"{name} {place} whitespace or a control character, such as a line break or a zero-width character."
        )


def check_pagerduty_token(name: str, token: str | None, *, is_used: bool) -> list[str]:
    """Check a PagerDuty token.

    :returns: warnings for the user, where the token may be sent. PagerDuty's REST API keys have 20 characters,
        integration keys of its Events API have 32 (https://support.pagerduty.com/main/docs/api-access-keys).
    :raises InvalidOptionError: naming the option and not the token.
    """
    if token is None:
        return []
    check_secret(name, token)
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", token):
        raise InvalidOptionError(f"{name} is a number, but must be a string.")
    if not is_used or len(token) == 20:
        return []
    kind = " It may be an integration key of PagerDuty's Events API, which does not work." if len(token) == 32 else ""
    return [f"{name} has {len(token)} characters, while PagerDuty's REST API keys have 20.{kind}"]


def check_url(name: str, url: str | None, example: str, secrets: str) -> list[str]:
    """Check the URL of an API.

    :param example: such a URL, for the message.
    :param secrets: what is sent there, for the warning.
    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option.
    """
    expected = f"It must be a URL such as {example}."
    if not url:
        raise InvalidOptionError(f"{name} is empty.", expected)
    if len(url) > MAX_LENGTH:
        raise InvalidOptionError(f"{name} has {len(url)} characters.", expected)
    if not re.fullmatch("[!-~]+", url):
        raise InvalidOptionError(
            f"{name} contains whitespace, a control character or one that is not ASCII (use the host's punycode).",
            expected,
        )
    if not re.match("https?://", url, re.IGNORECASE):
        raise InvalidOptionError(f"{name} does not begin with https:// (or http://).", expected)
    if "?" in url or "#" in url:
        raise InvalidOptionError(f"{name} has a query or a fragment.", expected)
    invalid = InvalidOptionError(f"{name} has an invalid host or port.", expected)
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port is None or parts.port > 0
    except ValueError:
        raise invalid from None
    if "@" in parts.netloc:
        raise InvalidOptionError(f"{name} contains a user or a password.", expected)
    if not _NETLOC.fullmatch(parts.netloc) or not has_valid_port or "\\" in url:
        raise invalid
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        return [f"{name} begins with http://, so {secrets} sent unencrypted."]
    return []


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

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

# Characters of a URL or a secret, seconds, attempts. Far more than is of use: a mistake in a template should be named
# before anything is sent.
MAX_LENGTH = 4096
MAX_TIMEOUT = 3600
MAX_RETRIES = 20
# Characters of a secret. A shorter one would be found within words, where secrets are masked.
MIN_SECRET_LENGTH = 8

#: The options that contain a secret, and the environment variables that count where the option is not given.
SECRETS = {
    "api_key": ("CORTEX_API_KEY", "CORTEX_API_TOKEN"),
    "token": ("PAGERDUTY_TOKEN",),
    "previous_token": ("PAGERDUTY_PREVIOUS_TOKEN",),
}
#: The options that contain the URL of an API, their environment variables and defaults, and the secrets sent there.
URLS = {
    "base_url": (
        ("CORTEX_BASE_URL", "CORTEX_API_URL"),
        "https://api.getcortexapp.com",
        "the API key and the token are",
    ),
    "preflight_url": (("PAGERDUTY_API_URL",), "https://api.pagerduty.com", "the token is"),
}

# An IPv6 address or a host name of labels, and a port.
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+(%25[\w.-]+)?\]|[\w-]{1,63}(\.[\w-]{1,63})*\.?)(:[0-9]*)?", re.ASCII)

# The beginning of a header of an API, not of a secret.
_PREFIX = re.compile(r"(authorization:\s*)?(bearer[\s:=]+|token[\s:=]+(token\s*=\s*)?)", re.IGNORECASE)
# Values that cannot be a secret or only stand for one (whole values, in any case), and the sentences about them.
_PROBLEMS: dict[str, tuple[str, ...]] = {
    r"\s*": ("is empty or blank.", "To use the environment variable, omit it."),
    f".{{{MAX_LENGTH + 1},}}": (f"has more than {MAX_LENGTH} characters.",),
    "none|nonetype|null|nil|undefined|ansibleundefined|omit|true|false": (
        'is the string "{}": a template or lookup returned no value.',
    ),
    # AWX's, those of Ansible before and after version 2.22, Terraform's, and what people write.
    r"\$encrypted\$|VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|.*(\$REDACTED\$|\*{3}|\.{3}|(?P<one>.)(?P=one){9}).*"
    r"|[<\[(]?(redacted|sensitive|encrypted|masked|hidden|changeme)[>\])]?": (
        "is a mask that a tool shows in place of a secret.",
        "Set it to the secret itself.",
    ),
    r".*\$ANSIBLE_VAULT;.*|ENC\[.*\]": (
        "is encrypted and was not decrypted.",
        "With Ansible Vault, use it as a !vault value or in an encrypted file of variables.",
    ),
    r".*(\{\{|\{%|\$\{|#\{).*|\$\(.*|\$(env:)?\w+|%\w+%|<[^<>]*>|(?P<end>@@|__).*(?P=end)|(CORTEX|PAGERDUTY)_(API_KEY|API_TOKEN|TOKEN)"
    r"|.*://.*|(arn|vault):.*|/(etc|home|mnt|opt|root|run|tmp|usr|var)/.*": (
        "is a template or a reference that was not replaced by its value.",
        "Set it to the secret itself, for example with a lookup.",
    ),
    # From ansible-core 2.19 on, Ansible makes a string of bytes in this way.
    r"""b(".*"|'.*')""": ("is bytes, but must be a string.",),
    r"""["'`].*|.*["'`]""": ("is in quotes, and they are part of the value.", "Remove the quotes."),
    rf"{_PREFIX.pattern}.*": (
        "begins as an Authorization header does.",
        "Set it to the secret alone: the collection writes the header.",
    ),
    r"\[.*\]|\{.*\}": ("is a list or a dictionary, but must be a string.",),
    r"\d{4}-\d\d-\d\d.*": ("is a date, but must be a string.",),
}
# Compiled when Ansible loads this file, not in the process that it starts for each task.
_NO_SECRETS = {re.compile(pattern, re.IGNORECASE | re.DOTALL): problem for pattern, problem in _PROBLEMS.items()}


def secret_env_fallback(*names: str) -> str:
    """Return the secret of the first environment variable that is set and not empty.

    An empty string stands for one that is missing or cannot be a secret: Ansible masks what it gets here in all that it
    shows, from ansible-core 2.22 on in the whole run. :func:`check_config` and :func:`check_connection` say what is
    missing or wrong.
    """
    found = find_variable(names)
    return found[1] if found and is_secret(found[1]) else ""


def url_env_fallback(*names: str) -> str:
    """Return the URL of the first environment variable that is set and not empty.

    An empty string stands for one that cannot be used. It may contain a password, and an ordinary module logs its
    arguments before anything can check them. :func:`check_connection` says what is wrong with it.

    :raises AnsibleFallbackNotFound: where none is set, so that the default counts.
    """
    found = find_variable(names)
    if not found:
        raise AnsibleFallbackNotFound
    return found[1] if is_url(found[1]) else ""


def find_variable(names: t.Iterable[str], environment: t.Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """Return the name and the value of the first environment variable that is set and not empty, None if there is none.

    Empty ones count as unset: AWX injects optional fields that were left blank as empty variables.

    :param environment: of which task; None for this process.
    """
    variables = os.environ if environment is None else environment
    return next(((name, variables[name]) for name in names if variables.get(name)), None)


def _secret_option(name: str, **others: t.Any) -> dict[str, t.Any]:
    return {"type": "str", "no_log": True, "fallback": (secret_env_fallback, list(SECRETS[name])), **others}


def _url_option(name: str) -> dict[str, t.Any]:
    variables, default, _sent = URLS[name]
    return {"type": "str", "default": default, "fallback": (url_env_fallback, list(variables))}


# Goes with the documentation fragment cortexapps.cortex.connection.
CONNECTION_SPEC: dict[str, t.Any] = {
    "api_key": _secret_option("api_key", required=True),
    "base_url": _url_option("base_url"),
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 30},
    "retries": {"type": "int", "default": 4},
}
# The argument specs of AnsibleModule and of ArgumentSpecValidator for each module.
INFO_SPEC: dict[str, t.Any] = {**CONNECTION_SPEC, "validate": {"type": "bool", "default": False}}
API_CHECK_SPEC: dict[str, t.Any] = {**CONNECTION_SPEC, "token": _secret_option("token", required=True)}
CONFIG_SPEC: dict[str, t.Any] = {
    **CONNECTION_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "token": _secret_option("token"),
    # Its name looks like that of a secret, which it is not.
    "is_token_readonly": {"type": "bool", "no_log": False},
    "update_token": {
        "type": "str",
        "choices": ["on_change", "always", "on_create"],
        "default": "on_change",
        "no_log": False,
    },
    "preflight": {"type": "bool", "default": False},
    "preflight_url": _url_option("preflight_url"),
    "validate": {"type": "bool", "default": False},
    "rollback": {"type": "bool", "default": False},
    "previous_token": _secret_option("previous_token"),
    "previous_is_token_readonly": {"type": "bool", "no_log": False},
}


def check_arguments(args: t.Mapping[str, t.Any]) -> None:
    """Check what could contain a secret among the arguments of a task, before Ansible takes, logs or masks any of it.

    Numbers are checked too: Ansible's own check fails with a traceback where an infinite one is to be an integer.

    :raises InvalidOptionError: naming the option, without its value.
    """
    for name, value in args.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidOptionError(f"{name} is not a finite number.")
    _check_path(str(args.get("ca_path")))
    # Before ansible-core 2.19, Ansible's own check has a message about types for it.
    if args.get("api_key", "") is None:
        raise _null("api_key", SECRETS["api_key"][0])
    # In this order, so that of several bad values the same one is named in each run.
    for name in SECRETS:
        if args.get(name) is not None:
            check_secret(name, str(args[name]))
    for name in URLS:
        if name in args:
            check_url(name, "" if args[name] is None else str(args[name]))


def check_connection(params: t.Mapping[str, t.Any]) -> list[str]:
    """Check the connection options of a task.

    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option, without any secret.
    """
    _check_secret_option("api_key", params, is_needed=True)
    if not (math.isfinite(params["timeout"]) and 0 < params["timeout"] <= MAX_TIMEOUT):
        raise InvalidOptionError(f"timeout must be above 0 and at most {MAX_TIMEOUT} seconds.")
    if not 0 <= params["retries"] <= MAX_RETRIES:
        raise InvalidOptionError(f"retries must be from 0 to {MAX_RETRIES}.")
    _check_path(params["ca_path"] or "")
    if params["ca_path"] is not None and not os.path.exists(params["ca_path"]):
        raise InvalidOptionError(
            f"ca_path does not exist on the host that the task runs on: {params['ca_path'][:200]!r}."
        )
    warnings = _check_url_option("base_url", params)
    if not params["validate_certs"] and params["base_url"].lower().startswith("https:"):
        warnings.append(
            "validate_certs is false, so anyone between this host and base_url can read the API key and the token."
        )
    return warnings


def check_api_check(params: t.Mapping[str, t.Any]) -> list[str]:
    """Check all options of a task of ``cortex_pagerduty_api_check``, as :func:`check_connection` does."""
    warnings = check_connection(params)
    _check_secret_option("token", params, is_needed=True)
    return warnings


def check_config(params: t.Mapping[str, t.Any]) -> list[str]:
    """Check all options of a task of ``cortex_pagerduty_config``.

    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option, without any secret.
    """
    is_present = params["state"] == "present"
    can_roll_back = is_present and params["rollback"]
    warnings = check_connection(params)
    _check_secret_option("token", params, is_needed=is_present)
    _check_secret_option("previous_token", params)
    if is_present and params["is_token_readonly"] is None:
        raise InvalidOptionError(
            "is_token_readonly is missing.",
            "Set it (in the role: cortex_pagerduty_is_token_readonly).",
            "It has no environment variable.",
        )
    if can_roll_back and not params["validate"]:
        raise InvalidOptionError(
            "rollback is true and validate is false.",
            "Only a validation shows that a token must be rolled back: set validate to true, or rollback to false.",
        )
    for name in ("token", "previous_token"):
        if params[name] == params["api_key"]:
            raise InvalidOptionError(f"{name} equals api_key, but must be a REST API key of PagerDuty.")
    if can_roll_back and params["previous_token"] == params["token"]:
        raise InvalidOptionError("previous_token equals token, so there would be nothing to go back to.")
    if is_present:
        warnings += _token_warnings("token", params["token"])
    if can_roll_back and params["previous_token"]:
        warnings += _token_warnings("previous_token", params["previous_token"])
    return warnings + _check_url_option("preflight_url", params)


def _check_secret_option(name: str, params: t.Mapping[str, t.Any], *, is_needed: bool = False) -> None:
    if params[name]:
        check_secret(name, params[name])
        return
    found = find_variable(SECRETS[name])
    if found:
        check_secret(name, found[1], variable=found[0])
    if is_needed:
        if found:
            raise _null(name, found[0])
        raise InvalidOptionError(
            f"{name} is missing.",
            f"Set it (in the role: cortex_pagerduty_{name}), or {SECRETS[name][0]} in the environment of"
            " ansible-playbook.",
        )


def _check_path(ca_path: str) -> None:
    # It could contain a password, and would be shown.
    if "://" in ca_path:
        raise InvalidOptionError("ca_path is a URL, but must be a path.")


def _null(name: str, variable: str) -> InvalidOptionError:
    return InvalidOptionError(f"{name} is null.", f"To use the environment variable {variable}, omit it.")


def _check_url_option(name: str, params: t.Mapping[str, t.Any]) -> list[str]:
    if params[name]:
        return check_url(name, params[name])
    found = find_variable(URLS[name][0])
    return check_url(name, found[1], variable=found[0]) if found else check_url(name, "")


def is_secret(value: str) -> bool:
    """Return whether a value can be a secret, for any option."""
    try:
        check_secret("token", value)
    except InvalidOptionError:
        return False
    return True


def is_url(value: str) -> bool:
    """Return whether a value can be the URL of an API."""
    try:
        check_url("base_url", value)
    except InvalidOptionError:
        return False
    return True


def bare_secret(value: str) -> str:
    """Return a value without the whitespace, quotes or header name that are often around a secret by mistake."""
    return _PREFIX.sub("", value.strip().strip("\"'`"), count=1)


def check_secret(name: str, value: str, *, variable: str | None = None) -> None:
    """Check that the value of an option can be a secret, and does not only stand for one.

    With a line break in it, as files and commands like to add one, requests would raise an error that shows it.

    :param variable: the environment variable that the value is from.
    :raises InvalidOptionError: naming the option and not its value.
    """
    problem = _describe_bad_secret(value, is_token=name != "api_key")
    if problem:
        raise _invalid(name, problem, variable)


def _describe_bad_secret(value: str, *, is_token: bool) -> tuple[str, ...] | None:
    """Return the fault of a secret, as a predicate, and sentences of advice."""
    for pattern, problem in _NO_SECRETS.items():
        if pattern.fullmatch(value):
            return tuple(sentence.format(value) for sentence in problem)
    # str.isprintable() is false for control, format (zero-width) and separator characters except the blank.
    if not value.isprintable() or " " in value:
        inside = value.rstrip()
        place = "ends in" if inside.isprintable() and " " not in inside else "contains"
        return (f"{place} whitespace or a control character, such as a line break or a zero-width character.",)
    if not value.isascii():
        return ("contains a character that is not ASCII, such as a dash in place of a hyphen.",)
    if is_token and _is_number(value):
        return ("is a number, but must be a string.",)
    if len(value) < MIN_SECRET_LENGTH:
        return (f"is shorter than {MIN_SECRET_LENGTH} characters.", "Set it to the whole secret.")
    return None


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _invalid(name: str, problem: tuple[str, ...], variable: str | None) -> InvalidOptionError:
    first, *others = problem
    source = f" (from the environment variable {variable})" if variable else ""
    return InvalidOptionError(f"{name}{source} {first}", *others)


def _token_warnings(name: str, token: str) -> list[str]:
    """Return warnings about a PagerDuty token that is used.

    PagerDuty's REST API keys have 20 characters, integration keys of its Events API have 32
    (https://support.pagerduty.com/main/docs/api-access-keys).
    """
    if len(token) == 20:
        return []
    kind = " It may be an integration key of PagerDuty's Events API, which does not work." if len(token) == 32 else ""
    return [f"{name} has {len(token)} characters, while PagerDuty's REST API keys have 20.{kind}"]


def check_url(name: str, url: str, *, variable: str | None = None) -> list[str]:
    """Check the URL of an API: exactly a scheme, a host, a port and a path.

    :param variable: the environment variable that it is from.
    :returns: warnings for the user.
    :raises InvalidOptionError: naming the option and not its value.
    """
    _variables, example, sent = URLS[name]
    problem = _describe_bad_url(url)
    if problem:
        raise _invalid(name, (problem, f"It must be a URL such as {example}."), variable)
    parts = urlsplit(url)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        return [f"{name} begins with http://, so {sent} sent unencrypted."]
    return []


def _describe_bad_url(url: str) -> str | None:
    if not url:
        return "is empty."
    if len(url) > MAX_LENGTH:
        return f"has {len(url)} characters."
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "contains whitespace, a control character or one that is not ASCII (use the host's punycode)."
    if not url.lower().startswith(("https://", "http://")):
        return "does not begin with https:// (or http://)."
    if "?" in url or "#" in url:
        return "has a query or a fragment."
    if "@" in url:
        return "contains a user or a password."
    invalid = "has an invalid host or port."
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port is None or parts.port > 0
    except ValueError:
        return invalid
    return None if _NETLOC.fullmatch(parts.netloc) and has_valid_port and "\\" not in url else invalid


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masks the arguments of a task in its result, on every version of ansible-core.

Until ansible-core 2.21 Ansible masks secrets in the results of modules, but not in those of actions. From 2.22 on it
masks what was registered with it wherever it is shown, but not in a result that is registered or written to a file.
"""

from __future__ import annotations

import typing as t

from ._options import SECRETS, URLS, bare_secret, is_secret, is_url
from ._redaction import MASK

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    register_secrets = None

#: The string that Ansible shows in place of an argument with ``no_log``.
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def mask_result(result: t.Mapping[str, t.Any], args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the result of a task without secrets, and with its arguments.

    A secret is masked as the argument that it is. In all other places only what can be a secret is masked: one letter,
    or the string "None", would make a result unreadable.
    """
    secrets = {bare_secret(str(args[name])) for name in SECRETS.keys() & args.keys()}
    secrets = {value for value in secrets if is_secret(value)}
    if register_secrets is not None:
        register_secrets(secrets)
    shown = {name: _shown(name, value) for name, value in args.items()}
    # The longest first, so that one that begins with another is masked whole.
    masked = _mask({**result, "invocation": {"module_args": shown}}, sorted(secrets, key=len, reverse=True))
    return t.cast("dict[str, t.Any]", masked)


def _shown(name: str, value: t.Any) -> t.Any:
    if name in SECRETS:
        return HIDDEN if value else None
    # Anything else than the URL of an API may contain a password.
    is_shown = is_url(str(value)) or not (name in URLS or "://" in str(value))
    return value if is_shown else HIDDEN


def _mask(value: t.Any, secrets: t.Sequence[str]) -> t.Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {key: _mask(each, secrets) for key, each in value.items()}
    return [_mask(each, secrets) for each in value] if isinstance(value, (list, tuple)) else value

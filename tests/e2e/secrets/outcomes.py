# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way a rollout to a workspace can come out, each a host of the inventory with secrets of its own."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.e2e.secrets.leaks import echoes
from tests.simulator import Simulator

Faults = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Outcome:
    """A host, what its workspace's API does, and what comes out.

    Attributes:
        says: What the message of its failure contains; empty: it succeeds.
        variables: What the inventory says beside its API key and token; {name} stands for this object's `name`, and for
            the places in `PLACES`. None: not even what it says of every host.
        faults: Makes the simulator's faults of a text that has the host's secrets in all forms.
        stored: Whether there is a configuration before.
        accepted: Whether PagerDuty accepts the new token.
        may_configure: Whether the API key has the permission.
        awkward: Whether the token looks different in JSON, in HTML and in a URL.
        sent: Which of its secrets a request carries that meets a fault.
    """

    name: str
    says: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    faults: Faults = lambda echo: []
    stored: bool = False
    accepted: bool = True
    may_configure: bool = True
    awkward: bool = False
    sent: tuple[str, ...] = ("api_key", "token")

    @cached_property
    def api_key(self) -> str:
        return f"ck_live_{self._random('key', 40)}"

    @cached_property
    def token(self) -> str:
        # One that looks different in JSON, in HTML and in a URL.
        return f'/"é\\{self._random("token", 12)}<&%+' if self.awkward else f"u+{self._random('token', 18)}"

    @cached_property
    def previous_token(self) -> str:
        return f"y_{self._random('previous', 18)}"

    def _random(self, purpose: str, length: int) -> str:
        choice = random.Random(f"{self.name} {purpose}")  # noqa: S311 - it is to be the same in each run
        return "".join(choice.choices(string.ascii_letters + string.digits, k=length))

    @property
    def secrets(self) -> dict[str, str]:
        secrets = {f"the API key of {self.name}": self.api_key, f"the token of {self.name}": self.token}
        if self.stored or "cortex_pagerduty_previous_token" in self.variables:
            secrets[f"the previous token of {self.name}"] = self.previous_token
        return secrets

    def fits(self, message: str | None) -> bool:
        """Tell whether this came out: `message` is that of the failure, empty for a success, None for no result."""
        return message is not None and (self.says in message if self.says else not message)

    def prepare(self, simulator: Simulator, *, sent: Collection[str] | None = None) -> None:
        """Create the workspace and its faults. `sent`: what requests carry, where that is not this object's `sent`."""
        configuration = {"token": self.previous_token, "is_token_readonly": True} if self.stored else None
        workspace = simulator.add_workspace(self.api_key, self.name, configuration, self.may_configure)
        if not self.accepted:
            simulator.reject_token(self.token)
        for fault in self.faults(" ".join(echoes(getattr(self, name)) for name in sent or self.sent)):
            workspace.fault(**{"times": None, **fault})


def error(echo: str) -> dict[str, str]:
    """Return Cortex's form of an error, with an echo wherever a text is."""
    return {"message": echo, "type": echo, "requestId": echo, "details": echo}


def responding(operation: str, status: int, **fields: Any) -> Faults:
    """Have the response to an operation be an error with a status, with secrets all over it and its headers."""
    return lambda echo: [
        {"operation": operation, "status": status, "body": error(echo), "headers": {"X-Echo": echo}, **fields}
    ]


def page(operation: str, status: int) -> Faults:
    """Have the response to an operation be a page of something else than Cortex."""
    return lambda echo: [
        {
            "operation": operation,
            "status": status,
            "body": f"<html><title>{echo}</title>{echo}</html>",
            "content_type": "text/html",
            "headers": {"X-Echo": echo},
        }
    ]


def moved(echo: str) -> list[dict[str, Any]]:
    target = f"https://{re.sub('[^!-~]', '', echo)[:200]}@{{token}}.example.com/{echo}?token={{token}}&key={{api_key}}"
    return [{"operation": "any", "status": 302, "headers": {"Location": target, "X-Echo": echo}}]


def verdict(echo: str) -> list[dict[str, Any]]:
    body = {"configurations": [{"alias": echo, "isValid": False, "message": f"PagerDuty says no to {{token}} {echo}"}]}
    return [{"operation": "validate", "body": body, "headers": {"X-Echo": echo}}]


PREVIOUS = {"cortex_pagerduty_previous_token": "{previous_token}"}


def preflight(url: str) -> dict[str, Any]:
    return {"cortex_pagerduty_preflight": True, "cortex_pagerduty_preflight_url": url}


OUTCOMES = [
    # Success, and where the secrets come from.
    Outcome("added"),
    Outcome("awkward", awkward=True),
    Outcome("replaced", stored=True),
    Outcome("always", variables={"cortex_pagerduty_update_token": "always"}, stored=True),
    Outcome("unchanged", variables={"cortex_pagerduty_update_token": "on_create"}, stored=True),
    Outcome("removed", variables={"cortex_pagerduty_state": "absent"}, stored=True),
    Outcome("warned", variables={"cortex_pagerduty_token": "{token}IntegrationKey"}),
    Outcome("from-environment", variables={"cortex_pagerduty_api_key": None, "cortex_pagerduty_token": None}),
    Outcome("from-vault", variables={"cortex_pagerduty_token": "{{{{ vaulted_token }}}}"}),
    Outcome("from-extra-vars", variables={"cortex_pagerduty_api_key": "{{{{ extra_api_key }}}}"}),
    Outcome(
        "from-file", variables={"cortex_pagerduty_token": "{{{{ lookup('ansible.builtin.file', '{token_file}') }}}}"}
    ),
    # Every class of failure, the secrets coming back.
    Outcome("wrong-key", "Check api_key", faults=responding("get", 401)),
    Outcome("forbidden", "Configure integrations", faults=responding("add", 403)),
    Outcome("not-permitted", "Configure integrations", may_configure=False),
    Outcome("nowhere", "does not look like the Cortex API", faults=page("get", 404)),
    Outcome("sign-in", "does not look like the Cortex API", faults=page("get", 200)),
    Outcome("moved", "redirects to", faults=moved),
    Outcome("bad-request", "HTTP 400", faults=responding("add", 400)),
    Outcome(
        "limited", "Cortex requested a retry after 90 s", faults=responding("add", 429, headers={"Retry-After": "90"})
    ),
    Outcome(
        "broken", "Gave up after 2 attempts", {"cortex_pagerduty_retries": 1}, responding("replace", 503), stored=True
    ),
    Outcome("dropped", "the connection was lost", faults=lambda echo: [{"operation": "get", "drop": True}]),
    Outcome(
        "half-sent",
        "the connection was lost",
        faults=lambda echo: [{"operation": "add", "body": error(echo), "truncate": len(echo), "processed": False}],
    ),
    Outcome("untrusted", "ca_path", {"cortex_pagerduty_base_url": "{untrusted_url}"}),
    Outcome("unreachable", "no connection", {"cortex_pagerduty_base_url": "{closed_url}"}),
    Outcome(
        "late",
        "timed out after 0.2 s",
        {"cortex_pagerduty_timeout": 0.2},
        lambda echo: [{"operation": "get", "delay": 1, "body": error(echo)}],
    ),
    Outcome(
        "whole-token",
        "a lastFour of at most four characters",
        faults=lambda echo: [{"operation": "get", "body": {"isTokenReadonly": True, "lastFour": "{token}"}}],
        stored=True,
    ),
    # Bad input.
    Outcome("token-with-line-break", "whitespace", {"cortex_pagerduty_token": "{token}\n"}),
    Outcome("key-with-line-break", "whitespace", {"cortex_pagerduty_api_key": "{api_key}\r\nX: y"}),
    Outcome("previous-with-line-break", "whitespace", {"cortex_pagerduty_previous_token": "{previous_token}\n"}),
    Outcome("token-list", "is a list", {"cortex_pagerduty_token": ["{token}"]}),
    Outcome("key-in-url", "base_url contains a user", {"cortex_pagerduty_base_url": "https://key:{api_key}@127.0.0.1"}),
    Outcome("key-in-query", "query", {"cortex_pagerduty_base_url": "https://127.0.0.1/?key={api_key}"}),
    Outcome("no-boolean", "cortex_pagerduty_is_token_readonly", {"cortex_pagerduty_is_token_readonly": "perhaps"}),
    # Its key is elsewhere, since Ansible shows the lines of the file before the one with the error.
    Outcome(
        "undefined",
        "no_such_variable",
        {
            "cortex_pagerduty_api_key": "{{{{ extra_api_key }}}}",
            "cortex_pagerduty_token": "{{{{ no_such_variable }}}}",
        },
    ),
    Outcome("preflight-list", "is a list", {**preflight("{echo_url}"), "cortex_pagerduty_token": ["{token}"]}),
    # A token that is not valid, and what the role does about it.
    Outcome("not-valid", "Rolled back: the configuration is removed again", faults=verdict),
    Outcome("rolled-back", "the previous token is stored again", PREVIOUS, verdict, stored=True),
    Outcome("not-rolled-back", "previous_token is not set", {}, verdict, stored=True),
    Outcome(
        "rollback-off",
        "PagerDuty does not accept the token. Current configuration: a token ending in",
        {"cortex_pagerduty_rollback": False},
        accepted=False,
    ),
    Outcome(
        "rollback-failed",
        "The rollback failed.",
        faults=lambda echo: verdict(echo) + responding("delete", 500)(echo),
    ),
    Outcome(
        "rollback-to-previous-failed",
        "The rollback failed.",
        PREVIOUS,
        responding("replace", 500, skip=1),
        accepted=False,
        stored=True,
        sent=("api_key", "previous_token"),
    ),
    # Preflight.
    Outcome("preflight-accepted", variables=preflight("{pagerduty_url}")),
    Outcome("preflight-refused", "PagerDuty does not accept the token", preflight("{echo_url}/refused")),
    Outcome("preflight-moved", "could not be checked with PagerDuty", preflight("{echo_url}/moved")),
    Outcome("preflight-garbage", "could not be checked with PagerDuty", preflight("{echo_url}/garbage")),
    Outcome("preflight-unreachable", "could not be checked with PagerDuty", preflight("{closed_url}")),
    Outcome(
        "preflight-line-break",
        "token ends in whitespace",
        {**preflight("{echo_url}/refused"), "cortex_pagerduty_token": "{token}\n"},
    ),
]


def host_variables(outcome: Outcome, places: dict[str, str]) -> dict[str, Any]:
    """Return what the inventory says of a host."""
    known = {**places, "api_key": outcome.api_key, "token": outcome.token, "previous_token": outcome.previous_token}
    variables = {
        "cortex_pagerduty_api_key": "{api_key}",
        "cortex_pagerduty_token": "{token}",
        **outcome.variables,
    }
    filled = {name: _filled(value, known) for name, value in variables.items()}
    return {name: value for name, value in filled.items() if value is not None}


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(known)
    return [_filled(item, known) for item in value] if isinstance(value, list) else value

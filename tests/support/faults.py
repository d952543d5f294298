# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may go wrong with a request to Cortex or PagerDuty, and what a client may conclude from it."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Kind(Enum):
    """What a fault means for the request that it hits."""

    HARMLESS = auto()
    NOT_SENT = auto()  # it never arrived; that may pass
    NOT_NOW = auto()  # it was refused, and may be accepted later
    REFUSED = auto()
    LOST = auto()  # no usable response, and it was not applied; that may pass
    LOST_BUT_DONE = auto()
    ODD = auto()  # a response that is not this API's, and it was not applied
    ODD_BUT_DONE = auto()


@dataclass
class Fault:
    """A fault: how to make it, and what a client may conclude from it.

    `fields` are those of the simulator's fault, where a function stands for what depends on the request; `wire` is what
    `broken_wire` takes. `status` is the HTTP status of the response, and `says` is in the message.
    """

    kind: Kind
    status: int | None
    says: tuple[str, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    wire: str | None = None

    def fields_for(self, request: str) -> dict[str, Any]:
        """Return the fields for one of the requests in TRUE_RESPONSES."""

        def resolve(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: resolve(item) for name, item in value.items()}
            return value(request) if callable(value) else value

        return {name: resolve(value) for name, value in self.fields.items()}


HTML = "<!DOCTYPE html><html><body>Sign in</body></html>"
NOT_CORTEX = ("base_url does not look like the Cortex API.",)
REFUSAL = ("Cortex responded with HTTP ", "A simulated fault")
LIMIT = ("HTTP 429", "The rate limit of the Cortex API (1000 requests a minute) was exceeded.")
WRONG_TYPES = {"isTokenReadonly": "true", "lastFour": 1234, "isValid": "true"}
RIGHT = {"isTokenReadonly": True, "lastFour": "ab12", "isValid": True}
#: The true responses: what is stored at first ends in cd34, and the task stores what ends in ab12.
TRUE_RESPONSES: dict[str, dict[str, Any]] = {
    "get": {"isTokenReadonly": True, "lastFour": "cd34"},
    "add": {"configurations": [{"isTokenReadonly": True, "lastFour": "ab12"}]},
    "replace": {"configurations": [{"isTokenReadonly": True, "lastFour": "ab12"}]},
    "delete": {"configurations": []},
    "validate": {"configurations": [{"isValid": True}]},
    "rollback-get": {"isTokenReadonly": True, "lastFour": "ab12"},
    "rollback-replace": {"configurations": [{"isTokenReadonly": True, "lastFour": "cd34"}]},
    "rollback-delete": {"configurations": []},
}

ODD_RESPONSES: dict[str, dict[str, Any]] = {
    "HTML with 200": {"body": HTML, "content_type": "text/html"},
    "empty body": {"body": ""},
    "truncated JSON": {"body": '{"configurations": [{"isTok'},
    "wrong types": {"body": {**WRONG_TYPES, "configurations": [WRONG_TYPES]}},
    "a list instead of an object": {"body": [RIGHT]},
    "10 MB of JSON": {"body": TRUE_RESPONSES.get, "pad_to_bytes": 10_000_000},
    "invalid UTF-8": {"body": '{"configurations": ["\udce9"]}'},
    "gzip announced but not sent": {"body": RIGHT, "headers": {"Content-Encoding": "gzip"}},
}


def http_date(_request: str) -> str:
    """Return the date that is forty seconds away."""
    return email.utils.formatdate(time.time() + 40, usegmt=True)


def limited(kind: Kind = Kind.NOT_NOW, *says: str, retry_after: str | Callable[[str], str] | None = None) -> Fault:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(kind, 429, (*LIMIT, *says), {"status": 429, "headers": headers})


FAULTS = {
    "connection refused": Fault(Kind.NOT_SENT, None, ("Connection refused",), wire="refused"),
    "connection timed out": Fault(
        Kind.NOT_SENT, None, ("timed out after 30 s waiting for a connection", "timeout"), wire="silent"
    ),
    "connection lost, not applied": Fault(Kind.LOST, None, ("connection was lost",), {"drop": True}),
    "connection lost, applied": Fault(
        Kind.LOST_BUT_DONE, None, ("connection was lost",), {"drop": True, "processed": True}
    ),
    "connection lost within the response": Fault(
        Kind.LOST_BUT_DONE, None, ("connection was lost",), {"truncate": 10, "processed": True}
    ),
    "response timed out, not applied": Fault(
        Kind.LOST,
        None,
        ("timed out after 30 s waiting for a response", "timeout"),
        {"delay": 60, "drop": True},
        wire="impatient",
    ),
    "response timed out, applied": Fault(
        Kind.LOST_BUT_DONE,
        None,
        ("timed out after 30 s waiting for a response", "timeout"),
        {"delay": 60, "drop": True, "processed": True},
        wire="impatient",
    ),
    "400": Fault(Kind.REFUSED, 400, REFUSAL, {"status": 400}),
    "401": Fault(Kind.REFUSED, 401, (*REFUSAL, "Check api_key"), {"status": 401}),
    "403": Fault(Kind.REFUSED, 403, (*REFUSAL, "Configure integrations"), {"status": 403}),
    # It is true: another client has removed the configuration.
    "404 of Cortex": Fault(Kind.REFUSED, 404, REFUSAL, {"status": 404, "afterwards": {"configuration": None}}),
    "404 of another server (JSON)": Fault(
        Kind.REFUSED, 404, NOT_CORTEX, {"status": 404, "body": {"error": "no such route"}}
    ),
    "404 of another server (HTML)": Fault(
        Kind.REFUSED, 404, NOT_CORTEX, {"status": 404, "body": HTML, "content_type": "text/html"}
    ),
    "409": Fault(Kind.REFUSED, 409, REFUSAL, {"status": 409}),
    "429, Retry-After: 7": limited(Kind.NOT_NOW, "requested a retry after 7 s.", retry_after="7"),
    "429, Retry-After: a date": limited(Kind.NOT_NOW, "requested a retry after", retry_after=http_date),
    "429, Retry-After missing": limited(),
    "429, Retry-After: -5": limited(retry_after="-5"),
    "429, Retry-After: soon": limited(retry_after="soon"),
    "429, Retry-After: 86400": limited(
        Kind.REFUSED, "requested a retry after 86400 s, and the module waits 60 s at most", retry_after="86400"
    ),
    **{
        f"{status}, {'' if done else 'not '}applied": Fault(
            Kind.LOST_BUT_DONE if done else Kind.LOST, status, REFUSAL, {"status": status, "processed": done}
        )
        for status in (500, 502, 503, 504)
        for done in (False, True)
    },
    "503 as HTML": Fault(
        Kind.LOST, 503, (*NOT_CORTEX, "gateway"), {"status": 503, "body": HTML, "content_type": "text/html"}
    ),
    "redirect to another host": Fault(
        Kind.ODD,
        302,
        (
            "redirects to login.example.com",
            "Redirects are not followed, so the API key is never sent to another host.",
            "Check base_url",
        ),
        {"status": 302, "headers": {"Location": "https://login.example.com/sso?next=1"}},
    ),
    "redirect to itself": Fault(
        Kind.ODD,
        307,
        ("redirects to 127.0.0.1:", "Redirects are not followed, so the API key is never sent to another host."),
        {"status": 307, "headers": {"Location": "?again"}},
    ),
    **{
        f"{title}, {'' if done else 'not '}applied": Fault(
            Kind.ODD_BUT_DONE if done else Kind.ODD, 200, NOT_CORTEX, {**fields, "processed": done}
        )
        for title, fields in ODD_RESPONSES.items()
        for done in (False, True)
    },
    # Applied each time: a response of the right form that lies about that cannot be told from a true one.
    "no configurations in the response": Fault(
        Kind.ODD_BUT_DONE, 200, NOT_CORTEX, {"body": {"configurations": []}, "processed": True}
    ),
    "two configurations in the response": Fault(
        Kind.ODD_BUT_DONE, 200, NOT_CORTEX, {"body": {"configurations": [RIGHT, RIGHT]}, "processed": True}
    ),
    "extra fields": Fault(
        Kind.HARMLESS,
        None,
        (),
        {"body": lambda request: {**TRUE_RESPONSES[request], "more": [{}]}, "processed": True},
    ),
    "another charset in Content-Type": Fault(
        Kind.HARMLESS, None, (), {"content_type": "application/json; charset=utf-16"}
    ),
    "gzip": Fault(Kind.HARMLESS, None, (), {"gzip": True}),
}


# What PagerDuty sends must not get into a message: it was sent the token.
MARKER = "sent-by-pagerduty"
LOCATION = f"https://{{token}}.{MARKER}.example.com/{MARKER}"


def pagerduty(
    kind: Kind, status: int | None, *says: str, headers: dict[str, Any] | None = None, **fields: Any
) -> Fault:
    """Return a fault of PagerDuty. Its body and its headers contain the marker and the token."""
    own: dict[str, Any] = {"status": status, "body": {"message": f"{MARKER} {{token}}"}}
    own["headers"] = {"X-Says": f"{MARKER} {{token}}", **(headers or {})}
    return Fault(kind, status, says, {**own, **fields})


NOT_PAGERDUTY = "preflight_url does not look like the PagerDuty API."
PAGERDUTY_FAULTS = {
    "connection refused": FAULTS["connection refused"],
    "connection timed out": FAULTS["connection timed out"],
    "connection lost": FAULTS["connection lost, not applied"],
    "connection lost within the response": FAULTS["connection lost within the response"],
    "response timed out": FAULTS["response timed out, not applied"],
    "200 with an empty list of abilities": Fault(Kind.HARMLESS, 200, (), {"body": {"abilities": []}}),
    "200, gzip": Fault(Kind.HARMLESS, 200, (), {"gzip": True}),
    **{
        f"200 with {title}": pagerduty(Kind.REFUSED, 200, NOT_PAGERDUTY, body=body)
        for title, body in {
            "HTML": f"<html>{MARKER} {{token}}</html>",
            "an empty body": "",
            "truncated JSON": '{"abilities": ["sso", "{token}',
            "a list": ["abilities"],
            "null": None,
            "no abilities": {MARKER: "{token}"},
            "abilities: null": {"abilities": None, MARKER: "{token}"},
            "abilities: a string": {"abilities": f"{MARKER} {{token}}"},
            "abilities: an object": {"abilities": {MARKER: "{token}"}},
        }.items()
    },
    "201 with a list of abilities": pagerduty(Kind.REFUSED, 201, NOT_PAGERDUTY, body={"abilities": [MARKER]}),
    "204": pagerduty(Kind.REFUSED, 204, NOT_PAGERDUTY, body=""),
    **{
        f"{status}, redirect": pagerduty(
            Kind.REFUSED,
            status,
            "redirects to another place. Redirects are not followed, so the token is never sent to another host.",
            headers={"Location": LOCATION},
        )
        for status in (301, 302, 307, 308)
    },
    "400": pagerduty(Kind.REFUSED, 400, "PagerDuty responded with HTTP 400."),
    "401": pagerduty(Kind.REFUSED, 401),
    "403": pagerduty(Kind.REFUSED, 403),
    "404": pagerduty(Kind.REFUSED, 404, "PagerDuty responded with HTTP 404."),
    "429, Retry-After: 7": pagerduty(
        Kind.NOT_NOW, 429, "PagerDuty requested a retry after 7 s.", headers={"Retry-After": "7"}
    ),
    "429, Retry-After: a date": pagerduty(Kind.NOT_NOW, 429, headers={"Retry-After": http_date}),
    "429, Retry-After missing": pagerduty(Kind.NOT_NOW, 429, "PagerDuty responded with HTTP 429."),
    "429, Retry-After: the token": pagerduty(Kind.NOT_NOW, 429, headers={"Retry-After": "{token}"}),
    "429, Retry-After: 86400": pagerduty(
        Kind.REFUSED,
        429,
        "PagerDuty requested a retry after 86400 s, and the module waits 60 s at most.",
        headers={"Retry-After": "86400"},
    ),
    **{
        str(status): pagerduty(Kind.LOST, status, f"PagerDuty responded with HTTP {status}.")
        for status in (500, 502, 503, 504)
    },
}

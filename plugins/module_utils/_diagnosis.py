# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a request that was not answered as it should be: in words, and whether it may be sent again.

Private to this collection: it may change in any release.
"""

from __future__ import annotations

import os
import re
import ssl
import time
import typing as t
from datetime import timezone
from email.utils import parsedate_to_datetime
from socket import gaierror
from urllib.parse import urljoin, urlsplit

from ._client import CortexError, NoAnswerError, NotFoundError, Operation, RefusedError, UnexpectedAnswerError, one_line

try:
    import requests
    from urllib3.exceptions import NewConnectionError, ReadTimeoutError
except ImportError:
    # Without it no request is made that could fail.
    pass

RETRIED_STATUSES = (429, 500, 502, 503, 504)
# Seconds. A Retry-After above this fails at once: a playbook is not to hang for longer without a word.
LONGEST_RETRY_AFTER = 60
# Where a Retry-After is cut off, so that the message stays short.
FOREVER = 1e12
# The second is urllib3's own, before 2.0, for a certificate of another host.
_CERTIFICATE_ERRORS = ("SSLCertVerificationError", "CertificateError")


class Failures:
    """Makes the errors for the requests of one client.

    :param base_url: where the API is, without a trailing slash.
    :param timeout: seconds for connecting and for each read.
    :param clean: makes one line without secrets of a text that the API sent.
    """

    def __init__(self, base_url: str, timeout: float, clean: t.Callable[[str], str]) -> None:
        self._base_url = base_url
        self._timeout = timeout
        self._clean = clean

    def unexpected(
        self, operation: Operation, what: str, status: int = 200, *, is_foreign: bool = True
    ) -> UnexpectedAnswerError:
        """Return the error for an answer that is not what the API's contract says.

        :param what: how it differs, after "the server answered with HTTP status 200".
        :param is_foreign: it looks like the answer of something else than Cortex.
        """
        hint = ""
        if is_foreign:
            hint = " The base_url does not look like the Cortex API."
            base = urlsplit(self._base_url)
            if (base.hostname or "").startswith("app."):
                hint += " It names the app. host, which serves the user interface."
            elif base.path.endswith("/api/v1"):
                hint += " It ends in /api/v1, which is added to it anyway."
            elif status in RETRIED_STATUSES:
                hint += " If it is the right one, a gateway in front of Cortex has answered."
        return UnexpectedAnswerError(
            f"{self._failed(operation)} the server answered with HTTP status {status} {what}.{hint}",
            http_status=status,
            outcome_unknown=not 400 <= status < 500,
            retryable=status in RETRIED_STATUSES,
        )

    def no_answer(self, operation: Operation, exc: BaseException) -> NoAnswerError:
        """Return the error for an exception of requests or urllib3."""
        causes = list(_causes(exc))
        outcome_unknown = True
        retryable = True
        untrusted = next((cause for cause in causes if type(cause).__name__ in _CERTIFICATE_ERRORS), None)
        hung_up = _first(causes, ssl.SSLEOFError)
        if isinstance(exc, requests.exceptions.SSLError) and not hung_up:
            if untrusted:
                detail = getattr(untrusted, "verify_message", "") or "it is not one for this host"
                what = f"the server's certificate could not be verified: {self._clean(detail).rstrip('.')}."
            else:
                what = "TLS failed between this host and the server."
            what += " Check base_url, and give the CA that signed the server's certificate in ca_path."
            outcome_unknown = untrusted is None
            retryable = False
        # One while the answer was being read comes as a ConnectionError from requests.
        elif isinstance(exc, requests.exceptions.Timeout) or _first(causes, ReadTimeoutError):
            connecting = isinstance(exc, requests.exceptions.ConnectTimeout)
            what = (
                f"{'no connection' if connecting else 'no answer'} within {self._timeout:g} s. "
                "Check the network between this host and base_url, or raise timeout."
            )
            outcome_unknown = not connecting
        elif isinstance(exc, requests.exceptions.ProxyError):
            what = "the proxy did not connect to the server. Check the proxy variables (HTTPS_PROXY, NO_PROXY)."
        elif _first(causes, NewConnectionError):
            numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
            if _first(causes, gaierror):
                reason = "the host name could not be resolved"
            else:
                reason = os.strerror(numbers[0]) if numbers else "it was refused"
            what = f"no connection: {reason}. Check base_url and the network."
            outcome_unknown = False
        elif (
            isinstance(exc, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)) or hung_up
        ):
            what = "the connection was lost before the answer was complete."
        else:
            what = f"the request could not be made ({type(exc).__name__}). Check base_url and the proxy variables."
            outcome_unknown = False
            retryable = False
        return NoAnswerError(f"{self._failed(operation)} {what}", outcome_unknown=outcome_unknown, retryable=retryable)

    def redirected(self, operation: Operation, status: int, location: str) -> UnexpectedAnswerError:
        """Return the error for a redirect, which names the host that it leads to."""
        try:
            # The host alone: a path or a query could carry anything. Masked before, since a secret with a slash in it
            # would be taken apart.
            host = urlsplit(urljoin(self._base_url, self._clean(location))).netloc.rpartition("@")[2]
        except ValueError:
            host = ""
        return UnexpectedAnswerError(
            f"{self._failed(operation)} the server answered with HTTP status {status}, a redirect to "
            f"{host or 'another place'}. It is not followed, so that the API key stays with the host that "
            "it is meant for. Check base_url.",
            http_status=status,
            outcome_unknown=True,
        )

    def refused(self, operation: Operation, status: int, answer: t.Any, retry_after_header: str | None) -> CortexError:
        """Return the error for a status that is neither success nor redirect.

        :param answer: the JSON of the answer, None if it has none.
        """
        is_object = isinstance(answer, dict)
        is_cortex_error = is_object and isinstance(answer.get("message"), str) and isinstance(answer.get("type"), str)
        # Problem documents (RFC 9457) are Cortex's too, but its 404 is not one.
        if is_cortex_error or (is_object and status != 404):
            request_id, error_type = answer.get("requestId"), answer.get("type")
            error: CortexError = (NotFoundError if status == 404 else RefusedError)(
                f"{self._failed(operation)} Cortex answered with HTTP status {status}: {self._said(answer)}.",
                http_status=status,
                request_id=self._clean(request_id) if isinstance(request_id, str) else None,
                # RFC 9457 has "about:blank" stand for no type.
                error_type=self._clean(error_type)
                if isinstance(error_type, str) and error_type != "about:blank"
                else None,
                outcome_unknown=not 400 <= status < 500,
                retryable=status in RETRIED_STATUSES,
            )
        else:
            what = "and an error that is not in Cortex's form" if is_object else "and no JSON object"
            error = self.unexpected(operation, what, status)
        if status == 401:
            error.msg += " Check api_key: it is wrong, expired, or of another Cortex instance than base_url."
        elif status == 403:
            error.msg += " The API key in api_key needs the permission 'Configure integrations'."
        elif status == 429:
            error.msg += " Cortex accepts 1000 requests a minute; use fewer forks or smaller batches."
        if error.retryable:
            error.retry_after = _retry_after_seconds(retry_after_header)
            error.retryable = error.retry_after <= LONGEST_RETRY_AFTER
            if error.retry_after:
                limit = "" if error.retryable else f"; the module waits {LONGEST_RETRY_AFTER} s at most"
                error.msg += f" Cortex asked to wait {error.retry_after:.0f} s{limit}."
        return error

    def _failed(self, operation: Operation) -> str:
        return f"Could not {operation.purpose} ({operation.method} {self._base_url}{operation.path}):"

    def _said(self, answer: dict[str, t.Any]) -> str:
        """Return what Cortex's ErrorResponse or a problem document (RFC 9457) says, in one line."""
        parts = [answer.get(key) for key in ("message", "details", "title", "detail")]
        violations = answer.get("violations")
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict):
                parts += [violation.get(key) for key in ("pointer", "title", "description")]
        texts = [self._clean(part).rstrip(". ") for part in parts if isinstance(part, str) and part.strip()]
        return one_line("; ".join(texts)) or "no reason given"


def _retry_after_seconds(header: str | None) -> float:
    """Return the seconds that a Retry-After header (RFC 9110, 10.2.3) asks for, 0 for none or a meaningless one."""
    # urllib3's own Retry takes all above six hours for six hours.
    if not header:
        return 0.0
    if re.fullmatch(r"\s*[0-9]+\s*", header):
        seconds = float(header)
    else:
        try:
            moment = parsedate_to_datetime(header)
            # Without a time zone it is in UTC, as all dates in HTTP are.
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() - time.time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), FOREVER)


def _causes(exc: BaseException) -> t.Iterator[BaseException]:
    """Yield an exception and all that led to it, as requests and urllib3 wrap them."""
    pending: list[t.Any] = [exc]
    seen: set[int] = set()
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [cause.__context__, cause.__cause__, getattr(cause, "reason", None), *cause.args]


_E = t.TypeVar("_E", bound=BaseException)


def _first(causes: t.Iterable[BaseException], kind: type[_E]) -> _E | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)

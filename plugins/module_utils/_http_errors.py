# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an exception or a response to an error: what it means, what to do, and whether a retry may help.

What the errors of an API look like is known to that API's own file.
"""

from __future__ import annotations

import os
import ssl
import typing as t
from socket import gaierror
from urllib.parse import urljoin, urlsplit

from ._connections import TIMEOUTS_OF_A_RESPONSE, ResponseTooSlowError
from ._errors import ApiError, Failure, RequestError, TransportError, UnexpectedResponseError

try:
    import requests
    from urllib3.exceptions import NewConnectionError, ReadTimeoutError
except ImportError:
    # Without it no request is made that could fail.
    pass

RETRIED_STATUSES = (429, 500, 502, 503, 504)
# Seconds. A longer Retry-After fails at once: a playbook should not hang without a word.
MAX_RETRY_AFTER = 60
# The second is urllib3's own, before 2.0, for a certificate of another host.
_CERTIFICATE_ERRORS = ("SSLCertVerificationError", "CertificateError")


class Operation(t.NamedTuple):
    """One operation of an API.

    :param failure: the beginning of the sentence that says that it failed.
    """

    method: str
    path: str
    failure: str


class Service(t.NamedTuple):
    """What the messages need to know about an API.

    :param url_option: the option that contains its URL.
    :param credential: what is sent to it for authorization.
    :param ca_hint: how its certificate can be trusted.
    :param foreign_hint: what to say where a response does not look like this API's.
    :param status_hints: what to do about an HTTP status.
    :param is_quoted: whether what it sends may get into a message.
    """

    name: str
    url_option: str
    credential: str
    ca_hint: str
    foreign_hint: str
    status_hints: t.Mapping[int, str]
    is_quoted: bool


class ErrorDescription(t.NamedTuple):
    """What an API says in an error of its own, fit to be shown.

    :param sentence: what it says, in a whole sentence.
    """

    sentence: str
    request_id: str | None = None
    error_type: str | None = None


class RequestErrors:
    """Makes the errors for the requests of one session.

    :param base_url: where the API is, without a trailing slash.
    :param timeout: seconds for connecting and for each read.
    :param describe: returns what the API says in an error of its own, from the HTTP status and the JSON of a response;
        None if it is not one.
    :param clean: makes a string from outside fit to be shown.
    """

    def __init__(
        self,
        service: Service,
        base_url: str,
        timeout: float,
        describe: t.Callable[[int, t.Any], ErrorDescription | None],
        clean: t.Callable[[str], str],
    ) -> None:
        self._service = service
        self._base_url = base_url
        self._timeout = timeout
        self._describe = describe
        self._clean = clean

    def unexpected(self, operation: Operation, status: int, what: str) -> UnexpectedResponseError:
        """Return the error for a status of success, or one without meaning here, that the API's description rules out.

        :param what: how it differs, after "HTTP 200".
        """
        return UnexpectedResponseError(
            Failure(
                (f"{self._failed(operation)} HTTP {status} {what}.", *self._foreign_hints(status)),
                http_status=status,
                outcome_unknown=True,
            )
        )

    def no_response(self, operation: Operation, exc: BaseException) -> TransportError:
        """Return the error for an exception of requests or urllib3."""
        causes = list(_causes(exc))
        option = self._service.url_option
        outcome_unknown = is_retryable = True
        untrusted = next((cause for cause in causes if type(cause).__name__ in _CERTIFICATE_ERRORS), None)
        connection_closed = _first(causes, ssl.SSLEOFError)
        # One while the response was being read comes as a ConnectionError from requests.
        if isinstance(exc, requests.exceptions.Timeout) or _first(causes, (ReadTimeoutError, ResponseTooSlowError)):
            is_connecting = isinstance(exc, requests.exceptions.ConnectTimeout)
            what = f"timed out after {self._timeout:g} s waiting for a {'connection' if is_connecting else 'response'}."
            if _first(causes, ResponseTooSlowError):
                what = f"timed out: the response was not complete after {TIMEOUTS_OF_A_RESPONSE * self._timeout:g} s."
            advice = f"Check the network between this host and {option}, or increase timeout."
            outcome_unknown = not is_connecting
        elif isinstance(exc, requests.exceptions.SSLError) and not connection_closed:
            if untrusted:
                reason = getattr(untrusted, "verify_message", "") or "it is not valid for this host"
                what = f"the server's certificate could not be verified: {self._clean(reason).rstrip('.')}."
            else:
                what = "TLS failed between this host and the server."
            advice = f"Check {option}, and {self._service.ca_hint}."
            outcome_unknown = untrusted is None
            is_retryable = False
        elif isinstance(exc, requests.exceptions.ProxyError):
            what = "the proxy did not connect to the server."
            advice = "Check the proxy variables (HTTPS_PROXY, NO_PROXY)."
        elif _first(causes, NewConnectionError):
            numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
            if _first(causes, gaierror):
                reason = "the host name could not be resolved"
            else:
                reason = os.strerror(numbers[0]) if numbers else "it was refused"
            what = f"no connection: {reason}."
            advice = f"Check {option} and the network."
            outcome_unknown = False
        elif connection_closed or isinstance(
            exc, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
        ):
            what = "the connection was lost before the response was complete."
            advice = f"Check the network between this host and {option}."
        else:
            what = f"the request could not be made ({type(exc).__name__})."
            advice = f"Check {option} and the proxy variables."
            outcome_unknown = is_retryable = False
        return TransportError(
            Failure(
                (f"{self._failed(operation)} {what}", advice),
                outcome_unknown=outcome_unknown,
                is_retryable=is_retryable,
            )
        )

    def redirected(self, operation: Operation, status: int, location: str) -> UnexpectedResponseError:
        """Return the error for a redirect. It names the host that it leads to, if the service may be quoted."""
        try:
            # The host alone: a path or a query could contain anything. Cleaned before, since a secret with a slash in
            # it would be taken apart.
            host = urlsplit(urljoin(self._base_url, self._clean(location))).netloc.rpartition("@")[2]
        except ValueError:
            host = ""
        target = host if host and self._service.is_quoted else "another place"
        sentences = (
            f"{self._failed(operation)} HTTP {status} redirects to {target}.",
            f"Redirects are not followed, so the {self._service.credential} is never sent to another host.",
            f"Check {self._service.url_option}.",
        )
        return UnexpectedResponseError(Failure(sentences, http_status=status, outcome_unknown=True))

    def refused(
        self, operation: Operation, status: int, content: t.Any, retry_after: float, oddity: str
    ) -> RequestError:
        """Return the error for a status that is neither success nor redirect.

        :param content: the JSON of the response, None if it has none.
        :param retry_after: seconds that the server asked to wait.
        :param oddity: why the body could not be read, after "HTTP 403"; empty if it was read.
        """
        is_retried = status in RETRIED_STATUSES
        wait = retry_after if is_retried else 0.0
        hints = [self._service.status_hints[status]] if status in self._service.status_hints else []
        if wait:
            limit = "" if wait <= MAX_RETRY_AFTER else f", and the module waits {MAX_RETRY_AFTER} s at most"
            hints.append(f"{self._service.name} requested a retry after {wait:.0f} s{limit}.")
        failure = Failure(
            (),
            http_status=status,
            outcome_unknown=not 400 <= status < 500,
            is_retryable=is_retried and wait <= MAX_RETRY_AFTER,
            retry_after=wait,
        )
        description = self._describe(status, content)
        if description:
            failure = failure._replace(request_id=description.request_id, error_type=description.error_type)
            return ApiError(failure.extended(f"{self._failed(operation)} {description.sentence}", *hints))
        is_object = isinstance(content, dict)
        service = self._service.name
        what = (
            f"with {f'an error that is not in the form of {service}' if is_object else 'a body that is no JSON object'}"
        )
        what = oddity or what
        sentence = f"{self._failed(operation)} HTTP {status} {what}."
        return UnexpectedResponseError(failure.extended(sentence, *self._foreign_hints(status), *hints))

    def _failed(self, operation: Operation) -> str:
        return f"{operation.failure} ({operation.method} {self._base_url}{operation.path}):"

    def _foreign_hints(self, status: int) -> list[str]:
        base = urlsplit(self._base_url)
        option = self._service.url_option
        hints = [self._service.foreign_hint]
        if (base.hostname or "").startswith("app."):
            hints.append(f"{option} is the web UI (app.); use the API host.")
        elif base.path.endswith("/api/v1"):
            hints.append(f"Remove /api/v1 from {option}: it is added automatically.")
        elif status in RETRIED_STATUSES:
            hints.append(f"If {option} is correct, a gateway in front of {self._service.name} sent this response.")
        return hints


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


def _first(causes: t.Iterable[BaseException], kind: type[_E] | tuple[type[_E], ...]) -> _E | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an exception or a response to an error: what it means, what to do, and whether a retry may help.

The file of each API knows the form of its errors.
"""

from __future__ import annotations

import typing as t
from urllib.parse import urljoin, urlsplit

from ._errors import ApiError, Failure, RequestError, TransportError, UnexpectedResponseError
from ._proxy import find_proxy
from ._redaction import WITHHELD
from ._tls import CaStore
from ._transport_errors import TLS_EXPECTED, Cause, Target, find_cause, find_refusal_of_proxy

RETRIED_STATUSES = (429, 500, 502, 503, 504)
# Seconds. A longer Retry-After fails at once: a playbook should not hang without a word.
MAX_RETRY_AFTER = 60


class Operation(t.NamedTuple):
    """One operation of an API.

    :param failure: the beginning of the sentence that says that it failed.
    """

    method: str
    path: str
    failure: str


class Service(t.NamedTuple):
    """The facts about an API that messages need.

    :param url_option: the option that contains its URL.
    :param credential: the secret that is sent to it for authorization.
    :param ca_advice: how an unknown CA can be trusted, in a whole sentence.
    :param foreign_hint: the sentence for a response that does not look like this API's.
    :param status_hints: the advice for an HTTP status of its own errors; for 401, of all.
    :param is_quoted: whether its responses may get into a message.
    :param reset_header: the header of a response with HTTP 429 that contains the seconds until the limit is reset.
    """

    name: str
    url_option: str
    credential: str
    ca_advice: str
    foreign_hint: str
    status_hints: t.Mapping[int, str]
    is_quoted: bool
    reset_header: str = ""


class ErrorDescription(t.NamedTuple):
    """An error in the form of the API, fit to be shown.

    :param sentence: its message, as a whole sentence.
    :param retry_after: seconds that the body asks to wait.
    """

    sentence: str
    request_id: str | None = None
    error_type: str | None = None
    retry_after: float = 0


class RequestErrors:
    """Makes the errors for the requests of one session.

    :param base_url: where the API is, without a trailing slash.
    :param timeout: seconds for connecting and for each read.
    :param ca_store: the CAs that are trusted; None if certificates are not checked.
    :param describe: returns what the API says in an error of its own, from the HTTP status and the JSON of a response
        (an empty string for an empty body); None if it is not one.
    :param clean: makes a string from outside fit to be shown.
    """

    def __init__(
        self,
        service: Service,
        base_url: str,
        timeout: float,
        ca_store: CaStore | None,
        describe: t.Callable[[int, t.Any], ErrorDescription | None],
        clean: t.Callable[[str], str],
    ) -> None:
        self._service = service
        self._base_url = base_url
        self._target = Target(base_url, service.url_option, timeout, service.ca_advice, ca_store)
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

    def no_response(self, operation: Operation, exc: BaseException, *, is_first: bool) -> TransportError:
        """Return the error for an exception of requests or urllib3.

        :param is_first: whether there was no other response in this session before.
        """
        return self._transport_error(operation, find_cause(exc, self._target, is_first=is_first))

    def redirected(self, operation: Operation, status: int, location: str) -> UnexpectedResponseError:
        """Return the error for a redirect. It names the host that it leads to, if the service may be quoted."""
        base = urlsplit(self._base_url)
        option = self._service.url_option
        try:
            # The host alone: a path or a query could contain anything. Cleaned before, since a secret with a slash in
            # it would be taken apart.
            cleaned = self._clean(location)
            url = urlsplit("" if cleaned == WITHHELD else urljoin(self._base_url, cleaned))
            is_to_tls = (base.scheme, url.scheme, url.hostname) == ("http", "https", base.hostname)
        except ValueError:
            url, is_to_tls = urlsplit(""), False
        host = url.netloc.rpartition("@")[2] if self._service.is_quoted else ""
        hints = [
            f"Redirects are not followed, so the {self._service.credential} is never sent to another host.",
            *(self._proxy_hints() or [f"Check {option}."]),
        ]
        if is_to_tls:
            host, hints = "https:// on the same host", [f"{option} must begin with https://."]
        sentence = f"{self._failed(operation)} HTTP {status} redirects to {host or 'another place'}."
        return UnexpectedResponseError(Failure((sentence, *hints), http_status=status, outcome_unknown=True))

    def refused(
        self, operation: Operation, status: int, content: t.Any, retry_after: float, oddity: str
    ) -> RequestError:
        """Return the error for a status that is neither success nor redirect.

        :param content: the JSON of the response, None if it has none.
        :param retry_after: seconds that the headers asked to wait.
        :param oddity: why the body could not be read, after "HTTP 403"; empty if it was read.
        """
        proxy = find_refusal_of_proxy(self._base_url) if status == 407 else None
        if proxy:
            return self._transport_error(operation, proxy)
        description = self._describe(status, content)
        is_retried = status in RETRIED_STATUSES
        wait = (retry_after or (description.retry_after if description else 0)) if is_retried else 0
        # A firewall knows nothing of permissions. What the body of a 401 looks like is documented for no API of Cortex.
        is_known = status in self._service.status_hints and (description or status == 401)
        hints = [self._service.status_hints[status]] if is_known else []
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
        if description:
            failure = failure._replace(request_id=description.request_id, error_type=description.error_type)
            return ApiError(failure.extended(f"{self._failed(operation)} {description.sentence}", *hints))
        what = oddity or "with a body that is not a JSON object"
        if not oddity and isinstance(content, dict):
            what = f"with an error that is not in the form of {self._service.name}"
        sentence = f"{self._failed(operation)} HTTP {status} {what}."
        return UnexpectedResponseError(failure.extended(sentence, *self._foreign_hints(status), *hints))

    def _transport_error(self, operation: Operation, cause: Cause) -> TransportError:
        sentences = (f"{self._failed(operation)} {cause.what}", cause.advice)
        return TransportError(
            Failure(sentences, outcome_unknown=cause.outcome_unknown, is_retryable=cause.is_retryable)
        )

    def _failed(self, operation: Operation) -> str:
        return f"{operation.failure} ({operation.method} {self._base_url}{operation.path}):"

    def _proxy_hints(self) -> list[str]:
        """Return the advice for a response that a proxy may have sent itself, which it can without TLS only."""
        proxy = None if self._base_url.lower().startswith("https:") else find_proxy(self._base_url)
        if not proxy or proxy.is_socks:
            return []
        return [
            f"Perhaps {proxy.name} sent this response: check {proxy.variable}, or add the host to NO_PROXY.",
            f"If it did not, check {self._service.url_option}.",
        ]

    def _foreign_hints(self, status: int) -> list[str]:
        proxy_hints = self._proxy_hints()
        if proxy_hints:
            return proxy_hints
        base = urlsplit(self._base_url)
        option = self._service.url_option
        hints = [self._service.foreign_hint]
        service = self._service.name
        if status >= 500:
            hints = [f"A gateway in front of {service} sent this response: {service} may be down."]
            hints.append(f"If it is not, check {option}.")
        if (base.hostname or "").startswith("app."):
            hints.append(f"{option} is the web UI (app.); use the API host.")
        elif base.path.endswith("/api/v1"):
            hints.append(f"Remove /api/v1 from {option}: it is added automatically.")
        elif status == 429:
            hints.append(f"If {option} is correct, a gateway in front of {service} sent this response.")
        elif status == 400 and base.scheme == "http":
            hints.append(TLS_EXPECTED.format(option))
        return hints

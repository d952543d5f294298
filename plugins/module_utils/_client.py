# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client of the Cortex API: one session, retries, and errors that can be shown to anybody.

Private to this collection: it may change in any release.
"""

from __future__ import annotations

import glob
import json
import os
import random
import re
import ssl
import time
import typing as t
from datetime import timezone
from email.utils import parsedate_to_datetime
from socket import gaierror
from urllib.parse import urljoin, urlsplit

from ansible.module_utils.basic import missing_required_lib

try:
    import requests
    from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

# The same as in galaxy.yml, which does not travel with a module.
COLLECTION_VERSION = "1.0.0"

RETRIED_STATUSES = (429, 500, 502, 503, 504)
# Seconds. A Retry-After above this fails at once: a playbook is not to hang for longer without a word.
LONGEST_RETRY_AFTER = 60
LONGEST_BACKOFF = 30
# Where a Retry-After is cut off, so that the message stays short.
FOREVER = 1e12
# Bytes. Answers of this API have a few hundred.
LARGEST_ANSWER = 64 * 1024
# Characters of a text of the API that are shown.
LONGEST_TEXT = 500
# The second is urllib3's own, before 2.0, for a certificate of another host.
_CERTIFICATE_ERRORS = ("SSLCertVerificationError", "CertificateError")


class Operation(t.NamedTuple):
    """One operation of the API.

    ``safe`` says that the operation changes nothing, so that it can be repeated whatever became of it.
    """

    method: str
    path: str
    purpose: str
    safe: bool


class CortexError(Exception):
    """What went wrong, in words that hold no secret.

    :param msg: what was being done, what happened and what to do about it.
    :param http_status: the HTTP status of the answer, if one came.
    :param request_id: Cortex's own number of the request.
    :param error_type: Cortex's own name for the error, such as ``FORBIDDEN``.
    :param outcome_unknown: the request may or may not have been carried out.
    :param retryable: the same request may succeed a little later.
    :param retry_after: seconds that the API asked to wait before that.
    """

    def __init__(
        self,
        msg: str,
        *,
        http_status: int | None = None,
        request_id: str | None = None,
        error_type: str | None = None,
        outcome_unknown: bool = False,
        retryable: bool = False,
        retry_after: float = 0,
    ) -> None:
        super().__init__(msg)
        self.msg = msg
        self.http_status = http_status
        self.request_id = request_id
        self.error_type = error_type
        self.outcome_unknown = outcome_unknown
        self.retryable = retryable
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.msg

    def details(self) -> dict[str, t.Any]:
        """What the API said of the error, as return values of a failed task."""
        values = {"http_status": self.http_status, "request_id": self.request_id, "error_type": self.error_type}
        return {name: value for name, value in values.items() if value is not None}


class NoAnswerError(CortexError):
    """No answer came: the connection, TLS or the time-out."""


class RefusedError(CortexError):
    """The API answered with an error of its own."""


class NotFoundError(RefusedError):
    """The API answered with its own 404: the thing does not exist. That of a proxy or a wrong base_url is another."""


class UnexpectedAnswerError(CortexError):
    """An answer came that is not one of this API's."""


class CortexClient:
    """A session with the Cortex API.

    :param api_key: the API key, sent as a Bearer token to the host of ``base_url`` and to no other.
    :param base_url: where the API is, with or without a path prefix, with or without a trailing slash.
    :param validate_certs: whether the server's certificate is checked.
    :param ca_path: a CA bundle file or a hashed directory; without it the environment and the system's store serve.
    :param timeout: seconds for connecting and for each read of one attempt.
    :param retries: attempts after the first.
    :param secrets: what must not show up in any text besides the API key.
    :raises CortexError: when the Python library requests is missing.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        validate_certs: bool = True,
        ca_path: str | None = None,
        timeout: float = 30,
        retries: int = 4,
        secrets: t.Iterable[str] = (),
    ) -> None:
        if not HAS_REQUESTS:
            raise CortexError(missing_required_lib("requests"))
        self.retries = retries
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        # Given with each request: a session's own verify loses against REQUESTS_CA_BUNDLE (psf/requests#3829).
        self._verify = (ca_path or _default_ca_store()) if validate_certs else False
        self._secrets = {api_key, *filter(None, secrets)}
        self._stored_last_four = ""
        self._session = requests.Session()
        # Not even looked at: requests would read the whole answer and stumble over a malformed Location.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        # An auth object, since a plain header loses against ~/.netrc (psf/requests#3929).
        self._session.auth = _BearerAuth(api_key)
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"ansible-collection-cortexapps.cortex/{COLLECTION_VERSION}",
            }
        )

    def __enter__(self) -> CortexClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def hide_token(self, last_four: str) -> None:
        """Keep out of all texts, too, a stored token of which only the last four characters are known."""
        self._stored_last_four = last_four

    def clean(self, text: str) -> str:
        """Return a text that the API sent as one line of bounded length without any secret."""
        # Here, since only a task that has something bad to tell needs it.
        from ._masking import mask

        # Cut only after the masking: half a secret would not be found.
        return one_line(mask(text, frozenset(self._secrets), self._stored_last_four))

    def call(self, operation: Operation, body: dict[str, t.Any] | None = None) -> t.Any:
        """Send a request and return its answer's JSON, repeating it where that is safe.

        A request that is not safe is repeated only when it certainly was not carried out; else it is up to the
        caller to find out what became of it (``outcome_unknown``).

        :raises CortexError: when the API did not do what was asked for.
        """
        waited = 0.0
        failures = 0
        while True:
            try:
                return self._attempt(operation, body)
            except CortexError as error:
                failures += 1
                if error.outcome_unknown and not operation.safe:
                    raise
                if self.gives_up(error, failures, waited):
                    raise
                waited += self.wait(failures, error)

    def gives_up(self, error: CortexError, failures: int, waited: float) -> bool:
        """Return whether no further attempt is to be made, and have the error say so.

        :param failures: how many attempts failed, with this error.
        :param waited: seconds spent between them.
        """
        if error.retryable and failures > self.retries > 0:
            error.msg += f" Gave up after {failures} attempts and {waited:.0f} s of waiting between them."
        return not error.retryable or failures > self.retries

    def wait(self, failures: int, error: CortexError) -> float:
        """Wait before the next attempt, longer with each failure, and return for how many seconds.

        The wait is spread at random, so that many workspaces that were refused together do not come back together.
        """
        backoff = min(2.0 ** (failures - 1), LONGEST_BACKOFF)
        seconds = error.retry_after + backoff * random.uniform(0.5, 1.0)
        time.sleep(seconds)
        return seconds

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

    def _attempt(self, operation: Operation, body: dict[str, t.Any] | None) -> t.Any:
        try:
            with self._session.request(
                operation.method,
                self._base_url + operation.path,
                json=body,
                timeout=self._timeout,
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                # urllib3 1.26 takes a body that was cut off for a whole one.
                response.raw.enforce_content_length = True
                content = b""
                for chunk in response.iter_content(LARGEST_ANSWER):
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        break
        except requests.exceptions.ContentDecodingError:
            raise self.unexpected(operation, "in a compression that cannot be undone", response.status_code) from None
        # Of what these say only what is known to hold no secret is passed on: requests puts header values, urllib3
        # puts proxies' passwords into some messages.
        except (OSError, HTTPError, ValueError) as exc:
            raise self._no_answer(operation, exc) from None
        status = response.status_code
        if 300 <= status < 400:
            raise self._redirected(operation, status, response.headers.get("Location", ""))
        answer, oddity = _parse(content)
        if not 200 <= status < 300:
            raise self._refused(operation, status, answer, response.headers.get("Retry-After"))
        if oddity:
            raise self.unexpected(operation, oddity, status)
        return answer

    def _failed(self, operation: Operation) -> str:
        return f"Could not {operation.purpose} ({operation.method} {self._base_url}{operation.path}):"

    def _no_answer(self, operation: Operation, exc: BaseException) -> NoAnswerError:
        causes = list(_causes(exc))
        outcome_unknown = True
        retryable = True
        untrusted = next((cause for cause in causes if type(cause).__name__ in _CERTIFICATE_ERRORS), None)
        hung_up = _first(causes, ssl.SSLEOFError)
        if isinstance(exc, requests.exceptions.SSLError) and not hung_up:
            if untrusted:
                detail = getattr(untrusted, "verify_message", "") or "it is not one for this host"
                what = f"the server's certificate could not be verified: {self.clean(detail).rstrip('.')}."
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

    def _redirected(self, operation: Operation, status: int, location: str) -> UnexpectedAnswerError:
        try:
            # The host alone: a path or a query could carry anything. Masked before, since a secret with a slash in it
            # would be taken apart.
            host = urlsplit(urljoin(self._base_url, self.clean(location))).netloc.rpartition("@")[2]
        except ValueError:
            host = ""
        return UnexpectedAnswerError(
            f"{self._failed(operation)} the server answered with HTTP status {status}, a redirect to "
            f"{host or 'another place'}. It is not followed, so that the API key stays with the host that "
            "it is meant for. Check base_url.",
            http_status=status,
            outcome_unknown=True,
        )

    def _refused(self, operation: Operation, status: int, answer: t.Any, retry_after_header: str | None) -> CortexError:
        is_object = isinstance(answer, dict)
        is_cortex_error = is_object and isinstance(answer.get("message"), str) and isinstance(answer.get("type"), str)
        # Problem documents (RFC 9457) are Cortex's too, but its 404 is not one.
        if is_cortex_error or (is_object and status != 404):
            request_id, error_type = answer.get("requestId"), answer.get("type")
            error: CortexError = (NotFoundError if status == 404 else RefusedError)(
                f"{self._failed(operation)} Cortex answered with HTTP status {status}: {self._said(answer)}.",
                http_status=status,
                request_id=self.clean(request_id) if isinstance(request_id, str) else None,
                # RFC 9457 has "about:blank" stand for no type.
                error_type=self.clean(error_type)
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

    def _said(self, answer: dict[str, t.Any]) -> str:
        """Return what Cortex's ErrorResponse or a problem document (RFC 9457) says, in one line."""
        parts = [answer.get(key) for key in ("message", "details", "title", "detail")]
        violations = answer.get("violations")
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict):
                parts += [violation.get(key) for key in ("pointer", "title", "description")]
        texts = [self.clean(part).rstrip(". ") for part in parts if isinstance(part, str) and part.strip()]
        return one_line("; ".join(texts)) or "no reason given"


class _BearerAuth:
    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request


def _default_ca_store() -> str | bool:
    """Return the CA store to use where none is given: the environment's, the system's, or requests' own (True).

    The system's comes before the one that requests brings, because that is where a company's own CA is installed,
    and a hashed directory is read only as far as it is needed.

    :raises CortexError: when the environment names a store that does not exist.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path:
            if not os.path.exists(path):
                raise CortexError(
                    f"The environment variable {name} names a CA bundle that does not exist: {one_line(path)}."
                )
            return path
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    if paths.capath and glob.glob(os.path.join(glob.escape(paths.capath), "[0-9a-f]" * 8 + ".[0-9]")):
        return paths.capath
    return True


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


def one_line(text: str) -> str:
    """Return a text from outside as one line of bounded length, without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST_TEXT else line[:LONGEST_TEXT] + "…"


def _parse(content: bytes) -> tuple[t.Any, str]:
    """Return the JSON of an answer, and what is odd about it instead where it has none."""
    if len(content) > LARGEST_ANSWER:
        return None, f"and more than {LARGEST_ANSWER} bytes"
    try:
        return json.loads(content), ""
    except (ValueError, RecursionError):
        return None, "but without JSON" if content else "but with nothing in it"

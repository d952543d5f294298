# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP session with one API: authorization, TLS, timeouts and retries."""

from __future__ import annotations

import json
import os
import random
import ssl
import sys
import time
import typing as t
from pathlib import Path

from ._diagnosis import Diagnosis, Operation, Service
from ._errors import CortexError, RequestError
from ._redaction import Redactor, one_line

try:
    import requests
    from urllib3.exceptions import HTTPError

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

# The same as in galaxy.yml, which is not sent along with a module.
COLLECTION_VERSION = "1.0.0"
# Seconds.
MAX_BACKOFF = 30
# Responses of these APIs have a few hundred.
MAX_RESPONSE_BYTES = 64 * 1024


class Response(t.NamedTuple):
    """A response with a status of success: its status and its JSON."""

    status: int
    content: t.Any


class Attempts:
    """Counts the attempts at one thing, and waits between them.

    :param retries: attempts after the first.
    """

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._failed = 0
        self._waited = 0.0

    def record_failure(self) -> None:
        self._failed += 1

    def are_used_up(self, error: RequestError) -> bool:
        """Return whether an error is final."""
        return not error.retryable or self._failed > self._retries

    def wait(self, error: RequestError) -> None:
        """Wait before the next attempt, longer after each failure.

        The wait is spread at random, so that many workspaces that were refused together do not come back together.
        """
        backoff = min(2.0 ** (self._failed - 1), MAX_BACKOFF)
        seconds = error.retry_after + backoff * random.uniform(0.5, 1.0)
        time.sleep(seconds)
        self._waited += seconds

    def explain(self, error: RequestError) -> None:
        """Add to an error how often it was retried."""
        if error.retryable and self._retries:
            error.sentences.append(f"Gave up after {self._failed} attempts and {self._waited:.0f} s of waiting.")


class Client:
    """A session with one API.

    :param base_url: where the API is, with or without a path prefix, with or without a trailing slash.
    :param authorization: the value of the header of this name, sent to the host of ``base_url`` and to no other.
    :param verify: the CA store to check the server's certificate against; False turns the check off.
    :param timeout: seconds for connecting and for each read of one attempt.
    :param retries: attempts after the first.
    :param secrets: what must not be shown in any message.
    :raises CortexError: when the Python library requests is missing.
    """

    def __init__(
        self,
        service: Service,
        *,
        base_url: str,
        authorization: str,
        verify: str | bool,
        timeout: float,
        retries: int,
        secrets: t.Iterable[str],
    ) -> None:
        if not HAS_REQUESTS:
            raise CortexError(
                f"The Python library requests is missing for {sys.executable}.",
                "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter to a Python "
                "that has it.",
            )
        self.retries = retries
        self.redactor = Redactor(secrets)
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        # Passed with each request: a session's own verify loses against REQUESTS_CA_BUNDLE (psf/requests#3829).
        self._verify = verify
        self._diagnosis = Diagnosis(service, self._base_url, timeout, self.redactor.clean)
        self.unexpected = self._diagnosis.unexpected
        self._session = requests.Session()
        # Redirects are not even looked at: requests would read the whole body and fail on a malformed Location.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        # An auth object: a plain header loses against ~/.netrc (psf/requests#3929).
        self._session.auth = _Authorization(authorization)
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"ansible-collection-cortexapps.cortex/{COLLECTION_VERSION}",
            }
        )

    def close(self) -> None:
        self._session.close()

    def call(self, operation: Operation, body: dict[str, t.Any] | None = None) -> Response:
        """Send a request and return its response, and repeat it where that is safe.

        A request that is not safe is repeated only when it certainly was not carried out. Otherwise it is up to the
        caller to find out what became of it (``outcome_unknown``).

        :raises RequestError: when the API did not do what it was asked for.
        """
        attempts = Attempts(self.retries)
        while True:
            try:
                return self._attempt(operation, body)
            except RequestError as error:
                attempts.record_failure()
                if error.outcome_unknown and not operation.is_safe:
                    raise
                if attempts.are_used_up(error):
                    attempts.explain(error)
                    raise
                attempts.wait(error)

    def _attempt(self, operation: Operation, body: dict[str, t.Any] | None) -> Response:
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
                # urllib3 1.26 takes a truncated body for a whole one.
                response.raw.enforce_content_length = True
                data = b""
                for chunk in response.iter_content(MAX_RESPONSE_BYTES):
                    data += chunk
                    if len(data) > MAX_RESPONSE_BYTES:
                        break
        except requests.exceptions.ContentDecodingError:
            what = "with a body that could not be decompressed"
            raise self.unexpected(operation, response.status_code, what) from None
        # Their messages are not passed on: requests puts values of headers into some, urllib3 passwords of proxies.
        except (OSError, HTTPError, ValueError) as exc:
            raise self._diagnosis.no_response(operation, exc) from None
        status = response.status_code
        if 300 <= status < 400:
            raise self._diagnosis.redirected(operation, status, response.headers.get("Location", ""))
        content, oddity = _parse(data)
        if not 200 <= status < 300:
            raise self._diagnosis.refused(operation, status, content, response.headers.get("Retry-After"))
        if oddity:
            raise self.unexpected(operation, status, oddity)
        return Response(status, content)


class _Authorization:
    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def default_ca_store() -> str | bool:
    """Return the CA store of the environment, else the system's, else the one that requests brings (True).

    The system's comes before that of requests, because that is where a company's own CA is installed, and a hashed
    directory is read only as far as it is needed.

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
    stores = [paths.cafile, paths.capath]
    # A directory that the environment names comes before a file that it does not name.
    if os.environ.get(paths.openssl_capath_env) and not os.environ.get(paths.openssl_cafile_env):
        stores.reverse()
    return next((store for store in stores if store and _may_contain_certificates(Path(store))), True)


def _may_contain_certificates(store: Path) -> bool:
    return store.is_file() or any(store.glob("[0-9a-f]" * 8 + ".[0-9]"))


def _parse(data: bytes) -> tuple[t.Any, str]:
    """Return the JSON of a response, and what is odd about it instead where it has none."""
    if len(data) > MAX_RESPONSE_BYTES:
        return None, f"with a body of more than {MAX_RESPONSE_BYTES} bytes"
    try:
        return json.loads(data), ""
    except (ValueError, RecursionError):
        return None, "with a body that is not JSON" if data else "with an empty body"

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client of the Cortex API: one session, retries, and errors that can be shown to anybody.

Private to this collection: it may change in any release.
"""

from __future__ import annotations

import json
import os
import random
import ssl
import sys
import time
import typing as t
import warnings
from pathlib import Path

from ansible.module_utils.basic import missing_required_lib

if t.TYPE_CHECKING:
    from ._failures import Failures


def _preload_requests() -> None:
    """Import requests without what guesses the encoding of texts, if this process has not imported it yet.

    That takes a fifth of the time and a third of the memory of the whole, for nothing, since the API speaks JSON.
    requests does without it since 2.32 (https://github.com/psf/requests/blob/main/HISTORY.md), but warns. What older
    ones leave behind is taken away.
    """
    if "requests" in sys.modules:
        return
    warnings.filterwarnings("ignore", module="requests$")
    guessers = {"chardet", "charset_normalizer"} - sys.modules.keys()
    # With None in the place of a module its import fails.
    sys.modules.update(dict.fromkeys(guessers))  # type: ignore[arg-type]
    try:
        import requests  # noqa: F401
    except Exception:  # noqa: BLE001 - from 2.26 to 2.31 it is no ImportError
        for name in [name for name in sys.modules if name.startswith("requests.")]:
            del sys.modules[name]
    finally:
        for name in guessers:
            del sys.modules[name]


try:
    _preload_requests()
    import requests
    from urllib3.exceptions import HTTPError

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

# The same as in galaxy.yml, which does not travel with a module.
COLLECTION_VERSION = "1.0.0"

# Seconds.
LONGEST_BACKOFF = 30
# Bytes. Answers of this API have a few hundred.
LARGEST_ANSWER = 64 * 1024
# Characters of a text of the API that are shown.
LONGEST_TEXT = 500


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

    def failures(self) -> Failures:
        """Return what makes the errors for requests of this client."""
        # Imported here and not above, as is _masking: only a task that has something bad to tell needs them.
        from ._failures import Failures

        return Failures(self._base_url, self._timeout, self.clean)

    def clean(self, text: str) -> str:
        """Return a text that the API sent as one line of bounded length without any secret."""
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
            what = "in a compression that cannot be undone"
            raise self.failures().unexpected(operation, what, response.status_code) from None
        # Of what these say only what is known to hold no secret is passed on: requests puts header values, urllib3
        # puts proxies' passwords into some messages.
        except (OSError, HTTPError, ValueError) as exc:
            raise self.failures().no_answer(operation, exc) from None
        status = response.status_code
        if 300 <= status < 400:
            raise self.failures().redirected(operation, status, response.headers.get("Location", ""))
        answer, oddity = _parse(content)
        if not 200 <= status < 300:
            raise self.failures().refused(operation, status, answer, response.headers.get("Retry-After"))
        if oddity:
            raise self.failures().unexpected(operation, oddity, status)
        return answer


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
    stores = [paths.cafile, paths.capath]
    # A directory that the environment names comes before a file that it does not name.
    if os.environ.get(paths.openssl_capath_env) and not os.environ.get(paths.openssl_cafile_env):
        stores.reverse()
    return next((store for store in stores if store and _may_hold_certificates(Path(store))), True)


def _may_hold_certificates(store: Path) -> bool:
    return store.is_file() or any(store.glob("[0-9a-f]" * 8 + ".[0-9]"))


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

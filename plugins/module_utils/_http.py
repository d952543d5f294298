# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP session with one API: authorization, TLS, proxies and timeouts. It sends each request once."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
import typing as t
import warnings
from datetime import timezone
from email.utils import parsedate_to_datetime

from ._connections import Adapter
from ._errors import CortexError
from ._http_errors import ErrorDescription, Operation, RequestErrors, Service
from ._tls import check_key_log_file, find_ca_store, tls_context

try:
    import requests
    from urllib3.exceptions import HTTPError

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

# The same as in galaxy.yml, which is not sent along with a module.
COLLECTION_VERSION = "1.0.0"
# Seconds. Where a requested wait is cut off, so that the message stays short.
FOREVER = 1e12
REDIRECTS = (301, 302, 303, 307, 308)
# Responses of these APIs have a few hundred.
MAX_RESPONSE_BYTES = 64 * 1024

MISSING_REQUESTS = "The Python library requests is missing for {}."
INSTALL_REQUESTS = (
    "Install it for the Python that runs ansible-playbook, or set ansible_python_interpreter to a Python that has it."
)


class Response(t.NamedTuple):
    """A response with a status of success: its status and its JSON."""

    status: int
    content: t.Any


class Session:
    """A session with one API.

    :param connection: the connection options, of which ``base_url``, ``validate_certs``, ``ca_path`` and ``timeout``
        count here.
    :param authorization: the value of the header of this name, sent to the host of ``base_url`` and to no other.
    :param describe: as for `RequestErrors`, like ``clean``.
    :raises CortexError: when the Python library requests is missing, or the CA store or the key log file cannot be
        used.
    """

    def __init__(
        self,
        service: Service,
        connection: t.Mapping[str, t.Any],
        *,
        authorization: str,
        describe: t.Callable[[int, t.Any], ErrorDescription | None],
        clean: t.Callable[[str], str],
    ) -> None:
        if not HAS_REQUESTS:
            raise CortexError(MISSING_REQUESTS.format(sys.executable), INSTALL_REQUESTS)
        self._base_url = connection["base_url"].rstrip("/")
        self._timeout = connection["timeout"]
        self._reset_header = service.reset_header
        self._has_responded = False
        uses_tls = self._base_url.lower().startswith("https:")
        if uses_tls:
            check_key_log_file()
        self._is_verified = connection["validate_certs"] and uses_tls
        ca_store = find_ca_store(connection["ca_path"]) if self._is_verified else None
        self._errors = RequestErrors(service, self._base_url, self._timeout, ca_store, describe, clean)
        self.unexpected = self._errors.unexpected
        self._session = _open_session(authorization, Adapter(ca_store and tls_context(ca_store)))

    def close(self) -> None:
        self._session.close()

    def call(self, operation: Operation, body: dict[str, t.Any] | None = None) -> Response:
        """Send a request once, and return its response.

        :raises RequestError: when the request failed, or may have failed.
        """
        status, headers, data = self._exchange(operation, body)
        if status in REDIRECTS:
            raise self._errors.redirected(operation, status, headers.get("Location", ""))
        content, oddity = _parse(data)
        if 300 <= status < 400:
            raise self.unexpected(operation, status, "is not a status of this API")
        if not 200 <= status < 300:
            retry_after = _retry_after_seconds(headers.get("Retry-After"))
            if status == 429:
                retry_after = retry_after or _retry_after_seconds(headers.get(self._reset_header))
            raise self._errors.refused(operation, status, content, retry_after, oddity if data is None else "")
        if oddity:
            raise self.unexpected(operation, status, oddity)
        return Response(status, content)

    def _exchange(
        self, operation: Operation, body: dict[str, t.Any] | None
    ) -> tuple[int, t.Mapping[str, str], bytes | None]:
        """Send a request, and return the status, the headers and the body of its response.

        The body is None if it is in another encoding than requested: a small one can decode to gigabytes.
        """
        try:
            with (
                _quiet_libraries(),
                self._session.request(
                    operation.method,
                    self._base_url + operation.path,
                    json=body,
                    timeout=self._timeout,
                    verify=self._is_verified,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                self._has_responded = True
                # urllib3 1.26 takes a truncated body for a whole one.
                response.raw.enforce_content_length = True
                if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                    return response.status_code, response.headers, None
                data = b""
                for chunk in response.iter_content(MAX_RESPONSE_BYTES):
                    data += chunk
                    if len(data) > MAX_RESPONSE_BYTES:
                        break
                return response.status_code, response.headers, data
        # Their messages are not passed on: requests puts values of headers into some, urllib3 passwords of proxies.
        except (OSError, HTTPError, ValueError) as exc:
            raise self._errors.no_response(operation, exc, is_first=not self._has_responded) from None


@contextlib.contextmanager
def _quiet_libraries() -> t.Iterator[None]:
    """Keep what Python and its libraries warn of from the user, and what urllib3 logs out of the log of Ansible.

    It logs what is wrong with a header, which may contain a secret. If certificates are not checked, the collection
    warns of that itself.
    """
    logger = logging.getLogger("urllib3")
    before, logger.propagate = logger.propagate, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.propagate = before


def _open_session(authorization: str, adapter: Adapter) -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    # Redirects are not even looked at: requests would read the whole body and fail on a malformed Location.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    # An auth object: a plain header loses against ~/.netrc (psf/requests#3929).
    session.auth = _Authorization(authorization)
    session.headers.update(
        {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"ansible-collection-cortexapps.cortex/{COLLECTION_VERSION}",
        }
    )
    return session


class _Authorization:
    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _parse(data: bytes | None) -> tuple[t.Any, str]:
    """Return the JSON of a response, or the reason why it has none. The content of an empty body is an empty string."""
    if data is None:
        return None, "with an encoding that was not requested"
    if len(data) > MAX_RESPONSE_BYTES:
        return None, f"with a body of more than {MAX_RESPONSE_BYTES} bytes"
    try:
        return json.loads(data), ""
    except (ValueError, RecursionError):
        return (None, "with a body that is not JSON") if data else ("", "with an empty body")


def _retry_after_seconds(header: str | None) -> float:
    """Return the seconds that a Retry-After header (RFC 9110, 10.2.3) asks for, 0 for none or a meaningless one."""
    # urllib3's own Retry takes all above six hours for six hours.
    if not header:
        return 0.0
    # requests joins several headers with commas. The longest wait satisfies all of them.
    if re.fullmatch(r"[0-9]+(\s*,\s*[0-9]+)*", header.strip()):
        seconds = max(map(float, header.split(",")))
    else:
        try:
            moment = parsedate_to_datetime(header)
            # Without a time zone it is in UTC, as all dates in HTTP are.
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() - time.time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), FOREVER)

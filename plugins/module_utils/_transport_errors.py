# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an exception of requests or urllib3 to the cause of a missing response, and to advice.

Their messages are not passed on: some contain values of headers, others the password of a proxy.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import typing as t
from http.client import BadStatusLine
from urllib.parse import urlsplit

from ._connections import TIMEOUTS_OF_A_RESPONSE, ResponseTooSlowError
from ._proxy import Proxy, find_proxy
from ._redaction import one_line
from ._tls import CaStore

try:
    from requests import exceptions
    from urllib3.exceptions import ConnectTimeoutError, InvalidHeader, NewConnectionError, ProxyError, ReadTimeoutError
except ImportError:
    # Without it no request is sent that could fail.
    pass

TLS_EXPECTED = "If the server expects TLS on this port, {} must begin with https://."

# The second is urllib3's own, before 2.0, for a certificate of another host.
_CERTIFICATE_ERRORS = ("SSLCertVerificationError", "CertificateError")
# The errors of OpenSSL's versions for a response in plain text.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
# The alert of the server, and the errors of OpenSSL, for a version of TLS that is not enabled.
_OTHER_VERSION = ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE")
# Of OpenSSL's x509_vfy.h: a certificate is not yet valid, or has expired.
_WRONG_TIME = {9: "is not yet valid", 10: "has expired"}
# A host name or an address is not in the certificate.
_WRONG_HOST = (62, 64)
# The issuer of a certificate is unknown, or it is self-signed.
_UNKNOWN_CA = (2, 18, 19, 20, 21)


class Target(t.NamedTuple):
    """The target of a request.

    :param option: the option that contains the URL.
    :param timeout: seconds for connecting and for each read.
    :param ca_advice: how an unknown CA can be trusted.
    :param ca_store: the CAs that are trusted.
    """

    url: str
    option: str
    timeout: float
    ca_advice: str
    ca_store: CaStore | None


class Cause(t.NamedTuple):
    """Why there was no response, or none that is HTTP.

    :param what: the event, after a colon.
    :param advice: the sentence about what to do.
    """

    what: str
    advice: str
    outcome_unknown: bool = True
    is_retryable: bool = True


def find_cause(exc: BaseException, target: Target, *, is_first: bool) -> Cause:
    """Return why there was no response.

    :param is_first: whether there was no other response from this target before.
    """
    chain = _Chain(exc)
    proxy = find_proxy(target.url)
    way = f"the network between this host and {target.option}{f', and {proxy.name}' if proxy else ''}"
    return (
        _timeout(chain, target, proxy, way)
        or (_proxy(chain, proxy) if proxy else None)
        or _certificate(chain, target)
        or _tls(chain, target)
        or _no_connection(chain, target)
        or _lost_connection(chain, target, way, may_expect_tls=is_first and not proxy)
        or Cause(
            f"the request could not be made ({type(exc).__name__}).",
            f"Check {target.option} and the proxy variables.",
            is_retryable=False,
        )
    )


def find_refusal_of_proxy(url: str) -> Cause | None:
    """Return the cause of HTTP 407: a proxy responded in place of the server. None if no proxy is used."""
    proxy = find_proxy(url)
    return _refused_by_proxy(proxy, "407") if proxy else None


_E = t.TypeVar("_E", bound=BaseException)


class _Chain:
    """An exception and all that led to it, as requests and urllib3 wrap them."""

    def __init__(self, exc: BaseException) -> None:
        self.exception = exc
        self.causes: list[BaseException] = []
        pending: list[t.Any] = [exc]
        while pending:
            cause = pending.pop()
            if isinstance(cause, BaseException) and cause not in self.causes:
                self.causes.append(cause)
                pending += [cause.__context__, cause.__cause__, getattr(cause, "reason", None), *cause.args]

    def of(self, *kinds: type[_E]) -> list[_E]:
        return [cause for cause in self.causes if isinstance(cause, kinds)]

    def first(self, *kinds: type[_E]) -> _E | None:
        return next(iter(self.of(*kinds)), None)

    def why_not_connected(self) -> str:
        if self.first(socket.gaierror):
            return "the host name could not be resolved"
        numbers = [cause.errno for cause in self.causes if isinstance(cause, OSError) and cause.errno]
        return os.strerror(numbers[0]) if numbers else "it was refused"


def _timeout(chain: _Chain, target: Target, proxy: Proxy | None, way: str) -> Cause | None:
    advice = f"Check {way}, or increase timeout."
    if chain.first(ResponseTooSlowError):
        seconds = TIMEOUTS_OF_A_RESPONSE * target.timeout
        return Cause(f"timed out: the response was not complete after {seconds:g} s.", advice)
    # In urllib3 1.26 one is a kind of the other.
    if chain.first(exceptions.ConnectTimeout, ConnectTimeoutError) and not chain.first(NewConnectionError):
        if proxy:
            return _not_connected(proxy, f"timed out after {target.timeout:g} s")
        what = f"timed out after {target.timeout:g} s waiting for a connection."
        return Cause(what, advice, outcome_unknown=False)
    if chain.first(exceptions.Timeout, ReadTimeoutError, socket.timeout):
        return Cause(f"timed out after {target.timeout:g} s waiting for a response.", advice)
    return None


def _proxy(chain: _Chain, proxy: Proxy) -> Cause | None:
    # Of requests, urllib3 or Python, depending on what is wrong with the URL.
    if isinstance(chain.exception, ValueError) and not chain.first(InvalidHeader, exceptions.InvalidHeader):
        what = f"the proxy URL in {proxy.variable} is invalid."
        advice = f"Check {proxy.variable}. Special characters in its user and password must be percent-encoded."
        if proxy.is_socks and isinstance(chain.exception, exceptions.InvalidSchema):
            what = f"{proxy.name} is a SOCKS proxy, and Python needs PySocks for these."
            advice = "Install requests[socks] for the Python that runs the task."
        return Cause(what, advice, outcome_unknown=False, is_retryable=False)
    refused = re.search(r"Tunnel connection failed: ([0-9]{3})", " ".join(map(str, chain.of(OSError))))
    if refused:
        return _refused_by_proxy(proxy, refused[1])
    if chain.first(NewConnectionError):
        return _not_connected(proxy, chain.why_not_connected())
    failed = chain.first(ProxyError) and chain.first(ssl.SSLError)
    if failed:
        is_verified = not isinstance(failed, ssl.SSLCertVerificationError)
        reason = "it does not use TLS" if is_verified else "its certificate could not be verified"
        return _not_connected(proxy, reason, is_retryable=False)
    return None


def _refused_by_proxy(proxy: Proxy, status: str) -> Cause:
    cause = _not_connected(proxy, f"it responded with HTTP {status}", is_retryable=not status.startswith("4"))
    if status == "407":
        return cause._replace(advice=f"Check the user and the password in {proxy.variable}.")
    return cause


def _not_connected(proxy: Proxy, reason: str, *, is_retryable: bool = True) -> Cause:
    return Cause(
        f"no connection through {proxy.name}: {reason}.",
        f"Check {proxy.variable}, or add the host to NO_PROXY.",
        outcome_unknown=False,
        is_retryable=is_retryable,
    )


def _certificate(chain: _Chain, target: Target) -> Cause | None:
    untrusted = next((cause for cause in chain.causes if type(cause).__name__ in _CERTIFICATE_ERRORS), None)
    if untrusted is None:
        return None
    code = getattr(untrusted, "verify_code", None)
    if code in _WRONG_TIME:
        what = f"the server's certificate, or that of its CA, {_WRONG_TIME[code]}."
        advice = "Check the clock of this host, or renew the certificate on the server. Another CA store does not help."
    elif code in _WRONG_HOST or not isinstance(untrusted, ssl.SSLError):
        what = f"the server's certificate is not valid for the host {urlsplit(target.url).hostname}."
        advice = f"Check the host in {target.option}."
    elif code in _UNKNOWN_CA:
        what = f"the server's certificate was not signed by a CA in {target.ca_store}."
        advice = target.ca_advice
    else:
        version = ".".join(map(str, sys.version_info[:2]))
        reason = one_line(getattr(untrusted, "verify_message", "")) or "no reason given"
        what = f"Python {version} rejects the server's certificate, or that of its CA: {reason}."
        advice = "Have the certificate reissued. Another CA store does not help."
    return Cause(what, advice, outcome_unknown=False, is_retryable=False)


def _tls(chain: _Chain, target: Target) -> Cause | None:
    # An alert of TLS in the place of a response.
    if any(str(line).startswith("\x15\x03") for line in chain.of(BadStatusLine)):
        what = "the server expects TLS on this port."
        return Cause(what, f"{target.option} must begin with https://.", outcome_unknown=False, is_retryable=False)
    failed = chain.first(exceptions.SSLError, ssl.SSLError)
    if not failed or chain.first(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return None
    reasons = [str(cause.reason) for cause in chain.of(ssl.SSLError) if getattr(cause, "reason", None)]
    if set(reasons) & set(_NO_TLS):
        what = "the server does not use TLS on this port."
        return Cause(what, f"Check the scheme (https://) and the port of {target.option}.", is_retryable=False)
    if any("CERTIFICATE_REQUIRED" in reason for reason in reasons):
        what = "the server requires a client certificate, which this collection does not support."
        return Cause(what, f"Check {target.option}.", is_retryable=False)
    if set(reasons) & set(_OTHER_VERSION):
        what = "this host and the server have no TLS version in common."
        return Cause(what, "Enable TLS 1.2 or TLS 1.3 on both.", outcome_unknown=False, is_retryable=False)
    what = f"TLS failed between this host and the server ({one_line(', '.join(reasons)) or 'no reason given'})."
    return Cause(what, f"Check {target.option}, and the TLS settings of the server.", is_retryable=False)


def _no_connection(chain: _Chain, target: Target) -> Cause | None:
    if not chain.first(NewConnectionError):
        return None
    what = f"no connection: {chain.why_not_connected()}."
    return Cause(what, f"Check {target.option} and the network.", outcome_unknown=False)


def _lost_connection(chain: _Chain, target: Target, way: str, *, may_expect_tls: bool) -> Cause | None:
    lost = (exceptions.ConnectionError, exceptions.ChunkedEncodingError)
    if not isinstance(chain.exception, lost) and not chain.first(ssl.SSLEOFError, InvalidHeader):
        return None
    advice = f"Check {way}."
    if may_expect_tls and urlsplit(target.url).scheme == "http" and chain.first(ConnectionResetError):
        advice += f" {TLS_EXPECTED.format(target.option)}"
    return Cause("the connection was lost before the response was complete.", advice)

"""How the client reaches an API: waits, TLS, proxies, connections, and the influence of the environment."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import requests
import responses
from ansible_collections.cortexapps.cortex.plugins.module_utils._tls import CaStore, find_ca_store

from tests.simulator import Simulator
from tests.simulator.server import BadCertificate
from tests.simulator.state import Workspace
from tests.support.cortex import API_KEY, GET, OTHER_TOKEN, TOKEN
from tests.support.servers import json_response, recording_server
from tests.support.tasks import COLLECTION, INFO, RunTask, run_task
from tests.support.wire import untrusted

# Nothing that Python or a library warns of gets to the user.
pytestmark = pytest.mark.filterwarnings("error")


def failure(url: str, **options: Any) -> str:
    """Return the message when reading the configuration fails, else nothing."""
    result = run_task(INFO, {"api_key": API_KEY, "base_url": url, **options})[0]
    return str(result.get("msg", ""))


# Waits


def test_waits_are_spread_at_random_below_their_bounds(info: RunTask, workspace: Workspace, waits: list[float]) -> None:
    workspace.fault("get", times=None, status=503)
    message = info(retries=20)["msg"]
    assert workspace.requests == [GET] * 21
    bounds = [min(2**number, 30) for number in range(20)]
    assert [bound / 2 <= seconds <= bound for bound, seconds in zip(bounds, waits, strict=True)] == [True] * 20
    assert len(set(waits[6:])) > 1
    assert f"Gave up after 21 attempts and {sum(waits):.0f} s of waiting." in message


def retry_after(header: str, **body: Any) -> dict[str, Any]:
    return {"headers": {"Retry-After": header} if header else {}, "body": body}


@pytest.mark.parametrize(
    ("fields", "least"),
    [
        *((retry_after(header), 0) for header in ("0", "-7", "1.5", "soon", "", "Mon, 99 Foo 2026 99:99:99 GMT")),
        *((retry_after(f"Fri, {day}"), 0) for day in ("31 Dec 99999 23:59:59 GMT", "15 Jan 2027 07:00:00 GMT")),
        *((retry_after(f"Fri, 15 Jan 2027 08:00:50 {zone}"), 50) for zone in ("GMT", "-0000", "+0000")),
        (retry_after("7"), 7),
        (retry_after(" 60 "), 60),
        # requests joins two headers.
        (retry_after("5, 7,6"), 7),
        # Cortex may say it in its error, too.
        *((retry_after("", retryAfter=wait), wait) for wait in (7, 7.5)),
        *((retry_after("", retryAfter=wait), 0) for wait in (-7, "7", None)),
        (retry_after("5", retryAfter=7), 5),
    ],
)
def test_retry_after_is_added_to_the_wait(
    info: RunTask,
    workspace: Workspace,
    waits: list[float],
    environment: pytest.MonkeyPatch,
    fields: dict[str, Any],
    least: float,
) -> None:
    with environment.context() as abroad:
        abroad.setenv("TZ", "JST-9")
        time.tzset()
        # Fri, 15 Jan 2027 08:00:00 GMT
        abroad.setattr(time, "time", lambda: 1_800_000_000.0)
        for status in (429, 500, 502, 503, 504):
            workspace.fault("get", status=status, **fields)
            assert "failed" not in info()
            assert least <= waits.pop() <= least + 1
            assert waits == []
    time.tzset()


@pytest.mark.parametrize(
    "fields",
    [
        *(retry_after(wait) for wait in ("61", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT")),
        *(retry_after("", retryAfter=wait) for wait in (61, 10**400)),
    ],
)
def test_long_retry_after_fails_at_once(
    info: RunTask, workspace: Workspace, waits: list[float], fields: dict[str, Any]
) -> None:
    workspace.fault("get", times=None, status=429, **fields)
    message = info()["msg"]
    assert (workspace.requests, waits) == ([GET], [])
    seconds = 61 if "61" in str(fields) else r"\d{1,13}"
    assert re.search(rf"Cortex requested a retry after {seconds} s, and the module waits 60 s at most\.", message)


def test_rate_limit_of_pagerduty_says_when_to_retry(config: RunTask, workspace: Workspace, waits: list[float]) -> None:
    workspace.fault("abilities", status=503, headers={"ratelimit-reset": "7"})
    workspace.fault("abilities", status=429, headers={"ratelimit-reset": "7"})
    workspace.fault("get", skip=1, status=429, headers={"ratelimit-reset": "7"})
    assert config(preflight=True)["preflight"] is True
    assert [int(seconds) // 7 for seconds in waits] == [0, 1, 0]


def test_long_wait_is_shown_on_standard_error(
    info: RunTask, simulator: Simulator, workspace: Workspace, environment: pytest.MonkeyPatch, waits: list[float]
) -> None:
    display = Mock()
    environment.setattr("ansible.utils.display.Display.display", display)
    for header in ("3", "5"):
        workspace.fault("get", status=503, headers={"Retry-After": header})
    info()
    failure = f"Could not read the PagerDuty configuration ({GET.replace(' /', f' {simulator.url}/')}): "
    failure += "Cortex responded with HTTP 503: A simulated fault."
    wait = f"localhost: Waiting {waits[1]:.0f} s before the next request. {failure}"
    display.assert_called_once_with(wait, stderr=True)


# Requests

ADDED = "Remove /api/v1 from base_url: it is added automatically."


@pytest.mark.parametrize(("prefix", "suffix"), [("", "/"), ("/a/b", ""), ("/a/b", "/")])
def test_base_url_may_have_a_prefix(prefix: str, suffix: str) -> None:
    with Simulator(prefix=prefix) as server:
        workspace = server.add_workspace(API_KEY)
        assert failure(server.url + suffix) == ""
        assert workspace.requests == [GET]


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://app.example.com", " base_url is the web UI (app.); use the API host."),
        *((f"https://cortex.example.com/api/v1{end}", f" {ADDED}") for end in ("", "/")),
        ("https://cortex.example.com/wrong", ""),
    ],
)
def test_wrong_base_url_is_named(url: str, hint: str) -> None:
    with responses.RequestsMock() as mocked:
        mocked.get(url.rstrip("/") + GET.split()[1], body="<html>Cortex</html>")
        assert failure(url).endswith(f"base_url does not look like the Cortex API.{hint}")


@pytest.mark.parametrize("suffix", ["", "/prefix/"])
def test_only_the_token_is_sent(config: RunTask, suffix: str) -> None:
    with recording_server(json_response(b'{"abilities": ["sso"]}')) as pagerduty:
        result = config(preflight=True, preflight_url=pagerduty.url + suffix, previous_token=OTHER_TOKEN)
    assert result["preflight"] is True
    [request] = pagerduty.received
    line, *headers = request.decode().split("\r\n")
    assert line == f"GET {suffix.rstrip('/')}/abilities HTTP/1.1"
    assert {f"Authorization: Token token={TOKEN}", "Accept: application/json"} < {*headers}
    # A small response cannot become a large one, and there is no body.
    assert "Accept-Encoding: identity" in headers
    assert "Content-Length" not in request.decode()
    assert API_KEY not in request.decode()
    assert OTHER_TOKEN not in request.decode()


# The influence of the environment


def test_netrc_never_replaces_a_secret(
    config: RunTask, simulator: Simulator, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password of-the-netrc\ndefault login a password b\n")
    netrc.chmod(0o600)
    environment.setenv("HOME", str(tmp_path))
    assert requests.utils.get_netrc_auth(simulator.url) == ("stranger", "of-the-netrc")
    result = config(preflight=True)
    assert ("failed" in result, result["preflight"]) == (False, True)


NO_PROXYING = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"])
def test_proxy_is_used_and_does_not_get_the_key(environment: pytest.MonkeyPatch, variable: str) -> None:
    # Without TLS, it gets the request itself.
    scheme = "http" if variable == "HTTP_PROXY" else "https"
    with recording_server(NO_PROXYING) as proxy:
        environment.setenv(variable, proxy.url.replace("//", "//user:pass-of-proxy@"))
        message = failure(f"{scheme}://cortex.example.com", retries=0)
    [request] = proxy.received
    assert request.startswith(b"CONNECT cortex.example.com:443 ") is (scheme == "https")
    assert (API_KEY.encode() in request) is (scheme == "http")
    address = proxy.url.removeprefix("http://")
    says = f"no connection through the proxy {address} of {variable}: it responded with HTTP 407. "
    assert f"{says}Check the user and the password in {variable}." in message
    assert "pass-of-proxy" not in message


PROXY_DOWN = "no connection through the proxy {address} of {variable}: Connection refused. {check}"
PROXY_WITHOUT_TLS = "no connection through the proxy {address} of {variable}: it does not use TLS. {check}"
PROXY_INVALID = (
    "the proxy URL in {variable} is invalid. Check {variable}. "
    "Special characters in its user and password must be percent-encoded."
)
NO_SOCKS = (
    "the proxy {address} of {variable} is a SOCKS proxy, and Python needs PySocks for these. "
    "Install requests[socks] for the Python that runs the task."
)


@pytest.mark.parametrize(
    ("variable", "proxy", "says"),
    [
        ("HTTPS_PROXY", "http://user:pass-of-proxy@{address}", PROXY_DOWN),
        ("ALL_PROXY", "socks5://user:pass-of-proxy@{address}", PROXY_DOWN),
        ("HTTP_PROXY", "{address}/", PROXY_DOWN),
        ("https_proxy", "socks5h://user:pass-of-proxy@{address}", NO_SOCKS),
        ("https_proxy", "https://user:pass-of-proxy@{address}", PROXY_WITHOUT_TLS),
        ("all_proxy", "nonsense://user:pass-of-proxy@{address}", PROXY_INVALID),
        ("all_proxy", "http://user:pass-of-proxy", PROXY_INVALID),
        ("all_proxy", "user:pa/ss-of-proxy@{address}", PROXY_INVALID),
    ],
)
def test_proxy_that_does_not_work_is_named(
    simulator: Simulator, environment: pytest.MonkeyPatch, waits: list[float], variable: str, proxy: str, says: str
) -> None:
    if says == NO_SOCKS:
        missing = requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")
        environment.setattr("requests.adapters.SOCKSProxyManager", Mock(side_effect=missing))
    elif "socks" in proxy:
        pytest.importorskip("socks")
    # Nobody listens at a port that is bound only, and nobody else gets it.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        address = simulator.url.removeprefix("http://") if says == PROXY_WITHOUT_TLS else f"127.0.0.1:{port}"
        environment.setenv(variable, proxy.format(address=address))
        message = failure(f"{'http' if variable == 'HTTP_PROXY' else 'https'}://cortex.example.com", retries=1)
    check = f"Check {variable}, or add the host to NO_PROXY."
    assert says.format(address=address, variable=variable, check=check) in message
    assert "ss-of-proxy" not in message
    assert len(waits) == (says == PROXY_DOWN)


# TLS


@pytest.fixture(scope="session")
def other_ca(secure: Simulator) -> Iterator[str]:
    """A CA that has not signed the certificate of `secure`."""
    with Simulator(tls=True) as server:
        yield str(server.ca_path)


@pytest.fixture
def hashed(secure: Simulator, tmp_path: Path) -> Path:
    """A hashed directory with the CA of `secure`."""
    content = Path(str(secure.ca_path)).read_bytes()
    command = ["openssl", "x509", "-noout", "-hash"]
    try:
        name = subprocess.run(command, check=True, capture_output=True, input=content).stdout.decode().strip()
    except FileNotFoundError:
        pytest.skip("the command openssl is missing")
    folder = tmp_path / "hashed"
    folder.mkdir()
    (folder / f"{name}.0").write_bytes(content)
    return folder


CA_HINT = "Set ca_path to a file with the certificate of that CA."
PEM_HEAD = b"-----BEGIN CERTIFICATE-----\n"
PEM_NEEDED = "It must be a file with certificates in PEM format, or a hashed directory of such files."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b" \n", "it is empty"),
        (b"\x30\x82\x03\x01\x30", "it is in a binary format such as DER"),
        (b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n", "it is in the format PKCS#7"),
        (PEM_HEAD + b"MIIB", "it contains a damaged certificate"),
        (PEM_HEAD.decode().encode("utf-16"), "it is encoded in UTF-16"),
        (b"no certificate", "it contains no certificate in PEM format"),
        (Path.mkdir, "it contains no hashed certificates, which openssl rehash creates"),
        (os.mkfifo, "it is neither a file nor a directory"),
        (lambda path: path.symlink_to("/proc/self/mem"), "Input/output error"),
    ],
)
def test_ca_store_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "ca"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    kind = "directory" if path.is_dir() else "file"
    # Nothing is sent.
    message = failure("https://cortex.example.com", ca_path=str(path))
    assert message == f"The CA {kind} that ca_path names cannot be used ({path}): {says}. {PEM_NEEDED}"


def test_default_store_is_read_once_for_all_tasks(
    secure: Simulator, other_ca: str, environment: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ansible loads the action before it forks. If the store is faulty, the task that needs it reports that."""
    action = importlib.import_module(f"{COLLECTION}.plugins.plugin_utils._in_process")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Path(str(secure.ca_path)).read_bytes())
    for store in ("/no/such/bundle.pem", __file__, str(bundle)):
        environment.setenv("REQUESTS_CA_BUNDLE", store)
        importlib.reload(action)
    assert capfd.readouterr() == ("", "")
    bundle.write_text("overwritten")
    assert failure(secure.url) == ""
    assert CA_HINT in failure(secure.url, ca_path=other_ca)


UNCHECKED = "validate_certs is false, so anyone between this host and base_url can read the API key and the token."
OF_A_WRONG_TIME = (
    "Check the clock of this host, or renew the certificate on the server. Another CA store does not help."
)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("expired", f"the server's certificate, or that of its CA, has expired. {OF_A_WRONG_TIME}"),
        ("wrong-host", "the server's certificate is not valid for the host 127.0.0.1. Check the host in base_url."),
        ("self-signed", "the server's certificate was not signed by a CA in ca_path ({ca}). " + CA_HINT),
    ],
)
def test_bad_certificate_is_refused_at_once(kind: BadCertificate, says: str, waits: list[float]) -> None:
    with Simulator(tls=kind) as server:
        server.add_workspace(API_KEY)
        message = failure(server.url, ca_path=server.ca_path)
        result, shown = run_task(INFO, {"api_key": API_KEY, "base_url": server.url, "validate_certs": False})
    assert (result["warnings"], "failed" in result, "Unverified" in shown) == ([UNCHECKED], False, False)
    assert message.endswith(f": {says.format(ca=server.ca_path)}")
    assert waits == []


HANDSHAKE_FAILURE = b"\x15\x03\x01\x00\x02\x02\x28"
NO_TLS = "the server does not use TLS on this port. Check the scheme (https://) and the port of base_url."
NO_VERSION = "this host and the server have no TLS version in common. Enable TLS 1.2 or TLS 1.3 on both."
NO_CLIENT = "the server requires a client certificate, which this collection does not support. Check base_url."
NO_HANDSHAKE = (
    "TLS failed between this host and the server (SSLV3_ALERT_HANDSHAKE_FAILURE). "
    "Check base_url, and the TLS settings of the server."
)


@pytest.mark.parametrize(
    ("scheme", "response", "says"),
    [
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", NO_TLS),
        ("https", HANDSHAKE_FAILURE, NO_HANDSHAKE),
        ("https", HANDSHAKE_FAILURE[:6] + b"\x46", NO_VERSION),
        ("https", HANDSHAKE_FAILURE[:6] + b"\x74", NO_CLIENT),
        ("http", HANDSHAKE_FAILURE, "the server expects TLS on this port. base_url must begin with https://."),
    ],
)
def test_other_use_of_tls_is_an_error_at_once(waits: list[float], scheme: str, response: bytes, says: str) -> None:
    with recording_server(response) as server:
        assert failure(server.url.replace("http:", f"{scheme}:"), timeout=2).endswith(f": {says}")
    assert waits == []


@pytest.mark.parametrize(
    ("options", "variables", "store"),
    [
        ({"ca_path": "option.pem"}, {"REQUESTS_CA_BUNDLE": "one.pem"}, ("option.pem", "ca_path")),
        ({}, {"REQUESTS_CA_BUNDLE": "one.pem", "CURL_CA_BUNDLE": "two.pem"}, ("one.pem", "REQUESTS_CA_BUNDLE")),
        ({}, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "two.pem"}, ("two.pem", "CURL_CA_BUNDLE")),
        ({}, {"SSL_CERT_FILE": "one.pem", "SSL_CERT_DIR": "hashed"}, ("one.pem", "SSL_CERT_FILE")),
        ({}, {"SSL_CERT_DIR": "hashed"}, ("hashed", "SSL_CERT_DIR")),
        # Without a certificate in it, a directory is none.
        ({}, {"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "empty"}, (requests.utils.DEFAULT_CA_BUNDLE_PATH, "")),
    ],
)
def test_option_comes_before_the_environment_and_that_before_the_system(
    secure: Simulator,
    other_ca: str,
    hashed: Path,
    environment: pytest.MonkeyPatch,
    options: dict[str, str],
    variables: dict[str, str],
    store: tuple[str, str],
) -> None:
    environment.chdir(hashed.parent)
    Path("empty").mkdir()
    for name in ("option.pem", "one.pem", "two.pem"):
        Path(name).write_bytes(Path(str(secure.ca_path)).read_bytes())
    for name, path in variables.items():
        environment.setenv(name, path)
    if "SSL_CERT_FILE" not in variables:
        # As on Red Hat, where the system's store is one file.
        paths = ssl.get_default_verify_paths()._replace(cafile=other_ca)
        environment.setattr("ssl.get_default_verify_paths", lambda: paths)
    assert find_ca_store(options.get("ca_path")) == CaStore(*store)
    message = failure(secure.url, **options)
    # Of the system, or of requests, this is none.
    assert message == "" if store[1] else CA_HINT in message


@pytest.mark.parametrize("option", ["ca_path", "validate_certs"])
def test_options_about_certificates_are_for_cortex_only(
    config: RunTask, secure: Simulator, environment: pytest.MonkeyPatch, waits: list[float], option: str
) -> None:
    """Cortex has the same certificate, and is trusted."""
    secure.reset()
    secure.add_workspace(API_KEY)
    urls = {"base_url": secure.url, "preflight_url": secure.pagerduty_url}
    options = {"preflight": True, **urls, option: {"ca_path": secure.ca_path, "validate_certs": False}[option]}
    result = config(**options)
    assert (secure.requests, waits, result["preflight"]) == ([GET], [], None)
    hint = "Set REQUESTS_CA_BUNDLE to a file with the certificate of that CA, or install it in the system's store."
    assert "the server's certificate was not signed by a CA in the CA store of the system (/" in result["msg"]
    assert f"). {hint} Current configuration: none (unchanged)." in result["msg"]
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        with environment.context() as variables:
            variables.setenv(name, "/no/such")
            assert re.match(rf"The environment variable {name} names a .*: /no/such\.", config(**options)["msg"])
    environment.setenv("REQUESTS_CA_BUNDLE", str(secure.ca_path))
    assert config(**options)["preflight"] is True


# Connections

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
LENGTHS = b"Content-Length: 2, 3\r\n\r\n{}"
SLOW = "timed out: the response was not complete after 60 s."
LOST = "the connection was lost before the response was complete."
BY_PROXY = " sent this response: check http_proxy, or add the host to NO_PROXY. If it did not, check base_url."


@pytest.mark.parametrize(
    ("scheme", "start", "more", "says"),
    [
        *(("http", b"", more, SLOW) for more in (b"HTTP/1.1 200 OK ", b"HTTP/1.1 100 Continue\r\n\r\n", EARLY)),
        *(("http", HEAD, more, SLOW) for more in (b"1\r\n \r\n", b"1;x", b"0\r\nX: y\r\n")),
        ("http", HEAD[:17], b"X: y\r\n", SLOW),
        # The proxy's response to CONNECT.
        ("https", HEAD[:17], b"X: y\r\n", SLOW),
        ("http", HEAD[:17] + b"\r\n", b" " * 65536, BY_PROXY),
        *(("http", b"HTTP/1.1 %d No\r\n\r\n<p>" % status, b"", BY_PROXY) for status in (200, 302, 400, 403, 511)),
        *(("http", start, b"", LOST) for start in (b"", b"nonsense\r\n\r\n", HEAD + b"zz\r\n", HEAD + b"5\r\n{}")),
        *(
            ("http", HEAD[:17] + header, b"", LOST)
            for header in (LENGTHS, b"Content-Length: 9\r\n\r\n{}", b"X: " + b"x" * 70_000)
        ),
    ],
)
def test_response_without_an_end_comes_to_one(
    environment: pytest.MonkeyPatch, scheme: str, start: bytes, more: bytes, says: str
) -> None:
    # Each look at the clock, one for each read, takes a sixth of the timeout.
    clock = SimpleNamespace(monotonic=itertools.count(step=5).__next__)
    environment.setattr(f"{COLLECTION}.plugins.module_utils._connections.time", clock)

    def send(connection: socket.socket, head: bytes) -> None:
        connection.sendall(start)
        connection.settimeout(0.01)
        # Until the client hangs up. If it does not, the connection is lost.
        for _each in range(1000 if more else 0):
            with contextlib.suppress(TimeoutError):
                connection.recv(1)
                return
            connection.sendall(more)

    with recording_server(send) as proxy:
        environment.setenv(f"{scheme}_proxy", proxy.url)
        message = failure(f"{scheme}://cortex.example.com", retries=1)
    assert says in message
    assert len(proxy.received) == (1 if says == BY_PROXY else 2)


@pytest.mark.parametrize(
    ("start", "passed", "says"),
    [
        (HEAD, 0, "timed out after 0.2 s waiting for a response."),
        # Half of the timeout is left.
        (b"", 0.3, "timed out: the response was not complete after 0.4 s."),
    ],
)
def test_timeout_within_the_response_is_one(
    environment: pytest.MonkeyPatch, start: bytes, passed: float, says: str
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count(step=passed).__next__)
    environment.setattr(f"{COLLECTION}.plugins.module_utils._connections.time", clock)

    def stall(connection: socket.socket, head: bytes) -> None:
        connection.sendall(start)
        connection.recv(1)

    with recording_server(stall) as server:
        assert says in failure(server.url, timeout=0.2, retries=0)


def test_interim_responses_are_skipped() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" + EARLY + b"HTTP/1.1 102 Processing\r\n\r\n"
    with recording_server(interim + json_response(b'{"isTokenReadonly": true, "lastFour": "ab12"}')) as server:
        assert failure(server.url) == ""


# The name of urllib3's own, before 2.0.
OldCertificateError = type("CertificateError", (ValueError,), {})
REJECTED = (
    f"Python {sys.version_info[0]}.{sys.version_info[1]} rejects the server's certificate, or that of its CA: "
    "Missing Authority Key Identifier. Have the certificate reissued. Another CA store does not help."
)


@pytest.mark.parametrize(
    ("exception", "says"),
    [
        (requests.exceptions.SSLError(ssl.SSLEOFError("EOF occurred in violation of protocol")), "connection was lost"),
        (requests.exceptions.SSLError(OldCertificateError()), "not valid for the host api.getcortexapp.com."),
        (untrusted(9), f"the server's certificate, or that of its CA, is not yet valid. {OF_A_WRONG_TIME}"),
        (untrusted(85, "Missing Authority Key Identifier"), REJECTED),
        (requests.exceptions.InvalidURL(), "could not be made (InvalidURL)"),
        # Its message quotes the header.
        (requests.exceptions.InvalidHeader(f"Invalid header value Bearer {API_KEY}"), "be made (InvalidHeader)"),
    ],
)
def test_exceptions_of_other_versions_are_known(exception: Exception, says: str) -> None:
    """The exceptions of requests depend on its version, and on those of urllib3 and OpenSSL."""
    url = "https://api.getcortexapp.com"
    with responses.RequestsMock() as mocked:
        mocked.get(url + GET.split()[1], body=exception)
        message = failure(url, retries=0)
    assert says in message
    assert API_KEY not in message

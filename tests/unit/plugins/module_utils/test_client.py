# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the client reaches Cortex: retries, TLS, proxies, and what the environment may decide."""

from __future__ import annotations

import email.utils
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import yaml
from ansible_collections.cortexapps.cortex.plugins.module_utils._cortex import GET as READ
from ansible_collections.cortexapps.cortex.plugins.module_utils._cortex import Configuration, Cortex
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import CortexError
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    ABILITIES,
    API_KEY,
    GET,
    OTHER_TOKEN,
    PUT,
    VALIDATE,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.servers import json_response, recording_server
from ansible_collections.cortexapps.cortex.tests.support.wire import broken_wire

from ..conftest import ROOT, Run


def failure(url: str, **options: Any) -> str:
    """Return the message when reading the configuration fails, else nothing."""
    try:
        with Cortex(api_key=API_KEY, base_url=url, **options) as client:
            client.read()
    except CortexError as error:
        return str(error)
    return ""


# Retries


@pytest.mark.parametrize("retries", [0, 1, 4, 20])
def test_waits_grow_and_have_a_bound(info: Run, workspace: Workspace, waits: list[float], retries: int) -> None:
    workspace.fault("get", times=None, status=503)
    message = info(retries=retries)["msg"]
    assert workspace.requests == [GET] * (1 + retries)
    assert len(waits) == retries
    for number, seconds in enumerate(waits):
        longest = min(2**number, 30)
        assert longest / 2 <= seconds <= longest
    # They are spread at random.
    assert retries < 20 or len(set(waits[6:])) > 1
    gave_up = f"Gave up after {1 + retries} attempts and {sum(waits):.0f} s of waiting."
    assert (gave_up in message) is (retries > 0)
    assert ("Gave up" in message) is (retries > 0)


def date(seconds: float, zone: str = "GMT") -> Callable[[], str]:
    """Return a function for the date in so many seconds from when it is called."""
    return lambda: email.utils.formatdate(time.time() + seconds, usegmt=True).replace("GMT", zone)


@pytest.mark.parametrize("operation", ["get", "abilities"])
@pytest.mark.parametrize(
    ("status", "header", "least", "most"),
    [
        *((status, "7", 7, 8) for status in (429, 500, 502, 503, 504)),
        (429, "0", 0, 1),
        (429, " 60 ", 60, 61),
        (429, "-7", 0, 1),
        (429, "1.5", 0, 1),
        (429, "soon", 0, 1),
        (429, "", 0, 1),
        (429, "Mon, 99 Foo 2026 99:99:99 GMT", 0, 1),
        (429, "Fri, 31 Dec 99999 23:59:59 GMT", 0, 1),
        # A date has no parts of a second, and some time may have passed.
        (503, date(50), 20, 51),
        (503, date(50, "-0000"), 20, 51),
        (503, date(50, "+0000"), 20, 51),
        (503, date(-3600), 0, 1),
    ],
)
def test_retry_after_is_added(
    config: Run,
    workspace: Workspace,
    waits: list[float],
    operation: str,
    status: int,
    header: str | Callable[[], str],
    least: float,
    most: float,
) -> None:
    headers = {"Retry-After": header() if callable(header) else header}
    workspace.fault(operation, status=status, headers=headers)
    assert "failed" not in config(preflight=True)
    assert len(waits) == 1
    assert least <= waits[0] <= most


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("61", "61"),
        ("86400", "86400"),
        ("9" * 400, "1000000000000"),
        ("9" * 5000, "1000000000000"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", r"\d+"),
    ],
    ids=["61", "86400", "400 digits", "5000 digits", "date"],
)
def test_long_retry_after_fails_at_once(
    info: Run, workspace: Workspace, waits: list[float], header: str, seconds: str
) -> None:
    workspace.fault("get", times=None, status=429, headers={"Retry-After": header})
    message = info()["msg"]
    assert (workspace.requests, waits) == ([GET], [])
    assert re.search(rf"Cortex requested a retry after {seconds} s, and the module waits 60 s at most\.", message)
    assert "1000 requests a minute" in message


def test_rate_limit_of_the_api(info: Run, workspace: Workspace, simulator: Simulator, waits: list[float]) -> None:
    simulator.state.rate_limit = 1
    try:
        info()
        message = info(retries=1)["msg"]
    finally:
        simulator.state.rate_limit = None
    assert len(waits) == 1
    # It asks for what is left of a minute.
    assert 50 <= waits[0] <= 61
    for text in (
        "429",
        "Too Many Requests",
        "1000 requests a minute",
        "Cortex requested a retry after",
        "Gave up after 2 attempts",
    ):
        assert text in message


@pytest.mark.parametrize("status", [408, 418, 451, 501, 505])
def test_other_statuses_are_not_retried(info: Run, workspace: Workspace, waits: list[float], status: int) -> None:
    workspace.fault("get", times=None, status=status)
    assert info()["http_status"] == status
    assert (workspace.requests, waits) == ([GET], [])


# Requests


def test_user_agent_has_the_version_of_the_collection(info: Run, workspace: Workspace) -> None:
    info()
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert workspace.log[0]["user_agent"] == f"ansible-collection-cortexapps.cortex/{version}"


def test_one_task_takes_one_connection_to_each_host(config: Run, workspace: Workspace, simulator: Simulator) -> None:
    workspace.configuration = configuration(OTHER_TOKEN)
    workspace.fault("abilities", status=503)
    config(preflight=True, validate=True)
    assert simulator.requests == [GET, ABILITIES, ABILITIES, PUT, VALIDATE]
    connections = {(entry["operation"] == "abilities", entry["connection"]) for entry in simulator.log}
    assert len(connections) == simulator.connections == 2


@pytest.mark.parametrize("suffix", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/cortex", "/a/b"])
def test_base_url_may_have_a_prefix(prefix: str, suffix: str) -> None:
    with Simulator(prefix=prefix) as server:
        workspace = server.add_workspace(API_KEY, configuration=configuration())
        with Cortex(api_key=API_KEY, base_url=server.url + suffix) as client:
            assert client.read() == Configuration(True, "ab12")
        assert workspace.requests == [GET]


@pytest.mark.parametrize("operation", ["get", "abilities"])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(
    config: Run, simulator: Simulator, workspace: Workspace, operation: str, status: int
) -> None:
    with Simulator() as elsewhere:
        path = (GET if operation == "get" else ABILITIES).split()[1]
        workspace.fault(operation, status=status, headers={"Location": elsewhere.url + path})
        message = config(preflight=True)["msg"]
        assert elsewhere.log == []
    assert simulator.requests == ([GET] if operation == "get" else [GET, ABILITIES])
    # What PagerDuty sends is not quoted.
    target = elsewhere.url.removeprefix("http://") if operation == "get" else "another place"
    assert f"HTTP {status} redirects to {target}. Redirects are not followed" in message


@pytest.mark.parametrize("location", ["", "http://[::1", "//", "\x80\xff"])
def test_odd_redirects(info: Run, workspace: Workspace, location: str) -> None:
    workspace.fault("get", status=302, headers={"Location": location})
    assert "Redirects are not followed" in info()["msg"]


# What the environment may decide, and what not


def test_netrc_never_replaces_a_secret(
    config: Run, simulator: Simulator, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password of-the-netrc\ndefault login a password b\n")
    netrc.chmod(0o600)
    environment.setenv("HOME", str(tmp_path))
    assert requests.utils.get_netrc_auth(simulator.url) == ("stranger", "of-the-netrc")
    result = config(preflight=True)
    assert ("failed" in result, result["preflight"]) == (False, True)


NO_PROXYING = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxy_is_used_and_does_not_get_the_key(info: Run, environment: pytest.MonkeyPatch, variable: str) -> None:
    with recording_server(NO_PROXYING) as proxy:
        environment.setenv(variable, proxy.url.replace("//", "//user:pass-of-proxy@"))
        result = info(base_url="https://cortex.example.com", retries=0)
    assert [each.split(b" HTTP/")[0] for each in proxy.received] == [b"CONNECT cortex.example.com:443"]
    assert API_KEY.encode() not in proxy.received[0]
    assert "the proxy did not connect to the server" in result["msg"]
    assert "HTTPS_PROXY" in result["msg"]
    assert "pass-of-proxy" not in str(result)


def test_proxy_for_plain_http_is_used(info: Run, environment: pytest.MonkeyPatch) -> None:
    with recording_server(json_response(b'{"isTokenReadonly": true, "lastFour": "ab12"}')) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        result = info(base_url="http://cortex.example.com")
    assert proxy.received[0].decode().startswith(f"GET http://cortex.example.com{GET.split()[1]} HTTP/1.1")
    assert result["configuration"] == {"is_token_readonly": True, "last_four": "ab12"}


def test_no_proxy_is_obeyed(info: Run, workspace: Workspace, environment: pytest.MonkeyPatch) -> None:
    with recording_server(NO_PROXYING) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        environment.setenv("NO_PROXY", "127.0.0.1")
        assert "failed" not in info()
        assert proxy.received == []
    assert workspace.requests == [GET]


def test_impossible_proxy(info: Run, environment: pytest.MonkeyPatch, waits: list[float]) -> None:
    environment.setenv("ALL_PROXY", "nonsense://127.0.0.1:9")
    message = info()["msg"]
    assert "the request could not be made" in message
    assert "Check base_url and the proxy variables." in message
    assert waits == []


# TLS

# What urllib3 says where validate_certs is false.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


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


CA_HINT = "set ca_path to the CA that signed the server's certificate"


def test_tls_with_ca_path(secure: Simulator, other_ca: str, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    assert failure(secure.url, ca_path=secure.ca_path) == ""
    for bad in (other_ca, str(tmp_path), str(garbage)):
        assert CA_HINT in failure(secure.url, ca_path=bad)


def test_tls_with_a_hashed_directory(secure: Simulator, hashed: Path) -> None:
    assert failure(secure.url, ca_path=str(hashed)) == ""


@pytest.mark.parametrize("kind", ["expired", "wrong-host", "self-signed"])
def test_bad_certificate_is_refused_at_once(kind: str, waits: list[float]) -> None:
    with Simulator(tls=kind) as server:
        server.add_workspace(API_KEY)
        message = failure(server.url, ca_path=server.ca_path)
        assert failure(server.url, validate_certs=False) == ""
    assert "the server's certificate could not be verified" in message
    assert CA_HINT in message
    assert waits == []


def test_server_that_does_not_speak_tls(simulator: Simulator, waits: list[float]) -> None:
    message = failure(simulator.url.replace("http://", "https://"))
    assert "TLS failed between this host and the server" in message
    assert CA_HINT in message
    assert waits == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_environment_names_the_ca(
    secure: Simulator, other_ca: str, environment: pytest.MonkeyPatch, variable: str
) -> None:
    environment.setenv(variable, "")
    assert CA_HINT in failure(secure.url)
    environment.setenv(variable, str(secure.ca_path))
    assert failure(secure.url) == ""
    # Options win.
    assert CA_HINT in failure(secure.url, ca_path=other_ca)
    environment.setenv(variable, other_ca)
    assert CA_HINT in failure(secure.url)
    assert failure(secure.url, ca_path=secure.ca_path) == ""
    assert failure(secure.url, validate_certs=False) == ""


def test_environment_names_a_hashed_directory(
    secure: Simulator, environment: pytest.MonkeyPatch, hashed: Path, tmp_path: Path
) -> None:
    environment.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    environment.setenv("SSL_CERT_DIR", str(tmp_path))
    assert CA_HINT in failure(secure.url)
    environment.setenv("SSL_CERT_DIR", str(hashed))
    assert failure(secure.url) == ""


def test_hashed_directory_of_the_environment_replaces_the_file_of_the_system(
    secure: Simulator, other_ca: str, environment: pytest.MonkeyPatch, hashed: Path
) -> None:
    names = {"openssl_cafile_env": "SSL_CERT_FILE", "openssl_cafile": other_ca}
    names |= {"openssl_capath_env": "SSL_CERT_DIR", "openssl_capath": "/no/such/directory"}
    # As on Red Hat, where the system's store is one file.
    paths = ssl.DefaultVerifyPaths(cafile=other_ca, capath=str(hashed), **names)
    environment.setattr("ssl.get_default_verify_paths", lambda: paths)
    assert CA_HINT in failure(secure.url)
    environment.setenv("SSL_CERT_DIR", str(hashed))
    assert failure(secure.url) == ""
    environment.setenv("SSL_CERT_FILE", other_ca)
    assert CA_HINT in failure(secure.url)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_missing_bundle_of_the_environment_is_named(
    secure: Simulator, environment: pytest.MonkeyPatch, variable: str
) -> None:
    environment.setenv(variable, "/no/such/bundle.pem")
    says = f"The environment variable {variable} names a CA bundle that does not exist: /no/such/bundle.pem."
    assert failure(secure.url) == says
    assert failure(secure.url, ca_path=secure.ca_path) == ""
    assert failure(secure.url, validate_certs=False) == ""


# Connections


def test_unresolved_host_is_retried(info: Run, waits: list[float]) -> None:
    with broken_wire(GET, "unresolved"):
        message = info(retries=2)["msg"]
    assert "no connection: the host name could not be resolved. Check base_url" in message
    assert len(waits) == 2


def test_timeout_option_is_used(info: Run, workspace: Workspace) -> None:
    workspace.fault("get", delay=30, drop=True)
    message = info(timeout=0.2, retries=0)["msg"]
    assert "timed out after 0.2 s waiting for a response" in message
    assert "increase timeout" in message


def test_timeout_within_the_response() -> None:
    def stall(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        # Until the client hangs up.
        connection.recv(1)

    with recording_server(stall) as server:
        message = failure(server.url, timeout=0.2, retries=0)
    assert "timed out after 0.2 s waiting for a response" in message


def test_endless_response_comes_to_an_end() -> None:
    def send_for_ever(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        # Until the client hangs up.
        while True:
            connection.sendall(b" " * 65536)

    with recording_server(send_for_ever) as server:
        assert "with a body of more than 65536 bytes" in failure(server.url, retries=0)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "not HTTP", "too short", "bad chunk", "cut chunk", "header too long"],
)
def test_response_that_breaks_off_is_a_lost_connection(response: bytes, waits: list[float]) -> None:
    with recording_server(response) as server:
        message = failure(server.url, retries=1)
    assert "the connection was lost before the response was complete" in message
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("exception", "says"),
    [
        (requests.exceptions.SSLError(ssl.SSLEOFError("EOF occurred in violation of protocol")), "connection was lost"),
        (
            requests.exceptions.SSLError(ssl.CertificateError("no match")),
            "could not be verified: it is not valid for this host",
        ),
        (requests.exceptions.ConnectionError(ConnectionResetError(104, "reset")), "connection was lost"),
        (requests.exceptions.ConnectTimeout(), "timed out after 30 s waiting for a connection"),
        (requests.exceptions.InvalidURL(), "could not be made (InvalidURL)"),
        # What it says quotes the header.
        (requests.exceptions.InvalidHeader(f"Invalid header value Bearer {API_KEY}"), "be made (InvalidHeader)"),
    ],
)
def test_exceptions_of_other_versions(exception: Exception, says: str) -> None:
    """What requests raises depends on its version, that of urllib3, and of OpenSSL."""
    url = "https://api.getcortexapp.com"
    with responses.RequestsMock() as mocked:
        mocked.get(f"{url}{READ.path}", body=exception)
        message = failure(url, retries=0)
    assert says in message
    assert API_KEY not in message

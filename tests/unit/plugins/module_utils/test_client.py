# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the client reaches Cortex: retries, TLS, proxies, and what the environment may decide."""

from __future__ import annotations

import contextlib
import email.utils
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import yaml
from ansible_collections.cortexapps.cortex.plugins.module_utils._client import MAX_RESPONSE_BYTES
from ansible_collections.cortexapps.cortex.plugins.module_utils._cortex import GET as READ
from ansible_collections.cortexapps.cortex.plugins.module_utils._cortex import Configuration, Cortex
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import CortexError
from ansible_collections.cortexapps.cortex.plugins.module_utils._redaction import MAX_SHOWN, Redactor
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, GET, OTHER_TOKEN, PUT, TOKEN, VALIDATE

from ..conftest import ROOT, Run, configuration
from ..wire import broken_wire, listening

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
    gave_up = f"Gave up after {1 + retries} attempts and {sum(waits):.0f} s of waiting."
    assert (gave_up in message) is (retries > 0)
    assert ("Gave up" in message) is (retries > 0)


def test_waits_differ(info: Run, workspace: Workspace, waits: list[float]) -> None:
    workspace.fault("get", times=None, status=503)
    info(retries=20)
    assert len(set(waits[6:])) > 1


def http_date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("0", 0, 1),
        ("7", 7, 8),
        (" 60 ", 60, 61),
        ("-7", 0, 1),
        ("1.5", 0, 1),
        ("soon", 0, 1),
        ("", 0, 1),
        ("Mon, 99 Foo 2026 99:99:99 GMT", 0, 1),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0, 1),
    ],
)
def test_retry_after_is_added(
    info: Run, workspace: Workspace, waits: list[float], status: int, header: str, least: float, most: float
) -> None:
    workspace.fault("get", status=status, headers={"Retry-After": header})
    assert "failed" not in info()
    assert workspace.requests == [GET, GET]
    assert len(waits) == 1
    assert least <= waits[0] <= most


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_retry_after_may_be_a_date(info: Run, workspace: Workspace, waits: list[float], zone: str) -> None:
    workspace.fault("get", status=503, headers={"Retry-After": http_date(50).replace("GMT", zone)})
    info()
    # A date has no parts of a second, and some time may have passed.
    assert 20 <= waits[0] <= 51


def test_retry_after_in_the_past(info: Run, workspace: Workspace, waits: list[float]) -> None:
    workspace.fault("get", status=503, headers={"Retry-After": http_date(-3600)})
    info()
    assert waits[0] <= 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("61", "61"), ("86400", "86400"), ("9" * 400, "1000000000000"), ("9" * 5000, "1000000000000")],
    ids=["61", "86400", "400 digits", "5000 digits"],
)
def test_long_retry_after_fails_at_once(
    info: Run, workspace: Workspace, waits: list[float], header: str, seconds: str
) -> None:
    workspace.fault("get", times=None, status=429, headers={"Retry-After": header})
    message = info()["msg"]
    assert (workspace.requests, waits) == ([GET], [])
    assert f"Cortex requested a retry after {seconds} s, and the module waits 60 s at most." in message
    assert "1000 requests a minute" in message


def test_long_retry_after_as_a_date_fails_at_once(info: Run, workspace: Workspace, waits: list[float]) -> None:
    workspace.fault("get", status=503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})
    assert "the module waits 60 s at most" in info()["msg"]
    assert waits == []


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


def test_one_task_takes_one_connection(config: Run, workspace: Workspace, simulator: Simulator) -> None:
    workspace.configuration = configuration(OTHER_TOKEN)
    config(validate=True)
    assert workspace.requests == [GET, PUT, VALIDATE]
    assert simulator.connections == 1


@pytest.mark.parametrize("suffix", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/cortex", "/a/b"])
def test_base_url_may_have_a_prefix(prefix: str, suffix: str) -> None:
    with Simulator(prefix=prefix) as server:
        workspace = server.add_workspace(API_KEY, configuration=configuration(TOKEN))
        with Cortex(api_key=API_KEY, base_url=server.url + suffix) as client:
            assert client.read() == Configuration(True, "ab12")
        assert workspace.requests == [GET]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(
    info: Run, simulator: Simulator, workspace: Workspace, environment: pytest.MonkeyPatch, status: int
) -> None:
    with Simulator() as elsewhere:
        location = f"{elsewhere.url}/api/v1/pagerduty/default-configuration"
        workspace.fault("get", status=status, headers={"Location": location})
        result = info()
        assert elsewhere.log == []
    assert workspace.requests == [GET]
    assert result["http_status"] == status
    assert (
        f"HTTP {status} redirects to {elsewhere.url.removeprefix('http://')}. Redirects are not followed"
        in result["msg"]
    )


@pytest.mark.parametrize("location", ["", "http://[::1", "//", "\x80\xff"])
def test_odd_redirects(info: Run, workspace: Workspace, location: str) -> None:
    workspace.fault("get", status=302, headers={"Location": location})
    assert "Redirects are not followed" in info()["msg"]


# What the environment may decide, and what not


def test_netrc_never_replaces_the_api_key(
    info: Run, simulator: Simulator, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password of-the-netrc\ndefault login a password b\n")
    netrc.chmod(0o600)
    environment.setenv("HOME", str(tmp_path))
    assert requests.utils.get_netrc_auth(simulator.url) == ("stranger", "of-the-netrc")
    assert "failed" not in info()


NO_PROXYING = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxy_is_used_and_does_not_get_the_key(info: Run, environment: pytest.MonkeyPatch, variable: str) -> None:
    with listening(NO_PROXYING) as proxy:
        environment.setenv(variable, f"http://user:pass-of-proxy@127.0.0.1:{proxy.port}")
        result = info(base_url="https://cortex.example.com", retries=0)
    assert [each.split(b" HTTP/")[0] for each in proxy.received] == [b"CONNECT cortex.example.com:443"]
    assert API_KEY.encode() not in proxy.received[0]
    assert "the proxy did not connect to the server" in result["msg"]
    assert "HTTPS_PROXY" in result["msg"]
    assert "pass-of-proxy" not in str(result)


def test_proxy_for_plain_http_is_used(info: Run, environment: pytest.MonkeyPatch) -> None:
    body = b'{"isTokenReadonly": true, "lastFour": "ab12"}'
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        result = info(base_url="http://cortex.example.com")
    assert proxy.received[0].startswith(
        b"GET http://cortex.example.com/api/v1/pagerduty/default-configuration HTTP/1.1"
    )
    assert result["configuration"] == {"is_token_readonly": True, "last_four": "ab12"}


def test_no_proxy_is_obeyed(info: Run, workspace: Workspace, environment: pytest.MonkeyPatch) -> None:
    with listening(NO_PROXYING) as proxy:
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


CA_HINT = "set ca_path to the CA that signed the server's certificate"


def works(server: Simulator, **options: Any) -> str:
    """Return "" when a request succeeds, else the message."""
    try:
        with Cortex(api_key=API_KEY, base_url=server.url, **options) as client:
            client.read()
    except CortexError as error:
        return str(error)
    return ""


def test_tls_with_ca_path(secure: Simulator, other_ca: str) -> None:
    assert works(secure, ca_path=secure.ca_path) == ""
    assert CA_HINT in works(secure, ca_path=other_ca)


def test_tls_with_a_hashed_directory(secure: Simulator, other_ca: str, tmp_path: Path) -> None:
    name = hash_name(str(secure.ca_path))
    assert CA_HINT in works(secure, ca_path=str(tmp_path))
    (tmp_path / name).write_bytes(Path(str(secure.ca_path)).read_bytes())
    assert works(secure, ca_path=str(tmp_path)) == ""


def hash_name(ca_path: str) -> str:
    """Return the name that a certificate has in a hashed directory."""
    command = ["openssl", "x509", "-noout", "-hash", "-in", ca_path]
    try:
        found = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("the command openssl is missing")
    return f"{found.stdout.strip()}.0"


@pytest.mark.parametrize("kind", ["expired", "wrong-host", "self-signed"])
def test_bad_certificate_is_refused_at_once(kind: str, waits: list[float]) -> None:
    with Simulator(tls=kind) as server:
        server.add_workspace(API_KEY)
        message = works(server, ca_path=server.ca_path)
        assert works(server, validate_certs=False) == ""
    assert "the server's certificate could not be verified" in message
    assert CA_HINT in message
    assert waits == []


def test_server_that_does_not_speak_tls(simulator: Simulator, waits: list[float]) -> None:
    client = Cortex(api_key=API_KEY, base_url=simulator.url.replace("http://", "https://"))
    with client, pytest.raises(CortexError, match="TLS failed between this host and the server") as caught:
        client.read()
    assert CA_HINT in str(caught.value)
    assert waits == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_environment_names_the_ca(
    secure: Simulator, other_ca: str, environment: pytest.MonkeyPatch, variable: str
) -> None:
    environment.setenv(variable, "")
    assert CA_HINT in works(secure)
    environment.setenv(variable, str(secure.ca_path))
    assert works(secure) == ""
    # Options win.
    assert CA_HINT in works(secure, ca_path=other_ca)
    environment.setenv(variable, other_ca)
    assert CA_HINT in works(secure)
    assert works(secure, ca_path=secure.ca_path) == ""
    assert works(secure, validate_certs=False) == ""


def test_environment_names_a_hashed_directory(
    secure: Simulator, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    environment.setenv("SSL_CERT_DIR", str(tmp_path))
    assert CA_HINT in works(secure)
    (tmp_path / hash_name(str(secure.ca_path))).write_bytes(Path(str(secure.ca_path)).read_bytes())
    assert works(secure) == ""


def test_hashed_directory_of_the_environment_replaces_the_file_of_the_system(
    secure: Simulator, other_ca: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / hash_name(str(secure.ca_path))).write_bytes(Path(str(secure.ca_path)).read_bytes())
    names = {"openssl_cafile_env": "SSL_CERT_FILE", "openssl_cafile": other_ca}
    names |= {"openssl_capath_env": "SSL_CERT_DIR", "openssl_capath": "/no/such/directory"}
    # As on Red Hat, where the system's store is one file.
    paths = ssl.DefaultVerifyPaths(cafile=other_ca, capath=str(tmp_path), **names)
    environment.setattr("ssl.get_default_verify_paths", lambda: paths)
    assert CA_HINT in works(secure)
    environment.setenv("SSL_CERT_DIR", str(tmp_path))
    assert works(secure) == ""
    environment.setenv("SSL_CERT_FILE", other_ca)
    assert CA_HINT in works(secure)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_missing_bundle_of_the_environment_is_named(
    secure: Simulator, environment: pytest.MonkeyPatch, variable: str
) -> None:
    environment.setenv(variable, "/no/such/bundle.pem")
    assert (
        works(secure)
        == f"The environment variable {variable} names a CA bundle that does not exist: /no/such/bundle.pem."
    )
    assert works(secure, ca_path=secure.ca_path) == ""
    assert works(secure, validate_certs=False) == ""


def test_bundle_without_certificates(secure: Simulator, tmp_path: Path) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("no certificate")
    assert CA_HINT in works(secure, ca_path=str(garbage))


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


def test_timeout_within_the_response(simulator: Simulator) -> None:
    """The headers came in time, the rest does not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        accepted: list[socket.socket] = []

        def respond() -> None:
            connection, _peer = server.accept()
            accepted.append(connection)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        threading.Thread(target=respond, daemon=True).start()
        client = Cortex(api_key=API_KEY, base_url=url, timeout=0.2, retries=0)
        with client, pytest.raises(CortexError, match=r"timed out after 0\.2 s waiting for a response"):
            client.read()
        for connection in accepted:
            connection.close()


def test_endless_response_comes_to_an_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def respond() -> None:
            connection, _peer = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                while True:
                    connection.send(b" " * 65536)

        thread = threading.Thread(target=respond, daemon=True)
        thread.start()
        client = Cortex(api_key=API_KEY, base_url=f"http://127.0.0.1:{server.getsockname()[1]}", retries=0)
        with client, pytest.raises(CortexError, match="with a body of more than 65536 bytes"):
            client.read()
        # The client has hung up.
        thread.join(timeout=60)
        assert not thread.is_alive()


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
    with listening(response) as server:
        client = Cortex(api_key=API_KEY, base_url=server.url, retries=1)
        with client, pytest.raises(CortexError, match="the connection was lost before the response was complete"):
            client.read()
        assert len(server.received) == 2


def test_exceptions_of_requests_show_no_secret() -> None:
    """What requests says of an invalid header, for example, quotes it."""
    with responses.RequestsMock() as mocked:
        mocked.get(
            f"https://api.getcortexapp.com{READ.path}",
            body=requests.exceptions.InvalidHeader(f"Invalid header value Bearer {API_KEY}"),
        )
        client = Cortex(api_key=API_KEY, base_url="https://api.getcortexapp.com")
        with client, pytest.raises(CortexError) as caught:
            client.read()
    assert "the request could not be made (InvalidHeader)" in str(caught.value)
    assert API_KEY not in str(caught.value)


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
    ],
)
def test_exceptions_of_other_versions(exception: Exception, says: str) -> None:
    """What requests raises depends on its version, that of urllib3, and of OpenSSL."""
    with responses.RequestsMock() as mocked:
        mocked.get(f"https://api.getcortexapp.com{READ.path}", body=exception)
        client = Cortex(api_key=API_KEY, base_url="https://api.getcortexapp.com", retries=0)
        with client, pytest.raises(CortexError) as caught:
            client.read()
    assert says in str(caught.value)


def test_masking_takes_time_in_proportion(simulator: Simulator) -> None:
    """Texts made to slow a search down do not; each would take minutes where its time grew with the square."""
    redactor = Redactor([API_KEY, TOKEN])
    redactor.last_four = "ab12"
    for text in ("\\", "&amp;", "%25", "c", "ck_live_", "&#0", "u+", " ", "x"):
        longest = text * (MAX_RESPONSE_BYTES // len(text))
        assert len(redactor.clean(longest)) <= MAX_SHOWN + 1


def test_environment_is_not_changed(info: Run) -> None:
    before = dict(os.environ)
    info()
    assert dict(os.environ) == before

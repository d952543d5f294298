# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input is refused before anything is sent, with a message that names the option; good input works."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import urllib3.util.connection
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import CONFIG_ARGUMENTS
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    GET,
    OTHER_TOKEN,
    POST,
    TOKEN,
    configuration,
)

from .conftest import CONFIG, INFO, Run, RunTask

MISSING = object()
SECRETS = {"api_key": API_KEY, "token": TOKEN, "previous_token": OTHER_TOKEN}
URLS = {"base_url": "https://api.getcortexapp.com", "preflight_url": "https://api.pagerduty.com"}
# What makes nothing of an option: value -> the options that it is good for.
VALUES: dict[str, tuple[Any, set[str]]] = {
    "missing": (
        MISSING,
        {"base_url", "validate_certs", "ca_path", "timeout", "retries", "state", "update_token", "validate"}
        | {"preflight", "preflight_url", "rollback", "previous_token", "previous_is_token_readonly"},
    ),
    "null": (None, {"ca_path", "previous_token", "previous_is_token_readonly"}),
    "empty": ("", set()),
    "blank": ("  ", set()),
    "white space inside": ("{secret} {secret}", set()),
    "line break at the end": ("{secret}\n", set()),
    "header injection": ("{secret}\r\nX-Injected: yes", set()),
    "tab": ("{secret}\tx", set()),
    "control character": ("{secret}\x00\x1b[2J", set()),
    "zero-width character": ("{secret}\u200b", set()),
    "byte order mark": ("\ufeff{secret}", set()),
    "no-break space": ("{secret}\u00a0", set()),
    "not ASCII": ("{secret}é漢", {"token", "previous_token"}),
    "1 MB long": ("{secret}" + "x" * 1_000_000, set()),
    "list": (["{secret}"], set()),
    "empty list": ([], set()),
    "dictionary": ({"{secret}": "{secret}"}, set()),
    "templated None": ("None", set()),
}
# Ansible makes a text of a switch and a number; and 1 and 0 are numbers and switches, to it.
SWITCHED = {"true": True, "number": 7, "negative": -1, "not finite": "nan", "infinite": "inf"}
SWITCHES = {"validate_certs", "is_token_readonly", "preflight", "validate", "rollback", "previous_is_token_readonly"}
GOOD_SWITCHED = {
    "true": {*SWITCHES, "timeout", "retries"},
    "number": {"api_key", "timeout", "retries"},
    "negative": {"api_key"},
    "not finite": {*SECRETS},
    # ansible-core itself fails with an OverflowError when an int is infinite.
    "infinite": {*SECRETS, "retries"},
}
OPTIONS = tuple(CONFIG_ARGUMENTS["argument_spec"])


def given(simulator: Simulator, **options: Any) -> dict[str, Any]:
    """Return all options that a task needs, with some replaced, or left out where they are MISSING."""
    arguments = {"base_url": simulator.url, **SECRETS, "is_token_readonly": True, "retries": 0, **options}
    return {name: value for name, value in arguments.items() if value is not MISSING}


def filled(value: Any, secret: str) -> Any:
    if isinstance(value, str):
        return value.replace("{secret}", secret)
    if isinstance(value, list):
        return [filled(item, secret) for item in value]
    if isinstance(value, dict):
        return {filled(key, secret): filled(item, secret) for key, item in value.items()}
    return value


def refused(run: RunTask, simulator: Simulator, option: str, value: Any, **options: Any) -> str:
    """Run the module with an option that it is to refuse, check that it did, and return its message."""
    arguments = given(simulator, **{option: value}, **options)
    result, output = run(CONFIG, {**arguments, "_ansible_verbosity": 5, "_ansible_inject_invocation": True})
    assert simulator.log == []
    assert result["failed"] is True
    assert "password" not in output.replace("a user or a password", "")
    # Ansible's own messages name what is missing last, all others first what is wrong.
    assert option in result["msg"].split(": ")[-1 if value is MISSING else 0]
    assert "Traceback" not in output
    for secret in SECRETS.values():
        assert secret not in output
    return str(result["msg"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param(option, filled(value, SECRETS.get(option, "value")), id=f"{option}-{name}")
        for option in OPTIONS
        for name, (value, good) in VALUES.items()
        if option not in good
    ]
    + [
        pytest.param(option, value, id=f"{option}-{name}")
        for option in OPTIONS
        for name, value in SWITCHED.items()
        if option not in GOOD_SWITCHED[name]
    ],
)
def test_is_refused(run: RunTask, simulator: Simulator, workspace: Workspace, option: str, value: Any) -> None:
    # Of an option that has one, the default must not serve, so that nothing else than the value can be wrong.
    message = refused(run, simulator, option, value)
    assert "********" not in message


@pytest.mark.parametrize("option", SECRETS)
def test_message_says_what_is_wrong_with_a_secret(run: RunTask, simulator: Simulator, option: str) -> None:
    secret = SECRETS[option]
    assert f"{option} ends in whitespace" in refused(run, simulator, option, f"{secret}\r\n")
    assert f"{option} contains whitespace" in refused(run, simulator, option, f"{secret[:9]}\n{secret[9:]}")
    assert f"{option} is empty or blank" in refused(run, simulator, option, " ")
    assert f'{option} is the string "None"' in refused(run, simulator, option, "None")
    assert f"{option} is a list or a dictionary" in refused(run, simulator, option, [secret])
    assert f"{option} has 5000 characters. At most 4096" in refused(run, simulator, option, "x" * 5000)


@pytest.mark.parametrize("option", ["token", "is_token_readonly"])
def test_null_is_refused_only_where_a_value_is_needed(
    run: RunTask, simulator: Simulator, workspace: Workspace, option: str
) -> None:
    assert (
        refused(run, simulator, option, None) == f"{option} is null, but state=present needs it. Nothing was changed."
    )
    result, _output = run(CONFIG, given(simulator, state="absent", **{option: None}))
    assert "failed" not in result


@pytest.mark.parametrize("option", ["token", "previous_token"])
def test_secrets_are_checked_for_absent_too(run: RunTask, simulator: Simulator, option: str) -> None:
    refused(run, simulator, option, f"{SECRETS[option]}\n", state="absent")
    refused(run, simulator, option, "None", state="absent")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        *(("timeout", value, "above 0 and at most 3600 seconds") for value in (0, -1, 3601, "nan", "inf")),
        *(("retries", value, "from 0 to 20") for value in (-1, 21)),
        (
            "ca_path",
            "/no/such/ca.pem",
            "is no file or directory on the host that the task runs on: '/no/such/ca.pem'",
        ),
    ],
)
def test_message_says_what_is_wrong(run: RunTask, simulator: Simulator, option: str, value: Any, says: str) -> None:
    assert says in refused(run, simulator, option, value)


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.endswith("_url")])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("api.getcortexapp.com", "does not begin with https://"),
        ("//api.getcortexapp.com", "does not begin with https://"),
        ("ftp://api.getcortexapp.com", "does not begin with https://"),
        ("https:api.getcortexapp.com", "does not begin with https://"),
        ("https:///", "invalid host or port"),
        ("https://user:password@api.getcortexapp.com", "contains a user or a password"),
        ("https://user@api.getcortexapp.com", "contains a user or a password"),
        ("https://api.getcortexapp.com?x=1", "query or a fragment"),
        ("https://api.getcortexapp.com/#", "query or a fragment"),
        ("https://api.getcortexapp.com:0", "invalid host or port"),
        ("https://api.getcortexapp.com:65536", "invalid host or port"),
        ("https://api.getcortexapp.com:abc", "invalid host or port"),
        ("https://[::1", "invalid host or port"),
        ("https://[zz]", "invalid host or port"),
        ("https://api..getcortexapp.com", "invalid host or port"),
        (f"https://{'x' * 64}.com", "invalid host or port"),
        ("https://api.getcortexapp.com\\@example.com", "contains a user or a password"),
        ("https://api.getcortexapp.com/\\example.com", "invalid host or port"),
        ("https://api.getcortexapp.com%2f@example.com", "contains a user or a password"),
        ("https://{{cortex_host}}", "invalid host or port"),
        ("https://api.getcörtexapp.com", "punycode"),
        ("https://api.getcortexapp.com /", "whitespace"),
    ],
)
def test_url_is_refused(run: RunTask, simulator: Simulator, option: str, url: str, says: str) -> None:
    # Of preflight_url without a preflight too.
    message = refused(run, simulator, option, url)
    assert says in message
    assert f"It must be a URL such as {URLS[option]}." in message


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://api.getcortexapp.com", "api.getcortexapp.com"),
        ("https://xn--getcrtexapp-sfb.com", "xn--getcrtexapp-sfb.com"),
        ("https://cortex_backend:8443/prefix/", "cortex_backend"),
        ("HTTPS://Cortex.Example.com.", "cortex.example.com."),
        ("https://[2001:db8::1]:8443", "2001:db8::1"),
        ("https://192.0.2.1", "192.0.2.1"),
    ],
)
def test_base_url_is_accepted(
    run: RunTask, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, base_url: str, host: str
) -> None:
    asked: list[str] = []

    def connect(address: tuple[str, int], *_arguments: Any, **_options: Any) -> None:
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    result, _output = run(CONFIG, given(simulator, base_url=base_url))
    assert asked == [host]
    assert "no connection" in result["msg"]
    assert "warnings" not in result


def test_ipv6_works(run: RunTask, environment: pytest.MonkeyPatch) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with Simulator(host="::1") as server:
        workspace = server.add_workspace(API_KEY)
        result, _output = run(CONFIG, given(server))
        assert (result["changed"], workspace.requests) == (True, [GET, POST])
        assert "warnings" not in result


@pytest.mark.parametrize("suffix", ["/api/v1", "/api/v1/", "/wrong"])
def test_base_url_with_a_wrong_path(info: Run, simulator: Simulator, suffix: str) -> None:
    message = info(base_url=simulator.url + suffix)["msg"]
    assert "base_url does not look like the Cortex API." in message
    assert ("Remove /api/v1 from base_url" in message) is ("/api/v1" in suffix)


def test_base_url_of_the_user_interface(
    info: Run, workspace: Workspace, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = urllib3.util.connection.create_connection
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection",
        lambda address, *arguments, **options: connect(("127.0.0.1", address[1]), *arguments, **options),
    )
    workspace.fault("any", body="<html>Cortex</html>", content_type="text/html")
    message = info(base_url=simulator.url.replace("127.0.0.1", "app.localhost"))["msg"]
    assert "base_url does not look like the Cortex API. base_url is the web UI (app.); use the API host." in message


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://cortex.example.com", True),
        ("http://192.0.2.1:8080", True),
        ("http://localhost.example.com", True),
        ("http://localhost:9", False),
        ("http://127.0.0.2:9", False),
        ("http://[::1]:9", False),
        ("http://cortex.localhost:9", False),
    ],
)
def test_unencrypted_connections_are_warned_about(
    run: RunTask, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, url: str, warns: bool
) -> None:
    def connect(*_arguments: Any, **_options: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    options = given(simulator, base_url=url)
    connection = {name: options[name] for name in ("api_key", "base_url", "retries")}
    for name, arguments, says in (
        (CONFIG, options, "base_url begins with http://, so the API key and the token are sent unencrypted."),
        (INFO, connection, "base_url begins with http://, so the API key and the token are sent unencrypted."),
        (CONFIG, given(simulator, preflight_url=url), "preflight_url begins with http://, so the token is sent"),
    ):
        result, _output = run(name, arguments)
        assert (says in str(result.get("warnings"))) is warns


@pytest.mark.parametrize(
    ("token", "warns"),
    [
        (TOKEN, ""),
        ("ü+漢🔑" + TOKEN[4:], ""),
        ("zq7", "3 characters"),
        ("R0" * 16, "Events API"),
        ("x" * 4096, "4096 characters"),
    ],
    ids=["usual", "not ASCII", "short", "integration key", "long"],
)
def test_token_that_is_stored(config: Run, workspace: Workspace, token: str, warns: str) -> None:
    result = config(token=token)
    assert workspace.configuration == configuration(token)
    assert result["changed"] is True
    assert warns in str(result.get("warnings", ""))
    assert bool(result.get("warnings")) is bool(warns)
    # The second run knows it again, though a part of it is masked.
    assert config(token=token)["changed"] is False


def test_token_that_is_not_used_is_not_warned_about(config: Run) -> None:
    assert "warnings" not in config(token="zq7", state="absent")

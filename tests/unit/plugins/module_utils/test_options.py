"""Which value of an option counts, and that a bad one is refused before anything is sent.

The options are those of the argument specs. Only what is not true of each of them is listed here.
"""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest
import responses
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cortexapps.cortex.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import CONFIG_SPEC as SPEC
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import CONNECTION_SPEC
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, GET, OTHER_TOKEN, TOKEN
from ansible_collections.cortexapps.cortex.tests.support.disguises import filled
from ansible_collections.cortexapps.cortex.tests.support.tasks import CONFIG, HAS_CONTROLLER, INFO, ROOT, run_task

SECRETS = {"api_key": API_KEY, "token": TOKEN, "previous_token": OTHER_TOKEN}
URLS = {"base_url": "https://api.getcortexapp.com", "preflight_url": "https://api.pagerduty.com"}
VARIABLES = {name: option["fallback"][1] for name, option in SPEC.items() if "fallback" in option}
NEEDED = {"api_key", "token", "is_token_readonly"}
MISSING = "omitted"


def of_type(*types: str) -> set[str]:
    return {name for name, option in SPEC.items() if option["type"] in types}


# Invalid values: value -> the options that accept it.
VALUES: dict[str, tuple[Any, set[str]]] = {
    "missing": (MISSING, SPEC.keys() - NEEDED),
    "null": (None, {name for name, option in SPEC.items() if "default" not in option} - NEEDED),
    "empty": ("", set()),
    "blank": ("  ", set()),
    "whitespace inside": ("{secret} {secret}", set()),
    "line break at the end": ("{secret}\n", set()),
    "header injection": ("{secret}\r\nX-Injected: yes", set()),
    "control character": ("{secret}\x00\x1b[2J", set()),
    "zero-width character": ("{secret}\u200b", set()),
    "not ASCII": ("{secret}\u2013é漢", set()),
    "long": ("{secret}" + "x" * 20_000, set()),
    "list": (["{secret}"], set()),
    "empty list": ([], set()),
    "dictionary": ({"{secret}": "{secret}"}, set()),
    "templated None": ("None", set()),
    # Ansible makes a string of a boolean and a number; and 1 and 0 are numbers and booleans, to it.
    "true": (True, of_type("bool", "float", "int")),
    "number": (7, of_type("float", "int")),
    "negative": (-1, set()),
    "not finite": ("nan", set()),
    "infinite": (float("inf"), set()),
}


def run(**options: Any) -> tuple[dict[str, Any], str]:
    """Run a task with all options that it needs, some of them replaced, or left out where they are MISSING."""
    arguments = {"base_url": URLS["base_url"], **SECRETS, "is_token_readonly": True, "retries": 0, **options}
    return run_task(CONFIG, {name: value for name, value in arguments.items() if value is not MISSING})


def refuse(network: responses.RequestsMock, option: str, value: Any, **options: Any) -> str:
    """Run a task with an option that it must refuse, check that it does, and return its message."""
    if option in SECRETS and not HAS_CONTROLLER:
        pytest.skip("An action refuses it before it starts a module, in which Ansible masks it as it is.")
    result, output = run(**{option: value}, **options)
    assert len(network.calls) == 0
    assert result["failed"] is True
    assert "password" not in output.replace("a user or a password", "")
    assert option in result["msg"].split(". ")[0]
    assert "Traceback" not in output
    for secret in SECRETS.values():
        assert secret not in output
    assert "********" not in result["msg"]
    return str(result["msg"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param(option, filled(value, "{secret}", SECRETS.get(option, "value")), id=f"{option}-{name}")
        for option in SPEC
        for name, (value, accepting) in VALUES.items()
        if option not in accepting
    ],
)
def test_bad_value_is_refused(network: responses.RequestsMock, option: str, value: Any) -> None:
    refuse(network, option, value)


@pytest.mark.parametrize("option", SECRETS)
@pytest.mark.parametrize(
    ("says", "values"),
    {
        "ends in whitespace": ["{secret}\r\n", "{secret} "],
        "contains whitespace": ["{secret}\u200b", "\u00a0{secret}", "ck live 7Qm2Zb9w"],
        "contains a character that is not ASCII, such as a dash": ["u\u2013{secret}"],
        "is empty or blank": ["", " \t"],
        'is the string "{value}": a template or lookup returned no value': [
            *("None", "TRUE", "false", "null", "undefined")
        ],
        "is a mask that a tool shows": [
            *("$encrypted$", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "u+$REDACTED$ab12", "********", "u+********ab12"),
            *("u+EXAM...ab12", "xxxxxxxxxxxxxxxxab12", "(sensitive)", "changeme"),
        ],
        "is encrypted and was not decrypted": [
            *("$ANSIBLE_VAULT;1.1;AES256\n6138", "!vault|$ANSIBLE_VAULT;1.1", "ENC[AES]")
        ],
        "is a template or a reference": [
            *("{{ x }}", "v-{{ x }}", "{% if x %}", "<key>", "@@KEY@@", "__key__", "#{key}#", "/run/secrets/x"),
            *("${PD_TOKEN}", "$PD_TOKEN", "$env:PD_TOKEN", "$(pass pd)", "%PD_TOKEN%", "PAGERDUTY_TOKEN"),
            *("op://vault/x", "arn:aws:x"),
        ],
        "is bytes": ["b'{secret}'"],
        "is in quotes": ['"{secret}"', "'{secret}'", "{secret}'"],
        "begins as an Authorization header does": ["Bearer {secret}", "Token token={secret}", "bearer:{secret}"],
        "is a date": ["2026-11-29"],
        "is a list or a dictionary": [["{secret}"], {"{secret}": "{secret}"}, '["{secret}"]'],
        "is shorter than 8 characters": ["u+7FzQk", "a"],
        "has more than 4096 characters": ["x" * 4097],
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_message_names_the_fault_of_a_secret(
    network: responses.RequestsMock, environment: pytest.MonkeyPatch, option: str, says: str, values: list[Any]
) -> None:
    for value in filled(values, "{secret}", SECRETS[option]):
        expected = says.replace("{value}", str(value))
        assert f"{option} {expected}" in refuse(network, option, value)
        # For each state; and where it is the environment's.
        assert f"{option} {expected}" in refuse(network, option, value, state="absent")
        if value and isinstance(value, str):
            environment.setenv(VARIABLES[option][0], value)
            source = f"{option} (from the environment variable {VARIABLES[option][0]})"
            assert f"{source} {expected}" in refuse(network, option, MISSING)


def test_missing_option_is_named_with_its_variables(
    network: responses.RequestsMock, environment: pytest.MonkeyPatch
) -> None:
    role = "Set it (in the role: cortex_pagerduty_{0})"
    variables = {"api_key": ", or CORTEX_API_KEY in", "token": ", or PAGERDUTY_TOKEN in", "is_token_readonly": ""}
    for option, variable in variables.items():
        advice = f"{variable} the environment of ansible-playbook." if variable else ". It has no environment variable."
        for value in (MISSING, None) if option != "api_key" else (MISSING,):
            message = refuse(network, option, value)
            assert message == f"{option} is missing. {role.format(option)}{advice} Nothing was changed."
    for option in ("api_key", "token"):
        environment.setenv(VARIABLES[option][0], SECRETS[option])
        assert f"{option} is null. To use the environment variable" in refuse(network, option, None)
    network.get(URLS["base_url"] + GET.split()[1], status=404, json={"message": "No configuration"})
    assert "failed" not in run(state="absent", token=None, is_token_readonly=None)[0]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        *(("timeout", value, "above 0 and at most 3600 seconds") for value in (0, -1, 3601, "nan", "inf")),
        *(("retries", value, "from 0 to 20") for value in (-1, 21)),
        ("ca_path", "/no/ca.pem", "does not exist on the host that the task runs on: '/no/ca.pem'"),
        *(("token", value, "is a number, but must be a string") for value in ("+123456789.5", "1.5e+30", 1.5e300)),
        ("ca_path", "https://u:password@h/ca.pem", "ca_path is a URL, but must be a path."),
        *((name, API_KEY, "equals api_key, but must be") for name in ("token", "previous_token")),
        ("rollback", True, "rollback is true and validate is false. Only a validation"),
    ],
)
def test_message_names_the_fault(network: responses.RequestsMock, option: str, value: Any, says: str) -> None:
    assert says in refuse(network, option, value)


@pytest.mark.parametrize("option", URLS)
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("api.getcortexapp.com", "does not begin with https://"),
        ("ftp://api.getcortexapp.com", "does not begin with https://"),
        ("https:api.getcortexapp.com", "does not begin with https://"),
        ("https:///", "invalid host or port"),
        ("https://user:password@api.getcortexapp.com", "contains a user or a password"),
        ("https://user:pa/password@api.getcortexapp.com", "contains a user or a password"),
        ("user:password@api.getcortexapp.com", "does not begin with https://"),
        ("https:/user:password@api.getcortexapp.com", "does not begin with https://"),
        ("https://api.getcortexapp.com?x=1", "query or a fragment"),
        ("https://api.getcortexapp.com/#", "query or a fragment"),
        ("https://api.getcortexapp.com:0", "invalid host or port"),
        ("https://api.getcortexapp.com:65536", "invalid host or port"),
        ("https://api.getcortexapp.com:abc", "invalid host or port"),
        ("https://[::1", "invalid host or port"),
        ("https://api..getcortexapp.com", "invalid host or port"),
        (f"https://{'x' * 64}.com", "invalid host or port"),
        ("https://api.getcortexapp.com\\@example.com", "contains a user or a password"),
        ("https://api.getcortexapp.com/\\example.com", "invalid host or port"),
        ("https://api.getcörtexapp.com", "punycode"),
        ("https://api.getcortexapp.com /", "whitespace"),
        ("https://api.getcortexapp.com/" + "x" * 4096, "characters"),
        ("", "is empty"),
    ],
)
def test_bad_url_is_refused(network: responses.RequestsMock, option: str, url: str, says: str) -> None:
    message = refuse(network, option, url)
    assert says in message
    assert f"It must be a URL such as {URLS[option]}." in message


@pytest.mark.parametrize(
    ("base_url", "host", "is_unencrypted"),
    [
        ("https://api.getcortexapp.com", "api.getcortexapp.com", False),
        ("https://xn--getcrtexapp-sfb.com", "xn--getcrtexapp-sfb.com", False),
        ("https://cortex_backend:8443/prefix/", "cortex_backend:8443/prefix", False),
        ("HTTPS://Cortex.Example.com.", "cortex.example.com.", False),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443", False),
        ("http://cortex.example.com", "cortex.example.com", True),
        ("http://localhost.example.com", "localhost.example.com", True),
        ("http://localhost:9", "localhost:9", False),
        ("http://127.0.0.2:9", "127.0.0.2:9", False),
        ("http://[::1]:9", "[::1]:9", False),
        ("http://cortex.localhost:9", "cortex.localhost:9", False),
    ],
)
def test_url_is_used_with_a_warning_about_unencrypted_secrets(
    network: responses.RequestsMock, base_url: str, host: str, is_unencrypted: bool
) -> None:
    network.get(re.compile(".*"), json={"isTokenReadonly": True, "lastFour": TOKEN[-4:]})
    result = run(base_url=base_url)[0]
    assert str(network.calls[0].request.url).partition("://")[2] == host + GET.split()[1]
    info = run_task(INFO, {"api_key": API_KEY, "base_url": base_url})[0]
    for option, what, each in (
        ("base_url", "the API key and the token are sent", result),
        ("base_url", "the API key and the token are sent", info),
        ("preflight_url", "the token is sent", run(preflight_url=base_url)[0]),
    ):
        assert "failed" not in each
        assert each.get("warnings", []) == [f"{option} begins with http://, so {what} unencrypted."] * is_unencrypted


@pytest.mark.parametrize(
    ("token", "warns"),
    [
        (TOKEN, ""),
        ("u+7FzQkL", "8 characters"),
        ("R0" * 16, "32 characters, while PagerDuty's REST API keys have 20. It may be an integration key"),
        ("Zx9+" * 1024, "4096 characters, while PagerDuty's REST API keys have 20."),
    ],
)
def test_unusual_token_is_sent_with_a_warning(network: responses.RequestsMock, token: str, warns: str) -> None:
    network.get(re.compile(".*"), status=404, json={"message": "No configuration"})
    network.post(re.compile(".*"), json={"configurations": [{"isTokenReadonly": True, "lastFour": token[-4:]}]})
    result = run(token=token)[0]
    assert "failed" not in result
    assert json.loads(network.calls[-1].request.body or "") == {"isTokenReadonly": True, "token": token}
    warnings = result.get("warnings", [])
    assert len(warnings) == bool(warns)
    assert warns in "".join(warnings)
    assert ("Events API" in "".join(warnings)) is (len(token) == 32)
    # It is not warned about where it is not sent.
    assert "warnings" not in run(token=token, state="absent")[0]
    assert "warnings" not in run(previous_token=token if token != TOKEN else OTHER_TOKEN, validate=True)[0]


def test_previous_token_must_be_another_one_only_for_a_rollback(network: responses.RequestsMock) -> None:
    rollback = {"validate": True, "rollback": True, "token": OTHER_TOKEN}
    message = refuse(network, "previous_token", OTHER_TOKEN, **rollback)
    assert message == "previous_token equals token, so there would be nothing to go back to. Nothing was changed."
    for option, value in {"validate": False, "rollback": False, "state": "absent"}.items():
        assert "previous_token" not in run(**{**rollback, option: value})[0]["msg"]


# The environment


@pytest.mark.parametrize("option", VARIABLES)
def test_option_wins_over_variables_and_an_empty_one_is_unset(environment: pytest.MonkeyPatch, option: str) -> None:
    form = "https://{}.example.com" if option in URLS else "u+7FzQk{}2pRsTvab12"
    first, later, given = map(form.format, ("first", "later", "given"))

    def value(**options: str) -> Any:
        needed = {name: TOKEN for name, each in SPEC.items() if name != option and each.get("no_log")}
        return ArgumentSpecValidator(SPEC).validate({**needed, **options}).validated_parameters.get(option)

    # Ansible does not mask a missing or an impossible value.
    default = SPEC[option].get("default", "")
    assert value() == default
    for name in reversed(VARIABLES[option]):
        environment.setenv(name, "")
        assert value() in (default, later)
        environment.setenv(name, "None")
        assert value() == ""
        environment.setenv(name, later)
        assert value() == later
    environment.setenv(VARIABLES[option][0], first)
    assert value() == first
    assert value(**{option: given}) == given


@pytest.mark.parametrize("option", [name for name in VARIABLES if SPEC[name].get("no_log")])
def test_secret_of_the_environment_is_used_and_masked(
    network: responses.RequestsMock, environment: pytest.MonkeyPatch, option: str
) -> None:
    environment.setenv(VARIABLES[option][0], SECRETS[option])
    network.get(URLS["base_url"] + GET.split()[1], status=400, json={"message": f"no {SECRETS[option]}"})
    result, output = run(**{option: MISSING})
    assert "HTTP 400: no ********." in result["msg"]
    assert SECRETS[option] not in output


# Copies of the argument specs


def test_documentation_matches_the_argument_spec() -> None:
    module = importlib.import_module(f"ansible_collections.cortexapps.cortex.plugins.modules.{CONFIG}")
    texts = (module.DOCUMENTATION, ModuleDocFragment.DOCUMENTATION)
    documented = {name: option for text in texts for name, option in yaml.safe_load(text)["options"].items()}
    assert documented.keys() == SPEC.keys()
    # Types, defaults and choices are compared by ansible-test sanity.
    for name, variables in VARIABLES.items():
        assert re.findall(r"E\((\w+)\)", str(documented[name]["description"])) == variables
    assert {name for name, option in SPEC.items() if option.get("no_log")} == {*SECRETS}


def test_role_passes_every_option() -> None:
    role = ROOT / "roles" / "cortex_pagerduty"
    [task] = yaml.safe_load((role / "tasks" / "main.yml").read_text())
    passed = task[f"cortexapps.cortex.{CONFIG}"]
    assert passed.keys() == SPEC.keys()
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    for name, option in SPEC.items():
        variable = f"cortex_pagerduty_{name}"
        spec = specs["main"]["options"][variable]
        assert spec["type"] == option["type"]
        assert spec.get("choices") == option.get("choices")
        assert name not in CONNECTION_SPEC or specs["audit"]["options"][variable] == spec
        if name in VARIABLES:
            assert re.findall(r"E\((\w+)\)", str(spec["description"])) == VARIABLES[name]
        # One that is undefined is an error, and never the same as one that is not set.
        assert variable in passed[name]

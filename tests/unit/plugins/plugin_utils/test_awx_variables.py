from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.plugin_utils._awx_variables import find_mistakes

KEY = "cortex_pagerduty_api_key"
VAULT = {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3131"}
LOOKUP = "{{ lookup('env', 'KEY') }}"
OF_HOST = "{{ lookup('vault', 'cortex/' ~ inventory_hostname).secret.api_key }}"


def workspaces(*keys: Any) -> list[dict[str, Any]]:
    return [{"name": f"w{n}", "variables": {} if key is None else {KEY: key}} for n, key in enumerate(keys)]


@pytest.mark.parametrize(
    ("hosts", "inventory", "message"),
    [
        ([], {}, "awx_workspaces is empty"),
        (
            workspaces(None),
            {"cortex_pagerduty_proxy_url": "http://user:abc@proxy"},
            "contain the user of a URL: cortex_pagerduty_proxy_url[.]",
        ),
        (workspaces(None), {"cortex_pagerduty_proxy_url": "http://{{ user }}:abc@proxy"}, "contain the user of a URL"),
        (workspaces(None), {"cortex_pagerduty_proxy_url": "http://{{ user }}:{{ password }}@proxy"}, None),
        ([{"name": name} for name in ("all", "a:b", "!a")], {}, "workspace all cannot .* a:b cannot .* !a cannot"),
        (workspaces(LOOKUP, VAULT) * 2, {}, "more than once: w0, w1[.].*have the same: w0, w0"),
        (workspaces(None, VAULT), {}, "none of their own: w0[.]"),
        (workspaces(VAULT, LOOKUP, VAULT), {}, "have the same: w0, w2[.]"),
        (workspaces(None, None), {KEY: VAULT}, "have the same: w0, w1[.]"),
        (workspaces(None, None), {KEY: LOOKUP}, "have the same: w0, w1[.]"),
        (workspaces(None, None), {KEY: "{{ lookup('env', name) }}", "name": "KEY"}, "have the same: w0, w1[.]"),
        (workspaces(None, None), {KEY: OF_HOST}, None),
        (workspaces(None, None), {KEY: "{{ lookup('vault', path) }}", "path": "{{ inventory_hostname }}"}, None),
        (workspaces(None, None), {KEY: "{{ (lookup('vault', 'cortex') | from_json)[inventory_hostname] }}"}, None),
        (workspaces(None), {}, None),
        (
            workspaces(None),
            {"cortex_pagerduty_token": "u", "cortex_pagerduty_previous_token": 7},
            "_token, .*_token[.]",
        ),
    ],
)
def test_no_two_workspaces_have_one_name_or_one_key(hosts: Any, inventory: Any, message: str | None) -> None:
    mistakes = " ".join(find_mistakes(hosts, inventory))
    assert re.search(message, mistakes) if message else not mistakes


OTHERS = {"keys": {"w0": VAULT}, "plain": {"w0": "abc"}, "clear": "abc", "indirect": "{{ clear }}", "mine": LOOKUP}
KEPT = [
    OF_HOST,
    VAULT,
    "{{ keys[inventory_hostname] }}",
    "{{ inventory_hostname | extract(keys) }}",
    "{{ mine }}",
    " {{ a | default(b) }}\n",
    "{{ a if b == 'c' else d }}",
    "{{ (lookup('vault', 'cortex', url='https://vault') | from_json)['key'].strip() }}",
    "{{ lookup('vault', 'cortex', token=lookup('env', 'VAULT_TOKEN'), token_path='/run/vault') }}",
    "{{ lookup('env', 'KEY', default=undef(hint='Export KEY.')) | default(a, true) }}",
    "{{ lookup('gcp', key='cortex') }}",
]
CLEAR = [
    *("abc", "abc{{ a }}", "{{ 'abc' }}", "{{ a | default('abc') }}", "{{ a or 'abc' }}", "{{ a if b else 'abc' }}"),
    *("{% set a = 'abc' %}{{ a }}", "{{ 'u+' ~ a }}", "{{ ['abc'] | first }}", "{{ 'abc'.strip() }}", "{{ broken"),
    *("{{ lookup('env', 'KEY', default='abc') }}", "{{ clear }}", "{{ indirect | trim }}", "{{ {'a': 'abc'}.a }}"),
    *("{{ lookup('vars', 'clear') }}", "{{ dict(a='abc').a }}", "{{ lookup('vault', 'cortex', token='abc') }}"),
    *(
        "{{ hostvars['w0'].clear }}",
        "{{ inventory_hostname | extract(plain) }}",
        "{{ a | regex_replace('^$', clear) }}",
    ),
    *(
        "{{ lookup('items', 'abc') }}",
        "{{ lookup('a' ~ 'b', 'c') }}",
        "{{ lookup('vault', 'secret=a auth_token=abc') }}",
    ),
    *("{{ lookup('url', 'https://a:abc@b') }}", "{{ lookup('vault', 'a', vault_token='abc') }}"),
    *({"a": "abc"}, {"__ansible_vault": "abc"}, {**VAULT, "a": "abc"}, ["abc"], 12345678),
]


@pytest.mark.parametrize(("value", "is_clear"), [(each, each in CLEAR) for each in KEPT + CLEAR], ids=repr)
def test_a_secret_that_awx_could_read_is_found(value: Any, is_clear: bool) -> None:
    mistakes = find_mistakes(workspaces(value), OTHERS)
    assert [f"__ansible_vault for {KEY}." in each for each in mistakes] == [True] * is_clear

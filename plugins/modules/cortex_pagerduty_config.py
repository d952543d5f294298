#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_config
short_description: Manage the PagerDuty configuration of a Cortex workspace
version_added: 1.0.0
description:
  - Adds, replaces and removes the PagerDuty configuration of a workspace of Cortex, the internal developer portal of
    U(https://cortex.io), and has Cortex check it.
  - A workspace holds at most one PagerDuty configuration. Its token can be written but never read back, only its last
    four characters can.
author:
  - cortexapps.cortex contributors (@cortexapps)
extends_documentation_fragment:
  - cortexapps.cortex.connection
  - cortexapps.cortex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Cortex never gives the token back. With O(update_token=on_change) it is recognized by its last four
        characters, so that a rotation to a token with the same last four characters is missed.
      - With O(update_token=always) the token is sent, and the task is changed, each time.
options:
  state:
    description:
      - Whether the workspace has a PagerDuty configuration.
    type: str
    choices: [present, absent]
    default: present
  token:
    description:
      - The PagerDuty REST API key that Cortex uses. Those have 20 characters; an integration key of PagerDuty's
        Events API (32 characters) does not serve.
      - Required when O(state=present).
      - If not set, the environment variable E(PAGERDUTY_TOKEN) is used. An empty variable counts as unset.
      - Cortex shows its last four characters only, and so does this module; whether another token is stored is told
        by these. A token with the same last four characters as the stored one is taken for the same unless
        O(update_token=always).
      - The last four characters of a token of four characters or fewer are masked in the output, being the whole token.
    type: str
  is_token_readonly:
    description:
      - Whether O(token) is a read-only API key of PagerDuty. If V(false), Cortex may also trigger incidents with it.
      - Required when O(state=present). There is no default because Cortex believes what it is told.
    type: bool
  update_token:
    description:
      - How to treat the token, given that it cannot be read back.
      - V(on_change) sends it when its last four characters differ from those of the stored token. A rotation to a token
        with the same last four characters is missed.
      - V(always) sends it each time, and the task is changed each time.
      - V(on_create) sends it only where there is no configuration yet. When O(is_token_readonly) differs from what is
        stored, O(token) is sent nevertheless, because the API wants the token again to change that.
    type: str
    choices: [on_change, always, on_create]
    default: on_change
  validate:
    description:
      - Whether to have Cortex try the stored token with PagerDuty, and to fail when Cortex says that it is not valid.
      - This comes after the write, or at once where nothing has to be written. In check mode it is left out where the
        run would write something. It is ignored with O(state=absent).
      - A token that turns out not to be valid stays stored. The role P(cortexapps.cortex.cortex_pagerduty#role) can
        check it before and roll back after.
    type: bool
    default: false
seealso:
  - module: cortexapps.cortex.cortex_pagerduty_config_info
  - name: Cortex API reference
    description: The REST API behind this module.
    link: https://docs.cortex.io/api
  - name: PagerDuty API access keys
    description: How to make the token.
    link: https://support.pagerduty.com/main/docs/api-access-keys
"""

EXAMPLES = r"""
- name: Have a PagerDuty configuration, and have Cortex try it
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    token: "{{ pagerduty_token }}"
    is_token_readonly: true
    validate: true

- name: Rotate the token, whatever its last four characters are
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    token: "{{ new_pagerduty_token }}"
    is_token_readonly: true
    update_token: always

- name: See what would change, and change nothing (keys from CORTEX_API_KEY and PAGERDUTY_TOKEN)
  cortexapps.cortex.cortex_pagerduty_config:
    is_token_readonly: true
  check_mode: true
  diff: true

- name: Remove the PagerDuty configuration
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    state: absent

- name: Set the connection once for all modules of this collection
  module_defaults:
    group/cortexapps.cortex.cortex:
      api_key: "{{ cortex_api_key }}"
      base_url: https://api.eu.cortex.io
  block:
    - name: Have a PagerDuty configuration in the EU cloud
      cortexapps.cortex.cortex_pagerduty_config:
        token: "{{ pagerduty_token }}"
        is_token_readonly: false
"""

RETURN = r"""
configuration:
  description:
    - The configuration after the task; in check mode, as it would be. V(null) when there is none.
    - When the task fails and what is stored could not be found out, it is V(null) too, and C(diff.after.state) is
      V(unknown).
  returned: success and failure
  type: dict
  contains:
    is_token_readonly:
      description: Whether the token is a read-only API key of PagerDuty.
      type: bool
      sample: true
    last_four:
      description: The last four characters of the stored token.
      type: str
      sample: ab12
validation:
  description:
    - Cortex's verdict on the stored token. V(null) unless O(validate=true) and the verdict was asked for.
  returned: success and failure
  type: dict
  contains:
    is_valid:
      description: Whether Cortex lists at least one verdict and all of them are valid.
      type: bool
      sample: true
    configurations:
      description: What Cortex says of each configuration.
      type: list
      elements: dict
      contains:
        alias:
          description: The name of the configuration, if Cortex gives one.
          type: str
          sample: null
        is_valid:
          description: Whether PagerDuty accepts the token.
          type: bool
          sample: true
        message:
          description: Cortex's reason, if it gives one.
          type: str
          sample: null
diff:
  description: The state before and after the task, also without C(--diff).
  returned: success and failure
  type: dict
  contains:
    before:
      description: What was stored before.
      type: dict
      sample: {state: absent}
    after:
      description: What is stored after; in check mode, what would be. V(unknown) when that could not be found out.
      type: dict
      sample: {state: present, is_token_readonly: true, last_four: ab12}
http_status:
  description: The HTTP status of Cortex's answer.
  returned: failure, when the API answered
  type: int
  sample: 403
request_id:
  description: Cortex's number of the request, for its support.
  returned: failure, when the API gave one
  type: str
  sample: 2b7e6a04a2b34c1f
error_type:
  description: Cortex's name of the error.
  returned: failure, when the API gave one
  type: str
  sample: FORBIDDEN
"""

import gc

if __name__ == "__main__":
    # The process lives for a fraction of a second. Looking for garbage takes a good part of that and finds none.
    gc.disable()

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cortexapps.cortex.plugins.module_utils._client import CortexError
from ansible_collections.cortexapps.cortex.plugins.module_utils._connection import (
    check_connection,
    check_given,
    check_token,
    connection_argument_spec,
    nonempty_env_fallback,
    open_client,
    settle_masking,
)
from ansible_collections.cortexapps.cortex.plugins.module_utils._pagerduty import PagerDuty, Report, Wanted, converge


def argument_spec() -> dict[str, object]:
    return {
        **connection_argument_spec(),
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "token": {"type": "str", "no_log": True, "fallback": (nonempty_env_fallback, ["PAGERDUTY_TOKEN"])},
        # It tells whether the token is read-only; it is no secret, as no_log would have it be.
        "is_token_readonly": {"type": "bool", "no_log": False},
        "update_token": {
            "type": "str",
            "choices": ["on_change", "always", "on_create"],
            "default": "on_change",
            "no_log": False,
        },
        "validate": {"type": "bool", "default": False},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ("token", "is_token_readonly"))],
        supports_check_mode=True,
    )
    settle_masking(module)
    params = module.params
    is_present = params["state"] == "present"
    report = Report()
    try:
        if is_present:
            check_given(params, "token", "is_token_readonly")
        for warning in check_connection(params) + check_token(params["token"], is_used=is_present):
            module.warn(warning)
        wanted = Wanted(
            params["state"], params["token"] or "", bool(params["is_token_readonly"]), params["update_token"]
        )
        with open_client(params, secrets=[params["token"] or ""]) as client:
            converge(PagerDuty(client), wanted, report, check_mode=module.check_mode, validate=params["validate"])
    except CortexError as error:
        module.fail_json(**report.failure(error))
    module.exit_json(**report.result())


if __name__ == "__main__":
    gc.freeze()
    main()

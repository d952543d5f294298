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
    U(https://cortex.io). It can check the token with PagerDuty first, have Cortex validate it, and roll back.
  - A workspace has at most one PagerDuty configuration. Its token can be written but never read back. Cortex returns
    only its last four characters.
author:
  - cortexapps.cortex contributors (@cortexapps)
extends_documentation_fragment:
  - cortexapps.cortex.connection
  - cortexapps.cortex.attributes
attributes:
  check_mode:
    support: full
    details:
      - With O(preflight), PagerDuty is asked in check mode too. With O(validate), Cortex validates the token in check
        mode only if the run would not write anything. Otherwise, only the run itself finds out that Cortex rejects the
        token.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(update_token=on_change), a new token with the same last four characters as the old one is not noticed.
      - With O(update_token=always), the task sends the token, and is changed, each time.
options:
  state:
    description:
      - Whether the workspace has a PagerDuty configuration.
    type: str
    choices: [present, absent]
    default: present
  token:
    description:
      - The PagerDuty REST API key that Cortex uses. REST API keys have 20 characters. An integration key of PagerDuty's
        Events API (32 characters) does not work.
      - Required when O(state=present).
      - If not set, the environment variable E(PAGERDUTY_TOKEN) is used. An empty variable counts as unset.
      - Cortex returns only the last four characters. O(update_token) says how a new token is recognized.
    type: str
  is_token_readonly:
    description:
      - Whether O(token) is a read-only API key of PagerDuty. If V(false), Cortex may also trigger incidents with it.
      - Required when O(state=present). There is no default because Cortex does not verify it.
    type: bool
  update_token:
    description:
      - When to send O(token), which Cortex does not return.
      - V(on_change) sends it if its last four characters differ from those of the stored token. A new token with the
        same last four characters is not sent.
      - V(always) sends it each time, and the task is changed each time.
      - V(on_create) sends it only if there is no configuration yet. If O(is_token_readonly) differs from the stored
        flag, it sends O(token) nevertheless, because the API requires the token to change the flag.
    type: str
    choices: [on_change, always, on_create]
    default: on_change
  preflight:
    description:
      - Whether to ask PagerDuty, before a write that sends O(token), if it accepts the token. Also in check mode.
      - If PagerDuty does not accept it or cannot be asked, the task fails and nothing is written.
      - PagerDuty is asked from the host that the task runs on. Its certificate is checked against the CA store of the
        environment or the system. O(ca_path) and O(validate_certs) are for Cortex only.
    type: bool
    default: false
  preflight_url:
    description:
      - The URL of PagerDuty's REST API. The EU service region is V(https://api.eu.pagerduty.com).
      - If not set, the environment variable E(PAGERDUTY_API_URL) is used. An empty variable counts as unset.
    type: str
    default: https://api.pagerduty.com
  validate:
    description:
      - Whether to have Cortex test the stored token with PagerDuty, and to fail if Cortex says that it is not valid.
      - Cortex validates the token after the write, or at once if nothing has to be written. In check mode, the
        validation is skipped if the run would write something. With O(state=absent), this option is ignored.
    type: bool
    default: false
  rollback:
    description:
      - Whether to undo the write of this task if Cortex says that the token is not valid. The task fails in any case.
      - If nothing was stored before, the configuration is deleted. Otherwise, O(previous_token) is stored again.
        Without O(previous_token), the new token stays, because Cortex does not return the old one.
      - With O(state=present), this needs O(validate=true).
      - Nothing is rolled back if Cortex could not give a verdict, or if another client changed the configuration in
        between. Another client's token with the same last four characters and flag cannot be told apart.
      - The restored token is not validated again.
    type: bool
    default: false
  previous_token:
    description:
      - The token to go back to with O(rollback).
      - If not set, the environment variable E(PAGERDUTY_PREVIOUS_TOKEN) is used. An empty variable counts as unset.
      - It must have the last four characters of the stored token. Otherwise the task fails before it writes. If
        workspaces have different tokens, set it for each host.
      - It is not used if nothing is stored, or if the stored token has the last four characters of O(token).
    type: str
  previous_is_token_readonly:
    description:
      - Whether O(previous_token) is a read-only API key of PagerDuty.
      - If not set, the flag that was stored before is used.
    type: bool
seealso:
  - module: cortexapps.cortex.cortex_pagerduty_config_info
  - name: Cortex API reference
    description: The REST API that this module uses.
    link: https://docs.cortex.io/api
  - name: PagerDuty API access keys
    description: How to create the token.
    link: https://support.pagerduty.com/main/docs/api-access-keys
"""

EXAMPLES = r"""
- name: Ensure the PagerDuty configuration is present and valid
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    token: "{{ pagerduty_token }}"
    is_token_readonly: true
    validate: true
  delegate_to: localhost

- name: Rotate the token, and go back to the old one if Cortex says that the new one is not valid
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    token: "{{ new_pagerduty_token }}"
    is_token_readonly: true
    preflight: true
    validate: true
    rollback: true
    previous_token: "{{ old_pagerduty_token }}"
  delegate_to: localhost

- name: Send the token again, whatever its last four characters are
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    token: "{{ new_pagerduty_token }}"
    is_token_readonly: true
    update_token: always
  delegate_to: localhost

- name: Show what would change (keys from CORTEX_API_KEY and PAGERDUTY_TOKEN)
  cortexapps.cortex.cortex_pagerduty_config:
    is_token_readonly: true
  check_mode: true
  diff: true
  delegate_to: localhost

- name: Ensure there is no PagerDuty configuration
  cortexapps.cortex.cortex_pagerduty_config:
    api_key: "{{ cortex_api_key }}"
    state: absent
  delegate_to: localhost

- name: Set the connection once for all modules of this collection
  module_defaults:
    group/cortexapps.cortex.cortex:
      api_key: "{{ cortex_api_key }}"
      base_url: https://api.eu.cortex.io
  delegate_to: localhost
  block:
    - name: Ensure the PagerDuty configuration is present in the EU cloud
      cortexapps.cortex.cortex_pagerduty_config:
        token: "{{ pagerduty_token }}"
        is_token_readonly: false
"""

RETURN = r"""
configuration:
  description:
    - The configuration after the task; in check mode, as it would be. V(null) when there is none.
    - When the task fails and the configuration could not be found out, it is V(null) too, and C(diff.after.state) is
      V(unknown).
  returned: success and failure
  type: dict
  contains:
    is_token_readonly: {description: Whether the token is a read-only API key of PagerDuty., type: bool, sample: true}
    last_four: {description: The last four characters of the stored token., type: str, sample: ab12}
validation:
  description:
    - Cortex's verdict on the stored token. V(null) unless O(validate=true) and Cortex gave a verdict. After a rollback
      it is the verdict on the token that was undone.
  returned: success and failure
  type: dict
  contains:
    is_valid:
      description: Whether Cortex lists at least one verdict and all of them are valid.
      type: bool
      sample: true
    configurations:
      description: The verdict on each configuration.
      type: list
      elements: dict
      contains:
        alias: {description: "The name of the configuration, if Cortex gives one.", type: str, sample: null}
        is_valid: {description: Whether PagerDuty accepts the token., type: bool, sample: true}
        message: {description: "Cortex's reason, if it gives one.", type: str, sample: null}
preflight:
  description:
    - Whether PagerDuty accepts the token. V(null) if it was not asked, could not be asked, or knows the token but does
      not let it list abilities.
  returned: success and failure
  type: bool
  sample: true
rolled_back:
  description: Whether the write of this task was undone.
  returned: success and failure
  type: bool
  sample: false
diff:
  description: The state before and after the task, also without C(--diff).
  returned: success and failure
  type: dict
  contains:
    before: {description: The state before., type: dict, sample: {state: absent}}
    after:
      description: The state after; in check mode, as it would be. C(state) is V(unknown) if it could not be found out.
      type: dict
      sample: {state: present, is_token_readonly: true, last_four: ab12}
    before_header: &header
      description: The host of the inventory, which C(--diff) shows.
      type: str
      sample: payments
    after_header: *header
http_status:
  description: The HTTP status of Cortex's response.
  returned: failure, when the API responded
  type: int
  sample: 403
request_id:
  description: Cortex's identifier of the request, for its support.
  returned: failure, when the API gave one
  type: str
  sample: 2b7e6a04a2b34c1f
error_type:
  description: Cortex's name of the error.
  returned: failure, when the API gave one
  type: str
  sample: FORBIDDEN
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cortexapps.cortex.plugins.module_utils._converge import ConfigTask
from ansible_collections.cortexapps.cortex.plugins.module_utils._masking import mask_result
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import CONFIG_SPEC


def main() -> None:
    module = AnsibleModule(argument_spec=CONFIG_SPEC, supports_check_mode=True)
    task = ConfigTask(module.params, module.check_mode)
    result = mask_result(task.run(), module.params)
    for warning in task.warnings:
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

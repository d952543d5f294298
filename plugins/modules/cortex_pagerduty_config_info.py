#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_config_info
short_description: Read the PagerDuty configuration of a Cortex workspace
version_added: 1.0.0
description:
  - Reads the PagerDuty configuration of a workspace of Cortex, the internal developer portal of U(https://cortex.io),
    and can have Cortex validate its token.
  - It changes nothing, and does the same in check mode.
author:
  - cortexapps.cortex contributors (@cortexapps)
extends_documentation_fragment:
  - cortexapps.cortex.connection
  - cortexapps.cortex.attributes
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    support: full
    details:
      - This module changes nothing.
options:
  validate:
    description:
      - Whether to have Cortex test the stored token with PagerDuty.
      - If it is not valid, the task returns RV(validation.is_valid=false) and does not fail.
    type: bool
    default: false
seealso:
  - module: cortexapps.cortex.cortex_pagerduty_config
"""

EXAMPLES = r"""
- name: Read the PagerDuty configuration, and have Cortex validate its token
  cortexapps.cortex.cortex_pagerduty_config_info:
    api_key: "{{ cortex_api_key }}"
    validate: true
  delegate_to: localhost
  register: pagerduty

- name: Show that the integration does not work
  ansible.builtin.debug:
    msg: PagerDuty does not accept the token that ends in {{ pagerduty.configuration.last_four }}
  when:
    - pagerduty.validation is not none
    - not pagerduty.validation.is_valid
"""

RETURN = r"""
configuration:
  description: The stored configuration. V(null) when there is none, or when it could not be read.
  returned: success and failure
  type: dict
  contains:
    is_token_readonly: {description: Whether the token is a read-only API key of PagerDuty., type: bool, sample: true}
    last_four: {description: The last four characters of the stored token., type: str, sample: ab12}
validation:
  description:
    - Cortex's verdict on the stored token. V(null) unless O(validate=true) and there is a configuration.
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
http_status:
  description: The HTTP status of Cortex's response.
  returned: failure, when the API responded
  type: int
  sample: 401
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
from ansible_collections.cortexapps.cortex.plugins.module_utils._converge import InfoTask
from ansible_collections.cortexapps.cortex.plugins.module_utils._masking import mask_result
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import INFO_SPEC


def main() -> None:
    module = AnsibleModule(argument_spec=INFO_SPEC, supports_check_mode=True)
    task = InfoTask(module.params, module.check_mode)
    result = mask_result(task.run(), module.params)
    for warning in task.warnings:
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

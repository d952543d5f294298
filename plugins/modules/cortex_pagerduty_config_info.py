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
    and can have Cortex check it.
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
      - Whether to have Cortex try the stored token with PagerDuty.
      - That it is not valid is returned as RV(validation.is_valid=false) and is no failure.
    type: bool
    default: false
seealso:
  - module: cortexapps.cortex.cortex_pagerduty_config
"""

EXAMPLES = r"""
- name: Read the PagerDuty configuration, and have Cortex try its token
  cortexapps.cortex.cortex_pagerduty_config_info:
    api_key: "{{ cortex_api_key }}"
    validate: true
  register: pagerduty

- name: Say when the integration does not work
  ansible.builtin.debug:
    msg: Cortex cannot reach PagerDuty with the token that ends in {{ pagerduty.configuration.last_four }}
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
    - Cortex's verdict on the stored token. V(null) unless O(validate=true) and there is a configuration.
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
http_status:
  description: The HTTP status of Cortex's answer.
  returned: failure, when the API answered
  type: int
  sample: 401
request_id:
  description: Cortex's number of the request, for its support.
  returned: failure, when the API gave one
  type: str
  sample: 2b7e6a04a2b34c1f
error_type:
  description: Cortex's name of the error.
  returned: failure, when the API gave one
  type: str
  sample: UNAUTHORIZED
"""

import gc

if __name__ == "__main__":
    # The process lives for a fraction of a second. Looking for garbage takes a good part of that and finds none.
    gc.disable()

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cortexapps.cortex.plugins.module_utils._client import CortexError, NotFoundError
from ansible_collections.cortexapps.cortex.plugins.module_utils._connection import (
    check_connection,
    connection_argument_spec,
    open_client,
    settle_masking,
)
from ansible_collections.cortexapps.cortex.plugins.module_utils._pagerduty import PagerDuty


def argument_spec() -> dict[str, object]:
    return {**connection_argument_spec(), "validate": {"type": "bool", "default": False}}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    settle_masking(module)
    result: dict[str, object] = {"changed": False, "configuration": None, "validation": None}
    try:
        for warning in check_connection(module.params):
            module.warn(warning)
        with open_client(module.params) as client:
            inspect(PagerDuty(client), result, validate=module.params["validate"])
    except CortexError as error:
        module.fail_json(msg=error.msg, **error.details(), **result)
    module.exit_json(**result)


def inspect(pagerduty: PagerDuty, result: dict[str, object], *, validate: bool) -> None:
    stored = pagerduty.read()
    if stored is None:
        return
    result["configuration"] = stored._asdict()
    if validate:
        try:
            result["validation"] = pagerduty.validate()
        except NotFoundError:
            # It was removed between the two requests.
            result["configuration"] = None


if __name__ == "__main__":
    gc.freeze()
    main()

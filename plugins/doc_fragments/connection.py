# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options; their argument spec is in module_utils/_connection.py."""

    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - A Cortex API key with the permission B(Configure integrations).
      - If not set, the environment variable E(CORTEX_API_KEY) is used, then E(CORTEX_API_TOKEN). An empty variable
        counts as unset.
      - It is sent to the host of O(base_url) and to no other. A C(~/.netrc) never replaces it.
    type: str
    required: true
  base_url:
    description:
      - Where the Cortex API is, with or without a path prefix, with or without a trailing slash.
      - The EU cloud is V(https://api.eu.cortex.io). For a self-managed Cortex this is the host of the backend, not
        that of the user interface.
      - If not set, the environment variable E(CORTEX_BASE_URL) is used, then E(CORTEX_API_URL). An empty variable
        counts as unset.
      - Redirects are not followed.
    type: str
    default: https://api.getcortexapp.com
  validate_certs:
    description:
      - Whether the certificate of the server is checked.
      - Turned off, whoever is between this host and Cortex can read the API key and the token. Give O(ca_path) instead.
    type: bool
    default: true
  ca_path:
    description:
      - A file with CA certificates in PEM format, or a hashed directory of such files, to check the server's
        certificate against.
      - If not set, the environment variable E(REQUESTS_CA_BUNDLE) is used, then E(CURL_CA_BUNDLE), then the system's
        store (which E(SSL_CERT_FILE) or, with a hashed directory, E(SSL_CERT_DIR) can replace).
    type: path
  timeout:
    description:
      - Seconds to wait for the connection, and for each read of an answer, in one attempt.
      - At most V(3600).
    type: float
    default: 30
  retries:
    description:
      - Attempts after the first one when Cortex limits the rate, has a passing fault (HTTP status 429, 500, 502, 503,
        504) or cannot be reached. V(0) turns retrying off, V(20) is the most.
      - The waits between them grow from one second to thirty and are spread at random. When Cortex says how long to
        wait, that is added, up to 60 seconds; if it asks for more, the task fails at once and says so.
      - What failed is only repeated when that is safe. When it is not known whether a write was done, the
        configuration is read again first.
    type: int
    default: 4
requirements:
  - "Python 3.9 or later on the host that runs the module"
  - "requests >= 2.25.1"
notes:
  - The module talks to Cortex from the host it runs on. Run it with C(connection=local) or C(delegate_to=localhost)
    unless only another host reaches Cortex, and set C(ansible_python_interpreter) to C({{ ansible_playbook_python }})
    so that it finds the Python library C(requests) there.
  - Environment variables are those of the module's process, so that variables of the controller reach it only where the
    module runs locally.
  - Proxy variables such as E(HTTPS_PROXY) and E(NO_PROXY) are obeyed.
  - Neither the API key nor the token is shown in results, messages or logs. Ansible itself, though, prints a task's
    C(environment) keyword with C(-vvv), and the arguments of any module with C(ANSIBLE_DEBUG) or
    C(ANSIBLE_DISPLAY_ARGS_TO_STDOUT).
"""

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options; their argument spec is in module_utils/_options.py."""

    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - A Cortex API key with the permission B(Configure integrations).
      - If not set, the environment variable E(CORTEX_API_KEY) is used, then E(CORTEX_API_TOKEN). An empty variable
        counts as unset.
      - A key belongs to one workspace. In a play with several hosts, a key of the environment that Ansible runs in is
        an error, unless the task has C(run_once=true). The task keyword C(environment) may set a key for each host.
      - It is sent to the host of O(base_url) and to no other. A C(~/.netrc) never replaces it.
    type: str
    required: true
  base_url:
    description:
      - The URL of the Cortex API. It may have a path prefix and a trailing slash.
      - The EU cloud is V(https://api.eu.cortex.io). For a self-managed Cortex, use the host of the backend, not that of
        the web UI.
      - If not set, the environment variable E(CORTEX_BASE_URL) is used, then E(CORTEX_API_URL). An empty variable
        counts as unset.
      - Redirects are not followed.
    type: str
    default: https://api.getcortexapp.com
  validate_certs:
    description:
      - Whether to check the certificate of the server.
      - If V(false), anyone between this host and Cortex can read the API key and the token. Set O(ca_path) instead.
    type: bool
    default: true
  ca_path:
    description:
      - A file with CA certificates in PEM format, or a hashed directory of such files, to check the server's
        certificate against.
      - If not set, the environment variable E(REQUESTS_CA_BUNDLE) is used, then E(CURL_CA_BUNDLE), then the system's
        store, which E(SSL_CERT_FILE) or, with a hashed directory, E(SSL_CERT_DIR) can replace. Ansible reads this
        store once in a run.
    type: path
  timeout:
    description:
      - Seconds to wait for the connection, and for each read of a response, in one attempt.
      - The whole response must arrive within twice this time.
      - At most V(3600).
    type: float
    default: 30
  retries:
    description:
      - How often to repeat a request if Cortex responds with HTTP 429, 500, 502, 503 or 504, or cannot be reached.
        V(0) turns retries off. The maximum is V(20).
      - The waits between them grow from one second to thirty and are spread at random. If Cortex or PagerDuty requests
        a wait, it is added, up to 60 seconds. If it requests more, the task fails at once and says so.
      - A task waits at most 10 minutes, all its requests together. Inside Ansible's process it shows waits of 5 seconds
        or more on standard error.
      - A request is repeated only if that is safe. If the outcome of a write is unknown, the task reads the
        configuration first.
    type: int
    default: 4
requirements:
  - "Python 3.9 or later"
  - "requests >= 2.25.1"
notes:
  - With a local connection (C(connection=local) or C(delegate_to=localhost)), the task runs inside Ansible's own
    process, and needs the Python library C(requests) in the Python that runs Ansible. Otherwise, it runs as an ordinary
    module. For details, see
    R(Where a task runs, ansible_collections.cortexapps.cortex.docsite.checking_guide.where_a_task_runs) in the guides.
  - Environment variables are those of the process, including the task keyword C(environment). Proxy variables such as
    E(HTTPS_PROXY) and E(NO_PROXY) are used.
  - The API key and the token never appear in results, messages or logs. For what Ansible itself may show, see
    R(Where secrets may be visible, ansible_collections.cortexapps.cortex.docsite.secrets_guide) in the guides.
"""

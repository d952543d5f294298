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
      - Where the Cortex API is, with or without a path prefix, with or without a trailing slash.
      - The EU cloud is V(https://api.eu.cortex.io). For a self-managed Cortex this is the host of the backend, not
        that of the web UI.
      - If not set, the environment variable E(CORTEX_BASE_URL) is used, then E(CORTEX_API_URL). An empty variable
        counts as unset.
      - Redirects are not followed.
    type: str
    default: https://api.getcortexapp.com
  validate_certs:
    description:
      - Whether to check the certificate of the server.
      - If V(false), whoever is between this host and Cortex can read the API key and the token. Set O(ca_path) instead.
    type: bool
    default: true
  ca_path:
    description:
      - A file with CA certificates in PEM format, or a hashed directory of such files, to check the server's
        certificate against.
      - If not set, the environment variable E(REQUESTS_CA_BUNDLE) is used, then E(CURL_CA_BUNDLE), then the system's
        store, which E(SSL_CERT_FILE) or, with a hashed directory, E(SSL_CERT_DIR) can replace. This store is read once
        in a run of Ansible, so if it changes, the next run notices that.
    type: path
  timeout:
    description:
      - Seconds to wait for the connection, and for each read of a response, in one attempt.
      - The headers and the body of a response must be there within twice this time.
      - At most V(3600).
    type: float
    default: 30
  retries:
    description:
      - Attempts after the first one when Cortex responds with HTTP 429, 500, 502, 503 or 504, or cannot be
        reached. V(0) turns retries off. The maximum is V(20).
      - The waits between them grow from one second to thirty and are spread at random. If Cortex or PagerDuty requests
        a wait, it is added, up to 60 seconds. If it requests more, the task fails at once and says so.
      - A task waits at most 10 minutes, all its requests together.
      - A request is only repeated when that is safe. When the outcome of a write is unknown, the configuration is read
        again first.
    type: int
    default: 4
requirements:
  - "Python 3.9 or later"
  - "requests >= 2.25.1"
notes:
  - With a local connection (C(connection=local) or C(delegate_to=localhost)) the task runs inside Ansible's own
    process. No module is copied and no second Python starts. It needs the Python library C(requests) in the Python that
    runs Ansible. C(ansible_python_interpreter) has no effect.
  - Everywhere else it runs as an ordinary module, with the same options and results. That is on a remote host, with
    C(become) or C(async), on macOS, or if the Python that runs Ansible does not have C(requests). With a local
    connection and without C(become), it uses that Python if that has C(requests) and C(ansible_python_interpreter) is
    not set.
  - With the task keyword C(timeout), a task inside Ansible's process ends at once and returns all its values, with
    C(changed=true) if a write was sent that may have been applied. As an ordinary module Ansible reports only the
    timeout, and the module may go on and write.
  - Environment variables are those of the process, including the task keyword C(environment).
  - Proxy variables such as E(HTTPS_PROXY) and E(NO_PROXY) are used.
  - The API key and the token are never shown in results, messages or logs. Of a task that runs as an ordinary module,
    Ansible itself leaves the arguments in files with C(ANSIBLE_KEEP_REMOTE_FILES=1). Up to ansible-core 2.21, it also
    prints them with C(ANSIBLE_DEBUG=1), and the task keyword C(environment) with C(-vvv).
"""

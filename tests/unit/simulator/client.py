# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that compares every response of a simulator with the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests
import yaml
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.support.cortex import API_KEY, ROUTES, TOKEN
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

CONTRACT = Path(__file__).parents[2] / "simulator" / "cortex-pagerduty.openapi.yaml"


class Client:
    """Talks to a simulator as a user of the API does, whatever the environment holds."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = simulator.ca_path or True
        contract = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
        contract["servers"] = [{"url": simulator.url}]
        self.contract = OpenAPI.from_dict(
            contract, Config(extra_media_type_deserializers={"application/problem+json": json.loads})
        )

    def send(
        self, operation: str, token: str = TOKEN, key: str | None = API_KEY, timeout: float = 10, **options: Any
    ) -> requests.Response:
        """Send a request; writes carry `token` unless `options` have a body."""
        method, path = ROUTES[operation].split()
        if operation in ("add", "replace") and not options.keys() & {"data", "json"}:
            options["json"] = {"token": token, "isTokenReadonly": True}
        options["headers"] = {**({"Authorization": f"Bearer {key}"} if key else {}), **options.get("headers", {})}
        return self.session.request(
            method, self.simulator.url + path, timeout=timeout, allow_redirects=False, **options
        )

    def checked(self, operation: str, **options: Any) -> requests.Response:
        """Send a request and fail unless the contract allows the response."""
        response = self.send(operation, **options)
        self.contract.validate_response(RequestsOpenAPIRequest(response.request), RequestsOpenAPIResponse(response))
        return response

    def abilities(self, token: str) -> requests.Response:
        """Ask PagerDuty whether it accepts a token, as the role's preflight does."""
        return self.session.get(
            f"{self.simulator.pagerduty_url}/abilities", headers={"Authorization": f"Token token={token}"}, timeout=10
        )

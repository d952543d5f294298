"""A client that can compare the responses of a simulator with the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from tests.simulator import Simulator
from tests.support.cortex import API_KEY, ROUTES, TOKEN

SIMULATOR = Path(__file__).parents[2] / "simulator"
DESCRIPTION = yaml.safe_load((SIMULATOR / "cortex-pagerduty.openapi.yaml").read_text(encoding="utf-8"))
CONTRACT = OpenAPI.from_dict(
    DESCRIPTION | {"servers": [{"url": "/"}]},  # the simulator, wherever it listens
    Config(extra_media_type_deserializers={"application/problem+json": json.loads}),
)


class Client(requests.Session):
    """Talks to a simulator as a user of the API does, regardless of the environment."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self.simulator = simulator
        self.trust_env = False
        self.verify = simulator.ca_path or True

    def call(self, operation: str, token: str = TOKEN, key: str | None = API_KEY, **options: Any) -> requests.Response:
        """Send a request; writes carry `token` unless `options` have a body."""
        method, path = ROUTES[operation].split()
        if operation in ("add", "replace") and "data" not in options:
            options["json"] = {"token": token, "isTokenReadonly": True}
        options["headers"] = {**({"Authorization": f"Bearer {key}"} if key else {}), **options.get("headers", {})}
        return self.request(method, self.simulator.url + path, **{"timeout": 10, "allow_redirects": False, **options})

    def checked(self, operation: str, **options: Any) -> requests.Response:
        """Send a request and fail unless the contract allows the response."""
        response = self.call(operation, **options)
        CONTRACT.validate_response(RequestsOpenAPIRequest(response.request), RequestsOpenAPIResponse(response))
        return response

    def abilities(self, token: str) -> requests.Response:
        """Ask PagerDuty whether it accepts a token, as the role's preflight does."""
        headers = {"Authorization": f"Token token={token}"}
        return self.get(f"{self.simulator.pagerduty_url}/abilities", headers=headers, timeout=10)

    def control(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request to a control route."""
        return self.request(method, self.simulator.control_url + path, timeout=10, **options)

# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of the two APIs, and invented secrets, which are as long as real ones."""

from __future__ import annotations

from typing import Any

GET = "GET /api/v1/pagerduty/default-configuration"
POST = "POST /api/v1/pagerduty/configuration"
PUT = "PUT /api/v1/pagerduty/configuration"
DELETE = "DELETE /api/v1/pagerduty/configurations"
VALIDATE = "POST /api/v1/pagerduty/configuration/validate"
ABILITIES = "GET /pagerduty/abilities"
#: Those of Cortex, by the simulator's names of the operations.
ROUTES = {"get": GET, "add": POST, "replace": PUT, "validate": VALIDATE, "delete": DELETE}

API_KEY = "ck_live_7Qm2vXw9LrT4bNz6KsY8dFh3JpG5aC1eU0iO"
TOKEN = "u+7FzQkLmN2pRsTvab12"
OTHER_TOKEN = "y_NbxKq81LtWzGh4cd34"
# Another token with the last four characters of TOKEN.
TWIN_TOKEN = "w3JkVnPq60XsBdMeab12"
THIRD_TOKEN = "Qe7_mHs2+VdKxRpLef56"


def api_key_of(workspace: str) -> str:
    """Return an API key for a workspace by this name."""
    return f"ck_live_{workspace}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"


def configuration(token: str = TOKEN, is_token_readonly: bool = True) -> dict[str, Any]:
    """Return the configuration in the simulator."""
    return {"token": token, "is_token_readonly": is_token_readonly}

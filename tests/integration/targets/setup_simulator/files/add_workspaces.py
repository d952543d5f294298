# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds workspaces to the simulator, with their configurations and faults, from JSON on standard input."""

from __future__ import annotations

import json
import sys

import requests

content = json.load(sys.stdin)
with requests.Session() as session:
    session.verify = content["ca_path"]

    def post(path: str, **body: object) -> None:
        session.post(f"{content['url']}/{path}", json=body, timeout=30).raise_for_status()

    post("rejected-tokens", tokens=content["rejected_tokens"])
    for prefix in content["prefixes"]:
        for workspace in content["workspaces"]:
            name = prefix + workspace["name"]
            post("workspaces", name=name, api_key=content["key"] % name, configuration=workspace.get("stored"))
            for fault in workspace.get("faults", []):
                post(f"workspaces/{name}/faults", **fault)

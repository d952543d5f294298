"""The requests of a task, on its own and after another client.

What is decided, written, undone and said is tested without sockets in tests/unit/plugins/module_utils and
tests/unit/walk.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import ABILITIES, DELETE, GET, OTHER_TOKEN, POST, PUT, TOKEN, VALIDATE, configuration
from tests.support.tasks import ROOT, RunTask, Stored

OLD, NEW = configuration(OTHER_TOKEN), configuration(TOKEN)


def test_one_task_takes_one_connection_to_each_host(
    config: RunTask, simulator: Simulator, workspace: Workspace
) -> None:
    workspace.fault("abilities", status=429)
    config(preflight=True, validate=True)
    assert simulator.requests == [GET, ABILITIES, ABILITIES, GET, POST, VALIDATE]
    connections = {(entry["operation"] == "abilities", entry["connection"]) for entry in simulator.log}
    assert len(connections) == simulator.connections == 2
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert {entry["user_agent"] for entry in simulator.log} == {f"ansible-collection-cortexapps.cortex/{version}"}


GONE = {"status": 404, "afterwards": {"configuration": None}}


@pytest.mark.parametrize(
    ("options", "stored", "fault", "sent", "after"),
    [
        ({}, None, ("get", {"afterwards": {"configuration": OLD}}), [GET, POST, GET, PUT], NEW),
        ({}, OLD, ("replace", GONE), [GET, PUT, GET, POST], NEW),
        ({"state": "absent"}, OLD, ("delete", GONE), [GET, DELETE], None),
        ({"validate": True}, None, ("validate", GONE), [GET, POST, VALIDATE], None),
        # Nothing was added in between, so there is another reason.
        *(({}, None, ("add", {"status": status}), [GET, POST, GET], None) for status in (400, 409)),
    ],
    ids=["added", "replace", "delete", "validate", "400", "409"],
)
def test_task_decides_anew_after_another_client(
    config: RunTask,
    workspace: Workspace,
    options: dict[str, Any],
    stored: Stored,
    fault: tuple[str, dict[str, Any]],
    sent: list[str],
    after: Stored,
) -> None:
    workspace.configuration = stored
    workspace.fault(fault[0], **fault[1])
    result = config(**options)
    assert (workspace.requests, workspace.configuration) == (sent, after)
    assert result["configuration"] == (after and {"is_token_readonly": True, "last_four": "ab12"})
    assert result["changed"] is (fault[0] != "add")
    assert result.get("failed", False) is (fault[0] in ("add", "validate"))
    if fault[0] == "validate":
        assert "Another client removed it before it could be validated. Current configuration: none." in result["msg"]

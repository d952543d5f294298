# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a workspace holds, and what the simulator remembers of the requests it has seen. Thread-safe throughout."""

from __future__ import annotations

import itertools
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from .faults import Fault, checked_configuration
from .rules import last_four

RATE_LIMIT_WINDOW_SECONDS = 60.0


def workspace_arguments(value: object) -> dict[str, Any]:
    """Return a workspace's description as arguments of `State.add_workspace`. Raises ValueError when it is not one."""
    optional = {"name", "configuration", "may_configure"}
    if not isinstance(value, dict) or not {"api_key"} <= value.keys() <= {"api_key", *optional}:
        raise ValueError(f"a workspace must be a mapping with api_key and, optionally, {', '.join(sorted(optional))}")
    return value


def _lists(content: object) -> dict[str, list[Any]]:
    """Return the lists in a file for `State.load`, empty where they are left out. Raises ValueError."""
    names = ("workspaces", "rejected_tokens")
    content = {} if content is None else content
    if not isinstance(content, dict) or not content.keys() <= set(names):
        raise ValueError(f"expected a mapping with the keys {' and '.join(names)}")
    lists = {name: [] if content.get(name) is None else content[name] for name in names}
    for name, value in lists.items():
        if not isinstance(value, list):
            raise ValueError(f"{name} must be a list")
    if not all(isinstance(token, str) for token in lists["rejected_tokens"]):
        raise ValueError("rejected_tokens must be a list of strings")
    return lists


class Workspace:
    """One Cortex workspace: an API key, at most one PagerDuty configuration, and the faults that await its requests."""

    def __init__(
        self,
        state: State,
        api_key: str,
        name: str,
        configuration: Mapping[str, Any] | None = None,
        may_configure: bool = True,
    ) -> None:
        self._state = state
        self.api_key = api_key
        self.name = name
        self.may_configure = may_configure
        self.faults: list[Fault] = []
        self._configuration = checked_configuration(configuration)
        self._window_start = -math.inf
        self._window_requests = 0

    @property
    def configuration(self) -> dict[str, Any] | None:
        """What is stored, as ``{"token": str, "is_token_readonly": bool}``; None when there is nothing. Settable."""
        with self._state.lock:
            return None if self._configuration is None else dict(self._configuration)

    @configuration.setter
    def configuration(self, value: Mapping[str, Any] | None) -> None:
        checked = checked_configuration(value)
        with self._state.lock:
            self._configuration = checked

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log entries of its requests, oldest first."""
        return self._state.log(self.name)

    @property
    def requests(self) -> list[str]:
        """Its requests as ``"METHOD /path"``, without the simulator's prefix, oldest first."""
        return [f"{entry['method']} {entry['path']}" for entry in self.log]

    def fault(self, operation: str, **fields: Any) -> Fault:
        """Queue a fault for this workspace's requests (see `Fault` for the fields) and return it.

        Raises ValueError or TypeError when a field is unknown or makes no sense.
        """
        return self._state.fault(self, operation, **fields)

    def clear_faults(self) -> None:
        """Forget the faults that are still queued."""
        with self._state.lock:
            self.faults.clear()

    def seconds_over_limit(self) -> int | None:
        """Count one request; return None when the rate limit allows it, else the seconds to wait."""
        limit = self._state.rate_limit
        if limit is None:
            return None
        with self._state.lock:
            now = self._state.clock()
            if now >= self._window_start + RATE_LIMIT_WINDOW_SECONDS:
                self._window_start, self._window_requests = now, 0
            if self._window_requests < limit:
                self._window_requests += 1
                return None
            return math.ceil(self._window_start + RATE_LIMIT_WINDOW_SECONDS - now)


class State:
    """Everything a running simulator knows.

    `rate_limit` is in requests a minute for each API key (None: no limit); `clock` returns monotonic seconds.
    """

    def __init__(
        self,
        rate_limit: int | None = None,
        log_path: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if rate_limit is not None and rate_limit < 1:
            raise ValueError("rate_limit must be at least 1 request a minute")
        self.lock = threading.RLock()
        self.rate_limit = rate_limit
        self.clock = clock
        self.workspaces: dict[str, Workspace] = {}
        self.rejected_tokens: set[str] = set()
        self.faults: list[Fault] = []
        self._by_key: dict[str, Workspace] = {}
        self._at_start: dict[str, list[Any]] = _lists(None)
        self._entries: list[dict[str, Any]] = []
        self._connection_numbers = itertools.count(1)
        self._control_connections: set[int] = set()
        self._connections = self._handshakes = 0
        self._log_file: IO[str] | None = None
        if log_path is not None:
            self._log_file = log_path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        """Close the log file."""
        with self.lock:
            if self._log_file is not None:
                self._log_file.close()
                self._log_file = None

    # Workspaces

    def add_workspace(
        self,
        api_key: str,
        name: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        may_configure: bool = True,
    ) -> Workspace:
        """Create a workspace. Raises ValueError when its name or its API key is taken or not a proper one."""
        with self.lock:
            if name is None:
                name = f"workspace-{len(self.workspaces) + 1}"
            if not isinstance(api_key, str) or not api_key:
                raise ValueError("api_key must be a string that is not empty")
            if not isinstance(name, str) or not name or "/" in name:
                raise ValueError("name must be a string that is not empty and has no slash")
            if not isinstance(may_configure, bool):
                raise ValueError("may_configure must be true or false")
            if name in self.workspaces:
                raise ValueError(f"there is a workspace {name} already")
            if api_key in self._by_key:
                raise ValueError(f"workspace {self._by_key[api_key].name} has the same API key")
            workspace = Workspace(self, api_key, name, configuration, may_configure)
            self.workspaces[name] = self._by_key[api_key] = workspace
            return workspace

    def remove_workspace(self, name: str) -> None:
        """Remove a workspace, so that its API key is unknown. Raises KeyError when there is no such workspace."""
        with self.lock:
            workspace = self.workspaces.pop(name)
            del self._by_key[workspace.api_key]

    def find(self, api_key: str | None) -> Workspace | None:
        """Return the workspace that an API key belongs to."""
        with self.lock:
            return None if api_key is None else self._by_key.get(api_key)

    def load(self, path: Path) -> None:
        """Add the workspaces and rejected tokens of a YAML file; `reset` returns to them.

        Raises ValueError when the file does not hold what README.md describes.
        """
        import yaml

        with self.lock:
            try:
                self._at_start = _lists(yaml.safe_load(path.read_text(encoding="utf-8")))
                self._restore_start()
            except (yaml.YAMLError, ValueError) as error:
                raise ValueError(f"{path}: {error}") from error

    def _restore_start(self) -> None:
        for workspace in self._at_start["workspaces"]:
            self.add_workspace(**workspace_arguments(workspace))
        self.rejected_tokens.update(self._at_start["rejected_tokens"])

    def reset(self) -> None:
        """Forget workspaces, faults, rejected tokens, log and totals, and return to the file given at the start."""
        with self.lock:
            self.workspaces.clear()
            self._by_key.clear()
            self.rejected_tokens.clear()
            self.faults.clear()
            self.clear_log()
            self._restore_start()

    # Faults

    def fault(self, workspace: Workspace | None, /, operation: str, **fields: Any) -> Fault:
        """Queue a fault for the requests of a workspace, or of all, and return it.

        Raises ValueError or TypeError when a field is unknown or makes no sense.
        """
        fault = Fault(operation, **fields)
        if workspace is None and operation == "abilities" and fault.afterwards is not None:
            raise ValueError("afterwards of abilities needs a workspace: queue the fault for one")
        with self.lock:
            (workspace or self).faults.append(fault)
        return fault

    def take_fault(self, workspace: Workspace | None, operation: str) -> tuple[Fault | None, Workspace | None]:
        """Use up and return the next fault for a request, and the workspace that it is about.

        The workspace's own queue comes before the simulator's. PagerDuty knows no workspaces, so a request to it meets
        what any workspace has queued for ``abilities``, and is then about that one.
        """
        with self.lock:
            owners = [workspace] if workspace else []
            if operation == "abilities":
                owners = [*self.workspaces.values()]
            queues = [*((owner.faults, owner) for owner in owners), (self.faults, workspace)]
            waiting = [(fault, queue, about) for queue, about in queues for fault in queue if fault.matches(operation)]
            due = next((each for each in waiting if each[0].skip == 0), None)
            for fault, _queue, _about in waiting:
                fault.skip = max(fault.skip - 1, 0)
            if due is None:
                return None, workspace
            fault, queue, about = due
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    queue.remove(fault)
            return fault, about

    # Log

    def count_connection(self) -> int:
        """Count a TCP connection and return its number, which no later connection gets again."""
        with self.lock:
            self._connections += 1
            return next(self._connection_numbers)

    def count_handshake(self) -> None:
        """Count a completed TLS handshake."""
        with self.lock:
            self._handshakes += 1

    def discount_connection(self, number: int, handshake: bool) -> None:
        """Take a connection out of the totals: it serves control routes, whose use must not change what they tell."""
        with self.lock:
            if number not in self._control_connections:
                self._control_connections.add(number)
                self._connections -= 1
                self._handshakes -= handshake

    def begin(
        self,
        workspace: Workspace | None,
        operation: str | None,
        method: str,
        path: str,
        connection: int | None,
        user_agent: str | None,
        sent: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Enter a request in the log as it arrives, so that one that is still being delayed shows too."""
        token = sent["token"] if sent else ""
        with self.lock:
            entry = {
                "sequence": len(self._entries) + 1,
                "workspace": workspace.name if workspace else None,
                "operation": operation,
                "method": method,
                "path": path,
                "status": None,
                "connection": connection,
                "time": time.monotonic(),
                "user_agent": user_agent,
                "is_token_readonly": sent["isTokenReadonly"] if sent else None,
                # Of a token that short, the last four characters would be the whole secret.
                "last_four": last_four(token) if len(token) > 4 else None,
            }
            self._entries.append(entry)
            return entry

    def end(self, entry: dict[str, Any], status: int | None) -> None:
        """Note the status of the response to a request (None: the connection was dropped)."""
        with self.lock:
            entry["status"] = status
            if self._log_file is not None:
                self._log_file.write(json.dumps(entry) + "\n")

    def log(self, workspace: str | None = None) -> list[dict[str, Any]]:
        """Return copies of the log entries, oldest first; with `workspace` those of that workspace."""
        with self.lock:
            return [dict(entry) for entry in self._entries if workspace in (None, entry["workspace"])]

    def clear_log(self) -> None:
        """Forget the log entries and begin the totals at zero (connections keep their numbers)."""
        with self.lock:
            self._entries.clear()
            self._connections = self._handshakes = 0

    @property
    def totals(self) -> dict[str, int]:
        """How many requests, TCP connections and completed TLS handshakes there were since the log was cleared."""
        with self.lock:
            return {
                "requests": len(self._entries),
                "connections": self._connections,
                "handshakes": self._handshakes,
            }

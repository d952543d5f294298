# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the workspaces, and the log of the requests. Thread-safe throughout."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, validate_call

from .faults import Fault
from .validation import STRICT, ApiKey, Changes, Configuration, Name, Settings, Start, Text, explain

RATE_LIMIT_WINDOW_SECONDS = 60.0
_CONFIGURATION: TypeAdapter[dict[str, Any] | None] = TypeAdapter(Configuration | None)


class Scope:
    """The owner of faults and log entries: the workspace with a name, or the whole simulator."""

    def __init__(self, lock: threading.RLock, entries: list[dict[str, Any]], name: str | None = None) -> None:
        self.lock = lock
        self.name = name
        self.faults: list[Fault] = []
        self._entries = entries

    def fault(self, operation: object = None, **fields: Any) -> Fault:
        """Queue a fault (README.md describes the fields) and return it.

        Raises ValueError when a field is unknown or makes no sense.
        """
        fault = Fault(operation=operation, **fields)  # type: ignore[arg-type]  # Pydantic checks it
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        with self.lock:
            self.faults.clear()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Copies of the log entries, oldest first."""
        with self.lock:
            return [dict(entry) for entry in self._entries if self.name in (None, entry["workspace"])]

    @property
    def requests(self) -> list[str]:
        """The requests as ``"METHOD /path"``, without the simulator's prefix, oldest first."""
        return [f"{entry['method']} {entry['path']}" for entry in self.log]


class Workspace(Scope):
    """One Cortex workspace: an API key, at most one PagerDuty configuration, and the faults for its requests."""

    def __init__(
        self, state: State, api_key: str, name: str, configuration: Configuration | None, may_configure: bool
    ) -> None:
        super().__init__(state.lock, state._entries, name)
        self.api_key = api_key
        self.may_configure = may_configure
        self.configuration = configuration

    @property
    def configuration(self) -> dict[str, Any] | None:
        """What is stored, as ``{"token": str, "is_token_readonly": bool}``; None when there is nothing. Settable."""
        return self._configuration and self._configuration.copy()

    @configuration.setter
    def configuration(self, value: Mapping[str, Any] | None) -> None:
        with self.lock:
            self._configuration = _CONFIGURATION.validate_python(value)

    def change(self, changes: Changes) -> None:
        for name, value in changes.items():
            setattr(self, name, value)

    def describe(self) -> dict[str, Any]:
        """Return its form in the control routes."""
        shown = {name: getattr(self, name) for name in ("name", "configuration", "may_configure")}
        return {**shown, "faults": [fault.describe() for fault in self.faults]}


class State(Scope):
    """Everything a running simulator knows. The faults in its own queue are for all workspaces.

    `clock` returns monotonic seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        super().__init__(threading.RLock(), [])
        self.settings = self._settings_at_start = settings
        self._clock = clock
        #: For each client when its window began, and how many requests it has sent since.
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self.workspaces: dict[str, Workspace] = {}
        self.rejected_tokens: set[str] = set()
        self._start = Start()
        #: By the server's object for a TCP connection.
        self._connection_numbers: dict[object, int] = {}
        #: What `close` ends, the last one first.
        self.resources = contextlib.ExitStack()

    def close(self) -> None:
        """Stop serving; open connections are closed. May be called more than once."""
        self.resources.close()

    # Workspaces and tokens

    @validate_call(config=STRICT)
    def add_workspace(
        self,
        api_key: ApiKey,
        name: Name | None = None,
        configuration: Configuration | None = None,
        may_configure: bool = True,
    ) -> Workspace:
        """Create a workspace. Raises ValueError when its name or its API key is taken or not a proper one."""
        with self.lock:
            name = name or f"workspace-{len(self.workspaces) + 1}"
            if name in self.workspaces:
                raise ValueError(f"there is a workspace {name} already")
            owner = self.find(api_key)
            if owner is not None:
                raise ValueError(f"workspace {owner.name} has the same API key")
            self.workspaces[name] = Workspace(self, api_key, name, configuration, may_configure)
            return self.workspaces[name]

    def find(self, api_key: str | None) -> Workspace | None:
        """Return the workspace that an API key belongs to."""
        with self.lock:
            return next((each for each in self.workspaces.values() if each.api_key == api_key), None)

    def reject_token(self, token: str) -> None:
        """Have PagerDuty refuse a token from now on."""
        self.reject_tokens([token])

    @validate_call(config=STRICT)
    def reject_tokens(self, tokens: list[Text]) -> None:
        self.rejected_tokens.update(tokens)

    def load(self, path: Path) -> None:
        """Return to the state that a YAML file describes (see README.md); so does `reset` from now on.

        Raises ValueError when it is not such a file.
        """
        try:
            self._start = Start.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
            self.reset()
        except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: {explain(error)}") from error

    def reset(self) -> None:
        """Return to the state at the start: only the workspaces that `load` added, and an empty log."""
        with self.lock:
            self.settings = self._settings_at_start
            self._windows.clear()
            self.workspaces.clear()
            self.rejected_tokens.clear()
            self.clear_faults()
            self.clear_log()
            self.reject_tokens(self._start.rejected_tokens or [])
            for workspace in self._start.workspaces or []:
                self.add_workspace(**workspace)

    # Rate limits

    def count_request(self, api: str, client: str, limit: int) -> tuple[int, int]:
        """Count a request of a client; return how many more it may send (-1: not even this one) until when.

        The limit is in requests a minute, and the time in seconds from now.
        """
        with self.lock:
            now = self._clock()
            start, requests = self._windows.get((api, client), (-math.inf, 0))
            if now >= start + RATE_LIMIT_WINDOW_SECONDS:
                start, requests = now, 0
            requests = min(requests, limit) + 1
            self._windows[api, client] = start, requests
            return limit - requests, math.ceil(start + RATE_LIMIT_WINDOW_SECONDS - now)

    # Faults

    def fault(self, operation: object = None, **fields: Any) -> Fault:
        if operation == "abilities" and fields.get("afterwards") is not None:
            raise ValueError("afterwards of abilities needs a workspace: queue the fault for one")
        return super().fault(operation, **fields)

    def take_fault(self, workspace: Workspace | None, operation: str) -> tuple[Fault | None, Workspace | None]:
        """Use up and return the next fault for a request, and the workspace that it is about.

        The workspace's own queue comes before the simulator's. PagerDuty knows no workspaces, so a request to it meets
        what any workspace has queued for ``abilities``, and is then about that one.
        """
        with self.lock:
            owners = [*self.workspaces.values()] if operation == "abilities" else [workspace] if workspace else []
            waiting = [(each, fault) for each in (*owners, self) for fault in each.faults if fault.matches(operation)]
            owner, due = next((each for each in waiting if each[1].skip == 0), (self, None))
            for _owner, fault in waiting:
                if fault.skip:
                    fault.skip -= 1
            if due is not None and due.times is not None:
                due.times -= 1
                if due.times == 0:
                    owner.faults.remove(due)
            return due, owner if isinstance(owner, Workspace) else workspace

    # Log

    def begin(
        self, connection: object, workspace: Workspace | None, sent: dict[str, Any] | None, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Enter a request in the log as it arrives, so that one that is still being delayed shows too."""
        token = sent["token"] if sent else ""
        with self.lock:
            entry = {
                "sequence": len(self._entries) + 1,
                "workspace": workspace.name if workspace else None,
                **request,
                "status": None,
                "connection": self._connection_numbers.setdefault(connection, len(self._connection_numbers) + 1),
                "time": time.monotonic(),
                "is_token_readonly": sent["is_token_readonly"] if sent else None,
                # Of a token that short, the last four characters would be the whole secret.
                "last_four": token[-4:] if len(token) > 4 else None,
            }
            self._entries.append(entry)
            return entry

    def end(self, entry: dict[str, Any], status: int | None) -> None:
        """Note the status of the response to a request (None: the connection was dropped)."""
        with self.lock:
            entry["status"] = status

    def clear_log(self) -> None:
        """Forget the log entries (connections keep their numbers)."""
        with self.lock:
            self._entries.clear()

    @property
    def connections(self) -> int:
        """How many TCP connections the requests in the log came through."""
        return len({entry["connection"] for entry in self.log})

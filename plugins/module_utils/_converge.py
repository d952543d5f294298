# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Performs the steps of a task until it is finished, and returns its knowledge."""

from __future__ import annotations

import os
import random
import time
import typing as t
from contextlib import ExitStack, closing

from ._cortex import Cortex
from ._decision import Goal, next_step
from ._errors import (
    ConflictError,
    CortexError,
    DifferentConfigurationError,
    Failure,
    NotFoundError,
    RequestError,
    TokenRejectedError,
)
from ._knowledge import (
    CheckToken,
    ConfigurationMissing,
    Event,
    Finish,
    Knowledge,
    Predict,
    Read,
    Request,
    RequestFailed,
    ResponseDiffered,
    StateRead,
    TokenAccepted,
    TokenRejected,
    Validated,
    Wait,
    Waited,
    Write,
    WriteAccepted,
    WriteConflicted,
    WritePredicted,
    WriteSent,
    learn,
)
from ._options import check_config, check_connection
from ._pagerduty_api import PagerDuty
from ._result import config_values, current_configuration, info_values
from ._values import Configuration

# Seconds. A task that runs in Ansible's process says that it waits so long: nothing should hang without a word.
SHOWN_WAIT = 5
# The meaning of a request's error for the task.
_FAILURES: dict[type[RequestError], type[RequestFailed]] = {
    NotFoundError: ConfigurationMissing,
    ConflictError: WriteConflicted,
    TokenRejectedError: TokenRejected,
    DifferentConfigurationError: ResponseDiffered,
}


class Task:
    """A task, and its knowledge at any moment.

    :param params: the validated options.
    :param show: shows the user a sentence while the task goes on.
    :ivar warnings: for the user.
    """

    def __init__(
        self, params: t.Mapping[str, t.Any], check_mode: bool, show: t.Callable[[str], None] | None = None
    ) -> None:
        self._params = params
        self._check_mode = check_mode
        self._show = show
        self._knowledge = Knowledge()
        self.warnings: list[str] = []

    def run(self) -> dict[str, t.Any]:
        """Run the task, and return its return values, whether it succeeded or failed."""
        try:
            failure = self._converge()
        except CortexError as error:
            failure = error.failure
        except Exception as exc:  # noqa: BLE001 - the text of an unknown exception could contain a secret
            failure = _unexpected(exc)
        return self.failed(failure) if failure else self.values()

    def values(self) -> dict[str, t.Any]:
        """Return the return values as they are now."""
        raise NotImplementedError

    def failed(self, failure: Failure) -> dict[str, t.Any]:
        """Return the return values of a failed task as they are now."""
        said = {name: getattr(failure, name) for name in ("http_status", "request_id", "error_type")}
        details = {name: value for name, value in said.items() if value is not None}
        return {**self.values(), **details, "failed": True, "msg": failure.message}

    def _converge(self) -> Failure | None:
        self.warnings += self._check_options()
        goal = self._goal()
        with ExitStack() as sessions:
            performer = Performer(self._params, sessions, self._announce_wait)
            while True:
                step = next_step(self._knowledge, goal)
                if isinstance(step, Finish):
                    return step.failure
                if isinstance(step, Write):
                    self._knowledge = learn(self._knowledge, WriteSent(step))
                self._knowledge = learn(self._knowledge, performer.perform(step))

    def _announce_wait(self, seconds: float) -> None:
        failed = self._knowledge.failed or self._knowledge.write_failed
        if self._show and failed and seconds >= SHOWN_WAIT:
            self._show(f"Waiting {seconds:.0f} s before the next request. {failed.failure.sentences[0]}")

    def _check_options(self) -> list[str]:
        raise NotImplementedError

    def _goal(self) -> Goal:
        raise NotImplementedError


class ConfigTask(Task):
    """Brings the workspace to the desired state, and validates the stored configuration if asked to."""

    def values(self) -> dict[str, t.Any]:
        return config_values(self._knowledge)

    def failed(self, failure: Failure) -> dict[str, t.Any]:
        return super().failed(failure.extended(current_configuration(self._knowledge)))

    def _check_options(self) -> list[str]:
        return check_config(self._params)

    def _goal(self) -> Goal:
        params = self._params
        desired = None
        if params["state"] == "present":
            desired = Configuration(params["is_token_readonly"], params["token"][-4:])
        previous = params["previous_token"]
        same_name = ("update_token", "preflight", "validate", "rollback", "previous_is_token_readonly", "retries")
        return Goal(
            desired=desired,
            previous_last_four=previous[-4:] if previous else None,
            check_mode=self._check_mode,
            **{name: params[name] for name in same_name},
        )


class InfoTask(Task):
    """Reads the configuration and, if asked to, has Cortex validate it."""

    def values(self) -> dict[str, t.Any]:
        return info_values(self._knowledge)

    def _check_options(self) -> list[str]:
        return check_connection(self._params)

    def _goal(self) -> Goal:
        return Goal(reads_only=True, validate=self._params["validate"], retries=self._params["retries"])


class Performer:
    """Performs single steps.

    :param params: the options of the task.
    :param sessions: closes the sessions that are opened here.
    :param announce_wait: is called with the seconds of each wait, before it.
    """

    def __init__(
        self, params: t.Mapping[str, t.Any], sessions: ExitStack, announce_wait: t.Callable[[float], None]
    ) -> None:
        self._params = params
        self._sessions = sessions
        self._announce_wait = announce_wait
        secrets = [params.get("token"), params.get("previous_token")]
        self._cortex = sessions.enter_context(closing(Cortex(params, secrets)))
        self._pagerduty: PagerDuty | None = None

    def perform(self, step: Request | Predict | Wait) -> Event:
        """Perform a step, and return its outcome."""
        if isinstance(step, Predict):
            return WritePredicted(step.write)
        if isinstance(step, Wait):
            # At random, so that many workspaces that were refused together do not come back together.
            seconds = step.retry_after + step.backoff * random.uniform(0.5, 1.0)
            self._announce_wait(seconds)
            time.sleep(seconds)
            return Waited(seconds)
        try:
            if isinstance(step, Read):
                return StateRead(self._cortex.read())
            if isinstance(step, CheckToken):
                self._ask_pagerduty()
                return TokenAccepted()
            if isinstance(step, Write):
                self._write(step)
                return WriteAccepted(step)
            return Validated(self._cortex.validate())
        except RequestError as error:
            return _FAILURES.get(type(error), RequestFailed)(step, error.failure)

    def _ask_pagerduty(self) -> None:
        if self._pagerduty is None:
            pagerduty = PagerDuty(self._params, self._params["token"], self._params["preflight_url"])
            self._pagerduty = self._sessions.enter_context(closing(pagerduty))
        self._pagerduty.ask()

    def _write(self, write: Write) -> None:
        if write.after is None:
            self._cortex.delete()
        else:
            store = self._cortex.add if write.operation == "add" else self._cortex.replace
            store(self._params[write.token], write.after.is_token_readonly)


def _unexpected(exc: Exception) -> Failure:
    frame = exc.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f" in {os.path.basename(frame.tb_frame.f_code.co_filename)}, line {frame.tb_lineno}" if frame else ""
    return Failure(
        (
            f"An unexpected error occurred: {type(exc).__name__}{place}.",
            "Report it at https://github.com/cortexapps/ansible-collection-cortex/issues.",
        )
    )

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a workspace to the desired state: plan, preflight, write, validate, roll back; the result at any moment."""

from __future__ import annotations

import typing as t

from ._client import Attempts
from ._cortex import ADD, DELETE, REPLACE, Configuration, Cortex
from ._diagnosis import Operation
from ._errors import (
    ApiError,
    ConflictError,
    CortexError,
    DifferentConfigurationError,
    InvalidOptionError,
    NotFoundError,
    NotValidError,
    RequestError,
    TokenRejectedError,
)
from ._options import check_config
from ._pagerduty_api import check_token
from ._redaction import one_line
from ._task import Task, validation_value

# What a write is rejected with if another client came first: a configuration exists by now, or no longer.
_CONFLICTS = {ADD: (400, 409), REPLACE: (404,)}


class Unknown:
    """What could not be found out."""


UNKNOWN = Unknown()


class Desired(t.NamedTuple):
    """What is to be stored. The token and the flag count where ``state`` is present."""

    state: str
    token: str = ""
    is_token_readonly: bool = False
    update_token: str = "on_change"


class Plan(t.NamedTuple):
    """The write to send (None: nothing to do) and the configuration after it (None: none)."""

    write: Operation | None
    after: Configuration | None


def plan(stored: Configuration | None, desired: Desired) -> Plan:
    """Return what leads from the stored configuration to the desired state. Pure."""
    if desired.state == "absent":
        return Plan(DELETE if stored else None, None)
    after = Configuration(desired.is_token_readonly, desired.token[-4:])
    if stored is None:
        return Plan(ADD, after)
    token_differs = stored.last_four != after.last_four
    send_token = desired.update_token == "always" or (desired.update_token == "on_change" and token_differs)
    if send_token or stored.is_token_readonly != after.is_token_readonly:
        return Plan(REPLACE, after)
    return Plan(None, stored)


class Result:
    """What is known about a workspace and what was done to it, at any moment.

    :ivar validation: Cortex's verdict, as the return value of this name.
    :ivar preflight: whether PagerDuty accepts the token; None if that is unknown.
    """

    def __init__(self) -> None:
        self.validation: dict[str, t.Any] | None = None
        self.preflight: bool | None = None
        # None stands for no configuration. In check mode they are as they would be.
        self._before: Configuration | Unknown | None = UNKNOWN
        self._after: Configuration | Unknown | None = UNKNOWN
        # A write is under way, or was sent and nobody knows what became of it.
        self._is_pending = False
        self._may_have_written = False
        self._has_written = False
        self._rolled_back = False
        self._token_note: str | None = None

    def record_read(self, stored: Configuration | None) -> None:
        """Record what is stored. As long as this task cannot have written, that is what was there before."""
        if not self._may_have_written:
            self._before = stored
        elif stored != self._after:
            # It may be the work of this task, whatever another client does later.
            self._has_written = True
        self._after = stored
        self._is_pending = False
        self._token_note = None

    def record_sending(self) -> None:
        """Record that a write is being sent. Until more is known, it may have been applied."""
        self._is_pending = True

    def record_write(self, done: Plan) -> None:
        """Record a write as applied (in check mode: as it would be)."""
        self._after = done.after
        self._has_written = self._may_have_written = True
        self._is_pending = False
        self._token_note = "sent again" if done.write is REPLACE else None

    def record_read_back(self, stored: Configuration | None, sent: Plan) -> None:
        """Record what is stored after a write whose outcome was unknown."""
        self._may_have_written = True
        self.record_read(stored)
        if stored == sent.after:
            self.record_write(sent)
            if stored == self._before:
                self._token_note = "may have been sent again"

    def record_rejection(self) -> None:
        """Record that the write was not applied."""
        self._is_pending = False

    def record_conflict(self) -> None:
        """Record that the write was not applied because something else is stored by now."""
        self._after = UNKNOWN
        self._is_pending = False
        self._token_note = None

    def record_removal(self) -> None:
        """Record that another client removed the configuration."""
        self._after = None
        self._token_note = None

    def record_rollback(self) -> None:
        """Record that the write of this task was undone."""
        self._rolled_back = True
        self._token_note = "restored" if self._after else None

    def values(self) -> dict[str, t.Any]:
        """Return the return values."""
        current = self._current
        before, after = _state(self._before), _state(current)
        if self._token_note and current is self._after:
            before["token"] = "stored"
            after["token"] = self._token_note
        return {
            "changed": self._changed,
            "configuration": current._asdict() if isinstance(current, Configuration) else None,
            "validation": self.validation,
            "preflight": self.preflight,
            "rolled_back": self._rolled_back,
            "diff": {"before": before, "after": after},
        }

    def current_configuration(self) -> str:
        """Return the sentence that says what is stored now."""
        current = self._current
        if isinstance(current, Unknown):
            if self._changed:
                return "The current configuration is unknown: the write may have been applied."
            return "Nothing was changed."
        what = "none"
        if current:
            flag = str(current.is_token_readonly).lower()
            what = f"a token ending in {one_line(current.last_four)}, is_token_readonly={flag}"
        note = ""
        if current == self._before:
            note = " (unchanged)" if not self._changed else f" (token {self._token_note})" if self._token_note else ""
        return f"Current configuration: {what}{note}."

    @property
    def _changed(self) -> bool:
        return self._is_pending or self._has_written

    @property
    def _current(self) -> Configuration | Unknown | None:
        return UNKNOWN if self._is_pending else self._after


def _state(configuration: Configuration | Unknown | None) -> dict[str, t.Any]:
    if isinstance(configuration, Configuration):
        return {"state": "present", **configuration._asdict()}
    return {"state": "absent" if configuration is None else "unknown"}


class Convergence(Task):
    """Brings the workspace to the desired state, and validates what is stored if asked to."""

    _cortex: Cortex

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool) -> None:
        super().__init__(params, check_mode)
        self._result = Result()
        self._desired = Desired(
            params["state"], params["token"] or "", bool(params["is_token_readonly"]), params["update_token"]
        )
        # What a write of this task last found; None as long as each of them found nothing.
        self._replaced: Configuration | None = None

    def run(self) -> None:
        self.warnings += check_config(self._params)
        with self._connect(self._params["token"], self._params["previous_token"]) as self._cortex:
            stored = self._cortex.read()
            self._result.record_read(stored)
            written = self._apply(self._desired, self._plan_write, stored)
            is_predicted = written and self._check_mode
            if self._params["validate"] and self._desired.state == "present" and not is_predicted:
                self._validate(written)

    def values(self) -> dict[str, t.Any]:
        return self._result.values()

    def failure(self, error: CortexError) -> dict[str, t.Any]:
        error.sentences.append(self._result.current_configuration())
        return super().failure(error)

    def _plan_write(self, stored: Configuration | None) -> Plan:
        """Return the plan for what is stored, after all that must precede a write of the token.

        :raises InvalidOptionError: when the previous token is not the stored one.
        :raises PreflightError: when PagerDuty does not accept the token, or could not be asked.
        """
        planned = plan(stored, self._desired)
        if planned.write in (ADD, REPLACE):
            self._check_previous_token(stored)
            if self._params["preflight"] and self._result.preflight is None:
                self._ask_pagerduty()
            self._replaced = stored or self._replaced
        return planned

    def _check_previous_token(self, stored: Configuration | None) -> None:
        previous = self._params["previous_token"]
        if not (self._params["validate"] and self._params["rollback"] and previous and stored):
            return
        if stored.last_four not in (self._desired.token[-4:], previous[-4:]):
            raise InvalidOptionError(
                f"previous_token is not the stored token, which ends in {one_line(stored.last_four)}.",
                "To store previous_token would not restore what is there now.",
            )

    def _ask_pagerduty(self) -> None:
        options = {name: self._params[name] for name in ("preflight_url", "timeout", "retries")}
        try:
            check_token(self._desired.token, **options)
        except TokenRejectedError:
            self._result.preflight = False
            raise
        self._result.preflight = True

    def _apply(
        self,
        desired: Desired,
        plan_write: t.Callable[[Configuration | None], Plan],
        stored: Configuration | None,
    ) -> Plan | None:
        """Send writes until the plan for what is stored has none left.

        A write whose outcome is unknown, or that was rejected because another client came first, is followed by a read
        and a new plan, never by the same write blindly.

        :returns: the write that Cortex accepted, if any (in check mode: the one that would be sent).
        :raises CortexError: when the desired state was not reached.
        """
        attempts = Attempts(self._params["retries"])
        rejected: list[Operation] = []
        written = None
        planned = plan_write(stored)
        while planned.write:
            if self._check_mode:
                self._result.record_write(planned)
                return planned
            self._result.record_sending()
            try:
                self._cortex.write(planned.write, desired.token, desired.is_token_readonly, planned.after)
            except RequestError as error:
                is_conflict = isinstance(error, ApiError) and error.http_status in _CONFLICTS.get(planned.write, ())
                if error.outcome_unknown:
                    stored = self._find_out(planned, error, attempts)
                    written = planned if stored == planned.after else written
                    if stored == planned.after and isinstance(error, DifferentConfigurationError):
                        return written
                elif is_conflict:
                    stored = self._look_again(error)
                else:
                    self._result.record_rejection()
                    raise
                following = plan_write(stored)
                # One conflict is a race. The same again has another reason.
                if is_conflict and following.write and planned.write in (following.write, *rejected):
                    raise
                if error.outcome_unknown and following.write and attempts.are_used_up(error):
                    attempts.explain(error)
                    raise
                rejected += [planned.write] if is_conflict else []
                planned = following
            else:
                self._result.record_write(planned)
                return planned
        return written

    def _find_out(self, sent: Plan, error: RequestError, attempts: Attempts) -> Configuration | None:
        """Return what is stored after a write whose outcome is unknown.

        :raises RequestError: the error of the write, when that could not be read.
        """
        attempts.record_failure()
        if error.retryable:
            attempts.wait(error)
        stored = self._read_back(error)
        self._result.record_read_back(stored, sent)
        return stored

    def _look_again(self, error: RequestError) -> Configuration | None:
        """Return what is stored after a write was rejected because another client came first.

        :raises RequestError: the error of the write, when that could not be read.
        """
        self._result.record_conflict()
        stored = self._read_back(error)
        self._result.record_read(stored)
        return stored

    def _read_back(self, error: RequestError) -> Configuration | None:
        try:
            return self._cortex.read()
        except RequestError as exc:
            error.sentences += ["Reading the current configuration failed too.", *exc.sentences]
            raise error from None

    def _validate(self, written: Plan | None) -> None:
        """Have Cortex validate what is stored, and undo the write of this task if that is asked for.

        :raises NotValidError: when Cortex says that the stored token is not valid.
        :raises RequestError: when it gave no verdict.
        """
        try:
            verdicts = self._cortex.validate()
        except RequestError as error:
            if isinstance(error, NotFoundError):
                self._result.record_removal()
                error.sentences.append("Another client removed it before it could be validated.")
            if self._params["rollback"]:
                error.sentences.append("Nothing was rolled back: Cortex gave no verdict.")
            raise
        self._result.validation = validation_value(verdicts)
        if self._result.validation["is_valid"]:
            return
        reasons = [verdict.message.rstrip(". ") for verdict in verdicts if verdict.message]
        reason = one_line("; ".join(reasons)) or ("it gives no reason" if verdicts else "it lists no verdict")
        not_valid = NotValidError(f"Cortex says that the stored PagerDuty token is not valid: {reason}.")
        if self._params["rollback"]:
            if not written:
                not_valid.sentences.append("Nothing was rolled back: this task did not write the token.")
            elif not verdicts:
                not_valid.sentences.append("Nothing was rolled back: Cortex gave no verdict.")
            else:
                self._roll_back(written, not_valid)
        raise not_valid

    def _roll_back(self, written: Plan, error: NotValidError) -> None:
        """Undo the write of this task if that is possible, and add to the error what became of it."""
        previous = self._params["previous_token"]
        flag = self._params["previous_is_token_readonly"]
        if self._replaced is None:
            desired = Desired("absent")
        elif not previous:
            error.sentences.append(
                "Nothing was rolled back: Cortex does not return the token that was stored before, and previous_token "
                "is not set."
            )
            return
        elif self._replaced.last_four == self._desired.token[-4:]:
            error.sentences.append(
                "Nothing was rolled back: the token that was stored before had the same last four characters, so there "
                "is no token to go back to."
            )
            return
        else:
            desired = Desired("present", previous, self._replaced.is_token_readonly if flag is None else flag)
        try:
            self._undo(written, desired)
        except ConflictError as conflict:
            error.sentences += conflict.sentences
        except RequestError as failure:
            error.sentences += ["The rollback failed.", *failure.sentences]
            error.cause = failure
        else:
            self._result.record_rollback()
            error.sentences.append(
                "Rolled back: the configuration is removed again."
                if desired.state == "absent"
                else "Rolled back: the previous token is stored again."
            )

    def _undo(self, written: Plan, desired: Desired) -> None:
        """Go back to the desired state, as long as nobody else has written.

        :raises ConflictError: when another client has.
        :raises RequestError: when that failed.
        """
        stored = self._cortex.read()
        if stored != written.after:
            self._result.record_read(stored)
            raise ConflictError("Nothing was rolled back: another client changed the configuration.")
        restored = plan(written.after, desired._replace(update_token="always"))

        def plan_undo(stored: Configuration | None) -> Plan:
            if stored == restored.after:
                return Plan(None, stored)
            if stored != written.after:
                raise ConflictError("The rollback was given up: another client changed the configuration.")
            # What is stored is this task's write, also where it had to be read again.
            self._result.record_write(written)
            return restored

        self._apply(desired, plan_undo, stored)

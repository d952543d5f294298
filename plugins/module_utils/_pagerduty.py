# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Cortex workspace's PagerDuty configuration: its five operations, the decision what to do, and doing it.

Paths, statuses and shapes are those of https://docs.cortex.io/api. What that leaves out and the vendor's Terraform
provider relies on: the token's last four characters are all of a shorter token; a 404 in Cortex's own JSON means that
there is no configuration; POST is refused where a configuration exists; PUT creates one where none exists.

Private to this collection: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ._client import CortexClient, CortexError, Operation, RefusedError

_PATH = "/api/v1/pagerduty"
GET = Operation("GET", f"{_PATH}/default-configuration", "read the PagerDuty configuration", safe=True)
ADD = Operation("POST", f"{_PATH}/configuration", "add the PagerDuty configuration", safe=False)
REPLACE = Operation("PUT", f"{_PATH}/configuration", "replace the PagerDuty configuration", safe=False)
DELETE = Operation("DELETE", f"{_PATH}/configurations", "delete the PagerDuty configuration", safe=False)
VALIDATE = Operation("POST", f"{_PATH}/configuration/validate", "validate the PagerDuty configuration", safe=True)

# Refusals that an addition gets where a configuration came into being after it had been looked for.
_EXISTS_STATUSES = (400, 409)


class Configuration(t.NamedTuple):
    """What Cortex shows of a stored configuration."""

    is_token_readonly: bool
    last_four: str


class Unknown:
    """What could not be found out."""


UNKNOWN = Unknown()


class Wanted(t.NamedTuple):
    """What a task asks for; ``token`` and ``is_token_readonly`` are set where ``state`` is present."""

    state: str
    token: str | None = None
    is_token_readonly: bool | None = None
    update_token: str = "on_change"


class Decision(t.NamedTuple):
    """The write to send (None: nothing to do) and the configuration after it (None: none)."""

    write: Operation | None
    after: Configuration | None


def decide(stored: Configuration | None, wanted: Wanted) -> Decision:
    """Return what leads from the stored configuration to the wanted state. Pure."""
    if wanted.state == "absent":
        return Decision(DELETE if stored else None, None)
    assert wanted.token is not None and wanted.is_token_readonly is not None
    after = Configuration(wanted.is_token_readonly, wanted.token[-4:])
    if stored is None:
        return Decision(ADD, after)
    token_differs = stored.last_four != after.last_four
    send_token = wanted.update_token == "always" or (wanted.update_token == "on_change" and token_differs)
    if send_token or stored.is_token_readonly != after.is_token_readonly:
        return Decision(REPLACE, after)
    return Decision(None, stored)


class NotValidError(CortexError):
    """Cortex says that the stored token is not valid."""


class PagerDuty:
    """The PagerDuty configuration of the workspace that a client's API key belongs to.

    All methods raise :class:`CortexError`.
    """

    def __init__(self, client: CortexClient) -> None:
        self.client = client

    def read(self) -> Configuration | None:
        """Return the stored configuration, None if there is none."""
        try:
            return self._configuration(GET, self.client.call(GET))
        except RefusedError as error:
            # Any other 404, of a proxy or of a wrong base_url, is no RefusedError.
            if error.http_status == 404:
                return None
            raise

    def write(self, operation: Operation, wanted: Wanted) -> list[Configuration]:
        """Send an addition, a replacement or a deletion, and return what Cortex says is stored after it."""
        try:
            if operation is DELETE:
                answer = self.client.call(operation)
            else:
                body = {"isTokenReadonly": wanted.is_token_readonly, "token": wanted.token}
                answer = self.client.call(operation, body)
        except RefusedError as error:
            if operation is DELETE and error.http_status == 404:
                return []
            raise
        return [self._configuration(operation, item) for item in self._items(operation, answer)]

    def validate(self) -> dict[str, t.Any] | None:
        """Have Cortex try the stored token with PagerDuty, and return its verdict, None if there is nothing stored."""
        try:
            answer = self.client.call(VALIDATE)
        except RefusedError as error:
            if error.http_status == 404:
                return None
            raise
        verdicts = []
        for item in self._items(VALIDATE, answer):
            texts = {}
            for name in ("alias", "message"):
                text = item.get(name)
                if text is not None and not isinstance(text, str):
                    raise self.client.unexpected(VALIDATE, f"with {name} of a wrong type")
                texts[name] = None if text is None else self.client.clean(text)
            if not isinstance(item.get("isValid"), bool):
                raise self.client.unexpected(VALIDATE, "without a boolean isValid")
            verdicts.append({"alias": texts["alias"], "is_valid": item["isValid"], "message": texts["message"]})
        is_valid = bool(verdicts) and all(verdict["is_valid"] for verdict in verdicts)
        return {"is_valid": is_valid, "configurations": verdicts}

    def _configuration(self, operation: Operation, item: t.Any) -> Configuration:
        read_only = item.get("isTokenReadonly") if isinstance(item, dict) else None
        last_four = item.get("lastFour") if isinstance(item, dict) else None
        # More than four characters would be a token shown in full.
        if not isinstance(read_only, bool) or not isinstance(last_four, str) or len(last_four) > 4:
            raise self.client.unexpected(operation, "without a boolean isTokenReadonly and a lastFour")
        return Configuration(read_only, last_four)

    def _items(self, operation: Operation, answer: t.Any) -> list[dict[str, t.Any]]:
        items = answer.get("configurations") if isinstance(answer, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.client.unexpected(operation, "without a list of configurations")
        return items


class Report:
    """What is known of a workspace and of what was done to it, at any moment, also when the task fails then.

    :ivar changed: whether something was written, or may have been (in check mode: would be).
    :ivar before: the configuration before the task's own writes: None for none, :data:`UNKNOWN`.
    :ivar after: the configuration now (in check mode: as it would be): None for none, :data:`UNKNOWN`.
    :ivar validation: Cortex's verdict as :meth:`PagerDuty.validate` returns it.
    """

    def __init__(self) -> None:
        self.changed = False
        self.before: Configuration | Unknown | None = UNKNOWN
        self.after: Configuration | Unknown | None = UNKNOWN
        self.validation: dict[str, t.Any] | None = None
        self._token_after: str | None = None

    def has_read(self, stored: Configuration | None) -> None:
        """Take what is stored as what was there before anything was done, and still is."""
        self.before = self.after = stored

    def has_written(self, sent: Decision) -> None:
        """Take a write as done (in check mode: as it would be)."""
        self.changed = True
        self.after = sent.after
        self._token_after = "sent again" if sent.write is REPLACE else None

    def has_lost_track(self, *, changed: bool) -> None:
        """Take what is stored now as unknown."""
        self.changed = changed
        self.after = UNKNOWN

    def has_read_back(self, stored: Configuration | None, sent: Decision) -> None:
        """Take what is stored as what there is after a write whose outcome was unknown."""
        if stored != sent.after:
            self.changed = stored != self.before
            self.after = stored
        else:
            self.has_written(sent)
            if stored == self.before:
                self._token_after = "may have been sent again"

    def result(self) -> dict[str, t.Any]:
        """Return the values that a module gives back, whether it succeeds or fails."""
        before = _state(self.before)
        after = _state(self.after)
        if self._token_after:
            before["token"] = "stored"
            after["token"] = self._token_after
        return {
            "changed": self.changed,
            "configuration": self.after._asdict() if isinstance(self.after, Configuration) else None,
            "validation": self.validation,
            "diff": {"before": before, "after": after},
        }

    def failure(self, error: CortexError) -> dict[str, t.Any]:
        """Return the values of a failed task, with a message that says what is stored now."""
        if self.after is UNKNOWN:
            now = (
                "What is stored now is not known: the write may have been done."
                if self.changed
                else ("Nothing was changed.")
            )
        elif isinstance(self.after, Configuration):
            read_only = str(self.after.is_token_readonly).lower()
            now = f"Stored now: a token ending in {self.after.last_four}, is_token_readonly={read_only}"
            if self.after == self.before:
                now += ", as before" if not self.changed else "; whether the token was replaced cannot be seen"
            now += "."
        else:
            now = f"Stored now: no configuration{', as before' if self.before is None else ''}."
        return {**self.result(), **error.details(), "msg": f"{error.msg} {now}"}


def converge(pagerduty: PagerDuty, wanted: Wanted, report: Report, *, check_mode: bool, validate: bool) -> None:
    """Bring a workspace to the wanted state, and validate what is stored where that is asked for.

    What was found out and done is in the report, whether this returns or raises.

    :raises NotValidError: when Cortex says that the stored token is not valid.
    :raises CortexError: when anything else went wrong.
    """
    stored = pagerduty.read()
    report.has_read(stored)
    decision = decide(stored, wanted)
    if decision.write:
        if check_mode:
            report.has_written(decision)
            return
        _write(pagerduty, wanted, decision, report)
    if not validate or wanted.state == "absent":
        return
    report.validation = pagerduty.validate()
    if report.validation is None:
        report.after = None
        raise NotValidError("The PagerDuty configuration was removed by somebody else before it could be validated.")
    if not report.validation["is_valid"]:
        messages = [verdict["message"] for verdict in report.validation["configurations"] if verdict["message"]]
        reason = "; ".join(messages).rstrip(". ") or "it gave no reason"
        raise NotValidError(f"Cortex says that the stored PagerDuty token is not valid: {reason}.")


def _write(pagerduty: PagerDuty, wanted: Wanted, decision: Decision, report: Report) -> None:
    """Send what was decided. Where it is not known what became of it, read what is stored and decide anew."""
    failures = 0
    waited = 0.0
    while decision.write:
        sent, write = decision, decision.write
        accepted = False
        try:
            stored_by_answer = pagerduty.write(write, wanted)
            if stored_by_answer == ([sent.after] if sent.after else []):
                report.has_written(sent)
                return
            accepted = True
            error: CortexError = pagerduty.client.unexpected(write, "without what was sent")
        except CortexError as exc:
            error = exc
        exists_by_now = write is ADD and isinstance(error, RefusedError) and error.http_status in _EXISTS_STATUSES
        if not error.outcome_unknown and not exists_by_now:
            raise error
        failures += error.outcome_unknown
        report.has_lost_track(changed=failures > 0)
        if error.retryable:
            waited += pagerduty.client.wait(failures, error)
        try:
            stored = pagerduty.read()
        except CortexError as exc:
            error.msg += f" Reading what is stored now failed too. {exc.msg}"
            raise error from None
        decision = decide(stored, wanted)
        if failures:
            report.has_read_back(stored, sent)
        else:
            report.has_read(stored)
        if not decision.write or (accepted and stored == sent.after):
            return
        if decision.write is ADD if exists_by_now else pagerduty.client.gives_up(error, failures, waited):
            raise error


def _state(configuration: Configuration | Unknown | None) -> dict[str, t.Any]:
    if isinstance(configuration, Configuration):
        return {"state": "present", **configuration._asdict()}
    return {"state": "absent" if configuration is None else "unknown"}

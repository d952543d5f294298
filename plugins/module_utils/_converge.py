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

from ._client import CortexClient, CortexError, NotFoundError, Operation, RefusedError, one_line

_PATH = "/api/v1/pagerduty"
GET = Operation("GET", f"{_PATH}/default-configuration", "read the PagerDuty configuration", safe=True)
ADD = Operation("POST", f"{_PATH}/configuration", "add the PagerDuty configuration", safe=False)
REPLACE = Operation("PUT", f"{_PATH}/configuration", "replace the PagerDuty configuration", safe=False)
DELETE = Operation("DELETE", f"{_PATH}/configurations", "delete the PagerDuty configuration", safe=False)
VALIDATE = Operation("POST", f"{_PATH}/configuration/validate", "validate the PagerDuty configuration", safe=True)

# What a write may be refused with because another writer came in between: a configuration exists by now, or no longer.
_OVERTAKEN = {ADD: (400, 409), REPLACE: (404,)}


class Configuration(t.NamedTuple):
    """What Cortex shows of a stored configuration."""

    is_token_readonly: bool
    last_four: str


class Unknown:
    """What could not be found out."""


UNKNOWN = Unknown()


class Wanted(t.NamedTuple):
    """What a task asks for; ``token`` and ``is_token_readonly`` count where ``state`` is present."""

    state: str
    token: str = ""
    is_token_readonly: bool = False
    update_token: str = "on_change"


class Decision(t.NamedTuple):
    """The write to send (None: nothing to do) and the configuration after it (None: none)."""

    write: Operation | None
    after: Configuration | None


def decide(stored: Configuration | None, wanted: Wanted) -> Decision:
    """Return what leads from the stored configuration to the wanted state. Pure."""
    if wanted.state == "absent":
        return Decision(DELETE if stored else None, None)
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
            stored = self._configuration(GET, self.client.call(GET))
        except NotFoundError:
            return None
        # This may be a token that no option gave.
        self.client.hide_token(stored.last_four)
        return stored

    def write(self, operation: Operation, wanted: Wanted) -> list[Configuration]:
        """Send an addition, a replacement or a deletion, and return what Cortex says is stored after it."""
        body = None
        if operation is not DELETE:
            body = {"isTokenReadonly": wanted.is_token_readonly, "token": wanted.token}
        try:
            answer = self.client.call(operation, body)
        except NotFoundError:
            if operation is DELETE:
                return []
            raise
        return [self._configuration(operation, item) for item in self._items(operation, answer)]

    def validate(self) -> dict[str, t.Any]:
        """Have Cortex try the stored token with PagerDuty, and return its verdict.

        :raises NotFoundError: when there is nothing stored.
        """
        verdicts = []
        for item in self._items(VALIDATE, self.client.call(VALIDATE)):
            texts = {}
            for name in ("alias", "message"):
                text = item.get(name)
                if text is not None and not isinstance(text, str):
                    raise self.client.failures().unexpected(VALIDATE, f"and a {name} that is no string")
                texts[name] = None if text is None else self.client.clean(text)
            if not isinstance(item.get("isValid"), bool):
                raise self.client.failures().unexpected(VALIDATE, "but without a boolean isValid")
            verdicts.append({"alias": texts["alias"], "is_valid": item["isValid"], "message": texts["message"]})
        is_valid = bool(verdicts) and all(verdict["is_valid"] for verdict in verdicts)
        return {"is_valid": is_valid, "configurations": verdicts}

    def _configuration(self, operation: Operation, item: t.Any) -> Configuration:
        read_only = item.get("isTokenReadonly") if isinstance(item, dict) else None
        last_four = item.get("lastFour") if isinstance(item, dict) else None
        # More than four characters would be a token shown in full.
        if not isinstance(read_only, bool) or not isinstance(last_four, str) or len(last_four) > 4:
            what = "but without a boolean isTokenReadonly and a lastFour of four characters or fewer"
            raise self.client.failures().unexpected(operation, what)
        return Configuration(read_only, last_four)

    def _items(self, operation: Operation, answer: t.Any) -> list[dict[str, t.Any]]:
        items = answer.get("configurations") if isinstance(answer, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.client.failures().unexpected(operation, "but without a list of configurations")
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
        self._token_after = None

    def has_read_back(self, stored: Configuration | None, sent: Decision) -> None:
        """Take what is stored as what there is after a write whose outcome was unknown."""
        if stored == sent.after:
            self.has_written(sent)
            if stored == self.before:
                self._token_after = "may have been sent again"
        else:
            self.changed = stored != self.before
            self.after = stored

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
        return {**self.result(), **error.details(), "msg": f"{error.msg} {self._now()}"}

    def _now(self) -> str:
        if self.after is UNKNOWN:
            if self.changed:
                return "What is stored now is not known: the write may have been done."
            return "Nothing was changed."
        now = "Stored now: no configuration"
        if isinstance(self.after, Configuration):
            read_only = str(self.after.is_token_readonly).lower()
            now = f"Stored now: a token ending in {one_line(self.after.last_four)}, is_token_readonly={read_only}"
        if self.after != self.before:
            return f"{now}."
        return f"{now}, as before{f'; token {self._token_after}' if self.changed else ''}."


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
    try:
        report.validation = pagerduty.validate()
    except NotFoundError as error:
        report.after = None
        error.msg += " Somebody else removed it before it could be validated."
        raise
    if not report.validation["is_valid"]:
        verdicts = report.validation["configurations"]
        reasons = [verdict["message"].rstrip(". ") for verdict in verdicts if verdict["message"]]
        reason = one_line("; ".join(reasons)) or ("it gives no reason" if verdicts else "it lists no verdict")
        raise NotValidError(f"Cortex says that the stored PagerDuty token is not valid: {reason}.")


def _write(pagerduty: PagerDuty, wanted: Wanted, decision: Decision, report: Report) -> None:
    """Send what was decided. Where it is not known what became of it, read what is stored and decide anew."""
    client = pagerduty.client
    failures = 0
    waited = 0.0
    overtaken: list[Operation] = []
    while decision.write:
        sent, write = decision, decision.write
        error, is_accepted = _send(pagerduty, write, wanted, sent)
        if error is None:
            report.has_written(sent)
            return
        is_overtaken = isinstance(error, RefusedError) and error.http_status in _OVERTAKEN.get(write, ())
        if not error.outcome_unknown and not is_overtaken:
            raise error
        failures += error.outcome_unknown
        report.has_lost_track(changed=failures > 0)
        if error.retryable:
            waited += client.wait(failures, error)
        stored = _read_back(pagerduty, error)
        if failures:
            report.has_read_back(stored, sent)
        else:
            report.has_read(stored)
        decision = decide(stored, wanted)
        if is_accepted and stored == sent.after:
            return
        if is_overtaken:
            # Once is a race; the same again has another reason.
            is_hopeless = decision.write is write or write in overtaken
            overtaken.append(write)
        else:
            is_hopeless = client.gives_up(error, failures, waited)
        if decision.write and is_hopeless:
            raise error


def _send(pagerduty: PagerDuty, write: Operation, wanted: Wanted, sent: Decision) -> tuple[CortexError | None, bool]:
    """Send a write, and return what went wrong and whether Cortex accepted the write nevertheless."""
    try:
        stored = pagerduty.write(write, wanted)
    except CortexError as error:
        return error, False
    if stored == ([sent.after] if sent.after else []):
        return None, True
    return pagerduty.client.failures().unexpected(write, "and not with what was sent", is_foreign=False), True


def _read_back(pagerduty: PagerDuty, error: CortexError) -> Configuration | None:
    try:
        return pagerduty.read()
    except CortexError as exc:
        error.msg += f" Reading what is stored now failed too. {exc.msg}"
        raise error from None


def _state(configuration: Configuration | Unknown | None) -> dict[str, t.Any]:
    if isinstance(configuration, Configuration):
        return {"state": "present", **configuration._asdict()}
    return {"state": "absent" if configuration is None else "unknown"}

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The knowledge of a task, its steps, their outcomes, and how it learns from these.

Pure: values in, values out. Nothing here sends, waits, or depends on the time, on chance or on the environment.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from ._errors import Failure
from ._values import Configuration, Verdict


class Unknown(enum.Enum):
    """Stands for an unknown configuration."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
# None stands for no configuration.
Stored = t.Union[Configuration, None, Unknown]

# Steps


@dataclass(frozen=True)
class Read:
    """Read the stored configuration."""


@dataclass(frozen=True)
class CheckToken:
    """Ask PagerDuty whether it accepts the token."""


@dataclass(frozen=True)
class Write:
    """Add, replace or delete the configuration.

    :param operation: ``add``, ``replace`` or ``delete``.
    :param after: the stored configuration once it has been applied; None for none.
    :param token: the option that contains the token to send: ``token`` or ``previous_token``.
    """

    operation: str
    after: Configuration | None = None
    token: str = "token"


@dataclass(frozen=True)
class Predict:
    """Take a write for applied, without sending it: this is check mode."""

    write: Write


@dataclass(frozen=True)
class Validate:
    """Have Cortex try the stored token with PagerDuty."""


@dataclass(frozen=True)
class Wait:
    """Wait before the next request.

    :param retry_after: seconds that the server asked for.
    :param backoff: seconds to wait beyond that, at the most.
    """

    retry_after: float
    backoff: float


@dataclass(frozen=True)
class Finish:
    """End the task.

    :param failure: why it failed; None if it succeeded.
    """

    failure: Failure | None = None


Request = t.Union[Read, CheckToken, Write, Validate]
Step = t.Union[Request, Predict, Wait, Finish]

# Events


@dataclass(frozen=True)
class StateRead:
    """The configuration was read."""

    stored: Configuration | None


@dataclass(frozen=True)
class WriteSent:
    """A write is about to be sent. Until more is known, it may have been applied."""

    write: Write


@dataclass(frozen=True)
class WriteAccepted:
    """Cortex has applied a write."""

    write: Write


@dataclass(frozen=True)
class WritePredicted:
    """A write would be applied now."""

    write: Write


@dataclass(frozen=True)
class TokenAccepted:
    """PagerDuty accepts the token."""


@dataclass(frozen=True)
class Validated:
    """Cortex gave its verdicts on the stored configuration."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Waited:
    """So many seconds have passed."""

    seconds: float


@dataclass(frozen=True)
class RequestFailed:
    """A request failed."""

    step: Request
    failure: Failure


class TokenRejected(RequestFailed):
    """PagerDuty does not accept the token."""


@dataclass(frozen=True)
class WriteConflicted(RequestFailed):
    """Cortex rejected a write because another client came first."""

    step: Write


class ResponseDiffered(RequestFailed):
    """Cortex accepted a write, but responded with another configuration than the one that was sent."""


class ConfigurationMissing(RequestFailed):
    """There was nothing left to validate."""


Event = t.Union[StateRead, WriteSent, WriteAccepted, WritePredicted, TokenAccepted, Validated, Waited, RequestFailed]


class Attempts(t.NamedTuple):
    """How often something failed in a row, and how many seconds were waited in between."""

    failed: int = 0
    waited: float = 0

    def increment(self) -> Attempts:
        """Return these attempts and one more that failed."""
        return self._replace(failed=self.failed + 1)


class Knowledge(t.NamedTuple):
    """The knowledge of a task about a workspace and its own actions there, at any moment.

    :ivar before: the stored configuration before a write of this task may have been applied.
    :ivar current: the stored configuration when this task last learned it; in check mode, as it would be.
    :ivar is_fresh: ``current`` was read after everything that this task sent to Cortex or waited for. Only then it may
        write.
    :ivar pending: a write that is under way, or whose outcome is unknown.
    :ivar may_have_written: a write of this task was applied, or may have been.
    :ivar has_written: a write of this task was applied, or another state was read after it may have been.
    :ivar replaced: the configuration that this task's writes of the token found; None if they found nothing.
    :ivar written: the write of this task that was applied last, apart from the one of a rollback.
    :ivar was_found: its response was lost, and the configuration was found by reading.
    :ivar is_settled: Cortex has accepted that write (in check mode: would accept it), so nothing is left to write.
    :ivar preflight: whether PagerDuty accepts the token; None if that is unknown.
    :ivar verdicts: Cortex's; None if there are none. All writes from then on belong to a rollback.
    :ivar missing: there was nothing left to validate.
    :ivar rolled_back: the write of this task was undone.
    :ivar failed: the last request, if it changes nothing and failed.
    :ivar attempts: those of that request.
    :ivar write_failed: the last write, if it failed.
    :ivar write_attempts: those of the writes before the verdicts, or of those of the rollback.
    :ivar conflicts: the operations that Cortex rejected because another client came first.
    :ivar has_waited: this task has waited since its last request failed.
    :ivar waited: seconds that this task has waited in all.
    """

    before: Stored = UNKNOWN
    current: Stored = UNKNOWN
    is_fresh: bool = False
    pending: Write | None = None
    may_have_written: bool = False
    has_written: bool = False
    replaced: Configuration | None = None
    written: Write | None = None
    was_found: bool = False
    is_settled: bool = False
    preflight: bool | None = None
    verdicts: tuple[Verdict, ...] | None = None
    missing: ConfigurationMissing | None = None
    rolled_back: bool = False
    failed: RequestFailed | None = None
    attempts: Attempts = Attempts()
    write_failed: RequestFailed | None = None
    write_attempts: Attempts = Attempts()
    conflicts: tuple[str, ...] = ()
    has_waited: bool = False
    waited: float = 0

    @property
    def changed(self) -> bool:
        """Whether something was written, or may have been."""
        return self.pending is not None or self.has_written


def learn(knowledge: Knowledge, event: Event) -> Knowledge:
    """Return the knowledge of a task after an event."""
    return _LEARN[type(event)](knowledge, event)


def _state_read(knowledge: Knowledge, event: StateRead) -> Knowledge:
    sent = knowledge.pending
    may_have_written = knowledge.may_have_written or sent is not None
    # Another state after a write that may have been applied may be its work, whatever another client does later.
    differs = may_have_written and event.stored != knowledge.current
    read = _succeeded(knowledge)._replace(
        before=knowledge.before if may_have_written else event.stored,
        current=event.stored,
        is_fresh=True,
        pending=None,
        may_have_written=may_have_written,
        has_written=knowledge.has_written or differs,
    )
    if sent and sent.after == event.stored:
        return _applied(read, sent)._replace(was_found=True)
    return read


def _write_sent(knowledge: Knowledge, event: WriteSent) -> Knowledge:
    return _write_planned(knowledge)._replace(pending=event.write, is_fresh=False, write_failed=None)


def _write_accepted(knowledge: Knowledge, event: WriteAccepted | WritePredicted) -> Knowledge:
    return _applied(knowledge, event.write)._replace(is_settled=True)


def _token_accepted(knowledge: Knowledge, _event: TokenAccepted) -> Knowledge:
    return _write_planned(_succeeded(knowledge))._replace(preflight=True)


def _validated(knowledge: Knowledge, event: Validated) -> Knowledge:
    # A rollback is another matter: it begins with a read, and with attempts of its own.
    return _succeeded(knowledge)._replace(
        verdicts=event.verdicts, is_fresh=False, write_failed=None, write_attempts=Attempts()
    )


def _waited(knowledge: Knowledge, event: Waited) -> Knowledge:
    field = "attempts" if knowledge.failed else "write_attempts"
    attempts = getattr(knowledge, field)
    attempts = attempts._replace(waited=attempts.waited + event.seconds)
    waited = knowledge.waited + event.seconds
    return knowledge._replace(**{field: attempts}, waited=waited, has_waited=True, is_fresh=False)


def _request_failed(knowledge: Knowledge, event: RequestFailed) -> Knowledge:
    knowledge = knowledge._replace(has_waited=False)
    if not isinstance(event.step, Write):
        return knowledge._replace(failed=event, attempts=knowledge.attempts.increment())
    pending = knowledge.pending if event.failure.outcome_unknown else None
    return knowledge._replace(pending=pending, write_failed=event, write_attempts=knowledge.write_attempts.increment())


def _token_rejected(knowledge: Knowledge, event: TokenRejected) -> Knowledge:
    return _request_failed(knowledge, event)._replace(preflight=False)


def _write_conflicted(knowledge: Knowledge, event: WriteConflicted) -> Knowledge:
    conflicts = (*knowledge.conflicts, event.step.operation)
    return knowledge._replace(current=UNKNOWN, pending=None, write_failed=event, conflicts=conflicts)


def _configuration_missing(knowledge: Knowledge, event: ConfigurationMissing) -> Knowledge:
    return _succeeded(knowledge)._replace(current=None, missing=event)


def _succeeded(knowledge: Knowledge) -> Knowledge:
    return knowledge._replace(failed=None, attempts=Attempts())


def _write_planned(knowledge: Knowledge) -> Knowledge:
    """A write is due for what was read last: that is what it replaces, unless it is a rollback's."""
    if knowledge.verdicts is not None or not isinstance(knowledge.current, Configuration):
        return knowledge
    return knowledge._replace(replaced=knowledge.current)


def _applied(knowledge: Knowledge, write: Write) -> Knowledge:
    applied = knowledge._replace(current=write.after, pending=None, may_have_written=True, has_written=True)
    if knowledge.verdicts is not None:
        return applied._replace(rolled_back=True)
    return applied._replace(written=write, was_found=False)


_LEARN: dict[type, t.Callable[[Knowledge, t.Any], Knowledge]] = {
    StateRead: _state_read,
    WriteSent: _write_sent,
    WriteAccepted: _write_accepted,
    WritePredicted: _write_accepted,
    TokenAccepted: _token_accepted,
    Validated: _validated,
    Waited: _waited,
    RequestFailed: _request_failed,
    TokenRejected: _token_rejected,
    WriteConflicted: _write_conflicted,
    ResponseDiffered: _request_failed,
    ConfigurationMissing: _configuration_missing,
}

"""The world of the walk: configurations, the outcomes of requests, faults, and the goals of tasks."""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

from ansible_collections.cortexapps.cortex.plugins.module_utils import _knowledge as core
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import Failure
from ansible_collections.cortexapps.cortex.plugins.module_utils._values import Configuration, Verdict

#: The tokens as one client sees them, by their last four characters. Only those can be read back.
OWN, TWIN, PREVIOUS, THIRD = "own", "twin", "previous", "third"
LAST_FOUR = {OWN: "ab12", TWIN: "ab12", PREVIOUS: "cd34", THIRD: "ef56"}


class Content(NamedTuple):
    """A configuration in Cortex."""

    token: str
    is_token_readonly: bool


#: What is stored in a workspace, if anything.
World = Content | None
WORLDS: list[World] = [None, *(Content(token, flag) for token in LAST_FOUR for flag in (False, True))]
VALID, NOT_VALID = (Verdict(None, True, None),), (Verdict(None, False, "PagerDuty does not accept the token"),)


def look(world: World) -> Configuration | None:
    """Return the stored configuration as Cortex shows it."""
    return world and Configuration(world.is_token_readonly, LAST_FOUR[world.token])


def sent_by(write: core.Write) -> World:
    """Return the configuration that a write stores."""
    token = OWN if write.token == "token" else PREVIOUS
    return write.after and Content(token, write.after.is_token_readonly)


@functools.cache
def respond(request: core.Request, world: World) -> list[tuple[core.Event, World]]:
    """Return every way in which a request can be carried out, and the configuration afterwards.

    Whether PagerDuty accepts a token may change at any time, so there is a verdict of either kind.
    """
    if isinstance(request, core.Read):
        return [(core.StateRead(look(world)), world)]
    if isinstance(request, core.CheckToken):
        return [(core.TokenAccepted(), world), (core.TokenRejected(request, failure("rejected", 401)), world)]
    if isinstance(request, core.Validate):
        if world is None:
            return [(core.ConfigurationMissing(request, failure("nothing to validate", 404)), world)]
        return [(core.Validated(VALID), world), (core.Validated(NOT_VALID), world)]
    if request.operation == "add" and world:
        return [(core.WriteConflicted(request, failure("there is one", 400)), world)]
    return [(core.WriteAccepted(request), sent_by(request))]


class FaultKind(NamedTuple):
    """A fault of a request."""

    name: str
    event: core.Event  # what the client learns
    effects: tuple[bool, ...]  # whether the request was carried out: either, or both are possible
    is_lasting: bool = False  # no later request of the client gets through


def failure(sentence: str, status: int | None, **properties: bool | float) -> Failure:
    return Failure((f"{sentence.capitalize()}.",), http_status=status, **properties)  # type: ignore[arg-type]


REFUSED = failure("refused", 403)
NOT_NOW = failure("refused for now", 429, is_retryable=True, retry_after=7)
LOST = failure("lost", None, outcome_unknown=True, is_retryable=True)
ODD = failure("odd response", 200, outcome_unknown=True)
DIFFERENT = failure("another configuration", 200, outcome_unknown=True)
NONE_THERE = failure("there is none", 404)
NO_CONNECTION = failure("no connection", None, is_retryable=True)


@functools.cache
def faults(request: core.Request) -> list[FaultKind]:
    """Return the possible faults of a request: one of each kind that the client is to tell apart."""
    effects = (False, True) if isinstance(request, core.Write) else (False,)
    found = [
        FaultKind("refused", core.RequestFailed(request, REFUSED), (False,)),
        FaultKind("refused for now", core.RequestFailed(request, NOT_NOW), (False,)),
        FaultKind("lost", core.RequestFailed(request, LOST), effects),
        FaultKind("odd response", core.RequestFailed(request, ODD), effects),
        FaultKind("lost for good", core.RequestFailed(request, LOST), effects, is_lasting=True),
    ]
    if isinstance(request, core.Write):
        found.append(FaultKind("another configuration", core.ResponseDiffered(request, DIFFERENT), (True,)))
    if isinstance(request, core.Write) and request.operation == "replace":
        # The API's description does not say whether a replacement adds a missing configuration.
        found.append(
            FaultKind("nothing to replace", core.WriteConflicted(request, failure("there is none", 404)), (False,))
        )
    if isinstance(request, core.Validate):
        found.append(FaultKind("no verdict", core.Validated(()), (False,)))
    return found


def no_connection(request: core.Request) -> core.Event:
    return core.RequestFailed(request, NO_CONNECTION)


def all_goals() -> list[Goal]:
    """Return every combination of the options that decide what is done, the simple ones first."""
    flags, updates = (False, True), ("on_change", "always", "on_create")
    undoing: list[dict[str, Any]] = [{}, {"validate": True}, {"validate": True, "rollback": True}]
    undoing.append({**undoing[-1], "previous_last_four": LAST_FOUR[PREVIOUS]})
    # A preflight comes before all that these are about.
    undoing += [{**undoing[-1], "previous_is_token_readonly": False, "preflight": False}]
    undoing += [{**undoing[2], "previous_last_four": LAST_FOUR[TWIN], "preflight": False}]
    # Options that make no difference without others.
    plain: dict[str, Any] = {"preflight": False, "check_mode": False, "update_token": "on_change"}
    plain["previous_last_four"] = LAST_FOUR[PREVIOUS]
    undoing += [{"rollback": True, **plain}, {"validate": True, **plain}]
    goals = [Goal(reads_only=True), Goal(reads_only=True, validate=True), Goal(), Goal(check_mode=True)]
    goals.append(Goal(preflight=True, validate=True, rollback=True, previous_last_four=LAST_FOUR[PREVIOUS]))
    for undo, preflight, check_mode, update, flag in itertools.product(undoing, flags, flags, updates, flags):
        options = {"preflight": preflight, "check_mode": check_mode, "update_token": update, **undo}
        if (options["preflight"], options["check_mode"], options["update_token"]) == (preflight, check_mode, update):
            goals.append(Goal(desired=Configuration(flag, LAST_FOUR[OWN]), **options))
    goals = [goal._replace(retries=1) for goal in goals]
    return [*goals, goals[-1]._replace(retries=0)]

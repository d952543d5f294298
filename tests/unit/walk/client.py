"""One client: every history that other clients and a number of faults can cause, and its invariants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ansible_collections.cortexapps.cortex.plugins.module_utils import _decision, _knowledge, _result
from ansible_collections.cortexapps.cortex.plugins.module_utils import _knowledge as core
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal

from .invariants import INVARIANTS, WAITED, Moment
from .oracle import AT_FIRST, Told, Truths, met, responded
from .world import WORLDS, faults, no_connection, respond

#: The requests of a task without faults, and what each fault may add.
MAX_REQUESTS, MAX_REQUESTS_PER_FAULT = 8, 3


class Product(NamedTuple):
    """The functions under test: the product's, or mutated ones."""

    next_step: Callable[[core.Knowledge, Goal], core.Step] = _decision.next_step
    learn: Callable[[core.Knowledge, core.Event], core.Knowledge] = _knowledge.learn
    config_values: Callable[[core.Knowledge], dict[str, Any]] = _result.config_values
    info_values: Callable[[core.Knowledge], dict[str, Any]] = _result.info_values
    current_configuration: Callable[[core.Knowledge], str] = _result.current_configuration


class Place(NamedTuple):
    """Where a client is in a history."""

    knowledge: core.Knowledge  # the product's
    told: Told  # the facts that a client can know
    truths: Truths  # the possible facts without any other client
    budget: int  # how many faults may still happen
    is_cut_off: bool = False  # no further request gets through
    requests: int = 0  # how many were sent


class Broken(NamedTuple):
    """An invariant that does not hold, and the history that shows it."""

    invariant: str
    goal: Goal
    history: list[str]


class Walked(NamedTuple):
    """The result: the number of places, and the violated invariants."""

    places: int
    broken: dict[str, Broken]


def walk_goal(product: Product, goal: Goal, number_of_faults: int, *, stops_at_first: bool = False) -> Walked:
    """Visit every place of every history of a goal, each once, the shortest histories first."""
    start = Place(core.Knowledge(), Told(), AT_FIRST, number_of_faults)
    reached: dict[Place, tuple[Place | None, str]] = {start: (None, "")}
    broken: dict[str, Broken] = {}
    todo = deque([start])
    while todo:
        place = todo.popleft()
        moment, following = _follow(product, goal, place)
        failed = next((each.__name__ for each in INVARIANTS if not _holds(each, moment)), None)
        if place.requests > MAX_REQUESTS + MAX_REQUESTS_PER_FAULT * (number_of_faults - place.budget):
            failed, following = failed or "comes_to_an_end", iter(())
        if failed and failed not in broken:
            broken[failed] = Broken(failed, goal, [*_history(reached, place), f"{moment.step}", f"{moment.values}"])
            if stops_at_first:
                break
        for name, further in following:
            if further not in reached:
                reached[further] = (place, name)
                todo.append(further)
    return Walked(len(reached), broken)


def _follow(product: Product, goal: Goal, place: Place) -> tuple[Moment, Iterator[tuple[str, Place]]]:
    """Return the moment at a place, and the places that follow, with the events that lead there."""
    under_way = place.told.under_way
    step = None if under_way else product.next_step(place.knowledge, goal)
    message = ""
    if isinstance(step, core.Finish) and step.failure:
        failure = step.failure
        if not goal.reads_only:
            failure = failure.extended(product.current_configuration(place.knowledge))
        message = failure.message
    values = (product.info_values if goal.reads_only else product.config_values)(place.knowledge)
    moment = Moment(goal, place.told, place.truths, step, values, message)
    return moment, _outcomes(product, place, under_way) if under_way else _further(product, place, step)


def _further(product: Product, place: Place, step: core.Step | None) -> Iterator[tuple[str, Place]]:
    if step is None or isinstance(step, core.Finish):
        return
    if isinstance(step, core.Wait | core.Predict | core.Write):
        if isinstance(step, core.Wait):
            event: core.Event = core.Waited(WAITED)
        else:
            event = core.WriteSent(step) if isinstance(step, core.Write) else core.WritePredicted(step.write)
        told = place.told.send(step) if isinstance(step, core.Write) else place.told.hear(event)
        yield f"{step}", place._replace(knowledge=product.learn(place.knowledge, event), told=told)
        return
    yield from _outcomes(product, place._replace(told=place.told.send(step)), step)


def _outcomes(product: Product, place: Place, step: core.Request) -> Iterator[tuple[str, Place]]:
    def after(event: core.Event, truths: Truths, **others: Any) -> Place:
        knowledge, told = product.learn(place.knowledge, event), place.told.hear(event)
        return place._replace(knowledge=knowledge, told=told, truths=truths, requests=place.requests + 1, **others)

    if place.is_cut_off:
        yield f"{step}: no connection", after(no_connection(step), place.truths)
        return
    for event in possible_events(step):
        yield f"{step}: {event}", after(event, responded(place.truths, step, event))
    for fault in faults(step) if place.budget else ():
        truths = met(place.truths, step, fault)
        others = {"budget": place.budget - 1, "is_cut_off": fault.is_lasting}
        yield f"{step}: {fault.name}", after(fault.event, truths, **others)


def possible_events(request: core.Request) -> list[core.Event]:
    """Return all outcomes of a request that is carried out, for each stored configuration."""
    return list(dict.fromkeys(event for world in WORLDS for event, _after in respond(request, world)))


def _holds(invariant: Callable[[Moment], bool], moment: Moment) -> bool:
    try:
        return invariant(moment)
    except (AssertionError, AttributeError, LookupError, TypeError):
        # A moment that an invariant does not even understand.
        return False


def _history(reached: dict[Place, tuple[Place | None, str]], place: Place) -> list[str]:
    steps: list[str] = []
    at: Place | None = place
    while at is not None:
        at, name = reached[at]
        steps.append(name)
    return steps[-2::-1]

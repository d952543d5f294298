# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One controller alone in the world: what it says is compared with what is truly stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .invariants import UNKNOWN, Story
from .tasks import Task
from .world import WORLDS, WRITES, Reply, Request, World, look, respond


class Truth(NamedTuple):
    """What was stored at first, what is stored now, and whether a write of the controller took effect."""

    first: World
    now: World
    has_written: bool


class Alone:
    """Every truth in which a history is possible without any other client."""

    def __init__(self, task: Task, truths: frozenset[Truth]) -> None:
        self._task = task
        self._truths = truths

    @classmethod
    def begin(cls, task: Task) -> Alone:
        return cls(task, frozenset(Truth(world, world, False) for world in WORLDS))

    def respond(self, request: Request, reply: Reply) -> Alone:
        """Return what is possible after a response."""
        return Alone(
            self._task,
            frozenset(
                Truth(
                    truth.first, after, truth.has_written or (request.operation in WRITES and reply.kind == "accepted")
                )
                for truth in self._truths
                for possible, after in respond(request, truth.now)
                if (possible.kind, possible.value) == (reply.kind, reply.value)
            ),
        )

    def meet(self, request: Request, fault: Reply) -> Alone:
        """Return what is possible after a fault."""
        return Alone(
            self._task,
            frozenset(
                Truth(truth.first, after, truth.has_written or (has_effect and request.operation in WRITES))
                for truth in self._truths
                for has_effect in fault.effects
                for _reply, after in (respond(request, truth.now) if has_effect else [(None, truth.now)])
            ),
        )

    def broken(self, story: Story) -> Callable[[Story], bool] | None:
        """Return the first invariant that does not hold."""
        return next((each for each in self.invariants() if not each(story)), None)

    def invariants(self) -> list[Callable[[Story], bool]]:
        """Return what must hold if there is no other client."""
        return [
            self.tells_the_truth,
            self.says_changed_if_it_has_written,
            self.leaves_the_old_or_the_new,
            self.leaves_what_was_asked_for,
            self.restores_what_was_there,
        ]

    def tells_the_truth(self, story: Story) -> bool:
        """What is reported is what is truly stored, or unknown."""
        after = story.after if not story.is_predicted else UNKNOWN
        return after is UNKNOWN or all(look(truth.now) == after for truth in self._truths)

    def says_changed_if_it_has_written(self, story: Story) -> bool:
        """`changed` is true if a write took effect, and false if none can have."""
        changed = story.result["changed"] and not story.is_predicted
        has_written = [truth.has_written for truth in self._truths]
        return not has_written or any(has_written) == changed

    def leaves_the_old_or_the_new(self, story: Story) -> bool:
        """Whatever happens, what is stored is what was there or what was asked for."""
        flag = story.task.previous_flag
        for first, now, _has_written in self._truths:
            restored = first and first._replace(is_token_readonly=first.is_token_readonly if flag is None else flag)
            if now not in (first, story.task.wanted) and not (story.verdict and now == restored):
                return False
        return True

    def leaves_what_was_asked_for(self, story: Story) -> bool:
        """A task that succeeds leaves what was asked for: a token that it must not or cannot tell apart may stay."""
        task = story.task
        if story.failed or task.is_info or task.check_mode:
            return True
        return all(
            truth.now == task.wanted
            or (truth.now == truth.first and not truth.has_written and task.write_for(look(truth.first)) is None)
            for truth in self._truths
        )

    def restores_what_was_there(self, story: Story) -> bool:
        """A rollback leaves what was stored before, with the flag that is asked for."""
        flag = story.task.previous_flag
        if not story.rolled_back:
            return True
        return all(
            now == (first if flag is None or first is None else first._replace(is_token_readonly=flag))
            for first, now, _has_written in self._truths
        )

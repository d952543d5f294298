# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a run of one controller as a schedule: with what other clients must have done for it to happen."""

from __future__ import annotations

from .pairs import Row
from .run import Run
from .world import WORLDS, WRITES, Reply, Request, World, describe_request, describe_world, respond


def schedule(run: Run) -> list[Row]:
    """Return a schedule with as few writes of other clients as possible."""
    # For each world after the steps so far: the number of those writes, and the rows.
    best: dict[World, tuple[int, list[Row]]] = {world: (0, [_start(world)]) for world in WORLDS}
    for request, reply, _waited in run.steps:
        following: dict[World, tuple[int, list[Row]]] = {}
        for world, (writes, rows) in best.items():
            for before in WORLDS:
                is_written = before != world
                other = [Row("another client", "writes", "", describe_world(before))] if is_written else []
                for after in _after(request, reply, before):
                    name = reply.name + (
                        ", but done" if reply.is_fault and request.operation in WRITES and after != before else ""
                    )
                    row = Row("task", describe_request(request), name, describe_world(after))
                    if after not in following or following[after][0] > writes + is_written:
                        following[after] = (writes + is_written, [*rows, *other, row])
        best = following
    return min(best.values(), key=lambda found: found[0])[1]


def _start(world: World) -> Row:
    return Row("", "at first", "", describe_world(world))


def _after(request: Request, reply: Reply, world: World) -> list[World]:
    """Return what may be stored after a request, where this reply to it is possible."""
    if not reply.is_fault:
        return [
            after for each, after in respond(request, world) if (each.kind, each.value) == (reply.kind, reply.value)
        ]
    return [
        after
        for has_effect in reply.effects
        for after in ([after for _reply, after in respond(request, world)] if has_effect else [world])
    ]


def table(rows: list[Row]) -> str:
    """Return rows as lines of text in columns."""
    lines = [Row("who", "request", "outcome", "stored after it"), *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks before the first request of a playbook, and of the play that an audit is in."""

from __future__ import annotations

import typing as t
from collections import defaultdict

from ansible.constants import LOCALHOST

from ..module_utils._options import CONFIG_SPEC, is_secret
from ._variables import PREFIX

SHARED_API_KEY = (
    "api_key is not set for this host. The {} has {} hosts, and {} of the environment is one and the same workspace "
    "for all of them."
)
SET_FOR_EACH_HOST = "Set cortex_pagerduty_api_key for each host."
KEYLESS = "These hosts have no key of their own: {}."
SAME_WORKSPACE = (
    "{} have the same API key, so they are the same workspace. Set cortex_pagerduty_api_key to a different key for "
    "each host."
)
MISSPELLED = (
    "{} is not a variable of this collection, but looks like {}. Correct the name or, if the variable is your own, "
    "choose another one."
)
NOT_LINEAR = "The audit needs the strategy linear, but the play has the strategy {}. Nothing was read."
ONLY_ONCE = "The audit needs to read each host, but run_once is true. Nothing was read."
SEVERAL_BATCHES = "The audit needs all hosts in one batch, but serial makes several. Nothing was read."

VARIABLES = {PREFIX + option for option in (*CONFIG_SPEC, "audit_report", "audit_strict", "result")}
VARIABLES |= {"cortex_workspaces", "cortex_rollout_serial", "cortex_rollout_approval"}
# Hosts that a message names.
_MAX_NAMES = 10


def find_faults(
    hosts: t.Sequence[str],
    keys: t.Mapping[str, str | None],
    others: int,
    key_variable: str | None,
    names: t.Iterable[str],
) -> list[str]:
    """Return a sentence for each reason why a playbook must not send any request.

    :param hosts: the hosts of the play.
    :param keys: those that could be evaluated, by host; None for a host without a key of its own.
    :param others: how many hosts the inventory has besides localhost.
    :param key_variable: the environment variable that contains an API key; None if there is none.
    :param names: the names of all variables.
    """
    faults = [MISSPELLED.format(name, known) for name, known in find_misspelled(names)]
    # For localhost alone, the environment is as good as a variable.
    keyless = [host for host, key in keys.items() if key is None and (len(hosts) > 1 or host not in LOCALHOST)]
    if key_variable and keyless and max(others, len(hosts)) > 1:
        place = ("play", len(hosts)) if len(hosts) > 1 else ("inventory", others)
        faults += [
            SHARED_API_KEY.format(*place, key_variable),
            SET_FOR_EACH_HOST,
            KEYLESS.format(enumerate_names(keyless)),
        ]
    sharing = defaultdict(list)
    for host, key in keys.items():
        # One that cannot be a key is reported where it is used.
        if key is not None and is_secret(key):
            sharing[key].append(host)
    faults += [SAME_WORKSPACE.format(enumerate_names(same)) for same in sharing.values() if len(same) > 1]
    return faults


def find_misspelled(names: t.Iterable[str]) -> t.Iterator[tuple[str, str]]:
    """Yield each variable that is almost one of this collection's, and which one that is."""
    for name in sorted(set(names) - VARIABLES):
        folded = name.lower().replace("-", "_")
        # A plural may be a variable of the user's, with values for several hosts. Names with "__" are internal.
        if "__" not in name and not {f"{folded}s", folded[:-1]} & VARIABLES:
            yield from [(name, known) for known in find_similar(folded, VARIABLES)][:1]


def find_similar(name: str, known: t.Iterable[str]) -> list[str]:
    """Return which known names are at most two edits away."""
    return [each for each in sorted(known) if is_within(2, name, each)]


def is_within(edits: int, one: str, other: str) -> bool:
    """Return whether so many insertions, deletions and replacements of a character make one string the other."""
    if one == other:
        return True
    if not edits:
        return False
    while one[:1] == other[:1]:
        one, other = one[1:], other[1:]
    shorter = edits - 1
    return any(is_within(shorter, *pair) for pair in ((one[1:], other[1:]), (one[1:], other), (one, other[1:])))


def find_fault_of_play(strategy: str, batch: t.Sequence[str], hosts: t.Sequence[str]) -> str | None:
    """Return why an audit in this play would not see all hosts at once.

    :param batch: the hosts of the batch.
    :param hosts: the hosts of all batches, as far as they did not fail.
    """
    # The strategy debug is linear, with a debugger.
    if strategy.rpartition(".")[2] not in ("linear", "debug"):
        return NOT_LINEAR.format(strategy)
    return SEVERAL_BATCHES if len(batch) < len(hosts) else None


def enumerate_names(names: t.Sequence[str]) -> str:
    """Return names as part of a sentence."""
    shown = [*names[:_MAX_NAMES], *([f"{len(names) - _MAX_NAMES} more"] if len(names) > _MAX_NAMES else [])]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)

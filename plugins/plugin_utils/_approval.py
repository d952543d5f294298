# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a rollout does what a check has shown: a digest of what both were asked to do, for each workspace."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ..module_utils._options import SECRETS

NOT_CHECKED = (
    "No check was approved for this rollout. Launch the workflow that checks, waits for an approval, and rolls out. "
    "Nothing was sent to Cortex."
)
CHANGED = (
    "The rollout would not do what the approved check has shown for these workspaces: {}. Their variables, a "
    "credential or the project has changed since. Launch the workflow again. Nothing was sent to Cortex."
)


def make_digest(options: t.Mapping[str, t.Any], revision: str) -> str:
    """Return a digest of the options of a task, with no more of a secret than its last four characters.

    `revision`: of the project that the playbook is from, blank if there is none.
    """
    shown = {name: str(value)[-4:] if name in SECRETS else value for name, value in options.items()}
    text = json.dumps([shown, revision], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find_refusal(approved: t.Mapping[str, str], digests: t.Mapping[str, str | None]) -> str | None:
    """Return why a rollout must not start; None if each workspace has the digest that was approved."""
    if not approved:
        return NOT_CHECKED
    differing = [host for host, digest in digests.items() if digest is None or approved.get(host) != digest]
    return CHANGED.format(", ".join(differing)) if differing else None

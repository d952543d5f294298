# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a rollout does what an approved check has shown, by a digest of what both are asked to do."""

from __future__ import annotations

import hashlib
import json
import typing as t
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._options import SECRETS

#: The variable that the job templates of the role awx set.
SWITCH = "cortex_rollout_approval"
#: What the name of a check's artifact begins with. Its end is the number of the job, because the jobs of a sliced check
#: have one each, and AWX keeps one of each name.
ARTIFACT = "cortex_rollout__checked_"
#: What the names of the variables that AWX itself adds to each job begin with. A job template cannot set these.
_OF_AWX = ("awx_", "tower_")

NOT_TRUE = "cortex_rollout_approval must be true, or must not be set. Nothing was sent to Cortex."
FOREIGN_VARIABLES = (
    "These extra variables of the job are not in the survey: {}. The check and the rollout accept no others. A "
    "workflow that contains this one may have set them. Launch this workflow by itself. Nothing was sent to Cortex."
)
NOT_CHECKED = (
    "No check was approved for this rollout. A job that is launched or relaunched by itself has no approval. Launch "
    "the workflow that checks, waits for an approval, and rolls out. Nothing was sent to Cortex."
)
CHANGED = (
    "The rollout would not do what the approved check has shown for these workspaces: {}. Their variables, a "
    "credential, the project or the collection has changed since. Launch the workflow again. Nothing was sent to "
    "Cortex."
)


def make_digest(options: t.Mapping[str, t.Any], code: str) -> str:
    """Return a digest of the options of a task, with no more of a secret than its last four characters.

    `code`: what identifies the code that the task runs.
    """
    shown = {name: str(value)[-4:] if name in SECRETS else value for name, value in options.items()}
    return _hash(json.dumps([shown, code], sort_keys=True, default=str).encode())


def identify_code(folders: t.Iterable[Path], revision: str) -> str:
    """Return what identifies the code in these folders, which an image contains, and the revision of a project."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".yml"))
    return _hash(b"".join([revision.encode(), *(path.read_bytes() for path in files)]))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def find_fault_of_job(
    switch: object, variables: t.Mapping[str, t.Any], survey: t.Collection[str], *, is_check: bool
) -> str | None:
    """Return why the variables of a job keep it from being the check or the rollout of the workflow, as a sentence.

    The artifacts of a workflow that contains another one come as extra variables, and override all others.

    :param switch: the value of SWITCH.
    :param variables: the extra variables of the job.
    :param survey: the names of the variables in the survey.
    """
    if not boolean(switch, strict=False):
        return NOT_TRUE
    # A check is the first node, so a digest that it gets is not one of its own.
    known = _OF_AWX if is_check else (*_OF_AWX, ARTIFACT)
    foreign = [name for name in variables if name not in {*survey, SWITCH} and not name.startswith(known)]
    if foreign:
        return FOREIGN_VARIABLES.format(", ".join(sorted(foreign)))
    is_slice = variables.get("awx_workflow_job_name") == variables.get("awx_job_template_name")
    kinds = ["awx_job_launch_type", *(["awx_workflow_job_launch_type"] if is_slice else [])]
    is_node = all(variables.get(kind) == "workflow" for kind in kinds)
    return None if is_check or is_node else NOT_CHECKED


def find_difference(approved: t.Mapping[str, str], digests: t.Mapping[str, str | None]) -> str | None:
    """Return why a rollout must not start; None if each workspace has the digest that was approved."""
    if not approved:
        return NOT_CHECKED
    differing = [host for host, digest in digests.items() if digest is None or approved.get(host) != digest]
    return CHANGED.format(", ".join(differing)) if differing else None

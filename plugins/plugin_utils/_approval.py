# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a rollout does what an approved check has shown, by a digest of what both are asked to do."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import typing as t
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._options import SECRETS

#: The variable that the job templates of the role awx set.
SWITCH = "cortex_rollout_approval"
#: What the name of a check's artifact begins with. Its end is the number of the job, because the jobs of a sliced check
#: have one each, and AWX keeps one of each name.
ARTIFACT = "cortex_rollout__checked_"
#: The variables that AWX itself adds to each job. A job template cannot set these: awx_meta_vars in AWX 24.6.1.
_OF_AWX = re.compile("(awx|tower)_(execution|inventory|job|parent_job|project|schedule|user|webhook|workflow_job)_")

NOT_TRUE = (
    "cortex_rollout_approval must be true in the check and the rollout of a workflow. Other rollouts must not set it. "
    "Nothing was sent to Cortex."
)
FOREIGN_VARIABLES = (
    "These extra variables of the job are not in the survey: {}. The check and the rollout accept no others. A change "
    "in AWX, or a workflow that contains this one, may have set them. Nothing was sent to Cortex."
)
NOT_CHECKED = (
    "No check was approved for this rollout. A job that is launched or relaunched by itself has no approval. Launch "
    "the workflow that checks, waits for an approval, and rolls out. Nothing was sent to Cortex."
)
CHANGED = (
    "The rollout would not do what the approved check has shown for these workspaces: {}. Their variables, a "
    "credential, the project or the collection has changed since, or the job has other hosts. Launch the workflow "
    "again. Nothing was sent to Cortex."
)
RESTRICTED = "The job has {}, but an approval covers a whole rollout. Remove that from the job template in AWX."


def is_needed(names: t.Iterable[str]) -> bool:
    """Return whether these variables are those of a job that needs an approval, or shows what is to be approved."""
    return any(name == SWITCH or name.startswith(ARTIFACT) for name in names)


def make_digest(options: t.Mapping[str, t.Any], code: str) -> str:
    """Return a digest of the options of a task. Only who knows the secrets among them can make the same.

    `code`: what identifies the code that the task runs, and the workflow that it is for.
    """
    secrets = [options.get(name) for name in sorted(SECRETS)]
    text = json.dumps([dict(options), code], sort_keys=True, default=str)
    return hmac.new(json.dumps(secrets, default=str).encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def identify_code(folders: t.Iterable[Path], revision: str) -> str:
    """Return what identifies the code in these folders, and the revision of a project."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".yml"))
    return hashlib.sha256(b"".join([revision.encode(), *(path.read_bytes() for path in files)])).hexdigest()


def identify_run(variables: t.Mapping[str, t.Any]) -> str:
    """Return what the variables of AWX say of the run that a job belongs to.

    The slices of a job are in a workflow of their own, so they do not know that of the approval, but its user.
    """
    names = ["awx_project_revision", "awx_job_scm_branch", "awx_user_id"]
    names += [] if _is_slice(variables) else ["awx_workflow_job_id"]
    return json.dumps([variables.get(name) for name in names])


def _is_slice(variables: t.Mapping[str, t.Any]) -> bool:
    return variables.get("awx_workflow_job_name") == variables.get("awx_job_template_name")


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
    foreign = [
        name
        for name in variables
        if name not in {*survey, SWITCH} and not _OF_AWX.match(name) and (is_check or not name.startswith(ARTIFACT))
    ]
    if foreign:
        return FOREIGN_VARIABLES.format(", ".join(sorted(foreign)))
    kinds = ["awx_job_launch_type", *(["awx_workflow_job_launch_type"] if _is_slice(variables) else [])]
    is_node = all(variables.get(kind) == "workflow" for kind in kinds)
    return None if is_check or is_node else NOT_CHECKED


def find_difference(approved: t.Sequence[t.Mapping[str, str]], digests: t.Mapping[str, str]) -> str | None:
    """Return why a rollout must not start; None if it does exactly what was approved.

    :param approved: the digests of each job of the check, of which a sliced one has several.
    :param digests: those of this job.
    """
    if not approved:
        return NOT_CHECKED
    checked = {host: digest for hosts in approved for host, digest in hosts.items()}
    # Those that were checked together are rolled out together.
    together = [host for hosts in approved if not hosts.keys().isdisjoint(digests) for host in hosts]
    hosts = dict.fromkeys([*digests, *together])
    differing = [host for host in hosts if host not in digests or checked.get(host) != digests[host]]
    return CHANGED.format(", ".join(differing)) if differing else None

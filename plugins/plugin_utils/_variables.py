# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables of a host: their values, or why they cannot be evaluated."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleError

PREFIX = "cortex_pagerduty_"
UNDEFINED = "{} cannot be evaluated: {}."

# The words of Jinja and Ansible for something undefined. ansible-core before 2.19 repeats it, and adds the template.
_NAMES_IT = re.compile(
    r"(?P<undefined>'[^'\n]*' is undefined"
    r"|(?:object of type )?'[^'\n]*' has no (?:attribute|element) (?:'[^'\n]*'|\d+)"
    r"|\w+ object has no element \d+)"
)


class EvaluationError(Exception):
    """A variable is set and cannot be evaluated. The message is a sentence that names it."""


def of_hosts(task_vars: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Yield each host of a play with its variables, and those of the play that ``hostvars`` does not know."""
    hostvars = task_vars["hostvars"]
    of_play = {name: value for name, value in task_vars.items() if name.startswith("ansible_play_")}
    for host in task_vars["ansible_play_hosts_all"]:
        # Not templated, and all at once: hostvars[host] would be slower.
        yield host, {**hostvars.raw_get(host), **of_play, "hostvars": hostvars}


def evaluate(templar: t.Any, variables: t.Mapping[str, t.Any], options: t.Iterable[str]) -> dict[str, t.Any]:
    """Return the values of those variables of the role that are set, by the options that they are for.

    A variable that evaluates to ``omit`` counts as not set. One that contains something undefined does not.

    :param templar: Ansible's, with these variables.
    :raises EvaluationError: naming the variable.
    """
    values = {}
    for option in options:
        name = PREFIX + option
        if name in variables:
            try:
                # In a list: ansible-core from 2.19 drops an omitted value from there, and refuses it elsewhere.
                evaluated = templar.template([variables[name]])
                # A value of the vault is decrypted here.
                if evaluated and evaluated[0] != variables.get("omit", ...):
                    values[option] = evaluated[0]
            except AnsibleError as error:
                raise EvaluationError(UNDEFINED.format(name, describe(error).rstrip("."))) from None
    return values


def describe(error: object) -> str:
    """Return a message of Ansible's on one line: of one about something undefined, only the part that names it."""
    text = str(error)
    found = _NAMES_IT.search(text)
    # ansible-core before 2.19 adds paragraphs on where the task is written.
    return found["undefined"] if found else one_line(text.strip().partition("\n\n")[0])


def one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())

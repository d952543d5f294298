# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Makefile calls.

`run.py test [PART...]`, `run.py test-matrix [ends|CELL...]`, and `run.py exec demo|test PROGRAM [ARGUMENT...]`.
"""

from __future__ import annotations

import os
import sys

from matrix import test_matrix
from parts import LONG_PARTS, PARTS, forget_coverage
from release import release
from runner import Part, run_parts, summary
from workdir import ROOT, VENV_BIN, SetupError, environment, lock, prepare, sync_copy

# What make test leaves out.
FURTHER_PARTS = {"release-check": Part(release), **LONG_PARTS}


def test(names: list[str]) -> int:
    """Run the named parts and those whose results they need, or all of PARTS; return the exit status."""
    parts = PARTS | FURTHER_PARTS
    unknown = set(names) - set(parts)
    if unknown:
        raise SetupError(f"No such part: {', '.join(sorted(unknown))}. There are: {', '.join(parts)}.")
    wanted = set(names or PARTS)
    for name in list(wanted):
        wanted.update(parts[name].after)
    prepare("test")
    with lock("test"):
        sync_copy()
        forget_coverage()
        runs = run_parts(
            {name: part for name, part in parts.items() if name in wanted},
            jobs=min(os.cpu_count() or 1, 2),
            live=len(wanted) == 1,
        )
    print(summary(runs))
    return 0 if all(run.ok for run in runs) else 1


def matrix(names: list[str]) -> int:
    """Run the tests in the named cells, in those at either end (`ends`), or in all; return the exit status."""
    prepare("test")
    with lock("test"):
        sync_copy()
        return test_matrix(names)


def execute(stage: str, command: list[str]) -> int:
    """Replace this process by a program of the virtual environment, run from the repository's root."""
    prepare(stage)
    os.chdir(ROOT)
    os.execve(VENV_BIN / command[0], command, environment())


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["test", *names]:
                return test(names)
            case ["test-matrix", *names]:
                return matrix(names)
            case ["exec", stage, *command] if command:
                return execute(stage, command)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

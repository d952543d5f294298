# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tasks have in common, and the task that only reads."""

from __future__ import annotations

import os
import typing as t

from ._cortex import Configuration, Cortex, Verdict
from ._errors import CortexError, NotFoundError
from ._options import CONNECTION_SPEC, check_connection


class Task:
    """A task, and what it has found out and done at any moment.

    :param params: the validated options.
    :ivar warnings: for the user.
    """

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool) -> None:
        self._params = params
        self._check_mode = check_mode
        self.warnings: list[str] = []

    def run(self) -> None:
        """Do what the options ask for.

        :raises CortexError: when that failed.
        """
        raise NotImplementedError

    def values(self) -> dict[str, t.Any]:
        """Return the return values as they are now."""
        raise NotImplementedError

    def failure(self, error: CortexError) -> dict[str, t.Any]:
        """Return the return values of a failed task as they are now."""
        return {**self.values(), **error.details(), "failed": True, "msg": str(error)}

    def outcome(self) -> dict[str, t.Any]:
        """Run the task, and return its return values, whether it succeeded or failed."""
        try:
            self.run()
        except CortexError as error:
            return self.failure(error)
        except Exception as exc:  # noqa: BLE001 - the text of an unknown exception could contain a secret
            return self.failure(_unexpected(exc))
        return self.values()

    def _connect(self, *secrets: str | None) -> Cortex:
        return Cortex(**{name: self._params[name] for name in CONNECTION_SPEC}, secrets=secrets)


class Inspection(Task):
    """Reads the configuration and, if asked to, has Cortex validate it."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool) -> None:
        super().__init__(params, check_mode)
        self._configuration: Configuration | None = None
        self._verdicts: list[Verdict] | None = None

    def run(self) -> None:
        self.warnings += check_connection(self._params)
        with self._connect() as cortex:
            self._configuration = cortex.read()
            if self._configuration and self._params["validate"]:
                try:
                    self._verdicts = cortex.validate()
                except NotFoundError:
                    # It was removed between the two requests.
                    self._configuration = None

    def values(self) -> dict[str, t.Any]:
        return {
            "changed": False,
            "configuration": self._configuration and self._configuration._asdict(),
            "validation": None if self._verdicts is None else validation_value(self._verdicts),
        }


def validation_value(verdicts: list[Verdict]) -> dict[str, t.Any]:
    """Return the return value ``validation``. Without any verdict nothing is valid."""
    return {
        "is_valid": bool(verdicts) and all(verdict.is_valid for verdict in verdicts),
        "configurations": [verdict._asdict() for verdict in verdicts],
    }


def _unexpected(exc: Exception) -> CortexError:
    frame = exc.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f" in {os.path.basename(frame.tb_frame.f_code.co_filename)}, line {frame.tb_lineno}" if frame else ""
    return CortexError(
        f"An unexpected error occurred: {type(exc).__name__}{place}.",
        "Report it at https://github.com/cortexapps/ansible-collection-cortex/issues.",
    )

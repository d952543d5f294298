# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a report: where it may be written, and writing it whole or not at all."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ._audit import Row, to_csv, to_html, to_json

FORMATS: dict[str, t.Callable[[t.Sequence[Row], str, int], str]] = {".json": to_json, ".csv": to_csv, ".html": to_html}

CANNOT_WRITE = "The report cannot be written to {}: {}"
OTHER_ENDING = "its name must end in .json, .csv or .html."
NO_FOLDER = "the folder {} does not exist."
READ_ONLY_FOLDER = "you may not write to the folder {}."
NO_FILE = "it exists and is not a file."


def find_path(dest: str | None) -> str | None:
    """Return the absolute path of a report, None if none is wanted.

    A worker of Ansible's is where the command was started.
    """
    return os.path.realpath(os.path.expanduser(dest)) if dest and dest.strip() else None


def find_fault_of_path(path: str) -> str | None:
    """Return why a report cannot be written there, None if nothing is known to prevent it."""
    folder = os.path.dirname(path)
    if os.path.splitext(path)[1].lower() not in FORMATS:
        return CANNOT_WRITE.format(path, OTHER_ENDING)
    if not os.path.isdir(folder):
        return CANNOT_WRITE.format(path, NO_FOLDER.format(folder))
    if os.path.lexists(path) and not os.path.isfile(path):
        return CANNOT_WRITE.format(path, NO_FILE)
    if not os.access(folder, os.W_OK | os.X_OK):
        return CANNOT_WRITE.format(path, READ_ONLY_FOLDER.format(folder))
    return None


def write(path: str, rows: t.Sequence[Row], read_at: str, unread: int = 0) -> None:
    """Write the report, whole or not at all, with mode 0600.

    :raises OSError: if it cannot be written.
    """
    content = FORMATS[os.path.splitext(path)[1].lower()](rows, read_at, unread).encode(errors="replace")
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

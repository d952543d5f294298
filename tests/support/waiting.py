# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for events in another process or thread."""

from __future__ import annotations

import threading
from collections.abc import Callable


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return as soon as something is so.

    Raises:
        TimeoutError: when it is not within a minute.
    """
    pause = threading.Event()
    for _attempt in range(6000):
        if is_so():
            return
        pause.wait(0.01)
    raise TimeoutError

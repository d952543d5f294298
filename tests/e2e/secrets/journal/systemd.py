# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the place of systemd's Python library: the journal is a file. Modules write to it how they were called."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace


def send(**fields: object) -> None:
    with Path(os.environ["TEST_JOURNAL"]).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(fields, default=str) + "\n")


daemon = SimpleNamespace(booted=lambda: True)
# Ansible looks for sendv, to tell this library from others of the same name.
journal = SimpleNamespace(send=send, sendv=send)

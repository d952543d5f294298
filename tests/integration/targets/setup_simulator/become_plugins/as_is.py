# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: as_is
short_description: Run commands unchanged, as the same user
description:
  - With privilege escalation, a task of this collection runs as an ordinary module, also over a local connection.
    This plugin lets tests choose that without needing any privilege.
  - Set O(ignore:ansible_become=true), O(ignore:ansible_become_method=as_is), and
    O(ignore:ansible_python_interpreter) to a Python that has C(requests).
author:
  - cortexapps.cortex contributors (@cortexapps)
options:
  become_user:
    description: Not used. As it is empty, Ansible does not prepare files for another user.
    default: ""
"""


class BecomeModule(BecomeBase):  # type: ignore[misc]
    """Runs commands unchanged."""

    name = "as_is"

    def build_become_command(self, cmd: str, shell: object) -> str:
        # Without a call of the method of the base class, Ansible expects no message of success in the output.
        return cmd

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypts as ansible-vault does."""

from __future__ import annotations

from ansible.parsing.vault import VaultLib, VaultSecret


def encrypt(text: str, password: str) -> str:
    """Encrypt a text, to the same in each process."""
    vault = VaultLib([("default", VaultSecret(password.encode()))])
    encrypted: bytes = vault.encrypt(text, salt="the same each time")
    return encrypted.decode()

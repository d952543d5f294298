# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypts as ansible-vault does."""

from __future__ import annotations

from ansible.parsing.vault import VaultLib, VaultSecret


def encrypt(text: str, password: str) -> str:
    """Encrypt a text, to the same in each process."""
    vault = VaultLib([("default", VaultSecret(password.encode()))])
    encrypted: bytes = vault.encrypt(text, salt="the same each time")
    return encrypted.decode()

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which CAs are trusted: the CA store of a task, and the TLS context with its certificates."""

from __future__ import annotations

import codecs
import contextlib
import functools
import os
import ssl
import typing as t
from pathlib import Path

from ._errors import CortexError
from ._redaction import one_line

try:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:
    # Without it no session is opened.
    pass


class CaStore(t.NamedTuple):
    """Where the certificates of trusted CAs are.

    :param path: a file with certificates in PEM format, or a hashed directory.
    :param source: the option or the environment variable that names it; empty for the system's.
    """

    path: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source or 'the CA store of the system'} ({one_line(self.path)})"


def find_ca_store(ca_path: str | None) -> CaStore:
    """Return the CA store of the option, else that of the environment, else the system's, else that of requests.

    The system's comes before that of requests, because that is where a company's own CA is installed, and a hashed
    directory is read only as far as it is needed.

    :raises CortexError: when the environment names a store that does not exist.
    """
    if ca_path:
        return CaStore(ca_path, "ca_path")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = _path_from_environment(name)
        if path:
            return CaStore(path, name)
    paths = ssl.get_default_verify_paths()
    for name in (paths.openssl_cafile_env, paths.openssl_capath_env):
        _path_from_environment(name)
    stores = [(paths.cafile, paths.openssl_cafile_env), (paths.capath, paths.openssl_capath_env)]
    # A directory that the environment names comes before a file that it does not name.
    if os.environ.get(paths.openssl_capath_env) and not os.environ.get(paths.openssl_cafile_env):
        stores.reverse()
    for store, name in stores:
        if store and (os.path.isfile(store) or _has_hashed_certificates(store)):
            return CaStore(store, name if os.environ.get(name) else "")
    return CaStore(DEFAULT_CA_BUNDLE_PATH)


def _path_from_environment(name: str) -> str | None:
    path = os.environ.get(name)
    # OpenSSL accepts several directories.
    if path and not any(map(os.path.exists, [path, *path.split(os.pathsep)])):
        raise CortexError(f"The environment variable {name} names a CA bundle that does not exist: {one_line(path)}.")
    return path


def tls_context(store: CaStore) -> ssl.SSLContext:
    """Return the TLS context for a CA store.

    :raises CortexError: when the store cannot be used.
    """
    try:
        return _load(store.path)
    except OSError:
        kind = "directory" if os.path.isdir(store.path) else "file"
        names = "ca_path" if store.source == "ca_path" else f"the environment variable {store.source}"
        owner = f"The CA {kind} that {names} names" if store.source else f"The CA {kind} of the system"
        raise CortexError(
            f"{owner} cannot be used ({one_line(store.path)}): {_what_is_wrong(store.path)}.",
            "It must be a file with certificates in PEM format, or a hashed directory of such files.",
        ) from None


def check_key_log_file() -> None:
    """Open the file for the keys of TLS connections, if the environment names one, as urllib3 does.

    :raises CortexError: when it cannot be written.
    """
    path = os.path.expandvars(os.environ.get("SSLKEYLOGFILE", ""))
    try:
        if path:
            open(path, "ab").close()
    except OSError:
        what = f"The environment variable SSLKEYLOGFILE names a file that cannot be written: {one_line(path)}."
        raise CortexError(what) from None


def load_default_ca_store() -> None:
    """Read the CA store of the environment or the system, so that processes which are forked later need not.

    Each of them would spend more time on it than on its requests. If something is wrong with it, the tasks that need it
    say so.
    """
    with contextlib.suppress(CortexError, OSError):
        tls_context(find_ca_store(None))


@functools.cache
def _load(path: str) -> ssl.SSLContext:
    """Return the TLS context for a CA store, which is read once in each process."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    if os.path.isfile(path):
        context.load_verify_locations(cafile=path)
    elif _has_hashed_certificates(path):
        context.load_verify_locations(capath=path)
    else:
        raise OSError
    return context


def _has_hashed_certificates(path: str) -> bool:
    return any(Path(path).glob("[0-9a-f]" * 8 + ".[0-9]"))


def _what_is_wrong(path: str) -> str:
    """Return why a CA store cannot be used, after a colon."""
    if os.path.isdir(path):
        return "it contains no hashed certificates, which openssl rehash creates"
    if not os.path.isfile(path):
        return "it is neither a file nor a directory"
    try:
        content = Path(path).read_bytes()
    except OSError as unreadable:
        return os.strerror(unreadable.errno or 0)
    if not content.strip():
        return "it is empty"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is encoded in UTF-16"
    if content.startswith(b"\x30"):
        return "it is in a binary format such as DER"
    if b"-----BEGIN PKCS7-----" in content:
        return "it is in the format PKCS#7"
    if b"-----BEGIN " in content and b"CERTIFICATE-----" in content:
        return "it contains a damaged certificate"
    return "it contains no certificate in PEM format"

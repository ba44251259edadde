"""A home's keys, sealed on disk: opened by a key file, or by a passphrase that only people know.

Invariant: keys are never on disk in the open; key files are readable by their owner alone.
"""

import os
import stat
from pathlib import Path

import msgspec
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from protocol.core.encoding import decode, encode, to_struct, to_value
from protocol.core.errors import RefusedError
from protocol.core.identity import HomeKeys
from storage.disk import write_durably

SEALED_FILE = "keys.sealed"
KEY_FILE = "keys.key"
PASSPHRASE_BYTES_MAX = 1_024
SEALED_BYTES_MAX = 4_096
OTHERS = 0o077
# argon2id with the library's MODERATE limits: about a second and 256 MiB, once at start.
OPSLIMIT = argon2id.OPSLIMIT_MODERATE
MEMLIMIT = argon2id.MEMLIMIT_MODERATE


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sealed file: how its box opens (`file` or `argon2id` with salt and limits) and the box."""

    v: int
    method: str
    salt: bytes
    opslimit: int
    memlimit: int
    box: bytes


def seal(folder: Path, keys: HomeKeys, random: bytes, passphrase: str | None = None) -> None:
    """Write a home's keys, sealed; `random` is 56 bytes (a key or salt, and a nonce). Without a passphrase a key file
    beside them opens them, so that a node starts unattended after a power cut."""
    secret, nonce = random[: SecretBox.KEY_SIZE], random[-SecretBox.NONCE_SIZE :]
    salt = secret[: argon2id.SALTBYTES]
    if passphrase is None:
        sealed = _Sealed(1, "file", b"", 0, 0, _box(secret, keys, nonce))
        write_durably(folder / KEY_FILE, secret)
    else:
        box = _box(_derive(passphrase, salt, OPSLIMIT, MEMLIMIT), keys, nonce)
        sealed = _Sealed(1, "argon2id", salt, OPSLIMIT, MEMLIMIT, box)
    write_durably(folder / SEALED_FILE, encode(to_value(sealed)))
    if passphrase is not None:
        # Only now: cut short before, the old key file still opens the old box.
        (folder / KEY_FILE).unlink(missing_ok=True)


def method_of(folder: Path) -> str:
    """How a home's keys open: `file` or `argon2id`; RefusedError where there are none."""
    return _read_sealed(folder).method


def check_closed(folder: Path) -> None:
    """RefusedError when others on this machine may look into a home or at its keys."""
    if os.name != "posix":
        return
    for path in (folder, folder / SEALED_FILE, folder / KEY_FILE):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        if mode & OTHERS:
            right = "700" if path == folder else "600"
            raise RefusedError.at(str(path), f"others on this machine can open it; close it with `chmod {right}`")


def unseal(folder: Path, passphrase: str | None = None) -> HomeKeys:
    """Open a home's keys; RefusedError says what is missing or wrong, never what is inside."""
    path = folder / SEALED_FILE
    sealed = _read_sealed(folder)
    try:
        plain = SecretBox(_opener(folder, sealed, passphrase)).decrypt(sealed.box)
    except CryptoError:
        raise RefusedError.at(str(path), "the key file or passphrase does not open it") from None
    return to_struct(decode(plain), HomeKeys, SEALED_FILE)


def check_passphrase(passphrase: str) -> None:
    """RefusedError when it is empty or too long."""
    if not 0 < len(passphrase.encode()) <= PASSPHRASE_BYTES_MAX:
        raise RefusedError.at("passphrase", f"must have 1 to {PASSPHRASE_BYTES_MAX} bytes")


def _read_sealed(folder: Path) -> _Sealed:
    try:
        raw = (folder / SEALED_FILE).read_bytes()
    except FileNotFoundError:
        raise RefusedError.at(str(folder), "no keys here; `rochdale init` makes a home") from None
    return to_struct(decode(raw, SEALED_BYTES_MAX), _Sealed, SEALED_FILE)


def _opener(folder: Path, sealed: _Sealed, passphrase: str | None) -> bytes:
    if sealed.method == "file":
        try:
            return (folder / KEY_FILE).read_bytes()[: SecretBox.KEY_SIZE].ljust(SecretBox.KEY_SIZE, b"\0")
        except FileNotFoundError:
            raise RefusedError.at(str(folder / KEY_FILE), "the key file is missing") from None
    if sealed.method != "argon2id" or sealed.opslimit > OPSLIMIT or sealed.memlimit > MEMLIMIT:
        raise RefusedError.at(SEALED_FILE, "sealed in a way that this version does not know")
    if passphrase is None:
        raise RefusedError.at(SEALED_FILE, "a passphrase is needed: name its file with --passphrase-file")
    return _derive(passphrase, sealed.salt, sealed.opslimit, sealed.memlimit)


def _derive(passphrase: str, salt: bytes, opslimit: int, memlimit: int) -> bytes:
    check_passphrase(passphrase)
    return argon2id.kdf(SecretBox.KEY_SIZE, passphrase.encode(), salt, opslimit=opslimit, memlimit=memlimit)


def _box(secret: bytes, keys: HomeKeys, nonce: bytes) -> bytes:
    return bytes(SecretBox(secret).encrypt(encode(to_value(keys)), nonce))

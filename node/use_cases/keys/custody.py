"""How a home's keys open, and what of them may be shown or put away.

Invariant: no secret key leaves the home but sealed under a passphrase, into a file that must not exist yet.
"""

from pathlib import Path

import msgspec

from node.clock import Clock
from node.config import Config, load_config, save_config
from node.use_cases.context import Node, Operation
from node.use_cases.home import read_passphrase
from node.use_cases.till import NoParams
from protocol.core.errors import RefusedError
from protocol.core.identity import public_keys
from protocol.core.note import COSIGNATURE_V1, ED25519, format_vkey
from protocol.log.cosignature import witness_name
from storage import keyring

SEAL_RANDOM_BYTES = 56


class PublicReport(msgspec.Struct, frozen=True):
    """This home's public keys, each as the line that other people's tools read (vkey)."""

    origin: str
    log: str
    witness: str


async def show_public(node: Node, _: NoParams) -> PublicReport:
    """The public keys by which anyone can check what this home signs."""
    keys, name = public_keys(node.keys), witness_name(node.origin)
    return PublicReport(
        node.origin,
        format_vkey(node.origin, ED25519, keys.log),
        format_vkey(name, COSIGNATURE_V1, keys.witness),
    )


def change_passphrase(config: Config, clock: Clock, passphrase_file: str) -> str:
    """Have the home's keys open by the passphrase in a file from now on, or by a key file (empty); how they open.

    RefusedError when the present passphrase does not open them. Whoever calls holds the home's lock.
    """
    keyring.check_closed(config.home)
    keys = keyring.unseal(config.home, read_passphrase(config.passphrase_file))
    passphrase = read_passphrase(passphrase_file)
    if passphrase is None and keyring.method_of(config.home) == "file":
        raise RefusedError.at("passphrase", "the keys open by their key file already")
    keyring.seal(config.home, keys, clock.random_bytes(SEAL_RANDOM_BYTES), passphrase)
    save_config(msgspec.structs.replace(load_config(config.home), passphrase_file=passphrase_file))
    return keyring.method_of(config.home)


def export_sealed(config: Config, clock: Clock, target: Path, passphrase_file: str) -> None:
    """Put the home's keys into a new folder, sealed under a passphrase: for a safe, never for a mail."""
    passphrase = read_passphrase(passphrase_file)
    if passphrase is None:
        raise RefusedError.at("passphrase", "keys leave a home only under a passphrase")
    keys = keyring.unseal(config.home, read_passphrase(config.passphrase_file))
    try:
        target.mkdir(0o700)
    except OSError as error:
        raise RefusedError.at(str(target), error.strerror or "cannot be made") from None
    keyring.seal(target, keys, clock.random_bytes(SEAL_RANDOM_BYTES), passphrase)


OPERATIONS = (
    Operation("key.public", NoParams, show_public, "This home's public keys, for others' tools.", writes=False),
)

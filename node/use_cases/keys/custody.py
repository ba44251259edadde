"""How a home's keys open, and what of them may be shown or put away.

Invariant: no secret key leaves the home but sealed under a passphrase, into a file that must not exist yet.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from node.clock import Clock
from node.config import Config, load_config, save_config
from node.use_cases.context import Desk, DeskOperation, Node, NoParams, Operation
from node.use_cases.description import PLACE, Command, help_of
from node.use_cases.home import open_made, read_passphrase
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.identity import public_keys
from protocol.core.note import COSIGNATURE_V1, ED25519, format_vkey
from protocol.log.cosignature import witness_name
from storage import keyring
from storage.home.home_lock import HomeLock

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


class PassphraseParams(msgspec.Struct):
    """How the keys are to open from now on: by a passphrase in a file, or by a key file; one of the two."""

    new_passphrase_file: Annotated[str, PLACE, help_of("The file with the new passphrase.")] = ""
    key_file: Annotated[bool, help_of("Open the keys by a key file instead, so that a node starts unattended.")] = False


class OpensBy(msgspec.Struct, frozen=True):
    """How the keys open now."""

    opens_by: str


class ExportParams(msgspec.Struct):
    """Where all keys are to go, sealed, and the passphrase for that; without both only public keys are told."""

    sealed: Annotated[str, PLACE, help_of("Also put all keys, sealed, into this new folder.")] = ""
    passphrase_file: Annotated[str, PLACE, help_of("The file with the passphrase that seals them.")] = ""


def change_at_desk(desk: Desk, params: PassphraseParams) -> OpensBy:
    """Have a home's keys open another way; RefusedError while its node runs."""
    if bool(params.new_passphrase_file) == params.key_file:
        raise MisuseError("say --new-passphrase-file or --key-file")
    config = open_made(desk.home)
    lock = HomeLock.take(desk.home)
    try:
        return OpensBy(change_passphrase(config, desk.clock, params.new_passphrase_file))
    finally:
        lock.release()


def export_at_desk(desk: Desk, params: ExportParams) -> PublicReport:
    """What may be shown of a home's keys; the rest, sealed, into a folder for a safe. No API gives any of that out."""
    if params.sealed:
        export_sealed(open_made(desk.home), desk.clock, Path(params.sealed), params.passphrase_file)
    return msgspec.convert(desk.ask("key.public", {}), PublicReport)


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


def _tell_opens_by(answer: OpensBy) -> Iterator[str]:
    if answer.opens_by == "file":
        yield "The keys open by a key file in the home now: whoever reads that folder has them."
    else:
        yield "The keys open by that passphrase now. Without it nobody opens them, and nobody can tell it to you."


def _tell_public(answer: PublicReport) -> Iterator[str]:
    yield f"The log's key:\n  {answer.log}\nThe witness's key:\n  {answer.witness}"


OPERATIONS = (
    DeskOperation(
        "key.change_passphrase",
        PassphraseParams,
        change_at_desk,
        "Have this home's keys open another way. The node must not run.",
        tell=_tell_opens_by,
        command=Command("key change-passphrase", example="--key-file", code=1),
    ),
    DeskOperation(
        "key.export",
        ExportParams,
        export_at_desk,
        "Print this home's public keys; with --sealed put the secret ones, under a passphrase, into a safe's folder.",
        tell=_tell_public,
        command=Command("key export"),
    ),
    Operation("key.public", NoParams, show_public, "This home's public keys, for others' tools.", writes=False),
)

"""The first hour of a home: its keys, its log, its first record; and opening it again.

Invariant: `init` asks nothing, and the recovery key is shown once and never kept.
Invariant: what cannot become a home (a name, an address, a passphrase file, a folder in use) is refused before anything
is written.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from node.clock import Clock
from node.config import Config, load_config, origin_from_name, save_config
from node.use_cases.context import Node
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.founding import NAME_LENGTH_MAX, Founding
from protocol.core.identity import (
    HOME_SEED_BYTES,
    SEED_BYTES,
    HomeKeys,
    generate,
    generate_home_keys,
    public_keys,
    recovery_key_hash,
)
from protocol.federation.peer_card import check_url
from protocol.gossip.limits import EPOCH_BYTES
from storage import keyring
from storage.database import Database, open_reader
from storage.disk import OWN_DISK, Disk
from storage.files import Files
from storage.home.home_lock import HomeLock
from storage.log import index_renewal, log_store
from storage.peers import gossip_marks
from storage.private import till_lines
from storage.settings import set_setting, setting

SUFFIX_BYTES = 4
DEFAULT_NAME = "A co-op without a name yet"
PASSPHRASE_FILE_BYTES_MAX = 2_048
BEGUN_FILES = ("config.toml", "keys.", "node.sqlite", "lock.sqlite", "node.log", "files")
"""What may lie in a folder before `init`: written by hand, or left by an `init` that was cut short."""


class Made(NamedTuple):
    """A new home: the name of its log and the recovery key in hex, to be printed once and kept offline."""

    origin: str
    recovery_key: str


def is_home(home: Path) -> bool:
    """Whether a folder holds a home already."""
    return (home / keyring.SEALED_FILE).exists()


async def init_home(config: Config, clock: Clock) -> Made:
    """Make a home: keys sealed, log begun, first record signed; RefusedError when there is one."""
    name = config.name or DEFAULT_NAME
    check_name(name)
    passphrase = read_passphrase(config.passphrase_file)
    _check_folder(config.home)
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.home.chmod(0o700)
    lock = HomeLock.take(config.home)
    try:
        _clear_begun(config.database_path)
        return await _make_home(config, clock, name, passphrase)
    finally:
        lock.release()


async def _make_home(config: Config, clock: Clock, name: str, passphrase: str | None) -> Made:
    keys = generate_home_keys(clock.random_bytes(HOME_SEED_BYTES))
    recovery_seed = clock.random_bytes(SEED_BYTES)
    origin = origin_from_name(name, clock.random_bytes(SUFFIX_BYTES).hex())
    save_config(config)
    node = _assemble(config, clock, keys, origin, name)
    try:
        await node.database.write(lambda db: log_store.add_log(db, origin, generate(keys.log).public))
        founding = Founding(
            name=name, keys=public_keys(keys), recovery_key_hash=recovery_key_hash(generate(recovery_seed).public)
        )
        await publish(node, "log.founding", founding)
        await node.database.write(lambda db: set_setting(db, "origin", origin))
        await node.database.write(lambda db: set_setting(db, "name", name))
        await node.database.write(index_renewal.renew)
    finally:
        node.database.close()
    # The keys come last: a home that was cut short on the way is no home yet, and `init` may begin again.
    keyring.seal(config.home, keys, clock.random_bytes(56), passphrase)
    return Made(origin, recovery_seed.hex())


def open_node(
    config: Config, clock: Clock, open_database: Callable[[Path], Database] = Database, disk: Disk = OWN_DISK
) -> Node:
    """Open a home that `init` made; RefusedError says what is missing. Whoever simulates a machine brings its disk."""
    keyring.check_closed(config.home)
    keys = keyring.unseal(config.home, read_passphrase(config.passphrase_file))
    database = open_database(config.database_path)
    with contextlib.ExitStack() as closing:
        # Where the home cannot be opened, its database is no longer held either.
        closing.callback(database.close)
        origin = setting(database.reader, "origin")
        if not isinstance(origin, str):
            raise RefusedError.at(str(config.database_path), "the database does not know its own log")
        if index_renewal.is_due(database.reader):
            # Before anybody reads a view: what takes part in decisions must not act on half of one.
            database.write_and_wait(index_renewal.renew)
        closing.pop_all()
    return _assemble(config, clock, keys, origin, str(setting(database.reader, "name")), database, disk)


def begin_command(node: Node) -> None:
    """A command works on a home whose node is off: what it changes is numbered in an epoch of its own.

    The home may have been put back from a backup, and peers been told of other changes by the same numbers.
    """
    epoch, (_, value) = node.clock.random_bytes(EPOCH_BYTES), log_store.change_counter(node.database.reader)
    node.database.before_commit = lambda db: gossip_marks.follow_epoch(db, epoch, value)


async def rename(node: Node, name: str) -> None:
    """Call the co-op by another name on this node's own pages (private setting); its log keeps its origin.

    RefusedError for a name that cannot be.
    """
    check_name(name.strip())
    await node.database.write(lambda db: set_setting(db, "name", name.strip()))
    node.name = name.strip()


def open_config(home: Path, **changes: object) -> Config:
    """A home's config with what the command line says on top."""
    given = {field: value for field, value in changes.items() if value is not None}
    config = msgspec.structs.replace(load_config(home), **given)
    check_url(config.peer_url)
    return config


def open_made(home: Path) -> Config:
    """The config of a home that `init` made; RefusedError where there is none."""
    if not is_home(home):
        raise RefusedError.at(str(home), "no home here; `rochdale init` makes one")
    return open_config(home)


def check_name(name: str) -> None:
    """RefusedError when a co-op cannot be called so."""
    if not 0 < len(name.strip()) <= NAME_LENGTH_MAX or not name.isprintable():
        raise RefusedError.at("name", f"must have 1 to {NAME_LENGTH_MAX} printable characters")


def _check_folder(home: Path) -> None:
    """A home's folder is closed to others, so it is never one that holds other things."""
    if is_home(home):
        raise RefusedError.at(str(home), "a home is here already; nothing was changed")
    try:
        strange = sorted(path.name for path in home.iterdir() if not path.name.startswith(BEGUN_FILES))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise RefusedError.at(str(home), "this is a file; a home needs a folder of its own") from None
    if strange:
        raise RefusedError.at(str(home), f"the folder holds other things ({strange[0]}); name an empty one")


def _clear_begun(database: Path) -> None:
    """Drop what an `init` that was cut short left: a log of one record at most, and nothing of people's work."""
    if not database.exists():
        return
    reader = open_reader(database)
    try:
        is_used = bool(till_lines.files(reader)) or any(head.size > 1 for head in log_store.heads(reader))
    except sqlite3.Error:
        is_used = False
    finally:
        reader.close()
    if is_used:
        raise RefusedError.at(str(database), "a database without its keys; put the keys back, or name another folder")
    for path in (database, *(database.with_name(f"{database.name}-{end}") for end in ("wal", "shm"))):
        path.unlink(missing_ok=True)


def _assemble(
    config: Config,
    clock: Clock,
    keys: HomeKeys,
    origin: str,
    name: str,
    database: Database | None = None,
    disk: Disk = OWN_DISK,
) -> Node:
    opened = Database(config.database_path) if database is None else database
    return Node(config, clock, keys, opened, Files(config.home / "files", disk), origin, name, disk)


def read_passphrase(path: str) -> str | None:
    """The passphrase in a file, None where none is named; RefusedError when it cannot be one."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as stream:
            passphrase = stream.read(PASSPHRASE_FILE_BYTES_MAX).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise RefusedError.at(path, "the passphrase file cannot be read as text") from None
    keyring.check_passphrase(passphrase)
    return passphrase

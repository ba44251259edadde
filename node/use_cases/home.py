"""The first hour of a home: its keys, its log, its first record; and opening it again.

Invariant: `init` asks nothing, and the recovery key is shown once and never kept.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from node.clock import Clock
from node.config import Config, load_config, origin_from_name, save_config
from node.use_cases.context import Node
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.founding import Founding
from protocol.core.identity import (
    HOME_SEED_BYTES,
    SEED_BYTES,
    HomeKeys,
    generate,
    generate_home_keys,
    public_keys,
    recovery_key_hash,
)
from storage import keyring, log_store
from storage.database import Database
from storage.files import Files
from storage.settings import set_setting, setting

SUFFIX_BYTES = 4
DEFAULT_NAME = "A co-op without a name yet"
PASSPHRASE_FILE_BYTES_MAX = 2_048


class Made(NamedTuple):
    """A new home: the name of its log and the recovery key in hex, to be printed once and kept offline."""

    origin: str
    recovery_key: str


def is_home(home: Path) -> bool:
    """Whether a folder holds a home already."""
    return (home / keyring.SEALED_FILE).exists()


async def init_home(config: Config, clock: Clock) -> Made:
    """Make a home: keys sealed, log begun, first record signed; RefusedError when there is one."""
    if is_home(config.home):
        raise RefusedError.at(str(config.home), "a home is here already; nothing was changed")
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.home.chmod(0o700)
    name = config.name or DEFAULT_NAME
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
    finally:
        node.database.close()
    # The keys come last: a home that was cut short on the way is no home yet, and `init` may begin again.
    keyring.seal(config.home, keys, clock.random_bytes(56), _read_passphrase(config))
    return Made(origin, recovery_seed.hex())


def open_node(config: Config, clock: Clock) -> Node:
    """Open a home that `init` made; RefusedError says what is missing."""
    keys = keyring.unseal(config.home, _read_passphrase(config))
    database = Database(config.database_path)
    origin = setting(database.reader, "origin")
    if not isinstance(origin, str):
        database.close()
        raise RefusedError.at(str(config.database_path), "the database does not know its own log")
    return _assemble(config, clock, keys, origin, str(setting(database.reader, "name")), database)


async def rename(node: Node, name: str) -> None:
    """Call the co-op by another name on this node's own pages; its log keeps its origin."""
    if not 0 < len(name.strip()) <= 80:
        raise RefusedError.at("name", "must have 1 to 80 characters")
    await node.database.write(lambda db: set_setting(db, "name", name.strip()))
    node.name = name.strip()


def open_config(home: Path, **changes: object) -> Config:
    """A home's config with what the command line says on top."""
    given = {field: value for field, value in changes.items() if value is not None}
    return msgspec.structs.replace(load_config(home), **given)


def _assemble(
    config: Config, clock: Clock, keys: HomeKeys, origin: str, name: str, database: Database | None = None
) -> Node:
    opened = Database(config.database_path) if database is None else database
    return Node(config, clock, keys, opened, Files(config.home / "files"), origin, name)


def _read_passphrase(config: Config) -> str | None:
    if not config.passphrase_file:
        return None
    try:
        with Path(config.passphrase_file).open("rb") as stream:
            raw = stream.read(PASSPHRASE_FILE_BYTES_MAX)
        return raw.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise RefusedError.at(config.passphrase_file, "the passphrase file cannot be read as text") from None

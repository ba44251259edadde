"""Going on under a new name: this home's log takes the place of one whose key was lost or stolen.

Invariant: only the recovery key names a successor; it is read, used once and not kept.
Spec: docs/spec/federation/succession.md
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import PLACE, Command, count, help_of, in_file
from node.use_cases.fork_watch import root_at
from node.use_cases.keys.ends import find_succession, read_founding, recount_ends
from node.use_cases.publish import publish_statement
from node.use_cases.receive import Receiver
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.identity import SEED_BYTES, SigningKey, generate, recovery_key_hash
from protocol.core.record import NONCE_BYTES
from protocol.federation.succession import KeySuccession, sign_succession
from protocol.log.bundle import count_bundles
from storage.database import open_reader
from storage.log import log_store, record_index
from storage.settings import setting

_RECOVERY_BYTES_MAX = 1_024


class SucceedParams(msgspec.Struct, kw_only=True):
    """The recovery key in hex; the log that ended (empty: that of `old_home`); how many of its entries count (0: all
    that are held); the folder of the old home where it is still there."""

    recovery_key: Annotated[
        str, msgspec.Meta(max_length=200), in_file(_RECOVERY_BYTES_MAX), help_of("A file with the recovery key.")
    ]
    old: Annotated[str, help_of("The log that ended, where this node holds a copy of it.")] = ""
    size: Annotated[int, msgspec.Meta(ge=0), help_of("How many of its entries count; 0: all that are here.")] = 0
    old_home: Annotated[str, PLACE, help_of("The old home, if it is still there.")] = ""


class Succeeded(msgspec.Struct, frozen=True):
    """What was said: `old` ended after `size` entries, `origin` goes on."""

    old: str
    size: int
    origin: str
    index: int


async def succeed(node: Node, params: SucceedParams) -> Succeeded:
    """Say in this home's log, with the old log's recovery key, that it goes on for the old one (key.succession).
    RefusedError where the old log is not held here, the key is not its own, or this log goes on for another already."""
    if bool(params.old) == bool(params.old_home):
        raise MisuseError("say --old or --old-home: which log ended")
    old = await _take_old_home(node, Path(params.old_home)) if params.old_home else params.old
    db = node.database.reader
    head, founding = log_store.head(db, old), read_founding(db, old)
    if head is None or founding is None:
        raise RefusedError.at("old", "that log is not here; pin a node that mirrors it, or name the old home")
    if old == node.origin:
        raise RefusedError.at("old", "a log cannot succeed itself: make a new home and say it there")
    recovery = _read_key(params.recovery_key)
    if recovery_key_hash(recovery.public) != founding.recovery_key_hash:
        raise RefusedError.at("recovery_key", "not the key that was printed when the old home was made")
    if find_succession(db, node.origin) is not None:
        raise RefusedError.at("old", "this log goes on for another already")
    size = params.size or head.size
    if size > head.size:
        raise RefusedError.at("size", f"only {head.size} entries of the old log are here")
    body = KeySuccession(old, size, root_at(db, old, size), recovery.public)
    nonce, now_ms = node.clock.random_bytes(NONCE_BYTES), node.clock.now_ms()
    statement, sig = sign_succession(body, node.origin, recovery, nonce, now_ms)
    published = await publish_statement(node, statement, [sig])
    await recount_ends(node)
    return Succeeded(old, size, node.origin, published.index)


async def _take_old_home(node: Node, home: Path) -> str:
    """Take in the log of a home on this machine as any peer's log is taken in; its origin."""
    try:
        reader = open_reader(home / "node.sqlite")
    except sqlite3.Error:
        raise RefusedError.at(str(home), "no home that can be read") from None
    try:
        origin = str(setting(reader, "origin"))
        head, log_key = log_store.head(reader, origin), log_store.log_key_of(reader, origin)
        if head is None or log_key is None:
            raise RefusedError.at(str(home), "its database does not know its own log")
        await node.database.write(lambda db: log_store.add_log(db, origin, log_key))
        await _take_log(node, reader, head)
        return origin
    except PeerError as error:
        raise RefusedError.at(str(home), error.reason) from None
    except sqlite3.Error as error:
        raise RefusedError.at(str(home), f"its database cannot be read: {error}") from None
    finally:
        reader.close()


async def _take_log(node: Node, reader: sqlite3.Connection, head: log_store.Head) -> None:
    receiver, origin = Receiver(node), head.origin
    roots = b"".join(log_store.bundle_roots(reader, origin, 0, head.size))
    _, missing = await receiver.begin_transfer(origin, 0, head.note, roots)
    for number in missing:
        assert number < count_bundles(head.size)
        await receiver.admit_bundle(origin, number, log_store.bundle(reader, origin, number, head.size))
    receiver.end_transfer(origin)
    await receiver.stop()
    while (span := await node.database.write(lambda db: record_index.catch_up(db, origin)))[1] > span[0]:
        node.changes.publish(origin, *span)


def _read_key(text: str) -> SigningKey:
    try:
        seed = bytes.fromhex(text.strip())
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise RefusedError.at("recovery_key", f"must be {2 * SEED_BYTES} digits 0-9 and a-f, as it was printed")
    return generate(seed)


def _tell_succeeded(answer: Succeeded) -> Iterator[str]:
    said = count(answer.size, "entry", "entries")
    yield f"{answer.origin} goes on for {answer.old}, of which the first {said} count."
    yield "In a federation: have a member invite this home and join; it then takes the old one's place."


OPERATIONS = (
    Operation(
        "key.succeed",
        SucceedParams,
        succeed,
        "Say in this new home's log that it goes on for one whose key was lost or stolen.",
        tell=_tell_succeeded,
        command=Command("key succeed", example="--recovery-key absent --old old.example/log", code=1),
    ),
)

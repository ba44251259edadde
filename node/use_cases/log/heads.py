"""A log's newest signed head, with the cosignatures that this node has seen under it.

Spec: docs/spec/log/note-and-checkpoint.md
"""

import sqlite3
from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of
from protocol.core.errors import RefusedError
from protocol.core.note import ED25519, SIGNATURES_MAX, format_vkey, parse_note
from protocol.log.cosignature import add_signature, join_signatures
from protocol.log.mirror import mirror_prefix
from protocol.log.tiles import TileHashes
from storage.log import log_store
from storage.log.cosignatures import cosignatures, forks, pending_heads, witnessed_note
from storage.log.log_store import Head
from storage.peers.outside_witnesses import kept_note, kept_sizes

OriginName = Annotated[str, help_of("Which log; this home's own if none is named.")]


class LogName(msgspec.Struct, kw_only=True):
    """Which log, by its origin; this home's own where none is named."""

    origin: OriginName = ""


class HeadView(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head: `note` is the text to hand to others, `key` what its auditors need, `cosigners` who cosigned."""

    origin: str
    size: int
    root: str
    note: str
    key: str
    cosigners: tuple[str, ...]


async def show_head(node: Node, params: LogName) -> HeadView:
    """The newest head of a log with its cosignatures; RefusedError when this node does not hold the log."""
    db = node.database.reader
    head = held_head(db, params.origin or node.origin)
    note = cosigned_note(db, head)
    names = tuple(signature.name for signature in parse_note(note)[1] if signature.name != head.origin)
    return HeadView(
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        note=note.decode(),
        key=log_vkey(db, head.origin),
        cosigners=names,
    )


def log_vkey(db: sqlite3.Connection, origin: str) -> str:
    """The key of a log that is held here, as the line that other people's tools read (vkey)."""
    log_key = log_store.log_key_of(db, origin)
    assert log_key is not None
    return format_vkey(origin, ED25519, log_key)


def held_head(db: sqlite3.Connection, origin: str) -> Head:
    """The stored head of a log; RefusedError where there is none or nothing of it is here yet."""
    head = log_store.head(db, origin)
    if head is None or not head.note:
        raise RefusedError.at("origin", "this node holds no log of that name")
    return head


def cosigned_note(db: sqlite3.Connection, head: Head) -> bytes:
    """The note of a head with every cosignature of it that fits."""
    note = head.note
    for one in cosignatures(db, head.origin, head.size):
        if len(parse_note(note)[1]) < SIGNATURES_MAX:
            note = add_signature(note, one.line.decode())
    kept = kept_note(db, head.origin, head.size)
    return note if kept is None else join_signatures(note, kept)


def list_kept_notes(db: sqlite3.Connection, origin: str) -> list[bytes]:
    """Signed heads of a log kept beside the newest: what outsiders, our witness and mirror signed, and evidence."""
    prefix = mirror_prefix(origin)
    witnessed = witnessed_note(db, prefix)
    return [
        *(note for size in kept_sizes(db, origin) if (note := kept_note(db, origin, size)) is not None),
        *(head.note for head in pending_heads(db, prefix)),
        *([] if witnessed is None else [witnessed]),
        *(note for forked, *notes, _ in forks(db) if forked == origin for note in notes),
    ]


async def open_hashes(node: Node, head: Head, size: int | None = None) -> TileHashes:
    """The hashes of a log's tree of `size` (by default its head's), for proofs that read a few tiles of it."""
    if log_store.has_new_tiles(node.database.reader, head.origin):
        await node.database.write(lambda db: log_store.keep_tiles(db, head.origin))
    db = node.database.reader
    known = log_store.edge_hashes(db, head.origin)
    wanted = head.size if size is None else size
    return TileHashes(wanted, lambda tile: log_store.read_tile(db, head.origin, tile), known)


def _tell_head(answer: HeadView) -> Iterator[str]:
    yield answer.note.removesuffix("\n")


OPERATIONS = (
    Operation(
        "log.checkpoint",
        LogName,
        show_head,
        "The newest signed head with the cosignatures that are known.",
        writes=False,
        tell=_tell_head,
        command=Command("log checkpoint"),
    ),
)

"""Writing a log out as static files: any web server or memory stick then serves it to auditors and mirrors.

Invariant: the head is written last, when all it covers is on disk; each file appears whole or not at all.
Invariant: a folder is only ever moved on along the log that it has; what it had before is proven to be its beginning.
Spec: docs/spec/log/tiles-and-proofs.md (c2sp.org/tlog-tiles)
"""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import PLACE, Command, count
from node.use_cases.log.files import FolderFiles
from node.use_cases.log.heads import OriginName, cosigned_note, held_head
from protocol.core.errors import PeerError, RefusedError
from protocol.core.note import NOTE_BYTES_MAX
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from protocol.log.merkle import root_at
from protocol.log.tiles import (
    CHECKPOINT_PATH,
    TILE_HASHES,
    Tile,
    TileHashes,
    format_tile_path,
    list_bundles,
    list_tiles,
)
from storage.database import open_reader
from storage.disk import write_durably
from storage.log import log_store
from storage.log.log_store import Head

TOP_NAMES = frozenset({CHECKPOINT_PATH, "tile"})
PART_SUFFIX = ".part"


class ExportParams(msgspec.Struct, kw_only=True):
    """A folder of the node's machine by its whole path, and which log (this home's own where none is named)."""

    folder: Annotated[str, PLACE]
    origin: OriginName = ""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder now holds: `size` entries of a log, `old_size` of which it had before; `files` were written."""

    origin: str
    folder: str
    size: int
    old_size: int
    files: int


async def export_log(node: Node, params: ExportParams) -> Exported:
    """Write what has changed of a log since the folder's last head. RefusedError where the folder is another log's or
    cannot be written, or this node does not hold the log."""
    folder = Path(params.folder)
    if not folder.is_absolute():
        raise RefusedError.at("folder", "must be a whole path")
    origin = params.origin or node.origin
    try:
        return await asyncio.to_thread(_export, node.config.database_path, origin, folder)
    except OSError as error:
        raise RefusedError.at(str(folder), error.strerror or "cannot be written") from None


def _export(database: Path, origin: str, folder: Path) -> Exported:
    db = open_reader(database)
    try:
        # One moment of the database for head and tiles, however long the writing takes.
        db.execute("BEGIN")
        head = held_head(db, origin)
        old_size = _read_old_size(db, head, folder)
        tiles = list(chain(list_tiles(head.size, old_size), list_bundles(head.size, old_size)))
        for tile in tiles:
            _write(folder / format_tile_path(tile), log_store.read_tile(db, origin, tile))
        _drop_outgrown(folder, tiles)
        note = cosigned_note(db, head)
    finally:
        db.close()
    _settle_on_disk()
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / CHECKPOINT_PATH, note)
    return Exported(origin=origin, folder=str(folder), size=head.size, old_size=old_size, files=len(tiles) + 1)


def _read_old_size(db: sqlite3.Connection, head: Head, folder: Path) -> int:
    """How many entries the folder has already, proven to be the beginning of ours; 0 for a new folder."""
    if folder.exists() and not folder.is_dir():
        raise RefusedError.at(str(folder), "this is a file; an export needs a folder")
    strange = sorted(path.name for path in folder.iterdir() if path.name not in TOP_NAMES) if folder.exists() else []
    strange = [name for name in strange if not name.endswith(PART_SUFFIX)]
    if strange:
        raise RefusedError.at(str(folder), f"the folder holds other things ({strange[0]}); name an empty one")
    note = FolderFiles(folder)(CHECKPOINT_PATH, NOTE_BYTES_MAX)
    if note is None:
        return 0
    log_key = log_store.log_key_of(db, head.origin)
    assert log_key is not None
    try:
        old = open_checkpoint(note, log_key, head.origin)
    except PeerError:
        raise RefusedError.at(str(folder), "holds a head that is not this log's; name another folder") from None
    _check_is_beginning(db, head, old, folder)
    return old.size


def _check_is_beginning(db: sqlite3.Connection, head: Head, old: Checkpoint, folder: Path) -> None:
    if old.size > head.size:
        reason = (
            f"holds {old.size} entries of this log, the node only {head.size}: was the node restored from a backup?"
        )
        raise RefusedError.at(str(folder), reason)
    read = TileHashes(head.size, lambda tile: log_store.read_tile(db, head.origin, tile))
    if root_at(old.size, read) != old.root:
        raise RefusedError.at(
            str(folder), "holds another version of this log; keep it as it is, and name another folder"
        )


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all; `_settle_on_disk` makes many of them durable at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}{PART_SUFFIX}")
    with scratch.open("wb") as stream:
        stream.write(content)
        if not hasattr(os, "sync"):
            stream.flush()
            os.fsync(stream.fileno())
    scratch.replace(path)


def _settle_on_disk() -> None:
    if hasattr(os, "sync"):
        os.sync()


def _drop_outgrown(folder: Path, tiles: list[Tile]) -> None:
    """Partial files of tiles that are full now are no longer needed by anyone."""
    for tile in tiles:
        if tile.width == TILE_HASHES:
            partial = folder / f"{format_tile_path(tile)}.p"
            if partial.is_dir():
                for path in partial.iterdir():
                    path.unlink()
                partial.rmdir()


def _tell_exported(answer: Exported) -> Iterator[str]:
    new = answer.size - answer.old_size
    yield f"{answer.folder} has {count(answer.size, 'record')} of {answer.origin}, {new} of them new."
    yield f"{count(answer.files, 'file')} written."


OPERATIONS = (
    Operation(
        "log.export",
        ExportParams,
        export_log,
        "Write the log into FOLDER as static files for auditors and mirrors; a second time, only what has changed.",
        writes=False,
        tell=_tell_exported,
        command=Command("log export", ("folder",), "out"),
    ),
)

"""A log as the files that mirrors and auditors fetch, straight from the database.

Invariant: only what lies under the stored head is served, byte for byte as the static files have it.
Spec: docs/spec/log/tiles-and-proofs.md (c2sp.org/tlog-tiles)
"""

import sqlite3
from pathlib import Path

from node.use_cases.context import Node
from node.use_cases.log.heads import cosigned_note
from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import parse_note
from protocol.log.checkpoint import read_checkpoint
from protocol.log.mirror import mirror_prefix
from protocol.log.tiles import CHECKPOINT_PATH, parse_tile_path
from storage.log import log_store
from storage.log.cosignatures import mirrored_note
from storage.log.log_store import Head

OWN_LOG = ""


async def read_log_file(node: Node, log: str, path: str) -> bytes | None:
    """A file of a log by its path below the log, None where there is none.

    `log` is OWN_LOG, or the SHA-256 of an origin in hex as mirrors are named (c2sp.org/tlog-mirror).
    """
    db = node.database.reader
    origin = node.origin if log == OWN_LOG else _find_origin(db, log)
    head = None if origin is None else log_store.head(db, origin)
    if head is None or not head.note:
        return None
    if path == CHECKPOINT_PATH:
        return cosigned_note(db, _mirrored_head(db, head))
    try:
        tile = parse_tile_path(path)
        if (
            tile.level is not None
            and tile.level >= log_store.TILE_LEVEL_KEPT
            and log_store.has_new_tiles(db, head.origin)
        ):
            await node.database.write(lambda db: log_store.keep_tiles(db, head.origin))
        return log_store.read_tile(db, head.origin, tile)
    except (PeerError, MisuseError):
        return None


def _mirrored_head(db: sqlite3.Connection, head: Head) -> Head:
    """The head of a replica to show: the newest that this node's mirror has signed, with its lines.

    tlog-mirror wants them under every head that a mirror shows. Before the first, and for our own log, the newest.
    """
    note = mirrored_note(db, mirror_prefix(head.origin))
    if note is None:
        return head
    signed = read_checkpoint(parse_note(note)[0])
    return head._replace(size=signed.size, root=signed.root, note=note)


def _find_origin(db: sqlite3.Connection, prefix: str) -> str | None:
    """The log here whose origin's SHA-256 this is, in hex; None where there is none."""
    return next((origin for origin in log_store.log_keys(db) if mirror_prefix(origin) == prefix), None)


class FolderFiles:
    """A log's files in a folder (protocol.log.audit.log_files.FileReader)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, path: str, bytes_max: int) -> bytes | None:
        """The whole file, None where there is none; PeerError where it is too long or cannot be read."""
        try:
            with (self.folder / path).open("rb") as stream:
                raw = stream.read(bytes_max + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PeerError(error.strerror or "cannot be read") from None
        if len(raw) > bytes_max:
            raise PeerError(f"more than {bytes_max} bytes")
        return raw

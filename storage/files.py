"""Big things by their hash: goods tables, plans, photos; small enough to travel, checked before they are kept.

Invariant: a file under a name is whole and hashes to that name.
Invariant: a file without a scope is fetched by nobody.
Spec: docs/spec/federation/scopes.md
"""

import hashlib
import sqlite3
from pathlib import Path

from protocol.core.errors import RefusedError
from protocol.gossip.limits import FILE_BYTES_MAX
from storage.disk import OWN_DISK, Disk, write_durably


class Files:
    """A folder of files named by SHA-256, two levels deep."""

    def __init__(self, folder: Path, disk: Disk = OWN_DISK) -> None:
        self.folder = folder
        self._disk = disk

    def put(self, content: bytes) -> bytes:
        """Keep a file, durable on return, and give its SHA-256; RefusedError above 4 MiB."""
        if len(content) > FILE_BYTES_MAX:
            raise RefusedError.at("file", f"{len(content)} bytes, at most {FILE_BYTES_MAX} are allowed")
        digest = hashlib.sha256(content).digest()
        path = self._path(digest)
        if not self._disk.exists(path):
            self._disk.make_folder(path.parent)
            write_durably(path, content, disk=self._disk)
        return digest

    def get(self, digest: bytes) -> bytes | None:
        """A file's content by its SHA-256, None when it is not here (or no longer what its name says)."""
        try:
            content = self._disk.read(self._path(digest))
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).digest() == digest else None

    def has(self, digest: bytes) -> bool:
        """Whether a file of this hash is here."""
        return self._disk.exists(self._path(digest))

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.folder / name[:2] / name[2:]


def share_file(db: sqlite3.Connection, sha256: bytes, scope: str) -> None:
    """Let those whom a scope names fetch a file; another scope takes the place of the one before."""
    db.execute("INSERT OR REPLACE INTO shared_file VALUES (?, ?)", (sha256, scope))


def file_scope(db: sqlite3.Connection, sha256: bytes) -> str:
    """A file's scope, empty where it has none."""
    row = db.execute("SELECT scope FROM shared_file WHERE sha256 = ?", (sha256,)).fetchone()
    return "" if row is None else row[0]

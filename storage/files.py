"""Big things by their hash: goods tables, plans, photos; small enough to travel, checked before they are kept.

Invariant: a file under a name is whole and hashes to that name.
"""

import hashlib
import os
from pathlib import Path

from protocol.core.errors import RefusedError

FILE_BYTES_MAX = 4 * 1024 * 1024


class Files:
    """A folder of files named by SHA-256, two levels deep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> bytes:
        """Keep a file, durable on return, and give its SHA-256; RefusedError above 4 MiB."""
        if len(content) > FILE_BYTES_MAX:
            raise RefusedError.at("file", f"{len(content)} bytes, at most {FILE_BYTES_MAX} are allowed")
        digest = hashlib.sha256(content).digest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, content)
        return digest

    def get(self, digest: bytes) -> bytes | None:
        """A file's content by its SHA-256, None when it is not here (or no longer what its name says)."""
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).digest() == digest else None

    def has(self, digest: bytes) -> bool:
        """Whether a file of this hash is here."""
        return self._path(digest).exists()

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.folder / name[:2] / name[2:]


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a whole file or none of it, on disk on return."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

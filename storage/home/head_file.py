"""The last head a home has signed, in a file outside the home: what a restored backup cannot know.

Invariant: it is on disk before the head it names can be seen by anyone, this node's own pages included.
Invariant: a file that is torn, of another log or not there says nothing; nothing is ever guessed from it.
Spec: docs/spec/log/signed-head.md
"""

import hashlib
import struct
from pathlib import Path
from typing import Final, NamedTuple

from storage.disk import OWN_DISK, Disk, write_durably

NAME_HEX: Final = 16
TOLD_SUFFIX: Final = ".told"
TOLD_BYTES_MAX: Final = 4 * 1024 * 1024
_MAGIC: Final = b"rochdale signed\n"
_LAYOUT: Final = struct.Struct(">16s32sBQ32sQ32s")
_CHECKSUM_BYTES: Final = 16
# One sector: written in place, so that a head costs one sync and no new name in the folder.
_BLOCK_BYTES: Final = 512


class Mark(NamedTuple):
    """A head: how many entries, and the root over them."""

    size: int
    root: bytes


class SignedHead(NamedTuple):
    """The head that was signed last, the one before it, and whether the newer one is known to be on disk."""

    newest: Mark
    before: Mark
    is_settled: bool


class HeadFile:
    """The file of one log, in a folder that no backup of the home holds."""

    def __init__(self, folder: Path, origin: str, disk: Disk = OWN_DISK) -> None:
        self.folder = folder
        self._disk = disk
        self._origin = hashlib.sha256(origin.encode()).digest()
        name = self._origin.hex()[:NAME_HEX]
        self._head_path, self._told_path = folder / f"{name}.head", folder / f"{name}{TOLD_SUFFIX}"
        self._held: SignedHead | None = None

    def read(self) -> SignedHead | None:
        """What the file says of this log, None where it says nothing."""
        try:
            block = self._disk.read(self._head_path, _BLOCK_BYTES)
        except OSError:
            return None
        content, checksum = block[: _LAYOUT.size], block[_LAYOUT.size :][:_CHECKSUM_BYTES]
        if len(block) != _BLOCK_BYTES or _check_bytes(content) != checksum:
            return None
        magic, origin, is_settled, size, root, size_before, root_before = _LAYOUT.unpack(content)
        if magic != _MAGIC or origin != self._origin:
            return None
        return SignedHead(Mark(size, root), Mark(size_before, root_before), bool(is_settled))

    def begin(self, before: Mark, newest: Mark) -> None:
        """Write, durably, that `newest` is about to be signed on top of `before`; OSError where that cannot be."""
        self._write(SignedHead(newest, before, False), is_synced=True)

    def settle(self) -> None:
        """Note that the head that was begun is on disk in the log too."""
        if self._held is not None:
            self._write(self._held._replace(is_settled=True), is_synced=False)

    def told(self) -> frozenset[str]:
        """Origins of those who were ever sent a head of this log, as far as this file knows."""
        try:
            text = self._disk.read(self._told_path, TOLD_BYTES_MAX).decode()
        except (OSError, UnicodeDecodeError):
            return frozenset()
        return frozenset(text.split())

    def add_told(self, origins: frozenset[str]) -> None:
        """Remember, durably, whom a head is sent to from now on."""
        known = self.told()
        if not origins <= known:
            self._disk.make_folder(self.folder, mode=0o700)
            text = "".join(f"{one}\n" for one in sorted(known | origins))
            write_durably(self._told_path, text.encode(), disk=self._disk)

    def _write(self, head: SignedHead, is_synced: bool) -> None:
        content = _LAYOUT.pack(_MAGIC, self._origin, head.is_settled, *head.newest, *head.before)
        block = (content + _check_bytes(content)).ljust(_BLOCK_BYTES, b"\0")
        if self._held is None:
            self._disk.make_folder(self.folder, mode=0o700)
        if self._disk.write(self._head_path, block, is_truncated=False, is_synced=is_synced):
            self._disk.sync_folder(self.folder)
        self._held = head


def _check_bytes(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_CHECKSUM_BYTES]

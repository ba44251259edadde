"""The disk as a home uses it: every file that is not the database goes through here, so that a faulty one can stand in.

Invariant: what is said to be durable is on disk when the call returns; the order of calls is the order on disk only
where a sync stands between them.
"""

import contextlib
import os
from pathlib import Path

# What was written over need not wait for the file's times, which are all that changed beside it.
_sync_content = getattr(os, "fdatasync", os.fsync)


class Disk:
    """The machine's own disk; a simulated one answers the same calls."""

    def read(self, path: Path, bytes_max: int = -1) -> bytes:
        """The first `bytes_max` bytes of a file, all by default; FileNotFoundError where there is none."""
        with path.open("rb") as stream:
            return stream.read(bytes_max)

    def exists(self, path: Path) -> bool:
        """Whether a file or folder is there."""
        return path.exists()

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        """Make a folder and those above it, where they are missing; their names are durable on return."""
        if path.is_dir():
            return
        self.make_folder(path.parent, mode)
        path.mkdir(mode=mode, exist_ok=True)
        self.sync_folder(path.parent)

    def write(self, path: Path, content: bytes, *, is_truncated: bool, is_synced: bool, mode: int = 0o600) -> bool:
        """Write over the beginning of a file, or in the place of all of it; whether the file is new.

        The content is durable on return where `is_synced`; a new file's name only after `sync_folder`.
        """
        flags, is_new = os.O_WRONLY | (os.O_TRUNC if is_truncated else 0), False
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            descriptor, is_new = os.open(path, flags | os.O_CREAT, mode), True
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(descriptor, left) :]
            if is_synced:
                _sync_content(descriptor)
        finally:
            os.close(descriptor)
        return is_new

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another's name; durable after `sync_folder`."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there; durable after `sync_folder`."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        # A folder cannot be opened everywhere; where it cannot, the system keeps names itself.
        with contextlib.suppress(PermissionError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


OWN_DISK = Disk()


def write_durably(path: Path, content: bytes, mode: int = 0o600, disk: Disk = OWN_DISK) -> None:
    """Write a whole file or none of it, on disk on return."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        disk.write(scratch, content, is_truncated=True, is_synced=True, mode=mode)
        disk.replace(scratch, path)
    except BaseException:
        disk.remove(scratch)
        raise
    disk.sync_folder(path.parent)

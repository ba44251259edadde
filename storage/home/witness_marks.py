"""The last head of each log that a home's witness has signed, outside the home: what a restored backup cannot know.

Invariant: it is on disk before the signature can be seen by anyone.
Invariant: whichever of file and database knows the longer head stands; neither makes the witness sign below it.
Spec: docs/spec/log/signed-head.md
"""

import hashlib
from pathlib import Path
from typing import Final

from storage.disk import OWN_DISK, Disk
from storage.home.head_file import NAME_HEX, HeadFile, Mark

SUFFIX: Final = ".witnessed"
NOTHING: Final = Mark(0, b"")


class WitnessMarks:
    """One home's marks, a file for each log, in a folder that no backup of the home holds."""

    def __init__(self, folder: Path, own_origin: str, disk: Disk = OWN_DISK) -> None:
        self._disk = disk
        self._folder = folder / f"{hashlib.sha256(own_origin.encode()).hexdigest()[:NAME_HEX]}{SUFFIX}"

    def find_last(self, origin: str, known: tuple[int, bytes] | None) -> tuple[int, bytes] | None:
        """(size, root) of the last head of a log that may have been signed; `known` is what the database says.

        One that was begun and cut short counts: nobody can have seen it, and signing on top of it does no harm.
        """
        written = HeadFile(self._folder, origin, self._disk).read()
        if written is None or (known is not None and known[0] > written.newest.size):
            return known
        return written.newest.size, written.newest.root

    def note(self, origin: str, before: tuple[int, bytes] | None, newest: Mark) -> None:
        """Write, durably, what is about to be signed; OSError where that cannot be."""
        before_or_none = NOTHING._replace(root=bytes(len(newest.root))) if before is None else Mark(*before)
        HeadFile(self._folder, origin, self._disk).begin(before_or_none, newest)

"""Files by their hash, fetched piece by piece and checked before they are kept.

Invariant: a file is handed on only whole and only under the hash of its bytes.
Spec: docs/spec/session.md
"""

import hashlib

from protocol.core.errors import PeerError
from protocol.gossip import limits
from protocol.gossip.events import Action, MissFile, Send, StoreFile
from protocol.gossip.frames import format_frame
from protocol.gossip.messages import FilePart, FileWant


class FileFetcher:
    """The files that one session is fetching: a few at a time, each in order."""

    def __init__(self) -> None:
        self._active: dict[bytes, bytearray] = {}
        self._waiting: dict[bytes, None] = {}

    def waits_for_peer(self) -> bool:
        """Whether a piece was asked for and has not come."""
        return bool(self._active)

    def want(self, sha256: bytes) -> list[Action]:
        """Fetch a file; one too many is missed at once."""
        if sha256 in self._active or sha256 in self._waiting:
            return []
        if len(self._waiting) >= limits.FILES_WAITING_MAX:
            return [MissFile(sha256)]
        self._waiting[sha256] = None
        return self._start_next()

    def take(self, message: FilePart) -> list[Action]:
        """A piece: the next one is asked for, or the whole is handed on; what was not asked for is passed over."""
        held = self._active.get(message.sha256)
        if held is None:
            return []
        if message.total == 0:
            del self._active[message.sha256]
            return [MissFile(message.sha256), *self._start_next()]
        if message.offset != len(held):
            raise PeerError("file: a piece out of order")
        held += message.raw
        if len(held) < message.total:
            return [Send(format_frame(FileWant(message.sha256, len(held))))]
        del self._active[message.sha256]
        if hashlib.sha256(held).digest() != message.sha256:
            raise PeerError("file: its bytes do not hash to its name")
        return [StoreFile(message.sha256, bytes(held)), *self._start_next()]

    def abandon(self) -> list[Action]:
        """The session ends: say of each file that it did not come."""
        missed = [*self._active, *self._waiting]
        self._active.clear()
        self._waiting.clear()
        return [MissFile(sha256) for sha256 in missed]

    def _start_next(self) -> list[Action]:
        actions: list[Action] = []
        while self._waiting and len(self._active) < limits.FILES_MAX:
            sha256 = next(iter(self._waiting))
            del self._waiting[sha256]
            self._active[sha256] = bytearray()
            actions.append(Send(format_frame(FileWant(sha256, 0))))
        return actions

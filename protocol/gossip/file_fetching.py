"""Files by their hash, fetched piece by piece, gone on with after a cut, and checked before they are kept.

Invariant: a file is handed on only whole and only under the hash of its bytes.
Invariant: what has come of files that are not whole is bounded, whoever sent it.
Spec: docs/spec/gossip/session.md
"""

import hashlib
from dataclasses import dataclass, field

from protocol.core.errors import PeerError
from protocol.gossip import limits
from protocol.gossip.events import Action, MissFile, Send, StoreFile
from protocol.gossip.frames import format_frame
from protocol.gossip.messages import FilePart, FileWant


@dataclass(slots=True)
class Begun:
    """What has come of a file so far, and the sessions that sent it."""

    held: bytearray = field(default_factory=bytearray)
    sources: set[int] = field(default_factory=set)


class BegunFiles:
    """The beginnings of files that a session could not bring to their end: the next one goes on from there."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Begun] = {}

    def take(self, sha256: bytes) -> Begun:
        """What is kept of a file, which is the caller's now."""
        return self._kept.pop(sha256, None) or Begun()

    def keep(self, sha256: bytes, begun: Begun) -> None:
        """Keep a beginning; the oldest goes where there are too many."""
        if begun.held:
            self._kept[sha256] = begun
        while len(self._kept) > limits.FILES_MAX:
            del self._kept[next(iter(self._kept))]


class FileFetcher:
    """The files that one session is fetching: a few at a time, each in order."""

    def __init__(self, begun: BegunFiles, session: int) -> None:
        self._begun = begun
        self._session = session
        self._active: dict[bytes, Begun] = {}
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
        begun = self._active.get(message.sha256)
        if begun is None:
            return []
        if message.total == 0:
            del self._active[message.sha256]
            # Whoever does not have the rest may have the file all the same, if its beginning was wrong.
            return self._begin_anew(message.sha256) if begun.held else [MissFile(message.sha256), *self._start_next()]
        if message.offset != len(begun.held):
            raise PeerError("file: a piece out of order")
        begun.held += message.raw
        begun.sources.add(self._session)
        if len(begun.held) < message.total:
            return [Send(format_frame(FileWant(message.sha256, len(begun.held))))]
        del self._active[message.sha256]
        if hashlib.sha256(begun.held).digest() == message.sha256:
            return [StoreFile(message.sha256, bytes(begun.held)), *self._start_next()]
        actions = self._begin_anew(message.sha256)
        if begun.sources == {self._session}:
            raise PeerError("file: its bytes do not hash to its name")
        return actions

    def _begin_anew(self, sha256: bytes) -> list[Action]:
        """Others sent the beginning, and it may have been wrong: once more from the start, from this peer alone."""
        self._waiting[sha256] = None
        return self._start_next()

    def abandon(self) -> list[Action]:
        """The session ends: say of each file that it did not come, and keep what did."""
        for sha256, begun in self._active.items():
            self._begun.keep(sha256, begun)
        missed = [*self._active, *self._waiting]
        self._active.clear()
        self._waiting.clear()
        return [MissFile(sha256) for sha256 in missed]

    def _start_next(self) -> list[Action]:
        actions: list[Action] = []
        while self._waiting and len(self._active) < limits.FILES_MAX:
            sha256 = next(iter(self._waiting))
            del self._waiting[sha256]
            begun = self._active[sha256] = self._begun.take(sha256)
            actions.append(Send(format_frame(FileWant(sha256, len(begun.held)))))
        return actions

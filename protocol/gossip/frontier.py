"""How far this node holds each log it knows: what all of its sessions look at.

Invariant: only logs that were made known by key are here; a peer cannot add one.
Invariant: a head never goes back, and a forked log stands still.
Invariant: one session at a time fetches a log; whoever waits for it asks again when it is free.
Invariant: a peer is told of a federation's logs only if it belongs to that federation.
Spec: docs/spec/gossip/session.md
"""

import hashlib
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from protocol.gossip import limits
from protocol.gossip.file_fetching import BegunFiles
from protocol.gossip.messages import HeadMark
from protocol.gossip.overlay.broadcast import PushTrees

NO_COSIGNERS = bytes(limits.COSIGNERS_MARK_BYTES)


def mark_cosigners(sizes: Mapping[str, int]) -> bytes:
    """Four bytes that stand for the largest size that each cosigner of a log has signed; zeros for none."""
    if not sizes:
        return NO_COSIGNERS
    text = "".join(f"{cosigner}\n{size}\n" for cosigner, size in sorted(sizes.items()))
    return hashlib.sha256(text.encode()).digest()[: limits.COSIGNERS_MARK_BYTES]


class LogHead(NamedTuple):
    """Size and root of the head we hold; size 0: none yet."""

    size: int
    root: bytes


class Circle(NamedTuple):
    """A federation as far as it is known here: who belongs to it, and the logs of all who ever did."""

    members: frozenset[str]
    logs: frozenset[str]


class Comparison(Enum):
    """How a peer's head stands to ours."""

    UNKNOWN = "a log that is not known here"
    FROZEN = "a forked log"
    BEHIND = "the peer holds more"
    LEVEL = "both hold the same"
    AHEAD = "we hold more"
    FORKED = "same size, other root"


class Frontier:
    """The node's own table of heads; `counter` numbers its changes within `epoch`."""

    def __init__(self, own_origin: str, epoch: bytes) -> None:
        self.own_origin = own_origin
        self.epoch = epoch
        self.counter = 0
        self.past_epochs: dict[bytes, int] = {}
        """Epochs of former runs, with the last change number of each that is known to be ours."""
        self.heads: dict[str, LogHead] = {}
        self.cosigners: dict[str, dict[str, int]] = {}
        self.frozen: set[str] = set()
        self.claims: dict[str, int] = {}
        self.tree = PushTrees(own_origin)
        self.circles: tuple[Circle, ...] = ()
        self.begun_files = BegunFiles()
        self.takes_own = False
        """Whether entries of our own log are taken from others: after this home was restored from a backup."""

    def has_told(self, epoch: bytes, change: int) -> bool:
        """Whether a cursor that a peer shows is one of ours: after a restore others are from a time that is lost."""
        return change <= (self.counter if epoch == self.epoch else self.past_epochs.get(epoch, -1))

    def is_settled(self, origin: str) -> bool:
        """Whether nothing of a log is taken from peers: it stands still, or it is ours and we alone continue it."""
        return origin in self.frozen or (origin == self.own_origin and not self.takes_own)

    def is_shared(self, origin: str, peer: str) -> bool:
        """Whether a peer may have a log: its own and ours always, a federation's only if it belongs to it."""
        if origin in (peer, self.own_origin):
            return True
        around = [circle.members for circle in self.circles if origin in circle.logs]
        return not around or any(peer in members for members in around)

    def size(self, origin: str) -> int:
        """The size of the head we hold; 0 for an unknown log."""
        head = self.heads.get(origin)
        return 0 if head is None else head.size

    def know(self, origin: str, head: LogHead) -> None:
        """Take in a log's stored head as it was loaded."""
        self.heads[origin] = head

    def move(self, origin: str, size: int, root: bytes) -> bool:
        """Note that a log's head has moved; False when ours is as far already."""
        if size <= self.heads[origin].size:
            return False
        self.heads[origin] = LogHead(size, root)
        return True

    def note_cosigner(self, origin: str, cosigner: str, size: int) -> None:
        """Note that a cosignature under the head of `size` is held."""
        sizes = self.cosigners.setdefault(origin, {})
        sizes[cosigner] = max(size, sizes.get(cosigner, 0))

    def cosigners_mark(self, origin: str) -> bytes:
        """Four bytes that stand for (cosigner, largest size it cosigned) of a log; zeros for none.

        Nothing is trusted to them: when two nodes' marks differ, they send each other the lines.
        """
        return mark_cosigners(self.cosigners.get(origin, {}))

    def compare(self, mark: HeadMark) -> Comparison:
        """How the head that a peer names stands to ours."""
        head = self.heads.get(mark.origin)
        if head is None:
            return Comparison.UNKNOWN
        if head.size == mark.size and head.root[: limits.ROOT_MARK_BYTES] != mark.root_mark and mark.size:
            return Comparison.FORKED
        if mark.origin in self.frozen:
            return Comparison.FROZEN
        if mark.size > head.size:
            return Comparison.BEHIND
        return Comparison.LEVEL if mark.size == head.size else Comparison.AHEAD

    def mark(self, origin: str, with_cosigners: bool = False) -> HeadMark:
        """Our head in short, size 0 for an unknown log; a live announcement leaves the cosigners unsaid."""
        head = self.heads.get(origin)
        if head is None:
            return HeadMark(origin, 0, bytes(limits.ROOT_MARK_BYTES), NO_COSIGNERS)
        cosigners = self.cosigners_mark(origin) if with_cosigners else NO_COSIGNERS
        return HeadMark(origin, head.size, head.root[: limits.ROOT_MARK_BYTES], cosigners, self.tree.hops(origin))

    def shown_mark(self, origin: str, peer: str) -> HeadMark:
        """The same for a peer that asks: what it may not have is to it as if it were not known here."""
        if self.is_shared(origin, peer):
            return self.mark(origin, with_cosigners=True)
        return HeadMark(origin, 0, bytes(limits.ROOT_MARK_BYTES), NO_COSIGNERS)

    def claim(self, origin: str, session: int) -> bool:
        """Take the right to fetch a log; False while another session has it."""
        return self.claims.setdefault(origin, session) == session

    def release(self, origin: str, session: int) -> None:
        """Give the right to fetch a log back, if it was ours."""
        if self.claims.get(origin) == session:
            del self.claims[origin]

    def release_all(self, session: int) -> list[str]:
        """Give back all that an ended session had claimed; the logs that others may fetch now."""
        freed = [origin for origin, holder in self.claims.items() if holder == session]
        for origin in freed:
            del self.claims[origin]
        return freed

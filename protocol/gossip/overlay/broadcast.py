"""Along which links a log's new entries run: one neighbour pushes them to us, all others only tell that they are there.

Each log has a tree of its own, rooted at its author, so the way to everyone is short; it is PlumTree (Leitao, Pereira,
Rodrigues 2007) with a tree for each source. A link that brings what another has brought is pruned, one that tells of
what did not come in time is grafted, and so is one that had it over fewer links.

Invariant: a log has one parent here at most, and it is a live session; our own log has none.
Invariant: nothing hangs on the tree: what is not pushed is told by a Have and fetched by a Want.
Spec: docs/spec/gossip/session.md
"""

from enum import Enum
from typing import Final

from protocol.gossip import limits


class Standpoint(Enum):
    """What a session is to a log."""

    ORPHAN = "nobody pushes this log to us"
    PARENT = "this session does"
    OTHER = "another session does"


class News(Enum):
    """What a session has let us know about a log."""

    TOLD_MORE = "it holds more than we do"
    OVERDUE = "it told of more, and nothing has come for a while"
    TOLD_LEVEL = "it holds what we do, and had it over no fewer links"
    TOLD_NEARER = "it holds what we do, and had it over fewer links"
    PUSHED_NEW = "it brought something, over more links than the parent does"
    PUSHED_NEW_NEARER = "it brought something, over no more links than the parent does"
    PUSHED_AGAIN = "it brought what is here, over no fewer links"
    PUSHED_AGAIN_NEARER = "it brought what is here, over fewer links"


class Move(Enum):
    """What follows for the tree."""

    STAY = "as it is"
    WAIT = "the parent will bring it"
    GRAFT = "ask this session to push from now on"
    ADOPT = "this session pushes already and becomes the parent"
    PRUNE = "ask this session to push no longer"


_ORPHAN, _PARENT, _OTHER = Standpoint.ORPHAN, Standpoint.PARENT, Standpoint.OTHER
TABLE: Final[dict[News, dict[Standpoint, Move]]] = {
    News.TOLD_MORE: {_ORPHAN: Move.GRAFT, _PARENT: Move.STAY, _OTHER: Move.WAIT},
    News.OVERDUE: {_ORPHAN: Move.GRAFT, _PARENT: Move.STAY, _OTHER: Move.GRAFT},
    News.TOLD_LEVEL: {_ORPHAN: Move.STAY, _PARENT: Move.STAY, _OTHER: Move.STAY},
    News.TOLD_NEARER: {_ORPHAN: Move.GRAFT, _PARENT: Move.STAY, _OTHER: Move.GRAFT},
    News.PUSHED_NEW: {_ORPHAN: Move.ADOPT, _PARENT: Move.STAY, _OTHER: Move.PRUNE},
    News.PUSHED_NEW_NEARER: {_ORPHAN: Move.ADOPT, _PARENT: Move.STAY, _OTHER: Move.ADOPT},
    News.PUSHED_AGAIN: {_ORPHAN: Move.ADOPT, _PARENT: Move.STAY, _OTHER: Move.PRUNE},
    News.PUSHED_AGAIN_NEARER: {_ORPHAN: Move.ADOPT, _PARENT: Move.STAY, _OTHER: Move.ADOPT},
}


class PushTrees:
    """This node's place in the trees of all logs it knows: parents by log, and who is to be pushed what."""

    def __init__(self, own_origin: str) -> None:
        self._own_origin = own_origin
        self._parents: dict[str, int] = {}
        self._hops: dict[str, int] = {}
        self._children: dict[str, set[int]] = {}

    def meet(self, session: int, peer_origin: str) -> None:
        """A session is live: both sides push their own logs on it until one is pruned."""
        self.add_child(self._own_origin, session)
        if peer_origin not in self._parents:
            self._settle(peer_origin, session, 1)

    def forget(self, session: int) -> None:
        """A session has ended."""
        for origin in [origin for origin, parent in self._parents.items() if parent == session]:
            del self._parents[origin]
        for origin in [origin for origin, children in self._children.items() if session in children]:
            self.drop_child(origin, session)

    def hops(self, origin: str) -> int:
        """Over how many links our head of a log came; 0 for our own, HOPS_MAX where nobody said."""
        return 0 if origin == self._own_origin else self._hops.get(origin, limits.HOPS_MAX)

    def parent(self, origin: str) -> int | None:
        """The session that pushes a log to us."""
        return self._parents.get(origin)

    def standpoint(self, origin: str, session: int) -> Standpoint:
        """What a session is to a log."""
        parent = self._parents.get(origin)
        if parent is None:
            return Standpoint.ORPHAN
        return Standpoint.PARENT if parent == session else Standpoint.OTHER

    def is_awaited(self, origin: str, session: int) -> bool:
        """Whether what this session tells of is left for another one to push."""
        return TABLE[News.TOLD_MORE][self.standpoint(origin, session)] is Move.WAIT

    def judge(self, origin: str, session: int, news: News, hops: int) -> tuple[Move, int | None]:
        """Take news of a session in; what follows, and the session that is thereby no longer the parent.

        `hops`: over how many links what the session holds has come to it.
        """
        move = TABLE[news][self.standpoint(origin, session)]
        past = self._parents.get(origin)
        if move in (Move.GRAFT, Move.ADOPT):
            self._settle(origin, session, hops + 1)
            return move, past
        if past == session and news in (News.PUSHED_NEW, News.PUSHED_NEW_NEARER):
            self._settle(origin, session, hops + 1)
        return move, None

    def is_nearer(self, origin: str, hops: int) -> bool:
        """Whether a head that came to a peer over `hops` links would reach us through it over fewer than it did."""
        return hops + 1 < self.hops(origin)

    def add_child(self, origin: str, session: int) -> None:
        """A peer wants a log pushed."""
        self._children.setdefault(origin, set()).add(session)

    def drop_child(self, origin: str, session: int) -> None:
        """A peer wants a log pushed no longer."""
        children = self._children.get(origin, set())
        children.discard(session)
        if not children:
            self._children.pop(origin, None)

    def is_child(self, origin: str, session: int) -> bool:
        """Whether a log is pushed on a session."""
        return session in self._children.get(origin, ())

    def is_pushed(self, origin: str) -> bool:
        """Whether a log is pushed on any session."""
        return origin in self._children

    def _settle(self, origin: str, session: int, hops: int) -> None:
        if origin != self._own_origin:
            self._parents[origin] = session
            self._hops[origin] = min(hops, limits.HOPS_MAX)

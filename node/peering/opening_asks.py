"""Which openings are asked of whom: of the log's owner where it is connected, else of everyone who is.

Invariant: a session is asked for an opening once in a while, not again and again.
Spec: docs/spec/federation/scopes.md
"""

from collections.abc import Iterable
from typing import Final

from node.use_cases.context import Node
from node.use_cases.supply.travelling import KINDS, admit_opening, list_wanted
from protocol.gossip import events, limits
from protocol.gossip.frontier import Frontier
from protocol.gossip.session import Session, State
from storage.log.record_index import records_between

ASK_AGAIN_S: Final = 600.0


class OpeningAsks:
    """What this home still wants to read, and whom it has asked."""

    def __init__(self, node: Node, frontier: Frontier) -> None:
        self._node = node
        self._frontier = frontier
        self._wanted: dict[bytes, str] = {}
        self._asked_s: dict[tuple[int, bytes], float] = {}
        self._circles = frontier.circles
        self._is_stale = True

    def hear(self, origin: str, start: int, stop: int) -> None:
        """New entries of a log are here: perhaps they hide something from all but us."""
        self._is_stale = self._is_stale or bool(records_between(self._node.database.reader, origin, start, stop, KINDS))

    def owners(self) -> Iterable[str]:
        """Whose openings are still wanted."""
        return dict.fromkeys(self._wanted.values())

    async def admit(self, raw: bytes) -> None:
        """Keep an opening that has come, if it is one of those wanted."""
        commitment = await admit_opening(self._node, raw, self._frontier.circles)
        if commitment is not None:
            self._wanted.pop(commitment, None)

    def draw(self, sessions: Iterable[Session]) -> list[tuple[int, events.OpeningsWanted]]:
        """What to ask now, and of which session by its number."""
        if self._is_stale or self._circles != self._frontier.circles:
            self._is_stale, self._circles = False, self._frontier.circles
            self._wanted = list_wanted(self._node, self._circles)
        live = [session for session in sessions if session.state is State.LIVE]
        numbers, now_s = {session.number for session in live}, self._node.clock.monotonic_s()
        self._asked_s = {
            key: asked_s
            for key, asked_s in self._asked_s.items()
            if key[0] in numbers and key[1] in self._wanted and now_s < asked_s + ASK_AGAIN_S
        }
        drawn = ((session, self._draw_for(session, live, now_s)) for session in live)
        return [(session.number, events.OpeningsWanted(wanted)) for session, wanted in drawn if wanted]

    def _draw_for(self, session: Session, live: list[Session], now_s: float) -> tuple[bytes, ...]:
        peers = {one.peer_origin for one in live}
        # Where its owner is connected nobody else is asked.
        whom = (one for one, owner in self._wanted.items() if owner == session.peer_origin or owner not in peers)
        fitting = (one for one in whom if (session.number, one) not in self._asked_s)
        page = tuple(commitment for commitment, _ in zip(fitting, range(limits.OPENINGS_WANTED_MAX), strict=False))
        self._asked_s.update(((session.number, commitment), now_s) for commitment in page)
        return page

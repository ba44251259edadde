"""How it stands with each peer, for people to see; what is held against it: kept through a restart, gone with time.

Invariant: only what a peer itself did counts; that it cannot be reached does not.
Spec: docs/spec/gossip/session.md
"""

from typing import Final

from node.peering.connection import Connection
from node.use_cases.context import Node
from node.use_cases.peers import PeerLine
from protocol.gossip.frontier import Frontier
from protocol.gossip.peers import Fault, Standing, away_wait_ms, move_clock, note_fault
from storage.peers import peer_state
from storage.peers.peer_state import Peer

NOTHING = Standing()
BEHIND_SHOWN_MAX: Final = 32


def describe_peer(peer: Peer, link: Connection | None, frontier: Frontier, absence: str, error: str) -> PeerLine:
    """How it stands with a pinned peer: its session's word where there is one, else `absence`."""
    if link is None:
        return PeerLine(
            origin=peer.origin,
            name=peer.name,
            url=peer.url,
            state=absence,
            last_seen_ms=peer.last_seen_ms,
            last_error=error,
        )
    theirs = link.session.theirs
    differing = [(origin, size) for origin, size in theirs.items() if size != frontier.size(origin)]
    own = frontier.own_origin
    return PeerLine(
        origin=peer.origin,
        name=peer.name,
        url=peer.url,
        state="connected" if link.is_live else "greeting",
        direction="we called" if link.dialled_by_us else "they called",
        connected_since_ms=link.since_ms,
        bytes_in=link.traffic.bytes_in,
        bytes_out=link.traffic.bytes_out,
        last_seen_ms=link.now_ms,
        last_error=error,
        strangers=link.session.strangers,
        sizes_that_differ=dict(differing[:BEHIND_SHOWN_MAX]),
        holds_more_of_our_log=theirs.get(own, 0) > frontier.size(own),
    )


class Standings:
    """The standing of each peer, on the steady clock of this run."""

    def __init__(self, node: Node) -> None:
        self._node = node
        now_ms = self._now_ms()
        by_ms = now_ms - node.clock.now_ms()
        stored = peer_state.standings(node.database.reader)
        self._standings = {origin: move_clock(Standing(*one), by_ms, now_ms) for origin, one in stored.items()}
        self._told_away: dict[str, int] = {}

    def wait_ms(self, origin: str) -> int:
        """How long this peer is still sent away; 0: it may come."""
        return away_wait_ms(self._standings.get(origin, NOTHING), self._now_ms())

    def call_wait_ms(self, origin: str) -> int:
        """How long not to call this peer: while it is sent away, or has told us to stay away."""
        return max(self.wait_ms(origin), self._told_away.get(origin, 0) - self._now_ms())

    def note_turned_away(self, origin: str, wait_s: int) -> None:
        """The peer has told us to stay away for so long."""
        self._told_away[origin] = self._now_ms() + wait_s * 1_000

    async def note(self, origin: str, fault: Fault) -> None:
        """Hold one more fault against a peer; on disk on return."""
        now_ms = self._now_ms()
        self._standings[origin] = found = note_fault(self._standings.get(origin, NOTHING), fault, now_ms)
        wall_ms = self._node.clock.now_ms()
        stored = move_clock(found, wall_ms - now_ms, wall_ms)
        await self._node.database.write(lambda db: peer_state.set_standing(db, origin, stored))

    def forget(self, origin: str) -> None:
        """A person has removed this peer: if it is added again, it begins anew."""
        self._standings.pop(origin, None)
        self._told_away.pop(origin, None)

    def _now_ms(self) -> int:
        return int(self._node.clock.monotonic_s() * 1_000)

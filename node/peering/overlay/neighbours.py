"""The views of a large federation at work: who is called, let in and visited; nothing of it in a small one.

Invariant: only members whose certificates are pinned here are called or judged; other peers are left to the callers.
Invariant: visits are few and short, and neither side counts them as neighbours.
Spec: docs/spec/gossip/membership.md
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from node.use_cases.context import Node
from protocol.gossip.frames import format_frame
from protocol.gossip.messages import Message
from protocol.gossip.overlay import limits
from protocol.gossip.overlay import membership_events as events
from protocol.gossip.overlay.membership import Membership
from protocol.gossip.overlay.networks import network_of
from protocol.gossip.overlay.views import Contact, rank
from storage.peers.peer_state import Peer

DRAW_BYTES: Final = 16
VISIT: Final = "visit"
"""Said with a call that wants a short session and no seat."""
VISITS_MAX: Final = 4
VISIT_S: Final = 15.0
VISIT_EVERY_S: Final = 600.0
VISIT_AGAIN_S: Final = 120.0
REASONS: Final = frozenset({VISIT, *(urgency.value for urgency in events.Urgency)})


class Sessions(Protocol):
    """What the views want of a node's sessions."""

    def call_as(self, origin: str, reason: str) -> None:
        """Call a peer once, in the background; note_up or note_failed follows."""
        ...

    def hang_up(self, origin: str, reason: str) -> None:
        """End the session with a peer, if there is one."""
        ...

    def say(self, origin: str, raw: bytes) -> None:
        """Send a frame to a peer, if there is a session."""
        ...

    def list_connected(self) -> Iterable[str]:
        """With whom a session stands."""
        ...


class Neighbours:
    """This node's membership, fed with what happens."""

    def __init__(self, node: Node, sessions: Sessions) -> None:
        self._node = node
        self._sessions = sessions
        self._membership = Membership(node.origin, limits.ACTIVE_WANTED)
        self._contacts: dict[str, Contact] = {}
        self._visitors: set[str] = set()
        self._visited_s: dict[str, float] = {}
        self._next_visit_s = node.clock.monotonic_s() + VISIT_EVERY_S
        self._timer: asyncio.TimerHandle | None = None

    def read_roster(self, peers: Mapping[str, Peer]) -> bool:
        """Take in who belongs to the federation; whether anything has changed."""
        keeper = self._node.parts.get("roster")
        history = None if keeper is None else keeper.history
        members = () if history is None else history.newest.roster.members
        found = {
            member.origin: Contact(network_of(peers[member.origin].url), bool(peers[member.origin].url))
            for member in members
            if member.origin in peers
        }
        if found == self._contacts:
            return False
        self._contacts = found
        self._membership.read_roster(found)
        if not self._membership.is_mesh:
            self._seat_first()
            self._handle(events.Due())
        return True

    def manages(self, origin: str) -> bool:
        """Whether this peer is called and let in as the views want it."""
        return origin in self._contacts and not self._membership.is_mesh

    def expects(self, origin: str) -> bool:
        """Whether a session with this peer should stand."""
        return not self.manages(origin) or origin in self._membership.active

    def lets_in(self, origin: str, reason: str) -> bool:
        """Judge a call; a call without a reason is judged like one of a node that has nobody."""
        if not self.manages(origin):
            return True
        if reason == VISIT:
            return len(self._visitors) < VISITS_MAX
        urgency = events.Urgency(reason) if reason in REASONS else events.Urgency.ALONE
        return events.Accept(origin) in self._handle(events.Calls(origin, urgency))

    def note_up(self, origin: str, reason: str, is_called_by_us: bool) -> None:
        """A session stands."""
        if not self.manages(origin):
            return
        if reason == VISIT:
            # Calls crossed and the visit is kept: with the other session its seat has gone.
            self._handle(events.Down(origin, is_parting=True))
            self._visitors.add(origin)
            if is_called_by_us:
                asyncio.get_running_loop().call_later(VISIT_S, self._end_visit, origin)
            return
        self._visitors.discard(origin)
        urgency = events.Urgency(reason) if reason in REASONS else events.Urgency.ALONE
        self._handle(events.Up(origin, urgency, is_called_by_us))

    def note_down(self, origin: str, is_parting: bool) -> None:
        """A session has ended."""
        if origin in self._visitors:
            self._visitors.discard(origin)
        elif self.manages(origin):
            self._handle(events.Down(origin, is_parting))

    def note_failed(self, origin: str, reason: str, is_refusal: bool) -> None:
        """A call has come to nothing."""
        if reason != VISIT and self.manages(origin):
            self._handle(events.CallFailed(origin, is_refusal))

    def hear(self, origin: str, message: Message) -> None:
        """A neighbour speaks of others."""
        if self.manages(origin):
            self._handle(events.Heard(origin, message))

    def visit(self, wanted: Iterable[str]) -> None:
        """Call somebody who is no neighbour for a short while: whoever has what is `wanted`, else each in turn."""
        now_s = self._node.clock.monotonic_s()
        if self._membership.is_mesh or len(self._visitors) >= VISITS_MAX:
            return
        apart = self._contacts.keys() - set(self._sessions.list_connected())
        free = [one for one in apart if self._contacts[one].is_callable and self._may_visit(one, now_s)]
        target = next((origin for origin in wanted if origin in free), "")
        if not target and now_s >= self._next_visit_s:
            self._next_visit_s = now_s + VISIT_EVERY_S
            target = min(rank(free, self._draw()), key=lambda one: self._visited_s.get(one, 0.0), default="")
        if target:
            self._visited_s[target] = now_s
            self._sessions.call_as(target, VISIT)

    def stop(self) -> None:
        """Call nobody more."""
        if self._timer is not None:
            self._timer.cancel()

    def _seat_first(self) -> None:
        """Keep as many of the sessions that stand as are wanted; were all kept, every node would be full."""
        connected = [origin for origin in self._sessions.list_connected() if origin in self._contacts]
        held = self._membership.active
        room = limits.ACTIVE_WANTED - len(held)
        fresh = self._membership.roster.pick_spread([one for one in connected if one not in held], held, self._draw())
        for place, origin in enumerate(fresh):
            if place < room:
                self._handle(events.Up(origin, events.Urgency.SPARE, is_called_by_us=True))
            elif origin not in self._visitors:
                self._sessions.hang_up(origin, limits.ROOM_REASON)

    def _may_visit(self, origin: str, now_s: float) -> bool:
        return now_s >= self._visited_s.get(origin, -VISIT_AGAIN_S) + VISIT_AGAIN_S

    def _end_visit(self, origin: str) -> None:
        if origin in self._visitors:
            self._sessions.hang_up(origin, "the visit is over")

    def _handle(self, event: events.Event) -> list[events.Action]:
        now_ms = int(self._node.clock.monotonic_s() * 1_000)
        actions = self._membership.handle(event, now_ms, self._draw())
        for action in actions:
            match action:
                case events.Call(origin, urgency):
                    self._sessions.call_as(origin, urgency.value)
                case events.HangUp(origin, reason):
                    self._sessions.hang_up(origin, reason)
                case events.Say(origin, message):
                    self._sessions.say(origin, format_frame(message))
                case events.SetTimer(at_ms):
                    self._set_timer(at_ms - now_ms)
        return actions

    def _set_timer(self, wait_ms: int) -> None:
        self.stop()
        ring: Callable[[], object] = lambda: self._handle(events.Due())  # noqa: E731
        self._timer = asyncio.get_running_loop().call_later(max(0, wait_ms) / 1_000, ring)

    def _draw(self) -> bytes:
        return self._node.clock.random_bytes(DRAW_BYTES)

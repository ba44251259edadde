"""With whom a node of a large federation keeps a session: few neighbours now, more to turn to when one is lost.

HyParView (Leitao, Pereira, Rodrigues 2007) over a roster: the active view are the live sessions, the passive view are
members heard of lately. A newcomer is told of by walks through the federation, views are mixed by shuffles, a lost
neighbour is replaced from the passive view, and from the roster when that is empty.

Invariant: only members of the roster are in a view; what a peer says of others is passed over.
Invariant: views, calls under way and what a peer can make us send are bounded; one network fills half a view at most.
Invariant: no clock and no dice: time and drawn bytes come with each event.
Spec: docs/spec/gossip/membership.md
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from protocol.gossip.messages import ForwardJoin, Shuffle
from protocol.gossip.overlay import limits
from protocol.gossip.overlay.membership_events import (
    Accept,
    Action,
    Call,
    CallFailed,
    Calls,
    Down,
    Due,
    Event,
    HangUp,
    Heard,
    NodeEvent,
    Refuse,
    RosterRead,
    Say,
    SetTimer,
    Up,
    Urgency,
)
from protocol.gossip.overlay.views import Contact, Roster, rank
from protocol.gossip.peers import double_wait_ms


class Relation(Enum):
    """What another node is to us."""

    STRANGER = "not on the roster"
    KNOWN = "on the roster, in no view"
    PASSIVE = "in the passive view"
    CALLED = "we are calling it"
    ACTIVE = "a neighbour"


class Membership:
    """One node's views."""

    def __init__(self, own_origin: str, active_wanted: int = limits.ACTIVE_WANTED) -> None:
        self.own_origin = own_origin
        self.roster = Roster({})
        self.active: dict[str, None] = {}
        self.passive: dict[str, None] = {}
        self._active_wanted = active_wanted
        self._called: dict[str, int] = {}
        self._resting: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._joins: dict[str, int] = {}
        self._shuffled: dict[str, int] = {}
        self._shuffle_ms: int | None = None
        self._armed_ms: int | None = None
        self._has_joined = False

    @property
    def is_mesh(self) -> bool:
        """Whether the federation is so small that everyone keeps a session with everyone."""
        return len(self.roster) <= limits.MESH_MEMBERS_MAX

    def relation(self, origin: str) -> Relation:
        """What another node is to us."""
        if origin not in self.roster:
            return Relation.STRANGER
        if origin in self.active:
            return Relation.ACTIVE
        if origin in self._called:
            return Relation.CALLED
        return Relation.PASSIVE if origin in self.passive else Relation.KNOWN

    def handle(self, event: Event, now_ms: int, draw: bytes) -> list[Action]:
        """What is to be done about an event; `draw`: 16 fresh random bytes."""
        if isinstance(event, RosterRead):
            actions: list[Action] = []
            self.read_roster(event.roster)
        elif isinstance(event, Due):
            self._armed_ms = None
            actions = self._tick(now_ms, draw)
        else:
            assert isinstance(event, NodeEvent)
            step = TABLE[type(event)][self.relation(event.origin)]
            actions = [] if step is None else step(self, event, now_ms, draw)
        return actions + self._replenish(now_ms, draw) + self._arm(now_ms, draw)

    def read_roster(self, roster: Mapping[str, Contact]) -> None:
        """Take in who belongs to the federations, ourselves left out or not; calls nobody yet."""
        self.roster = Roster({origin: contact for origin, contact in roster.items() if origin != self.own_origin})
        noted = (self._called, self._resting, self._failures, self._joins, self._shuffled)
        for view in (self.active, self.passive, *noted):
            for origin in [origin for origin in view if origin not in self.roster]:
                del view[origin]

    def _judge_call(self, event: Calls, now_ms: int, draw: bytes) -> list[Action]:
        accept: list[Action] = [Accept(event.origin)]
        if self.is_mesh:
            return accept
        is_crowded = self.roster.is_crowded(self.active, event.origin, limits.ACTIVE_MAX)
        busy = self.active.keys() | self._called.keys() - {event.origin}
        if len(busy) < limits.ACTIVE_MAX and not is_crowded:
            return accept
        if event.urgency is Urgency.SPARE or not self.active:
            return [Refuse(event.origin)]
        # Whoever has nobody gets a seat; of a network that has its part already, one goes for it.
        network = self.roster.network(event.origin)
        among = [origin for origin in self.active if not is_crowded or self.roster.network(origin) == network]
        return [self._part(among, draw), *accept]

    def _accept(self, event: Calls, now_ms: int, draw: bytes) -> list[Action]:
        return [Accept(event.origin)]

    def _seat(self, event: Up, now_ms: int, draw: bytes) -> list[Action]:
        self._called.pop(event.origin, None)
        self.passive.pop(event.origin, None)
        self._resting.pop(event.origin, None)
        if not self.active:
            self._failures.clear()
        self._failures.pop(event.origin, None)
        self.active[event.origin] = None
        self._has_joined = True
        if self._shuffle_ms is None:
            self._shuffle_ms = now_ms + _spread_ms(limits.SHUFFLE_EVERY_MS, draw)
        actions: list[Action] = []
        if not self.is_mesh and len(self.active) > limits.ACTIVE_MAX:
            # Calls crossed; the newcomer stays, so that nobody waits in vain.
            actions.append(self._part([origin for origin in self.active if origin != event.origin], draw))
        if event.urgency is Urgency.JOINING and not event.is_called_by_us:
            actions += self._announce(event.origin, now_ms)
        return actions

    def _announce(self, newcomer: str, now_ms: int) -> list[Action]:
        """Tell of a newcomer by one walk from each neighbour, once in a while for each newcomer."""
        if now_ms < self._joins.get(newcomer, now_ms):
            return []
        self._joins[newcomer] = now_ms + limits.JOIN_AGAIN_MS
        others = [origin for origin in self.active if origin != newcomer]
        return [Say(origin, ForwardJoin(newcomer, limits.WALK_LINKS)) for origin in others]

    def _unseat(self, event: Down, now_ms: int, draw: bytes) -> list[Action]:
        del self.active[event.origin]
        self._rest(event.origin, event.is_parting, now_ms, draw)
        return []

    def _give_up(self, event: CallFailed, now_ms: int, draw: bytes) -> list[Action]:
        self._called.pop(event.origin, None)
        self._rest(event.origin, event.is_refusal, now_ms, draw)
        return []

    def _hear(self, event: Heard, now_ms: int, draw: bytes) -> list[Action]:
        match event.message:
            case ForwardJoin():
                return self._walk_on(event.origin, event.message, now_ms, draw)
            case Shuffle():
                return self._mix(event.origin, event.message, now_ms, draw)
        return []

    def _walk_on(self, source: str, message: ForwardJoin, now_ms: int, draw: bytes) -> list[Action]:
        newcomer, links = message.origin, min(message.links, limits.WALK_LINKS)
        if self.relation(newcomer) in (Relation.STRANGER, Relation.ACTIVE, Relation.CALLED):
            return []
        onward = rank((origin for origin in self.active if origin not in (source, newcomer)), draw)
        if links > 0 and onward:
            if links == limits.PASSIVE_AT_LINKS:
                self._remember([newcomer], draw)
            return [Say(onward[0], ForwardJoin(newcomer, links - 1))]
        self._remember([newcomer], draw)
        if newcomer in self.passive and self._has_room(newcomer):
            return self._call(newcomer, now_ms)
        return []

    def _mix(self, source: str, message: Shuffle, now_ms: int, draw: bytes) -> list[Action]:
        actions: list[Action] = []
        if not message.is_reply:
            if now_ms < self._shuffled.get(source, now_ms):
                return []
            self._shuffled[source] = now_ms + limits.SHUFFLE_EVERY_MS // 4
            actions.append(Say(source, Shuffle(self._sample(source, draw), is_reply=True)))
        self._remember(message.origins, draw)
        return actions

    def _sample(self, target: str, draw: bytes) -> tuple[str, ...]:
        """Neighbours first: whom we talk to is there."""
        names = [*rank(self.active, draw)[: limits.SHUFFLE_ACTIVE], *rank(self.passive, draw)]
        return tuple([name for name in names if name != target][: limits.SHUFFLE_ORIGINS_MAX])

    def _remember(self, names: Iterable[str], draw: bytes) -> None:
        """Take members into the passive view; one of the fullest network makes room."""
        for name in names:
            if not self.roster.is_callable(name) or self.relation(name) is not Relation.KNOWN:
                continue
            if self.roster.is_crowded(self.passive, name, limits.PASSIVE_MAX):
                continue
            if len(self.passive) >= limits.PASSIVE_MAX:
                del self.passive[self.roster.pick_to_leave(self.passive, draw)]
            self.passive[name] = None

    def _part(self, among: list[str], draw: bytes) -> Action:
        """Hang up on one of these neighbours to make room."""
        gone = self.roster.pick_to_leave(among, draw)
        del self.active[gone]
        self._remember([gone], draw)
        return HangUp(gone, limits.ROOM_REASON)

    def _rest(self, origin: str, is_there: bool, now_ms: int, draw: bytes) -> None:
        """Leave a member alone for a while; longer each time for one that does not answer."""
        failures = 0 if is_there else self._failures.get(origin, 0) + 1
        if is_there:
            self._remember([origin], draw)
        else:
            self._failures[origin] = failures
            self.passive.pop(origin, None)
        # A node that has nobody was perhaps cut off itself: it asks all again soon.
        rest_ms = double_wait_ms(limits.REST_MS, limits.REST_MAX_MS, failures)
        wait_ms = rest_ms if self.active else limits.REST_ALONE_MS
        self._resting[origin] = now_ms + _spread_ms(wait_ms, draw)

    def _tick(self, now_ms: int, draw: bytes) -> list[Action]:
        for origin in [origin for origin, until_ms in self._resting.items() if until_ms <= now_ms]:
            del self._resting[origin]
        for origin in [origin for origin, until_ms in self._called.items() if until_ms <= now_ms]:
            del self._called[origin]
        if self._shuffle_ms is None or now_ms < self._shuffle_ms:
            return []
        self._shuffle_ms = now_ms + _spread_ms(limits.SHUFFLE_EVERY_MS, draw)
        actions = self._look_abroad(now_ms, draw)
        for partner in rank(self.active, draw)[:1]:
            actions.append(Say(partner, Shuffle(self._sample(partner, draw), is_reply=False)))
        return actions

    def _look_abroad(self, now_ms: int, draw: bytes) -> list[Action]:
        """Where all neighbours are of one network, call somebody of another, so that no cable decides over us."""
        networks = {self.roster.network(origin) for origin in self.active}
        if self.is_mesh or len(networks) != 1:
            return []
        abroad = [origin for origin in self._list_free() if self.roster.network(origin) not in networks]
        chosen = [origin for origin in rank(abroad, draw)[:1] if self._has_room(origin)]
        return [action for origin in chosen for action in self._call(origin, now_ms)]

    def _replenish(self, now_ms: int, draw: bytes) -> list[Action]:
        """Call until there are neighbours enough: from the passive view first, else from the roster."""
        wanted = len(self.roster) if self.is_mesh else self._active_wanted
        missing = wanted - len(self.active) - len(self._called)
        if missing <= 0:
            return []
        actions: list[Action] = []
        free = self._list_free()
        near = [name for name in free if name in self.passive]
        for names in (near, [name for name in free if name not in self.passive]):
            for origin in self.roster.pick_spread(names, [*self.active, *self._called], draw):
                if missing <= 0:
                    return actions
                if self._has_room(origin):
                    actions += self._call(origin, now_ms)
                    missing -= 1
        return actions

    def _has_room(self, origin: str) -> bool:
        held = [*self.active, *self._called]
        is_crowded = self.roster.is_crowded(held, origin, limits.ACTIVE_MAX)
        return self.is_mesh or (len(held) < limits.ACTIVE_MAX and not is_crowded)

    def _list_free(self) -> list[str]:
        contacts, busy = self.roster.contacts, self.active.keys() | self._called.keys() | self._resting.keys()
        return [origin for origin, contact in contacts.items() if contact.is_callable and origin not in busy]

    def _call(self, origin: str, now_ms: int) -> list[Action]:
        self._called[origin] = now_ms + limits.CALL_WAIT_MS
        self.passive.pop(origin, None)
        if not self._has_joined:
            return [Call(origin, Urgency.JOINING)]
        return [Call(origin, Urgency.SPARE if len(self.active) >= limits.ALONE_BELOW else Urgency.ALONE)]

    def _arm(self, now_ms: int, draw: bytes) -> list[Action]:
        times = [*self._resting.values(), *self._called.values()]
        if self._shuffle_ms is not None and self.active:
            times.append(self._shuffle_ms)
        at_ms = min(times, default=None)
        if at_ms is None or (self._armed_ms is not None and self._armed_ms <= at_ms):
            return []
        self._armed_ms = max(at_ms, now_ms)
        return [SetTimer(self._armed_ms)]


def _spread_ms(wait_ms: int, draw: bytes) -> int:
    """A wait, half of it by chance, so that nodes do not act in step."""
    return wait_ms // 2 + wait_ms * int.from_bytes(draw[:2]) // 0x10000


Step = Callable[[Membership, Any, int, bytes], list[Action]]
_CALLS: Final[dict[Relation, Step | None]] = {
    Relation.STRANGER: Membership._accept,
    Relation.KNOWN: Membership._judge_call,
    Relation.PASSIVE: Membership._judge_call,
    Relation.CALLED: Membership._judge_call,
    Relation.ACTIVE: Membership._accept,
}
_UP: Final[dict[Relation, Step | None]] = {**dict.fromkeys(Relation, Membership._seat), Relation.STRANGER: None}
_DOWN: Final[dict[Relation, Step | None]] = {**dict.fromkeys(Relation), Relation.ACTIVE: Membership._unseat}
_FAILED: Final[dict[Relation, Step | None]] = {
    **dict.fromkeys(Relation, Membership._give_up),
    Relation.STRANGER: None,
    Relation.ACTIVE: None,
}
_HEARD: Final[dict[Relation, Step | None]] = {**dict.fromkeys(Relation), Relation.ACTIVE: Membership._hear}
TABLE: Final[dict[type[Event], dict[Relation, Step | None]]] = {
    Calls: _CALLS,
    Up: _UP,
    Down: _DOWN,
    CallFailed: _FAILED,
    Heard: _HEARD,
}
"""Every event about a node at every relation; None: passed over. Strangers are peers that a person pinned."""

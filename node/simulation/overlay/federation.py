"""A large federation as a whole: who is there, who is connected, what has reached whom.

Invariant: the world knows everything and tells nodes nothing but what comes over a wire, a clock or a failed call.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from node.simulation.overlay.archive import MadeUpLog
from node.simulation.overlay.member import Line, Member
from node.simulation.overlay.network import CALL_FAILS_MS, CALL_TURNS, Queue, Wires
from protocol.gossip import events
from protocol.gossip.overlay import membership_events
from protocol.gossip.overlay.membership_events import Urgency
from protocol.gossip.overlay.views import Contact

JOIN_EVERY_MS = 20


class Arrival(NamedTuple):
    """When a record reached a node, and over how many links it came."""

    at_ms: int
    links: int


class Federation:
    """All nodes of one federation (member.World)."""

    def __init__(self, nodes: int, authors: int, networks: int, seed: int) -> None:
        self.queue = Queue(seed)
        origins = [f"coop{index}.example/log" for index in range(nodes)]
        self.contacts = {origin: Contact(f"place {index % networks}", True) for index, origin in enumerate(origins)}
        step = max(1, nodes // authors)
        self.authors = origins[::step][:authors]
        self.logs = {origin: MadeUpLog(origin, self.queue.chance) for origin in self.authors}
        self.wires = Wires(self.queue, {origin: contact.network for origin, contact in self.contacts.items()})
        self.members = {origin: Member(self, origin, self.logs) for origin in origins}
        self.present: set[str] = set()
        self.arrivals: dict[tuple[str, int], dict[str, Arrival]] = {}
        self.again: Counter[str] = Counter()
        self.most_active = 0
        self._pairs: set[frozenset[str]] = set()

    def join_all(self) -> None:
        """Everyone comes, one after another."""
        for index, origin in enumerate(self.members):
            self.queue.put(index * JOIN_EVERY_MS, self._joiner(origin))

    def vanish(self, origins: Iterable[str]) -> None:
        """These are gone at once and without a word."""
        self.present -= set(origins)

    def run(self, for_ms: int, is_done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass."""
        self.queue.run_until(self.queue.now_ms + for_ms, is_done)

    def reached(self, origin: str, size: int) -> dict[str, Arrival]:
        """Whom a record has reached."""
        return self.arrivals.get((origin, size), {})

    def degrees(self) -> list[int]:
        """How many neighbours each node that is there has; those that are gone do not count."""
        return [len(self.members[origin].membership.active.keys() & self.present) for origin in sorted(self.present)]

    def count_parts(self) -> int:
        """Into how many parts the nodes that are there fall."""
        left, parts = set(self.present), 0
        while left:
            edge, parts = {left.pop()}, parts + 1
            while edge:
                near = {peer for origin in edge for peer in self.members[origin].lines}
                edge = near & left
                left -= edge
        return parts

    def now_ms(self) -> int:
        """Virtual time."""
        return self.queue.now_ms

    def draw(self) -> bytes:
        """16 random bytes."""
        return self.queue.chance.randbytes(16)

    def later(self, member: Member, at_ms: int, work: Callable[[], None]) -> None:
        """Do something then, if the node is still there."""
        self.queue.put(at_ms, lambda: work() if member.origin in self.present else None)

    def carry(self, line: Line, raw: bytes, is_asked_for: bool) -> None:
        """Bring a frame to the far end, in order."""
        far = line.far
        if far is not None:
            self.later(far.owner, self._next_arrival_ms(line), lambda: self._arrive(far, raw, is_asked_for))

    def hang_up(self, line: Line) -> None:
        """The far end hears that the line is gone, after what was sent before."""
        self._pairs.discard(frozenset((line.owner.origin, line.peer)))
        far = line.far
        if far is not None:
            self.later(far.owner, self._next_arrival_ms(line), lambda: far.owner.lose(far, is_parting=True))

    def call(self, member: Member, target: str, urgency: Urgency) -> None:
        """Call another node: it judges the call when it has come, and both ends open when the answer is back."""
        pair = frozenset((member.origin, target))
        if pair in self._pairs:
            # Both called at once: the other call goes on.
            self._fail(member, target, self.now_ms(), is_refusal=True)
            return
        self._pairs.add(pair)
        at_ms = self.now_ms() + CALL_TURNS * self.wires.delay_ms(member.origin, target)
        self.queue.put(at_ms, lambda: self._judge(member, self.members[target], urgency))

    def note_arrival(self, member: Member, source: str, origin: str, size: int) -> None:
        """A node has a record."""
        reached = self.arrivals.setdefault((origin, size), {})
        links = reached[source].links + 1 if source in reached else 0
        reached[member.origin] = Arrival(self.now_ms(), links)

    def note_again(self, member: Member, origin: str) -> None:
        """A node was brought what it had."""
        self.again[origin] += 1

    def _joiner(self, origin: str) -> Callable[[], None]:
        def join() -> None:
            self.present.add(origin)
            self.members[origin].hear_views(membership_events.RosterRead(self.contacts))

        return join

    def _judge(self, caller: Member, called: Member, urgency: Urgency) -> None:
        pair, way_ms = frozenset((caller.origin, called.origin)), self.wires.delay_ms(caller.origin, called.origin)
        if not pair <= self.present:
            self._pairs.discard(pair)
            self._fail(caller, called.origin, self.now_ms() + CALL_FAILS_MS, is_refusal=False)
        elif not called.hear_views(membership_events.Calls(caller.origin, urgency)):
            self._pairs.discard(pair)
            self._fail(caller, called.origin, self.now_ms() + way_ms, is_refusal=True)
        else:
            theirs, ours = called.open_line(caller.origin), caller.open_line(called.origin)
            theirs.far, ours.far = ours, theirs
            # The answer to the call goes before the first frame.
            self.later(caller, self.now_ms() + way_ms, lambda: self._open(ours, urgency, is_called_by_us=True))
            self._open(theirs, urgency, is_called_by_us=False)

    def _open(self, line: Line, urgency: Urgency, is_called_by_us: bool) -> None:
        if line.is_open:
            line.owner.tell(line, events.Opened())
            line.owner.hear_views(membership_events.Up(line.peer, urgency, is_called_by_us))
            self.most_active = max(self.most_active, len(line.owner.membership.active))

    def _fail(self, caller: Member, target: str, at_ms: int, is_refusal: bool) -> None:
        event = membership_events.CallFailed(target, is_refusal)
        self.later(caller, at_ms, lambda: self._tell_views(caller, event))

    def _tell_views(self, member: Member, event: membership_events.Event) -> None:
        member.hear_views(event)

    def _arrive(self, far: Line, raw: bytes, is_asked_for: bool) -> None:
        if far.is_open:
            self.wires.note(raw, is_asked_for)
            far.owner.tell(far, events.Received(raw))

    def _next_arrival_ms(self, line: Line) -> int:
        way_ms = self.wires.delay_ms(line.owner.origin, line.peer)
        line.last_arrival_ms = max(line.last_arrival_ms, self.now_ms() + way_ms)
        return line.last_arrival_ms

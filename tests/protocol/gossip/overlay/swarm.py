"""Many memberships without sessions: calls, links and words in virtual time, and nodes that vanish."""

import heapq
from random import Random

from protocol.gossip.messages import Message
from protocol.gossip.overlay import membership_events as events
from protocol.gossip.overlay.membership import Membership
from protocol.gossip.overlay.views import Contact

DELAY_MS = (5, 80)
CALL_FAILS_MS = 3_000
SILENCE_MS = 45_000


class Swarm:
    """Memberships and the links between them; who is gone answers nothing and is missed after a while."""

    def __init__(self, contacts: dict[str, Contact], seed: int) -> None:
        self.contacts = contacts
        self.chance = Random(seed)
        self.nodes = {origin: Membership(origin) for origin in contacts}
        self.gone: set[str] = set()
        self.links: set[frozenset[str]] = set()
        self.most: dict[str, int] = dict.fromkeys(contacts, 0)
        self.now_ms = 0
        self.refused = 0
        self._queue: list[tuple[int, int, str, events.Event]] = []
        self._count = 0

    def start(self, every_ms: int = 20) -> None:
        """Everyone comes, one after another."""
        for index, origin in enumerate(self.contacts):
            self._put(index * every_ms, origin, events.RosterRead(self.contacts))

    def join(self, origin: str) -> None:
        """One more comes."""
        self._put(self.now_ms, origin, events.RosterRead(self.contacts))

    def run(self, for_ms: int) -> None:
        """Let time pass."""
        until_ms = self.now_ms + for_ms
        while self._queue and self._queue[0][0] <= until_ms:
            self.now_ms, _, origin, event = heapq.heappop(self._queue)
            is_past = isinstance(event, events.Down) and frozenset((origin, event.origin)) in self.links
            if origin not in self.gone and not is_past:
                self.tell(origin, event)
        self.now_ms = until_ms

    def tell(self, origin: str, event: events.Event) -> list[events.Action]:
        """Hand an event to a node and do what it wants."""
        node = self.nodes[origin]
        actions = node.handle(event, self.now_ms, self.chance.randbytes(16))
        for action in actions:
            self._carry_out(origin, action)
        self.most[origin] = max(self.most[origin], len(node.active))
        return actions

    def vanish(self, origins: set[str]) -> None:
        """These are gone without a word."""
        self.gone |= origins
        for link in [link for link in self.links if link & origins]:
            self.links.remove(link)
            for origin in link - origins:
                other = next(iter(link - {origin}))
                self._put(self.now_ms + SILENCE_MS, origin, events.Down(other, is_parting=False))

    def components(self) -> list[set[str]]:
        """The parts that still hang together, the largest first."""
        left, found = set(self.contacts) - self.gone, []
        near: dict[str, set[str]] = {origin: set() for origin in left}
        for one, other in (tuple(link) for link in self.links):
            near[one].add(other)
            near[other].add(one)
        while left:
            edge = {left.pop()}
            part = set(edge)
            while edge:
                edge = {other for one in edge for other in near[one]} - part
                part |= edge
            left -= part
            found.append(part)
        return sorted(found, key=len, reverse=True)

    def _carry_out(self, origin: str, action: events.Action) -> None:
        match action:
            case events.Call(target, urgency):
                self._call(origin, target, urgency)
            case events.HangUp(target, _):
                self._unlink(origin, target)
            case events.Say(target, message):
                if frozenset((origin, target)) in self.links:
                    self._say(origin, target, message)
            case events.SetTimer(at_ms):
                self._put(at_ms, origin, events.Due())

    def _call(self, origin: str, target: str, urgency: events.Urgency) -> None:
        if target in self.gone or not self.nodes[target].roster:
            self._put(self.now_ms + CALL_FAILS_MS, origin, events.CallFailed(target, is_refusal=False))
            return
        if frozenset((origin, target)) in self.links:
            self._put(self.now_ms, origin, events.CallFailed(target, is_refusal=True))
            return
        answers = self.tell(target, events.Calls(origin, urgency))
        if events.Accept(origin) not in answers:
            self.refused += 1
            self._put(self.now_ms + self._delay_ms(), origin, events.CallFailed(target, is_refusal=True))
            return
        self.links.add(frozenset((origin, target)))
        self.tell(target, events.Up(origin, urgency, is_called_by_us=False))
        self._put(self.now_ms, origin, events.Up(target, urgency, is_called_by_us=True))

    def _unlink(self, origin: str, target: str) -> None:
        self.links.discard(frozenset((origin, target)))
        self._put(self.now_ms + self._delay_ms(), target, events.Down(origin, is_parting=True))

    def _say(self, origin: str, target: str, message: Message) -> None:
        self._put(self.now_ms + self._delay_ms(), target, events.Heard(origin, message))

    def _put(self, at_ms: int, origin: str, event: events.Event) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at_ms, self._count, origin, event))

    def _delay_ms(self) -> int:
        return self.chance.randint(*DELAY_MS)


def make_contacts(count: int, networks: int = 4, callable_share: float = 1.0) -> dict[str, Contact]:
    """Members spread over networks."""
    return {
        f"coop{index}.example/log": Contact(f"network {index % networks}", index < count * callable_share)
        for index in range(count)
    }

"""One run of a large federation: everyone joins, records spread, a third vanish at once, records spread again.

Invariant: a run ends by itself: every phase has a length in virtual time.
Spec: docs/large-federations.md
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from node.simulation.overlay.archive import ENTRY_BYTES
from node.simulation.overlay.federation import JOIN_EVERY_MS, Arrival, Federation
from protocol.core.errors import MisuseError
from protocol.gossip.messages import Fork
from protocol.gossip.overlay import limits

NETWORKS: Final = 8
SETTLE_MS: Final = 90_000
RECORD_EVERY_MS: Final = 500
SPREAD_MS: Final = 6_000
IDLE_MS: Final = 60_000
REPAIR_MAX_MS: Final = 300_000
LOOK_EVERY_MS: Final = 1_000
VANISH_SHARE: Final = 0.3
REACH: Final = 0.999
COSIGNER_LINE: Final = "— coop0.example/log/witness {}\n"
COSIGNATURE_LETTERS: Final = 100

LINKS_BAR: Final = 8
BYTES_BAR: Final = 1.3

Tell = Callable[[str], None]


class Spread(msgspec.Struct, frozen=True):
    """How the records of one phase spread; bytes are for one node and one record."""

    records: int
    reached_least: float
    """The smallest share of the nodes that are there which a record reached."""
    links_half: int
    links_reach: int
    """Over how many links 99.9 % had it, in the worst record."""
    links_most: int
    ms_half: int
    ms_reach: int
    """When 99.9 % had it, in the worst record."""
    bytes_eager: int
    bytes_fetched: int
    bytes_lazy: int
    bytes_control: int
    payload_times: float
    """Bytes that carried entries, pushed or fetched, twice or not, by entry + checkpoint note."""
    brought_again: float


class Report(msgspec.Struct, frozen=True):
    """What a run has shown."""

    seed: int
    nodes: int
    authors: int
    networks: int
    entry_bytes: int
    note_bytes: int
    active_most: int
    active_mean: float
    first: Spread
    steady: Spread
    idle_bytes_a_minute: int
    vanished: int
    after: Spread
    after_in_the_end: float
    """The share of those left that had these records once the views had healed, the worst record's."""
    repair_ms: int
    """Until each of those left had neighbours enough again and all hung together; -1: not in time."""
    repaired: Spread
    cosignature_reached: float
    cosignature_bytes: int
    """Bytes for one node and one cosignature; its line has 120."""
    fork_reached: float

    def find_missed(self) -> list[str]:
        """The bars that this run has not reached."""
        found = []
        if self.active_most > limits.ACTIVE_MAX:
            found.append(f"{self.active_most} sessions at a node, at most {limits.ACTIVE_MAX}")
        for name, spread in (("steady", self.steady), ("repaired", self.repaired)):
            if spread.reached_least < REACH or spread.links_reach > LINKS_BAR:
                found.append(f"{name}: {spread.reached_least:.1%} reached, over {spread.links_reach} links")
            if spread.payload_times > BYTES_BAR:
                found.append(f"{name}: {spread.payload_times:.2f} times entry and note for each node")
        if self.repair_ms < 0:
            found.append("not repaired in time")
        if min(self.after_in_the_end, self.cosignature_reached, self.fork_reached) < REACH:
            found.append("something did not reach everyone that is left")
        return found


def run_overlay(nodes: int, authors: int, seed: int, tell: Tell = lambda _: None) -> Report:
    """Live through all phases; `tell` hears what is going on."""
    federation = Federation(nodes, authors, NETWORKS, seed)
    tell(f"{nodes} nodes join")
    federation.join_all()
    federation.run(nodes * JOIN_EVERY_MS + SETTLE_MS)
    note_bytes = 0
    tell("the first record of each author")
    first = _spread(federation, federation.authors)
    note_bytes = len(federation.logs[federation.authors[0]].notes[1])
    tell("the second and third")
    steady = _spread(federation, federation.authors * 2)
    before = federation.wires.received.total()
    federation.run(IDLE_MS)
    idle_bytes = (federation.wires.received.total() - before) // len(federation.present) * 60_000 // IDLE_MS
    mean = sum(federation.degrees()) / len(federation.present)
    gone = set(federation.queue.chance.sample(sorted(federation.present), int(nodes * VANISH_SHARE)))
    tell(f"{len(gone)} nodes vanish")
    vanished_ms = federation.queue.now_ms
    federation.vanish(gone)
    left = [origin for origin in federation.authors if origin not in gone]
    after = _spread(federation, left)
    published = [(origin, federation.logs[origin].size) for origin in left]
    repair_ms = _repair(federation, vanished_ms)
    tell("the others have found each other again")
    _spread(federation, left)
    repaired = _spread(federation, left)
    cosignature_reached, cosignature_bytes = _cosign(federation, left[0])
    return Report(
        seed=seed,
        nodes=nodes,
        authors=len(federation.authors),
        networks=NETWORKS,
        entry_bytes=ENTRY_BYTES,
        note_bytes=note_bytes,
        active_most=federation.most_active,
        active_mean=mean,
        first=first,
        steady=steady,
        idle_bytes_a_minute=idle_bytes,
        vanished=len(gone),
        after=after,
        after_in_the_end=min(_share_with(federation, *record) for record in published),
        repair_ms=repair_ms,
        repaired=repaired,
        cosignature_reached=cosignature_reached,
        cosignature_bytes=cosignature_bytes,
        fork_reached=_fork(federation, left[0]),
    )


def _spread(federation: Federation, authors: list[str]) -> Spread:
    """Each author publishes in its turn; what has come of it."""
    if not authors:
        raise MisuseError("nobody is left who publishes")
    bytes_before, again_before = Counter(federation.wires.received), federation.again.total()
    records: list[tuple[str, int]] = []
    for origin in authors:
        federation.members[origin].publish()
        records.append((origin, federation.logs[origin].size))
        federation.run(RECORD_EVERY_MS)
    federation.run(SPREAD_MS)
    received = Counter(federation.wires.received)
    received.subtract(bytes_before)
    copies = len(records) * (len(federation.present) - 1)
    unit = ENTRY_BYTES + len(federation.logs[authors[0]].notes[-1])
    found = [_arrivals(federation, *record) for record in records]
    links = [sorted(one.links for one in arrivals) for arrivals in found]
    waits = [sorted(one.at_ms - min(arrivals).at_ms for one in arrivals) for arrivals in found]
    return Spread(
        records=len(records),
        reached_least=min(map(len, found)) / len(federation.present),
        links_half=max(one[len(one) // 2] for one in links),
        links_reach=max(one[_place(one)] for one in links),
        links_most=max(one[-1] for one in links),
        ms_half=max(one[len(one) // 2] for one in waits),
        ms_reach=max(one[_place(one)] for one in waits),
        bytes_eager=received["eager"] // copies,
        bytes_fetched=received["fetched"] // copies,
        bytes_lazy=received["lazy"] // copies,
        bytes_control=received["control"] // copies,
        payload_times=(received["eager"] + received["fetched"]) / copies / unit,
        brought_again=(federation.again.total() - again_before) / copies,
    )


def _arrivals(federation: Federation, origin: str, size: int) -> list[Arrival]:
    return [arrival for member, arrival in federation.reached(origin, size).items() if member in federation.present]


def _share_with(federation: Federation, origin: str, size: int) -> float:
    holders = sum(federation.members[one].size(origin) >= size for one in federation.present)
    return holders / len(federation.present)


def _place(values: list[int]) -> int:
    """Where 99.9 % of sorted values end."""
    return min(len(values) - 1, int(REACH * len(values)))


def _repair(federation: Federation, since_ms: int) -> int:
    """Wait until the views have healed; how long that took since, -1 where it did not come."""
    while federation.queue.now_ms < since_ms + REPAIR_MAX_MS:
        if min(federation.degrees()) >= limits.ACTIVE_WANTED and federation.count_parts() == 1:
            return federation.queue.now_ms - since_ms
        federation.run(LOOK_EVERY_MS)
    return -1


def _cosign(federation: Federation, origin: str) -> tuple[float, int]:
    """One cosignature begins at one node: the share that has it, and what it cost each."""
    before = federation.wires.received["cosignatures"]
    line = COSIGNER_LINE.format("A" * COSIGNATURE_LETTERS).encode()
    federation.members[origin].cosign(origin, line)
    federation.run(SPREAD_MS)
    have = sum((origin, line) in federation.members[one].cosigned for one in federation.present)
    count = len(federation.present)
    return have / count, (federation.wires.received["cosignatures"] - before) // count


def _fork(federation: Federation, origin: str) -> float:
    """Two heads of one log have met at one node: the share that has the evidence."""
    log = federation.logs[origin]
    finder = min(federation.present - {origin})
    federation.members[finder].hear_fork(Fork(origin, log.notes[-1], log.sign_other(), b""))
    federation.run(SPREAD_MS)
    return sum(bool(federation.members[one].evidence) for one in federation.present) / len(federation.present)

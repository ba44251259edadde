"""What a seed draws before a world begins: who there is, how the roads are, and what happens when.

Invariant: the seed alone fixes a scenario; taking happenings away changes nothing about those that stay.
Spec: docs/spec/simulation.md
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Final

from node.simulation.world.homes import HOMES_MAX, LENGTHS
from node.simulation.world.roads import Law

NODES_MIN: Final = 2
FEDERATED_MAX: Final = 5
HOUR_MS: Final = 3_600_000
GAP_MS: Final = (50, 1_500)
DOWN_MS: Final = (200, 4_000)
CLOSED_MS: Final = (300, 9_000)
BOUNDARY: Final = 256
STAYING: Final = 0.5
FOOLED: Final = 0.5
LIMITS: Final = {
    "protocol.gossip.limits": {
        "PUSH_ENTRIES_MAX": (2, 256),
        "FETCH_BUNDLES": (1, 16),
        "COMMIT_BUNDLES": (1, 16),
        "COSIGNATURES_HELD_MAX": (1, 12),
        "UNVERIFIED_BYTES_MAX": (2_000, 200_000),
    },
    "node.peering.connection": {"SEND_BYTES_MAX": (400_000, 2_000_000), "BULK_JOBS_MAX": (8, 200)},
    "node.peering.backlog": {"TASKS_MAX": (16, 200)},
    "storage.database": {"GROUP_CHANGES_MAX": (1, 200)},
}
"""Limits that a seed draws within these bounds, by module: what breaks at a limit breaks at a small one too."""


@dataclass(frozen=True)
class Happening:
    """Something that is done or goes wrong, by whom (a place in the list of machines), with some numbers."""

    at_ms: int
    kind: str
    who: int
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, (f"{self.at_ms} ms", self.kind, self.who, *self.numbers)))


@dataclass(frozen=True)
class Byzantine:
    """The one that lies: its place, from which happening of its own it forks, and how it treats what it sends."""

    place: int
    side_mask: int
    withhold_percent: int = 0
    forge_percent: int = 0
    replay_percent: int = 0
    flood_percent: int = 0
    is_staying: bool = False
    """Whether it is still there, and lies, once the faults have stopped."""


@dataclass(frozen=True)
class Scenario:
    """All that a seed fixes; the rest follows."""

    seed: int
    nodes: int
    length: int
    is_federated: bool
    is_calmed: bool
    roads: tuple[tuple[int, int, int, Law], ...]
    """(one, other, who may call: 1 the first, 2 the second, 3 both, the road's law)."""
    offsets_ms: tuple[int, ...]
    limits: tuple[tuple[str, str, int], ...]
    byzantine: Byzantine | None
    happenings: tuple[Happening, ...]

    def without(self, kept: tuple[Happening, ...]) -> "Scenario":
        """The same world in which only these happenings happen."""
        return replace(self, happenings=kept)


def draw_scenario(seed: int, nodes: int | None = None, steps: int | None = None) -> Scenario:
    """The scenario of a seed; nodes and the number of happenings may be given."""
    chance = Random(f"scenario {seed}")
    count = nodes or chance.choice((2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 7, HOMES_MAX))
    is_federated = count <= FEDERATED_MAX and chance.random() < 0.35
    byzantine = _draw_byzantine(chance, count) if count >= 3 and chance.random() < 0.4 else None
    roads = _draw_roads(chance, count)
    happenings = _draw_happenings(chance, count, steps or chance.randint(6, 40), is_federated, roads)
    if byzantine is not None:
        # A chance of its own: all else in a seed is as it is without.
        byzantine, lied = _draw_lies(
            Random(f"lies {seed}"), count, byzantine, happenings[-1].at_ms, roads if is_federated else ()
        )
        happenings = tuple(sorted((*happenings, *lied), key=lambda one: one.at_ms))
    return Scenario(
        seed=seed,
        nodes=count,
        length=chance.choice(LENGTHS),
        is_federated=is_federated,
        is_calmed=chance.random() < 0.85,
        roads=roads,
        offsets_ms=tuple(chance.choice((0, 0, chance.randint(-HOUR_MS, HOUR_MS))) for _ in range(count)),
        limits=_draw_limits(chance),
        byzantine=byzantine,
        happenings=happenings,
    )


def _draw_byzantine(chance: Random, count: int) -> Byzantine:
    place = chance.randrange(count)
    percents = [chance.choice((0, 0, 5, 20)), chance.choice((0, 0, 4, 25)), chance.choice((0, 0, 5, 15))]
    flood = chance.choice((0, 0, 1, 4))
    return Byzantine(place, chance.randrange(1 << count), percents[0], percents[1], percents[2], flood)


def _draw_lies(
    chance: Random, count: int, ways: Byzantine, end_ms: int, roads: Sequence[tuple[int, int, int, Law]]
) -> tuple[Byzantine, tuple[Happening, ...]]:
    """What it publishes, so that there is something to lie about, and whether it stays: then both sides have hearers.

    `roads`: those along which witnesses sign.
    """
    size = BOUNDARY + 44 if ways.forge_percent else 2
    lied = [Happening(chance.randint(500, end_ms), "publish_many", ways.place, (size,))]
    honest = [place for place in range(count) if place != ways.place]
    is_staying = chance.random() < STAYING
    if is_staying:
        one, other = chance.sample(honest, 2)
        ways = replace(ways, side_mask=(ways.side_mask | 1 << one) & ~(1 << other), is_staying=True)
    pairs = {frozenset(road[:2]) for road in roads}
    near = [place for place in honest if frozenset((place, ways.place)) in pairs]
    met = [(one, other) for one in near for other in near if frozenset((one, other)) in pairs]
    if met and chance.random() < FOOLED:
        witness, _ = chance.choice(met)
        ways = replace(ways, side_mask=(1 << count) - 1 & ~(1 << witness))
        lied = _draw_fooling(count, ways.place, witness)
    return ways, tuple(lied)


def _draw_fooling(count: int, liar: int, witness: int) -> list[Happening]:
    """A witness alone with the liar signs one version; then its backup is put back, and all that it meets have the
    other."""
    # The liar's place is on the side of 0 whatever the mask says.
    all_honest = (1 << count) - 1 & ~(1 << liar)
    return [
        Happening(1_500, "partition", liar, (all_honest & ~(1 << witness), 2_350)),
        Happening(1_600, "restore", witness, (2_100, 250)),
        Happening(1_800, "publish", liar, (2,)),
        Happening(3_600, "partition", liar, (all_honest, 6_000)),
    ]


def _draw_roads(chance: Random, count: int) -> tuple[tuple[int, int, int, Law], ...]:
    """A tree, so that all are joined, and some more."""
    joined = {(chance.randrange(place), place) for place in range(1, count)}
    density = chance.choice((0.0, 0.4, 1.0))
    joined |= {pair for pair in combinations(range(count), 2) if chance.random() < density}
    is_lossy = chance.random() < 0.5
    return tuple(
        (one, other, chance.choice((1, 2, 3, 3)), _draw_law(chance, is_lossy)) for one, other in sorted(joined)
    )


def _draw_law(chance: Random, is_lossy: bool) -> Law:
    low = chance.choice((0, 1, 5, 30, 100))
    loss_percent = chance.randint(0, 30) if is_lossy and chance.random() < 0.5 else 0
    return Law(
        (low, low + chance.choice((1, 5, 50, 200))), loss_percent, chance.choice((30_000, 1_000_000, 50_000_000))
    )


def _draw_limits(chance: Random) -> tuple[tuple[str, str, int], ...]:
    if chance.random() < 0.5:
        return ()
    drawn = []
    for module, names in LIMITS.items():
        for name, (low, high) in names.items():
            if chance.random() < 0.4:
                drawn.append((module, name, chance.randint(low, high)))
    return tuple(drawn)


def _draw_happenings(
    chance: Random, count: int, steps: int, is_federated: bool, roads: Sequence[tuple[int, int, int, Law]]
) -> tuple[Happening, ...]:
    faults = [kind for kind in FAULTS if chance.random() < 0.5]
    kinds = [*(("publish",) * 6), "publish_many", "put_file", *faults, *faults]
    if is_federated:
        kinds += ["count_people"] * 3
    drawn: list[Happening] = []
    at_ms = 500
    for _ in range(steps):
        at_ms += chance.randint(*GAP_MS) if chance.random() < 0.7 else chance.randint(0, 10)
        kind = chance.choice(kinds)
        drawn.append(Happening(at_ms, kind, chance.randrange(count), _draw_numbers(chance, kind, count)))
    if "restore" in faults and chance.random() < 0.5:
        drawn += _draw_estrangement(chance, count, at_ms, chance.choice(roads)[:2])
    return tuple(sorted(drawn, key=lambda one: one.at_ms))


def _draw_numbers(chance: Random, kind: str, count: int) -> tuple[int, ...]:
    down_ms, closed_ms, other = chance.randint(*DOWN_MS), chance.randint(*CLOSED_MS), chance.randrange(count)
    match kind:
        case "publish":
            return (chance.randint(1, 4),)
        case "publish_many":
            return (chance.choice((BOUNDARY - 1, BOUNDARY, BOUNDARY + 44)),)
        case "put_file":
            return (other, chance.randint(1, 1 << 20))
        case "count_people":
            return (chance.randint(1, 9_999),)
        case "cut_in":
            return (chance.randint(1, 40), down_ms)
        case "cut_on_tell" | "cut_on_acknowledge":
            return (chance.randint(1, 3), down_ms)
        case "kill" | "cut":
            return (down_ms,)
        case "reset" | "half_open":
            return (other,)
        case "partition":
            return (chance.randrange(1, 1 << count), closed_ms)
        case "clog":
            return (other, closed_ms)
        case "swizzle":
            return (closed_ms, chance.randrange(1 << 30))
        case "clock_jump":
            return (chance.randint(-HOUR_MS, HOUR_MS),)
        case "full_disk":
            return (closed_ms,)
        case "failing_sync":
            return (chance.randint(1, 3),)
        case "restore":
            return (chance.randint(200, 6_000), down_ms)
        case _:
            return ()


def _draw_estrangement(chance: Random, count: int, end_ms: int, pair: tuple[int, int]) -> list[Happening]:
    """A backup from before two met is put back, and only the new friend was told of what came after it."""
    who, friend = chance.sample(pair, 2)
    begin_ms = chance.randint(500, max(501, end_ms - 8_000))
    rest = sum(1 << place for place in range(count) if place not in (who, friend))
    drawn = [
        Happening(begin_ms, "part", who, (friend,)),
        Happening(begin_ms + 1_500, "restore", who, (7_000, chance.randint(*DOWN_MS))),
        Happening(begin_ms + 2_000, "meet", who, (friend,)),
        Happening(begin_ms + 8_300, "partition", who, (1 << friend, 6_000)),
    ]
    if rest:
        drawn.append(Happening(begin_ms + 2_500, "partition", who, (rest, 6_000)))
    drawn += [Happening(begin_ms + 4_000 + 300 * turn, "publish", who, (2,)) for turn in range(4)]
    drawn += [Happening(begin_ms + 10_500 + 400 * turn, "publish", who, (1,)) for turn in range(8)]
    return drawn


FAULTS: Final = (
    "cut_in",
    "cut_on_tell",
    "cut_on_acknowledge",
    "kill",
    "cut",
    "reset",
    "half_open",
    "partition",
    "clog",
    "swizzle",
    "clock_jump",
    "full_disk",
    "failing_sync",
    "restore",
)

"""What a seed draws: how many members, who fails when, who lies and how, and which roads are shut for how long.

Invariant: a seed gives the same scenario in any process; fewer than a third of the voters break the rules of voting.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

MEMBERS_MAX: Final = 40
SIZES: Final = ((0.80, 2, 5), (0.95, 6, 9), (0.995, 10, 16), (1.0, 17, MEMBERS_MAX))
"""How large a federation is drawn: up to which share of seeds, from, to. Most are small, where margins are thin."""
TROUBLE_S: Final = 15.0
"""Until then things go wrong; afterwards all roads are open and all machines stay up."""

FALSE_HASH, BELOW_FLOOR, TOO_MANY, OVERSPEND = "false hash", "below floor", "too many numbers", "overspends"
SECOND_ANSWER, LATE, SILENT = "second answer", "late", "silent"
VOTES_TWICE, PROPOSES_SILENCE, FALSE_CARD = "votes twice", "proposes silence", "claims credits"
ANSWER_LIES: Final = (FALSE_HASH, BELOW_FLOOR, TOO_MANY, OVERSPEND, SECOND_ANSWER, LATE, SILENT, FALSE_CARD)
VOTE_LIES: Final = (VOTES_TWICE, PROPOSES_SILENCE)


@dataclass(frozen=True)
class Crash:
    """A member's power fails, and comes back."""

    member: int
    at_s: float
    down_s: float


@dataclass(frozen=True)
class Partition:
    """The members of `side` and the others hear nothing of each other."""

    side: frozenset[int]
    at_s: float
    heals_s: float


@dataclass(frozen=True)
class Scenario:
    """One world. `lies` says of each liar, by number, what it does; who votes falsely stands in `false_voters` too."""

    seed: int
    members: int
    readings: int
    delay_s: float
    lost: float
    lies: dict[int, str]
    refusers: frozenset[int]
    crashes: tuple[Crash, ...]
    partitions: tuple[Partition, ...]

    def __str__(self) -> str:
        lies = ", ".join(f"{member} {lie}" for member, lie in sorted(self.lies.items())) or "nobody lies"
        troubles = f"{len(self.crashes)} crashes, {len(self.partitions)} partitions"
        return f"{self.members} members, {self.readings} readings, {troubles}; {lies}"


def draw_scenario(seed: int, members: int | None = None) -> Scenario:
    """The world of a seed; `members` fixes how many."""
    chance = Random(f"rounds {seed}")  # noqa: S311
    count = _draw_size(chance) if members is None else members
    partitions = tuple(_draw_partition(chance, count) for _ in range(chance.choice((0, 0, 1, 2))))
    crashes = tuple(_draw_crash(chance, count) for _ in range(chance.choice((0, 1, 1, 2, 3))))
    return Scenario(
        seed=seed,
        members=count,
        readings=1 if chance.random() < 0.7 else 2,
        delay_s=chance.choice((0.02, 0.1, 0.4)),
        lost=chance.choice((0.0, 0.05, 0.3)),
        lies=_draw_lies(chance, count),
        refusers=frozenset(member for member in range(count) if chance.random() < 0.1),
        crashes=crashes,
        partitions=partitions,
    )


def _draw_size(chance: Random) -> int:
    drawn = chance.random()
    return next(chance.randint(least, most) for share, least, most in SIZES if drawn < share)


def _draw_lies(chance: Random, count: int) -> dict[int, str]:
    """Anybody may answer falsely but one at least; of voters no more than the decision bears."""
    lies: dict[int, str] = {}
    false_voters = chance.randint(0, (count - 1) // 3)
    others = chance.choice((0, 0, 1, 1, 2)) if count > 2 else chance.choice((0, 1))
    chosen = chance.sample(range(count), min(count - 1, false_voters + others))
    for place, member in enumerate(chosen):
        lies[member] = chance.choice(VOTE_LIES if place < false_voters else ANSWER_LIES)
    return lies


def _draw_crash(chance: Random, count: int) -> Crash:
    # Most plans are made within seconds: trouble comes early rather than late.
    at_s = TROUBLE_S * 0.8 * chance.random() ** 2
    return Crash(chance.randrange(count), at_s, chance.uniform(0.1, TROUBLE_S * 0.2))


def _draw_partition(chance: Random, count: int) -> Partition:
    side = frozenset(member for member in range(count) if chance.random() < 0.5)
    begins_s = chance.uniform(0.0, TROUBLE_S * 0.6)
    return Partition(side, begins_s, begins_s + chance.uniform(1.0, TROUBLE_S * 0.4))

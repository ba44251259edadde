"""The seeds of every run: what must hold holds in each of their worlds, and all that can go wrong often does."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from node.simulation.world.faults import HAPPENINGS
from node.simulation.world.run import Outcome, run_scenario
from node.simulation.world.scenario import draw_scenario

FIRST_SEEDS: Final = range(1, 251)
MORE_SEEDS: Final = range(251, 501)
"""In two files, for the two processors that run them."""

HAPPENED_LEAST: Final = 40
"""How often each kind of happening happens in the worlds of one file, at least."""
LEAST: Final = {
    **dict.fromkeys(HAPPENINGS, HAPPENED_LEAST),
    "dark": 300,
    "end": 150,
    "refused": 1_000,
    "level": 150,
    "withhold": 100,
    "forge": 100,
    "replay": 100,
    "flood": 30,
    "evidence": 12,
    "stays": 20,
    "put_back": 60,
}


NAMED_BY_THE_NEXT: Final = frozenset({"happening", "lie"})
COUNTED: Final = frozenset({"dark", "end", "put_back", "refused", "level", "evidence"})
"""First words of events: a power cut, the end of a process, a backup put back, a deed refused, honest machines equal,
the fork known to one of them."""


def count_events(outcome: Outcome) -> Counter[str]:
    """How often each thing was done, went wrong or was lied about: `cut`, `forge`, `dark`, `evidence` and so on."""
    counts: Counter[str] = Counter()
    for event in outcome.events:
        _, first, *rest = event.split(" ", 3)
        if first in NAMED_BY_THE_NEXT:
            counts[rest[0]] += 1
        elif first in COUNTED:
            counts[first] += 1
    return counts


def list_broken(seeds: Iterable[int]) -> list[str]:
    """A line for each world that broke, and for each thing that went wrong too seldom to count as tried.

    `rochdale simulate --seed N` finds the shortest list of happenings of a world.
    """
    counts: Counter[str] = Counter()
    broken = []
    for seed in seeds:
        outcome = run_scenario(draw_scenario(seed))
        counts += count_events(outcome)
        if outcome.rule:
            broken.append(f"rochdale simulate --seed {seed}: {outcome.detail}")
    rare = [f"{what}: {counts[what]} times, at least {least} are wanted" for what, least in LEAST.items()]
    return broken + [line for line, (what, least) in zip(rare, LEAST.items(), strict=True) if counts[what] < least]

"""The shortest list of happenings with which a world still fails: taken away piece by piece, each time lived through.

Invariant: what is left fails by the same rule as the whole.
Spec: docs/spec/simulation.md
"""

from itertools import pairwise
from typing import Final

from node.simulation.world.run import Outcome, run_scenario
from node.simulation.world.scenario import Happening

RUNS_MAX: Final = 400


def shrink(outcome: Outcome) -> Outcome:
    """The same failure with as few happenings as RUNS_MAX further lives can find."""
    shortest, runs, pieces = outcome, 0, 2
    while runs < RUNS_MAX and (happenings := shortest.scenario.happenings):
        pieces = min(pieces, len(happenings))
        for kept in _leave_out(happenings, pieces):
            runs += 1
            tried = run_scenario(shortest.scenario.without(kept))
            if tried.rule == outcome.rule:
                shortest, pieces = tried, max(2, pieces - 1)
                break
            if runs >= RUNS_MAX:
                break
        else:
            if pieces >= len(happenings):
                break
            pieces *= 2
    return shortest


def _leave_out(happenings: tuple[Happening, ...], pieces: int) -> list[tuple[Happening, ...]]:
    """All but the n-th of so many pieces, for each n."""
    edges = [len(happenings) * number // pieces for number in range(pieces + 1)]
    return [happenings[:start] + happenings[stop:] for start, stop in pairwise(edges)]

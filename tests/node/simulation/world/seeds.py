"""The seeds of every run: what must hold holds in each of their worlds."""

from collections.abc import Iterable
from typing import Final

from node.simulation.world.run import run_scenario
from node.simulation.world.scenario import draw_scenario

FIRST_SEEDS: Final = range(1, 251)
MORE_SEEDS: Final = range(251, 501)
"""In two files, for the two processors that run them."""


def list_broken(seeds: Iterable[int]) -> list[str]:
    """A line for each world that broke: `rochdale simulate --seed N` finds its shortest list of happenings."""
    outcomes = (run_scenario(draw_scenario(seed)) for seed in seeds)
    return [f"rochdale simulate --seed {one.scenario.seed}: {one.detail}" for one in outcomes if one.rule]

"""The simulation itself is tried: bugs planted on purpose are found, by the seeds of every run."""

import pytest

from node.simulation.world.disk.sqlite_vfs import is_available
from node.simulation.world.nursery import make_homes
from node.simulation.world.run import run_scenario
from node.simulation.world.scenario import draw_scenario
from tests.node.simulation.world.mutants import MUTANTS, Mutant
from tests.node.simulation.world.seeds import FIRST_SEEDS, MORE_SEEDS

TRIED_MAX = 60
"""Seeds that are tried where the one that is written down no longer shows it, since something else has changed."""

pytestmark = pytest.mark.skipif(not is_available(), reason="this Python's SQLite cannot be reached")


def break_world(mutant: Mutant, seed: int, patch: pytest.MonkeyPatch) -> str:
    """The rule that a world breaks with the bug in it."""
    scenario = draw_scenario(seed)
    # The homes are made without it.
    make_homes(scenario.nodes, scenario.length, scenario.is_federated)
    with patch.context() as planted:
        mutant.plant(planted)
        return run_scenario(scenario).rule


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [seed for seed in (*FIRST_SEEDS, *MORE_SEEDS) if mutant.is_apt(draw_scenario(seed))]
    seeds = (mutant.seed, *others[:TRIED_MAX])
    found = next((seed for seed in seeds if break_world(mutant, seed, monkeypatch) in mutant.rules), None)
    assert found is not None, f"not found in {len(seeds)} worlds"


def test_every_mutant_is_found_by_a_seed_of_every_run() -> None:
    assert len(MUTANTS) >= 10
    assert all(mutant.seed in FIRST_SEEDS or mutant.seed in MORE_SEEDS for mutant in MUTANTS)

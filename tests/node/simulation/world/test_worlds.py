"""Worlds from seeds: the same seed is the same world, and what must hold holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.simulation.world.disk.sqlite_vfs import is_available
from node.simulation.world.run import Outcome, run_scenario
from node.simulation.world.scenario import draw_scenario
from tests.node.simulation.world.seeds import FIRST_SEEDS, MORE_SEEDS, count_events

ROOT = Path(__file__).parents[4]
REPLAYED = (8, 14, 19)
REGRESSIONS = {
    4: "whom a head is told to could not be noted on a full disk, and that was nobody's error",
    10: "cosignatures that came while a restored home waited for its peers were not kept",
    22: "a counter that was due while heads waited for their batch made a ping at every turn",
    40: "numbering a federation's logs anew failed on a bad disk and was never tried again",
    186: "two versions of a log that grew to the same length in one session were not compared",
    434: "a witness's mark that a failing disk did not take was nobody's error",
    63: "a disk that failed again was held to be well once its first trouble had ended",
    767: "cosignatures that were asked for and did not come were passed by the cursor",
    1250: "a line under the other version of a forked log ended every session of two honest nodes",
    1145: "the same, where the liar stays",
    744: "after a restore that nobody noticed, a change took the number of one that a peer had been told of",
    1438: "a liar's change number, too large for any table, was nobody's error",
    20162: "the world itself wanted back what only machines beyond a liar held of a restored log",
    61: "a log that a failing disk had kept out of the index stayed out until the next start",
}
"""Seeds that found something, at the commit that mended it. Those of every run are not lived through twice."""
PRINT = """
import sys
from node.simulation.world.run import run_scenario
from node.simulation.world.scenario import draw_scenario
for seed in sys.argv[1:]:
    print("\\n".join(run_scenario(draw_scenario(int(seed))).events))
"""

pytestmark = pytest.mark.skipif(not is_available(), reason="this Python's SQLite cannot be reached")


@pytest.mark.slow
@pytest.mark.parametrize("seed", sorted(REGRESSIONS.keys() - {*FIRST_SEEDS, *MORE_SEEDS}))
def test_what_must_hold_holds(seed: int) -> None:
    outcome = run_scenario(draw_scenario(seed))
    assert not outcome.rule, f"seed {seed}: {outcome.detail}"
    assert outcome.events


@pytest.mark.slow
def test_the_same_seed_is_the_same_list_of_events_in_any_process() -> None:
    lists = []
    for hash_seed in ("1", "2"):
        line = [sys.executable, "-c", PRINT, *map(str, REPLAYED)]
        variables = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        lists.append(subprocess.run(line, capture_output=True, check=True, env=variables, cwd=ROOT).stdout)
    assert lists[0] == lists[1]
    assert len(lists[0].splitlines()) > 100 * len(REPLAYED)


def test_what_goes_wrong_is_counted_by_its_name() -> None:
    events = ("0.1 boot coop0", "0.2 happening cut 1 (3,)", "0.3 lie forge 07", "0.4 lie stays", "0.5 dark coop1")
    counts = count_events(Outcome(draw_scenario(1), "", "", events))
    assert counts == {"cut": 1, "forge": 1, "stays": 1, "dark": 1}


def test_a_scenario_follows_from_its_seed() -> None:
    assert draw_scenario(3) == draw_scenario(3) != draw_scenario(4)
    assert draw_scenario(3, nodes=2, steps=5).nodes == 2

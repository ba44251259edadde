"""Four economies with known optimum, checked by a program that shares nothing with the project."""

import importlib.util
from types import ModuleType

import msgspec
import pytest

from node.clock import Clock
from node.use_cases.planning.trials.trial import TrialTerms, run_trial
from protocol.planning.economy_file import read_economy
from tests.protocol.planning.economies import SHARED, shared_economy

CHECKER = SHARED / "bench" / "planning" / "check_plan.py"
pytestmark = pytest.mark.skipif(not CHECKER.exists(), reason="needs ../shared")

# Name, welfare of the optimum, and at a stop of 1 % and 0.1 %: rounds at most, gap in percent of credits at most.
ECONOMIES = [
    ("bea-20-seed1", 23556.785506, (7, 0.02), (11, 0.002)),
    ("uk-20-seed2", 25813.900128, (7, 0.02), (12, 0.002)),
    ("bea-20-seed4-leontief", -2479.949264, (8, 0.02), (11, 0.002)),
]


@pytest.mark.parametrize(("name", "optimum", "coarse", "fine"), ECONOMIES, ids=[row[0] for row in ECONOMIES])
def test_the_plan_is_as_close_to_the_known_optimum_as_its_certificate_says(
    name: str, optimum: float, coarse: tuple[int, float], fine: tuple[int, float]
) -> None:
    check_one(name, optimum, 10_000, *coarse)
    check_one(name, optimum, 1_000, *fine)


@pytest.mark.slow
def test_two_hundred_goods_are_planned_too() -> None:
    check_one("bea-200-seed3", 199360.65343, 10_000, 11, 0.02)


def check_one(name: str, optimum: float, tolerance_ppm: int, rounds_most: int, gap_most: float) -> None:
    document = shared_economy(name)
    result = run_trial(read_economy(document, tolerance_ppm), TrialTerms(), Clock()).result
    assert result.converged and result.rounds <= rounds_most
    outside = outside_checker().check(document, msgspec.json.decode(msgspec.json.encode(result)))
    assert outside["feasible"]
    assert outside["findings"] == [] and outside["notes"] == []
    gap = result.gap_percent_of_credits
    assert gap <= gap_most
    assert gap == pytest.approx(outside["gap_percent_of_credits"], abs=0.0005)
    assert result.welfare == pytest.approx(outside["welfare"], abs=0.01)
    # The optimum is known to six decimals; what the certificate bounds is at least what was lost.
    lost_percent = 100 * (optimum - result.welfare) / outside["credits"]
    assert -0.0001 <= lost_percent <= gap


def outside_checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outside_check_plan", CHECKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

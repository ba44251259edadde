"""Four economies with known optimum, checked by a program that shares nothing with the project."""

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from protocol.planning.certificate import check_certificate
from protocol.planning.economy import build_economy
from protocol.planning.economy_file import read_economy
from protocol.planning.plan import Plan
from protocol.planning.summary import format_amount
from tests.protocol.planning.economies import SHARED, attested_regrets, finished_plan, shared_economy

CHECKER = SHARED / "bench" / "planning" / "check_plan.py"
pytestmark = pytest.mark.skipif(not CHECKER.exists(), reason="needs ../shared")

# Name, rounds at most, gap in percent of credits at most: both at a tolerance of half a percent.
ECONOMIES = [("bea-20-seed1", 8, 0.25), ("uk-20-seed2", 8, 0.15), ("bea-20-seed4-leontief", 8, 0.45)]


@pytest.mark.parametrize(("name", "rounds_most", "gap_most"), ECONOMIES, ids=[row[0] for row in ECONOMIES])
def test_the_plan_is_close_to_the_known_optimum(name: str, rounds_most: int, gap_most: float) -> None:
    check_one(name, rounds_most, gap_most)


@pytest.mark.slow
def test_two_hundred_goods_are_planned_too() -> None:
    check_one("bea-200-seed3", 16, 0.2)


def check_one(name: str, rounds_most: int, gap_most: float) -> None:
    document = shared_economy(name)
    file = read_economy(document, tolerance_ppm=5_000)
    economy = build_economy(file.table, file.consumers, file.workplaces)
    plan = finished_plan(file, economy)
    assert plan.rounds <= rounds_most
    outside = outside_checker().check(document, result_of(plan))
    assert outside["feasible"]
    assert outside["findings"] == []
    assert outside["gap_percent_of_credits"] <= gap_most
    own = check_certificate(plan, attested_regrets(file, plan))
    assert own.findings == ()
    assert own.gap_ppm is not None
    assert own.gap_ppm / 10_000 == pytest.approx(outside["gap_percent_of_credits"], abs=0.002)


def outside_checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outside_check_plan", CHECKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result_of(plan: Plan) -> dict[str, Any]:
    """The plan in the answer format of an economy file."""
    goods = plan.goods_table.goods
    consumption = {}
    for card in plan.consumers:
        named = [goods[good] for nest in card.nests for good in nest.goods]
        eaten = plan.consumption[card.id]
        consumption[card.id] = {
            good.id: format_amount(units, good.decimals) for good, units in zip(named, eaten, strict=True)
        }
    return {
        "prices": {good.id: format_amount(price, 6) for good, price in zip(goods, plan.prices, strict=True)},
        "consumption": consumption,
        "activity": {name: [format_amount(level, 6) for level in levels] for name, levels in plan.activity.items()},
    }

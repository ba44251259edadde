"""The worst good: what counts as off balance and what does not."""

import numpy as np
import pytest

from protocol.planning.solver.worst_good import measure_goods
from tests.protocol.planning.economies import load, village

FILE, ECONOMY = load(village())
BREAD, MILK = 0, 1
# North eats bread and milk, south likewise; then farm, import-milk, mill and oven in canonical order of workplaces.
EATEN = np.array([40.0, 100.0, 30.0, 20.0])
NAMES = [card.id for card in ECONOMY.workplaces]


def measured(oven: float, prices: dict[int, int] | None = None) -> list[int]:
    levels = {"farm": 90.0, "mill": 49.0, "oven": oven, "import-milk": 30.0}
    price = np.array([good.start_price_micro for good in ECONOMY.goods], np.int64)
    for good, micro in (prices or {}).items():
        price[good] = micro
    activity = np.array([[levels[name]] for name in NAMES])
    found: list[int] = measure_goods(ECONOMY, EATEN, activity, price).tolist()
    return found


@pytest.mark.parametrize(("oven", "ppm"), [(70.0, 0), (63.0, 100_000), (77.0, 90_909), (0.0, 1_000_000)])
def test_a_good_is_off_by_the_share_that_is_short_or_left_over(oven: float, ppm: int) -> None:
    assert measured(oven)[BREAD] == ppm


def test_what_is_left_over_and_has_no_price_does_not_count() -> None:
    assert measured(77.0, {BREAD: 20_000})[BREAD] == 0
    assert measured(77.0, {BREAD: 20_001})[BREAD] == 90_909


def test_what_no_answer_could_put_right_does_not_count() -> None:
    assert measured(70.0 - 0.9e-6)[BREAD] == 0
    assert measured(70.0 - 70e-6)[BREAD] == 1

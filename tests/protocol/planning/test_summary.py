"""What a page can say of a plan: rows that add up, and what binds, by name and figure."""

import pytest

from protocol.planning.summary import format_amount, list_consumers, list_goods, what_binds
from tests.protocol.planning.economies import finished_plan, load, region, village

FILE, ECONOMY = load(village())
PLAN = finished_plan(FILE, ECONOMY)


def test_bread_is_told_in_figures_that_add_up() -> None:
    rows = {row.good: row for row in list_goods(PLAN)}
    bread = rows["bread"]
    assert [name for name, _ in bread.made] == ["oven"]
    assert bread.bought == ()
    assert abs(bread.made[0][1] - bread.planned - bread.left) <= 1
    assert bread.planned == sum(row.planned for row in list_consumers(PLAN) if row.good == "bread")
    assert bread.planned > bread.floor > 0
    assert [name for name, _ in rows["milk"].bought] == ["import-milk"]
    assert [name for name, _ in rows["flour"].used] == ["oven"]


def test_every_good_balances_in_its_row() -> None:
    file, economy = load(region(4, eaten=20))
    for row in list_goods(finished_plan(file, economy)):
        supply = row.endowment + sum(units for _, units in row.made + row.bought)
        demand = row.planned + sum(units for _, units in row.used + row.sold)
        assert abs(supply - demand - row.left) <= len(row.made + row.bought + row.used + row.sold) + 1
        assert row.left >= 0


def test_what_binds_is_named() -> None:
    binds = what_binds(PLAN)
    assert [full.workplace for full in binds.capacities] == ["oven"]
    assert [cap.good for cap in binds.caps] == ["outside"]
    assert [floor.consumer for floor in binds.floors] == []
    assert [row.consumer for row in binds.complements] == ["south"]
    assert binds.complements[0].goods == ("bread", "milk")
    assert binds.complements[0].scarcest == "bread"
    assert binds.capacities[0].worth_micro > 0


def test_a_floor_binds_where_the_credits_would_buy_less() -> None:
    document = village()
    document["consumers"][0]["nests"][0]["goods"]["bread"]["floor"] = "40"
    file, economy = load(document)
    floors = what_binds(finished_plan(file, economy)).floors
    assert [(row.consumer, row.good) for row in floors] == [("north", "bread")]
    assert floors[0].floor <= floors[0].planned < 2 * floors[0].floor


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(412_000, 3, "412"), (412_500, 3, "412.5"), (7, 0, "7"), (0, 4, "0"), (-15, 1, "-1.5"), (5, 4, "0.0005")],
)
def test_amounts_read_as_decimal_numbers(units: int, decimals: int, text: str) -> None:
    assert format_amount(units, decimals) == text

"""Basic needs that cannot be met are named before planning starts, with what is missing."""

from typing import Any

import pytest

from protocol.core.errors import RefusedError
from protocol.planning.floors import check_floors, list_unsupplied, measure_missing
from tests.protocol.planning.economies import load, region, village


def needing(**floors: str) -> dict[str, Any]:
    document = village()
    for good, amount in floors.items():
        document["consumers"][0]["nests"][0]["goods"][good]["floor"] = amount
    return document


@pytest.mark.parametrize("document", [village(), needing(bread="67"), region(1), region(9, councils=8)])
def test_needs_that_can_be_met_pass(document: dict[str, Any]) -> None:
    _, economy = load(document)
    check_floors(economy)
    assert max(measure_missing(economy)) == 0


def test_bread_beyond_the_oven_is_named_with_what_is_missing() -> None:
    # The oven bakes 70 kg; north needs 93 and south 2.
    _, economy = load(needing(bread="93"))
    assert measure_missing(economy)[0] == pytest.approx(25_000, rel=0.01)
    with pytest.raises(RefusedError, match="basic needs cannot all be met: bread") as refused:
        check_floors(economy)
    assert [finding.place for finding in refused.value.findings] == ["bread"]


def test_a_cap_that_does_not_let_the_milk_through_is_felt_in_milk() -> None:
    document = needing(milk="150")
    document["goods"][4]["endowment"] = "30"
    document["goods"][5]["endowment"] = "12"
    _, economy = load(document)
    missing = measure_missing(economy)
    # 12 of outside money buy 10 l, and 30 kg of co2 let at most 75 l through when no bread is baked.
    assert missing[1] + missing[0] >= 65_000
    with pytest.raises(RefusedError):
        check_floors(economy)


def test_nothing_is_missing_where_nobody_has_a_floor() -> None:
    document = village()
    for council in document["consumers"]:
        for cell in council["nests"][0]["goods"].values():
            cell["floor"] = "0"
    _, economy = load(document)
    assert measure_missing(economy) == [0] * 6


def test_what_is_done_as_a_whole_supplies_though_it_also_takes_what_only_comes_of_it() -> None:
    document = village()
    document["workplaces"] = [row for row in document["workplaces"] if row["id"] != "mill"]
    # A region's allocation: so much flour, for some of the bread that is baked of it.
    whole = {"id": "allocation", "capacity": "1", "least": "1", "techniques": [{"net": {"flour": "-60", "bread": "1"}}]}
    _, economy = load({**document, "workplaces": [*document["workplaces"], whole]})
    assert list_unsupplied(economy) == []
    whole["least"] = "0"
    _, economy = load({**document, "workplaces": [*document["workplaces"], whole]})
    assert list_unsupplied(economy) != []


def test_what_nobody_can_supply_is_named_before_the_first_round() -> None:
    document = village()
    document["workplaces"] = [row for row in document["workplaces"] if row["id"] != "mill"]
    for council in document["consumers"]:
        council["nests"][0]["goods"]["bread"]["floor"] = "0"
    _, economy = load(document)
    # The oven is there, but without a mill it has no flour: so there is no bread either.
    assert [economy.goods[good].id for good in list_unsupplied(economy)] == ["bread"]
    with pytest.raises(RefusedError, match="bread: is on the card of north and nobody can supply it"):
        check_floors(economy)


def test_who_keeps_recipes_private_is_believed_to_make_what_it_shows() -> None:
    document = village()
    document["workplaces"] = [
        row | {"recipes": "private"} if row["id"] == "oven" else row
        for row in document["workplaces"]
        if row["id"] != "mill"
    ]
    assert list_unsupplied(load(document)[1]) == []

"""A goods table of several periods: written out by the caller's node, with stores where goods keep, needs spread."""

import json
import re
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from node.use_cases.planning.calls.table import TableFile, read_table
from node.use_cases.planning.periods.keeping import fill_shelf_lives
from node.use_cases.supply.board import Board
from protocol.core.encoding import encode, to_value
from protocol.core.errors import RefusedError
from protocol.core.record import Record
from protocol.planning.card_rules import allotted_floors, audit_goods_table
from protocol.planning.cards import ApprovedFloor, CardTerms, GoodsTable, Period
from protocol.supply.facts import Filed
from tests.protocol.supply.made_up_logs import loaf

WEEKS = [
    {"id": name, "first_week": week, "last_week": week} for name, week in (("one", 23), ("two", 24), ("three", 25))
]


def table(**changes: Any) -> GoodsTable:
    """Bread that keeps for two weeks, milk that does not, hours that differ, a cap for the whole time."""
    row = {
        "goods": [
            {"id": "bread", "unit": "KGM", "start_price": "2", "shelf_life_days": 14},
            {"id": "milk", "unit": "LTR", "start_price": "1", "shelf_life_days": 13},
            {"id": "cheese", "unit": "KGM", "start_price": "7", "store": {"keeps": "0.9", "capacity": {"one": "5"}}},
            {"id": "hours", "unit": "HUR", "kind": "labour", "start_price": "6", "endowment": {"one": "9", "two": "4"}},
            {"id": "co2", "unit": "KGM", "kind": "cap", "start_price": "1", "endowment": "90", "lasting": True},
        ],
        "trade": [
            {"id": "mill", "capacity": "9", "techniques": [{"net": {"bread": "-1", "co2": "1"}, "periods": ["two"]}]}
        ],
        "periods": WEEKS,
    }
    return read_table(msgspec.convert({**row, **changes}, TableFile))


def test_goods_stand_in_each_period_and_what_keeps_has_a_store() -> None:
    written = table()
    endowments = {good.id: good.endowment for good in written.goods}
    assert len(endowments) == 4 * 3 + 1 and endowments["co2"] == 90_000
    assert [endowments[f"hours in {period}"] for period in written.period_names] == [9_000, 4_000, 0]
    assert [card.id for card in written.trade] == [
        "mill in two",
        "bread kept from one",
        "bread kept from two",
        "cheese kept from one",
    ]
    assert audit_goods_table(written) == []
    assert written.split_name("bread in two") == ("bread", "two") and written.split_name("co2") == ("co2", "")


def test_the_table_of_the_spec_page() -> None:
    page = (Path(__file__).parents[5] / "docs/spec/planning/periods.md").read_text().partition("## In a call")[2]
    block = page.partition("```json\n")[2].partition("```")[0]
    written = table(**{"trade": [], **json.loads(re.sub(r"(?m)^ *\d+ ", "", block))})
    assert [card.id for card in written.trade] == ["potatoes kept from summer", "cheese kept from summer"]
    assert [period.weeks for period in written.periods] == [26, 26] and len(written.goods) == 7


def board_of(*days: int | None) -> Board:
    """Products of as many makers, each a milk with this shelf life."""
    board, no_record = Board(), cast(Record, None)
    for number, one in enumerate(days):
        maker = f"dairy-{number}.example/log"
        body = loaf(code="in-house:dairy-milk", maker=maker, shelf_life_days=one)
        board.facts.products[maker, body.code] = Filed(maker, number, bytes(32), no_record, body)
    return board


@pytest.mark.parametrize(
    ("days", "kept"),
    [((20,), ["one", "two"]), ((20, 30), ["one", "two"]), ((20, 13), []), ((20, None), []), ((), [])],
)
def test_what_the_file_does_not_say_the_makers_shelf_lives_do(days: tuple[int | None, ...], kept: list[str]) -> None:
    row = {"id": "milk", "unit": "LTR", "start_price": "1"}
    file = msgspec.convert({"goods": [row], "periods": WEEKS}, TableFile)
    stores = [card.id for card in read_table(fill_shelf_lives(file, board_of(*days))).trade]
    assert stores == [f"milk kept from {period}" for period in kept]
    own = msgspec.convert({"goods": [{**row, "shelf_life_days": 0}], "periods": WEEKS}, TableFile)
    assert fill_shelf_lives(own, board_of(20)) == own
    without = msgspec.convert({"goods": [row]}, TableFile)
    assert fill_shelf_lives(without, board_of(20)) == without


def test_a_table_without_periods_is_the_bytes_that_it_was() -> None:
    plain = table(goods=[{"id": "milk", "unit": "LTR", "start_price": "1"}], trade=[], periods=[])
    assert set(to_value(plain)) == {"format", "tolerance_ppm", "goods", "trade"}
    assert b"periods" in encode(to_value(table()))


def test_needs_are_spread_over_the_weeks_to_the_last_unit() -> None:
    seasons = [{"id": "a", "first_week": 1, "last_week": 5}, {"id": "b", "first_week": 50, "last_week": 1}]
    written = table(
        periods=seasons, goods=[{"id": "bread", "unit": "KGM", "start_price": "2", "decimals": 0}], trade=[]
    )
    assert [period.weeks for period in written.periods] == [5, 4]
    terms = CardTerms(1_000_000, (ApprovedFloor("bread", 5, 1),))
    for people in range(1, 40):
        due = allotted_floors(written, people, terms)
        whole = -(-people // 2)
        assert sum(due.values()) == whole and due[0] == -(-people * 5 // 18), people


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"periods": []}, r"goods\.bread"),
        ({"periods": [{"id": "otherwise", "first_week": 1, "last_week": 2}]}, "periods"),
        ({"periods": [WEEKS[0], WEEKS[0]]}, "periods"),
        ({"periods": [{"id": "one", "first_week": 0, "last_week": 2}], "trade": [], "goods": []}, "table"),
        ({"goods": [{"id": "milk", "unit": "LTR", "start_price": "1", "endowment": {"four": "1"}}]}, "unknown period"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(RefusedError, match=place):
        table(**changes)


def test_impossible_weeks_are_found_in_a_table_from_elsewhere() -> None:
    foreign = msgspec.structs.replace(table(), periods=(Period("one", 1, 53), Period("two", 0, 3)))
    assert [finding.place for finding in audit_goods_table(foreign)] == ["periods.one", "periods.two"]
    assert audit_goods_table(msgspec.structs.replace(table(), periods=(Period("a", 1, 2),) * 2))

"""The vectors of economy files, periods and two levels, read as someone else's program would."""

import hashlib
from typing import Any

import msgspec
import pytest

from node.use_cases.planning.calls.table import TableFile, read_table
from protocol.core.encoding import decode, encode, to_struct, to_value
from protocol.core.errors import RefusedError
from protocol.planning.card_rules import allotted_floors
from protocol.planning.cards import CardTerms, ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.certificate import check_certificate
from protocol.planning.economy import build_economy
from protocol.planning.economy_file import read_economy
from protocol.planning.nested.joined_plan import join_plans
from protocol.planning.nested.levels_file import read_levels
from protocol.planning.nested.region_card import card_of_above, card_of_allocation, outline_region, region_name
from protocol.planning.nested.two_levels import LevelTerms, plan_levels
from protocol.planning.periods.expansion import expand_periods
from protocol.planning.plan import digest_plan, format_plan, parse_plan
from tests.protocol.core.values import load_vectors

VILLAGE, ECONOMY = load_vectors("planning/village.json"), load_vectors("planning/economy.json")
PERIODS, LEVELS = load_vectors("planning/periods.json"), load_vectors("planning/levels.json")
TOLERANCE_PPM = ECONOMY["tolerance_ppm"]
BYTES_MAX = 4 * 1024 * 1024
REFUSED = [
    pytest.param({**whole, **row["change"]}, row["at"], id=row["says"])
    for whole, rows in ((VILLAGE, ECONOMY["refused"]), (PERIODS["file"], PERIODS["refused"]))
    for row in rows
]


def test_a_file_is_read_as_these_cards_over_this_table() -> None:
    file = read_economy(VILLAGE, TOLERANCE_PPM)
    assert file.table == msgspec.convert(ECONOMY["goods_table"], GoodsTable)
    assert file.consumers == msgspec.convert(ECONOMY["consumers"], tuple[ConsumerCard, ...])
    assert file.workplaces == msgspec.convert(ECONOMY["workplaces"], tuple[WorkplaceCard, ...])


def test_a_table_is_a_file_that_its_hash_names() -> None:
    raw = ECONOMY["table_of_the_call"]["bytes"]
    assert hashlib.sha256(raw).digest() == ECONOMY["table_of_the_call"]["sha256"]
    table = to_struct(decode(raw, BYTES_MAX), GoodsTable)
    assert encode(to_value(table), BYTES_MAX) == raw
    assert table.goods == msgspec.convert(ECONOMY["goods_table"], GoodsTable).goods


@pytest.mark.parametrize(("document", "at"), REFUSED)
def test_a_file_that_does_not_fit_says_where(document: dict[str, Any], at: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        read_economy(document, TOLERANCE_PPM)
    assert [finding.place for finding in caught.value.findings] == at


def test_periods_are_written_out() -> None:
    assert expand_periods(PERIODS["file"]) == PERIODS["written_out"]
    assert read_table(msgspec.convert(PERIODS["call"], TableFile)) == msgspec.convert(
        PERIODS["goods_table"], GoodsTable
    )


def test_needs_are_spread_over_the_periods() -> None:
    table, terms = msgspec.convert(PERIODS["goods_table"], GoodsTable), msgspec.convert(PERIODS["terms"], CardTerms)
    for row in PERIODS["needs"]:
        assert [list(pair) for pair in sorted(allotted_floors(table, row["people"], terms).items())] == row["units"]


def test_two_levels_come_to_the_plans_of_the_file() -> None:
    file = read_levels(LEVELS["file"], TOLERANCE_PPM)
    played = plan_levels(file, LevelTerms())
    above = format_plan(played.plan)
    assert (above.decode(), digest_plan(above)) == (LEVELS["plan_above"], LEVELS["digest_above"])
    assert len(played.reports) == LEVELS["rounds_above"]
    for name, told in LEVELS["regions"].items():
        assert format_plan(played.regions[name].plan).decode() == told["plan"]
        assert played.allocations[name] == told["allocation"]
    flat = build_economy(file.flat.table, file.flat.consumers, file.flat.workplaces)
    assert format_plan(join_plans(played, flat)).decode() == LEVELS["joined"]


def test_the_plans_hold_each_by_itself_and_put_together() -> None:
    plans = [LEVELS["plan_above"], LEVELS["joined"], *(told["plan"] for told in LEVELS["regions"].values())]
    assert [check_certificate(parse_plan(text.encode()), {}).findings for text in plans] == [()] * len(plans)


def test_a_region_is_one_participant_above_and_the_level_above_one_below() -> None:
    file = read_levels(LEVELS["file"], TOLERANCE_PPM)
    for name, region in file.regions.items():
        told = LEVELS["regions"][name]
        assert region.table == msgspec.convert(told["goods_table"], GoodsTable)
        alone = build_economy(region.table, region.consumers, region.workplaces)
        outline = outline_region(region_name(name), alone, file.above.table)
        assert outline == msgspec.convert(told["outline"], WorkplaceCard)
        card = card_of_above(outline, file.above.table, region.table)
        assert card == msgspec.convert(told["card_of_above"], WorkplaceCard)
        allocated = card_of_allocation(told["allocation"], region.table)
        assert allocated == msgspec.convert(told["card_of_allocation"], WorkplaceCard)

"""Regions plan what is theirs, and the plan above the rest: together it is a plan of all, to the last unit."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import RefusedError
from protocol.planning.cards import GOODS_TABLE_FORMAT, MICRO, Good, GoodsTable, Technique, WorkplaceCard
from protocol.planning.certificate import Certificate, check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.nested.joined_plan import join_plans
from protocol.planning.nested.levels_file import LevelsFile, read_levels
from protocol.planning.nested.region_card import ABOVE, allocation_of, card_of_above, card_of_allocation
from protocol.planning.nested.two_levels import LevelsPlan, LevelTerms, plan_levels
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan
from protocol.planning.rounds import close_round, start_state
from protocol.planning.simulation.members import Members, gather_members
from tests.protocol.planning.nested.made_up_levels import make_two_levels

TOLERANCE_PPM = 10_000
SEEDS = (1, 4, 9)
GOOD_OFF_MOST = 0.04
GAP_MOST_PPM = 5_000


def read(document: dict[str, Any]) -> LevelsFile:
    return read_levels(document, TOLERANCE_PPM)


@cache
def tried(seed: int) -> tuple[LevelsPlan, Economy, Members]:
    file = read(make_two_levels(seed))
    flat = build_economy(file.flat.table, file.flat.consumers, file.flat.workplaces)
    return plan_levels(file, LevelTerms()), flat, gather_members(flat, file.flat.tastes, file.flat.efforts)


def check(plan: Plan, members: Members) -> tuple[float, Certificate]:
    certificate = check_certificate(plan, members.regrets(plan))
    assert certificate.gap_micro is not None
    return members.welfare(plan), certificate


def plan_flat(economy: Economy, members: Members) -> Plan:
    state = start_state(economy)
    while True:
        state, report = close_round(economy, state, members.answer(state))
        if report.is_close_enough:
            return make_plan(economy, state, clear_plan(economy, state), report)


def sum_eaten(plan: Plan) -> dict[int, int]:
    total: dict[int, int] = {}
    for card in plan.consumers:
        goods = [good for nest in card.nests for good in nest.goods]
        for good, units in zip(goods, plan.consumption[card.id], strict=True):
            total[good] = total.get(good, 0) + units
    return total


@pytest.mark.parametrize("seed", SEEDS)
def test_both_levels_together_are_as_good_as_one_flat_plan_and_hold_to_the_last_unit(seed: int) -> None:
    levels, flat, members = tried(seed)
    joined, beside = join_plans(levels, flat), plan_flat(flat, members)
    (welfare, certificate), (flat_welfare, flat_certificate) = check(joined, members), check(beside, members)
    assert certificate.findings == () == flat_certificate.findings
    assert certificate.gap_micro is not None and flat_certificate.gap_micro is not None
    # Neither can be better than the other by more than the other's own certificate says.
    assert -flat_certificate.gap_micro <= (flat_welfare - welfare) * MICRO <= certificate.gap_micro
    assert certificate.gap_ppm is not None and certificate.gap_ppm <= GAP_MOST_PPM
    eaten, flat_eaten = sum_eaten(joined), sum_eaten(beside)
    assert all(abs(eaten[good] - units) <= GOOD_OFF_MOST * units for good, units in flat_eaten.items())


def test_the_order_of_rows_changes_nothing() -> None:
    document = make_two_levels(SEEDS[0])
    turned = document | {side: document[side][::-1] for side in ("consumers", "workplaces")}
    again = plan_levels(read(turned), LevelTerms())
    assert [digest_plan(format_plan(plan)) for plan in list_plans(again)] == [
        digest_plan(format_plan(plan)) for plan in list_plans(tried(SEEDS[0])[0])
    ]


def list_plans(levels: LevelsPlan) -> list[Plan]:
    return [levels.plan, *(levels.regions[name].plan for name in sorted(levels.regions))]


def test_a_region_that_takes_more_than_its_allocation_is_found() -> None:
    levels, flat, members = tried(SEEDS[0])
    region = levels.regions["hills"]
    (technique,) = next(card for card in region.plan.workplaces if card.id == ABOVE).techniques
    brought = {region.plan.goods_table.goods[good].id for good, amount in technique.net if amount < 0}
    card = region.plan.consumers[0]
    more = tuple(units + units // 50 for units in region.plan.consumption[card.id])
    taken = msgspec.structs.replace(region.plan, consumption=region.plan.consumption | {card.id: more})
    lied = replace(levels, regions=levels.regions | {"hills": replace(region, plan=taken)})
    findings = check_certificate(join_plans(lied, flat), members.regrets(join_plans(levels, flat))).findings
    assert brought & {finding.place.split(".")[-1] for finding in findings}


amounts = st.integers(-(10**15), 10**15).filter(bool)


@given(st.lists(amounts, min_size=1, max_size=3), st.integers(0, 2 * MICRO))
def test_an_allocation_gives_no_more_and_takes_no_less_than_the_plan_above_holds(net: list[int], level: int) -> None:
    goods = tuple(Good(f"good{number}", "KGM", "good", 3, MICRO, 0) for number in range(len(net)))
    table = GoodsTable(GOODS_TABLE_FORMAT, TOLERANCE_PPM, goods, ())
    fixed = WorkplaceCard("region", MICRO, 0, (Technique(tuple(enumerate(net)), MICRO),))
    allocation = allocation_of(fixed, (level,), table)
    for good, amount in zip(goods, net, strict=True):
        assert allocation[good.id] * MICRO <= amount * level < (allocation[good.id] + 1) * MICRO
    card = card_of_allocation(allocation, table)
    moved = {good: -amount for good, amount in card.techniques[0].net} if card is not None else {}
    assert moved == {place: allocation[good.id] for place, good in enumerate(goods) if allocation[good.id]}


def test_the_level_above_shows_the_region_s_card_turned_round() -> None:
    table = GoodsTable(GOODS_TABLE_FORMAT, TOLERANCE_PPM, _goods("grain", "fish"), ())
    own = GoodsTable(GOODS_TABLE_FORMAT, TOLERANCE_PPM, _goods("bread", "fish", "grain"), ())
    shown = WorkplaceCard("hills", MICRO, 0, (), ((0, -5, 2), (1, 0, 7)))
    assert card_of_above(shown, table, own).outline == ((1, -7, 0), (2, -2, 5))


def _goods(*names: str) -> tuple[Good, ...]:
    return tuple(Good(name, "KGM", "good", 3, MICRO, 0) for name in names)


def _row(document: dict[str, Any], side: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in document[side] if row["id"] == name)
    return found


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a region that nobody is in": (
        lambda document: _row(document, "goods", "hours")["regional"].update({"moon": "1"}),
        "goods.hours.regional",
    ),
    "a good of a region above": (
        lambda document: _row(document, "workplaces", "toolworks")["techniques"][0]["net"].update({"hours": "1"}),
        "toolworks",
    ),
    "private recipes": (
        lambda document: _row(document, "workplaces", "toolworks").update({"recipes": "private"}),
        "toolworks.recipes",
    ),
    "no shared good": (
        lambda document: [row.setdefault("regional", {}) for row in document["goods"]],
        "goods",
    ),
    "no region": (
        lambda document: [row.pop("region", "") for side in ("consumers", "workplaces") for row in document[side]],
        "regions",
    ),
    "no council above": (
        lambda document: document["consumers"].pop(),
        "consumers",
    ),
    "a region with the mark of flat names": (
        lambda document: document["consumers"][0].update({"region": "hi@lls"}),
        "consumers[0].region",
    ),
    "rows that are no objects": (lambda document: document["goods"].append("bread"), "goods[12]"),
    "regional amounts that are no object": (
        lambda document: _row(document, "goods", "hours").update({"regional": "12"}),
        "goods.hours.regional",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_does_not_fit_is_refused_with_its_place(name: str) -> None:
    change, place = REFUSED[name]
    document = json.loads(json.dumps(make_two_levels(1)))
    change(document)
    with pytest.raises(RefusedError) as caught:
        read(document)
    assert caught.value.findings[0].place == place

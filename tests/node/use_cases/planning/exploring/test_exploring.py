"""What if, and other ways beside: on the made-up village and a made-up region, from the plan's document alone."""

import asyncio

import pytest

from node.clock import Clock
from node.till.tastes import K_LEAST
from node.use_cases.planning.exploring.answering import WAITING_MAX, Turn, WhatIfParams
from node.use_cases.planning.exploring.beside import BY_TURNOVER, NO_FLOORS, PLANNED, REPEATED, compare_ways
from node.use_cases.planning.exploring.changes import Changes
from node.use_cases.planning.exploring.comparing import NOTICED_PPM, WhatIf
from node.use_cases.planning.exploring.till_file import Brought, TillFile, bring_till
from node.use_cases.planning.exploring.what_if import ask_what_if
from node.use_cases.planning.proposals.private_side import Council, NestWish
from protocol.core.errors import RefusedError
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import Plan, format_plan, make_plan
from tests.node.use_cases.planning.exploring.village_till import village_till
from tests.protocol.planning.economies import load, plan_rounds, region, village


def make(document: dict[str, object]) -> Plan:
    file, economy = load(document)
    state, reports = plan_rounds(file, economy)
    return make_plan(economy, state, clear_plan(economy, state), reports[-1])


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The village's plan."""
    return make(village())


def amounts(found: WhatIf) -> dict[str, tuple[float, float]]:
    return {one.good: (float(one.before), float(one.after)) for one in (*found.goods, *found.means)}


def test_nothing_changed_changes_nothing(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(capacities={"oven": 100}))
    moved = [one.ppm for one in found.councils] + [one.ppm for one in found.goods]
    assert found.unmet == () and max(map(abs, moved)) < NOTICED_PPM


def test_a_higher_need_of_milk_is_met_and_its_cost_is_shown(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(floors={"milk": "95"}))
    before, after = amounts(found)["milk"]
    assert before < 190 <= after
    assert found.unmet == () and found.trouble == ""


def test_a_broken_oven_takes_the_bread_and_frees_the_flour(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(floors={"bread": "0"}, capacities={"oven": 0}))
    assert found.gone == ("bread",) and found.trouble == ""
    assert amounts(found)["bread"] == (69.999, 0)
    used = {one.card: (one.before_ppm, one.after_ppm) for one in found.workplaces}
    assert used["oven"][1] == 0 and used["mill"][1] < used["mill"][0]
    assert all(one.ppm < 0 and "bread" in one.less_of for one in found.councils)


def test_needs_that_cannot_be_met_are_named_and_nothing_else_is_said(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(capacities={"oven": 0}))
    (bread,) = found.unmet
    assert (bread.good, bread.missing, bread.needed, bread.share_ppm) == ("bread", "7.000", "7.000", 0)
    assert found.councils == () and found.goods == ()


def test_what_there_is_of_a_need_is_told_as_an_equal_share(plan: Plan) -> None:
    (bread,) = ask_what_if(plan, Changes(floors={"bread": "60"})).unmet
    # The oven makes 70 kg at most: 120 are needed, 58 % of it can be had.
    assert bread.needed == "120.000" and float(bread.missing) == pytest.approx(50, abs=0.2)
    assert bread.share_ppm == pytest.approx(583_000, abs=2_000)


def test_a_lower_cap_is_kept(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(endowments={"co2": 80}))
    assert amounts(found)["co2"] == (90, 72)


def test_whoever_votes_no_is_planned_without(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(leaves=("south",)))
    assert found.unmet == () and found.trouble == ""
    assert [one.card for one in found.councils] == ["north"] and found.councils[0].ppm > 0
    north = dict(zip(("bread", "milk"), plan.consumption["north"], strict=True))
    assert amounts(found)["bread"][0] == pytest.approx(north["bread"] / 1000, rel=0.05), "only who stays is summed"


def test_without_those_who_make_the_basic_needs_there_is_no_plan(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(leaves=("oven",)))
    assert [one.good for one in found.unmet] == ["bread"] and found.councils == ()
    assert ask_what_if(plan, Changes(leaves=("north", "south"))).trouble == "nobody would be left to plan for"


def bring(plan: Plan, content: bytes, council: str = "north", own: Council | None = None) -> Brought:
    file = TillFile(name="june.csv", content=content, council=council)
    return bring_till(plan, file, own, bytes(32), K_LEAST)


def test_a_till_moves_its_own_council_to_what_it_sold(plan: Plan) -> None:
    brought = bring(plan, village_till(bread=1, milk=9))
    assert (brought.told.lines, brought.told.lines_left_out, brought.told.summed) == (24, 6, ())
    (taste,) = brought.tastes.nests
    needs = 5 * 2
    # Of 11 euros a household 10 went to milk; the need of bread is taken off what bread got.
    assert taste.weights[1] / taste.weights[0] == pytest.approx((150 * 10 / 11) / (150 / 11 - needs))
    found = ask_what_if(plan, Changes(), brought)
    north, south = found.councils
    assert found.unmet == () and found.trouble == ""
    assert north.more_of == ("milk",) and north.less_of == ("bread",)
    assert south.less_of[0] == "milk", "all the milk that there can be was taken before"


def test_the_rules_that_were_released_say_what_a_line_counts_as(plan: Plan) -> None:
    own = Council({"bread": ("NEWS",)}, (NestWish("all", "All", "0.5", ("bread", "gold")),))
    brought = bring(plan, village_till(bread=1, milk=9), own=own)
    assert brought.told.lines_left_out == 18
    assert [nest.goods for nest in brought.card.nests] == [(0,), (1,)], "what no released nest has stays as it was"


def test_goods_under_k_households_are_summed_and_a_till_under_k_is_refused(plan: Plan) -> None:
    rare = village_till(bread=1, milk=9).replace(b"household-5", b"household-4").replace(b"household-4,", b"n/a,")
    one_buyer = village_till(bread=3) + b"2017-03-02,milk-1,milk,90,90.00,household-1,555\n"
    brought = bring(plan, one_buyer)
    assert brought.told.summed == ("bread", "milk")
    (taste,) = brought.tastes.nests
    assert taste.weights[1] == pytest.approx(taste.weights[0] + 10, rel=0.1), "an even share, the need taken off"
    with pytest.raises(RefusedError, match="4 households, fewer than 5"):
        bring(plan, rare)


@pytest.mark.parametrize(("council", "place"), [("", "council"), ("mill", "council")])
def test_a_till_needs_a_council_of_the_plan(plan: Plan, council: str, place: str) -> None:
    with pytest.raises(RefusedError) as refused:
        bring(plan, village_till(bread=1), council)
    assert [finding.place for finding in refused.value.findings] == [place]


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        (Changes(floors={"gold": "1"}, capacities={"mine": 5}), ["floors.gold", "capacities.mine"]),
        (Changes(endowments={"gold": 1}), ["endowments.gold"]),
        (Changes(leaves=("gold",)), ["leaves.gold"]),
        (Changes(floors={"milk": "much"}), ["floors.milk"]),
        (Changes(floors={"milk": "-1"}), ["floors.milk"]),
        (Changes(floors={"milk": "9999999999999"}), ["floors.milk"]),
    ],
)
def test_what_is_not_in_the_plan_is_named(plan: Plan, changes: Changes, places: list[str]) -> None:
    with pytest.raises(RefusedError) as refused:
        ask_what_if(plan, changes)
    assert [finding.place for finding in refused.value.findings] == places


def test_the_plan_itself_is_never_touched(plan: Plan) -> None:
    document = format_plan(plan)
    ask_what_if(plan, Changes(floors={"milk": "60"}, endowments={"co2": 80}))
    compare_ways(plan)
    assert format_plan(plan) == document


def test_other_ways_stand_beside_the_plan() -> None:
    """A made-up region of seventy goods: only the plan keeps everybody above the floors."""
    ways = {way.name: way for way in compare_ways(make(region(1)))}
    assert list(ways) == [PLANNED, NO_FLOORS, BY_TURNOVER, REPEATED]
    assert ways[PLANNED].lacks == () and ways[PLANNED].people_below == 0
    assert ways[NO_FLOORS].people_below > 0 and ways[NO_FLOORS].lacks
    for lack in ways[NO_FLOORS].lacks:
        assert float(lack.gets) < float(lack.floor)
    assert ways[BY_TURNOVER].trouble == ""
    assert ways[REPEATED].short and ways[REPEATED].surplus
    assert all(share > 10_000 for _, share in (*ways[REPEATED].short, *ways[REPEATED].surplus))
    for way in ways.values():
        assert way.least_ppm <= 1_000_000 <= way.most_ppm


async def test_few_questions_wait_and_one_is_worked_on(plan: Plan) -> None:
    turn = Turn(Clock())
    params = WhatIfParams(changes=Changes(endowments={"co2": 80}), beside=True)
    asked = [asyncio.create_task(turn.work(plan, params)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="waiting already"):
        await turn.work(plan, params)
    answers = await asyncio.gather(*asked)
    assert all(answer.what_if == answers[0].what_if for answer in answers) and len(answers[0].ways) == 4
    assert (await turn.work(plan, WhatIfParams())).what_if is None

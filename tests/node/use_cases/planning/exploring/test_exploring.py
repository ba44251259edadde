"""What if, and other ways beside: on the made-up village and a made-up region, from the plan's document alone."""

import asyncio

import pytest

from node.use_cases.planning.exploring.beside import BY_TURNOVER, NO_FLOORS, PLANNED, REPEATED, compare_ways
from node.use_cases.planning.exploring.verbs import WAITING_MAX, Turn, WhatIfParams
from node.use_cases.planning.exploring.what_if import Changes, WhatIf, ask_what_if
from protocol.core.errors import RefusedError
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import Plan, format_plan, make_plan
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
    assert found.unmet == () and max(map(abs, moved)) <= 2 * plan.goods_table.tolerance_ppm


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
    assert [one.place for one in found.unmet] == ["bread"] and "basic needs" in found.unmet[0].reason
    assert found.councils == () and found.goods == ()


def test_a_lower_cap_is_kept(plan: Plan) -> None:
    found = ask_what_if(plan, Changes(endowments={"co2": 80}))
    assert amounts(found)["co2"] == (90, 72)


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        (Changes(floors={"gold": "1"}, capacities={"mine": 5}), ["floors.gold", "capacities.mine"]),
        (Changes(endowments={"gold": 1}), ["endowments.gold"]),
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
    assert ways[PLANNED].lacks == () and ways[PLANNED].heads_below == 0
    assert ways[NO_FLOORS].heads_below > 0 and ways[NO_FLOORS].lacks
    for lack in ways[NO_FLOORS].lacks:
        assert float(lack.gets) < float(lack.floor)
    assert ways[BY_TURNOVER].trouble == ""
    assert ways[REPEATED].short and ways[REPEATED].surplus
    assert all(share > 10_000 for _, share in (*ways[REPEATED].short, *ways[REPEATED].surplus))
    for way in ways.values():
        assert way.least_ppm <= 1_000_000 <= way.most_ppm


async def test_few_questions_wait_and_one_is_worked_on(plan: Plan) -> None:
    turn = Turn()
    params = WhatIfParams(changes=Changes(endowments={"co2": 80}), beside=True)
    asked = [asyncio.create_task(turn.work(plan, params)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="waiting already"):
        await turn.work(plan, params)
    answers = await asyncio.gather(*asked)
    assert all(answer == answers[0] for answer in answers) and len(answers[0].ways) == 4
    assert (await turn.work(plan, WhatIfParams())).what_if is None

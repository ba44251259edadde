"""The village follows its plan: promises, a broken oven, loads that both sides tell, one of them differently."""

from decimal import Decimal
from pathlib import Path

import pytest

from node.use_cases.planning.following.account import FollowedLine, FollowReport
from node.use_cases.planning.following.verbs import (
    CarriedParams,
    FollowParams,
    PromiseParams,
    follow,
    promise,
    tell_carried,
)
from node.use_cases.planning.verbs import PlanParams, show_plan
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.planning.following.records import CardPromises, PlanPromises, Promise
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import plan_to_the_vote, release_all, vote
from tests.node.region.village import FOUNDER


def test_a_plan_in_force_is_promised_delivered_and_told_alike_everywhere(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        bakery, dairy, north, south = (network[name] for name in ("bakery", "dairy", FOUNDER, "south"))
        await release_all(network)
        await plan_to_the_vote(network)
        await network.settle()
        with pytest.raises(RefusedError, match="plan: none is in force yet"):
            await bakery.do(promise(bakery.node, PromiseParams()))
        await vote(network)
        for machine in (bakery, north):
            await machine.do(promise(machine.node, PromiseParams()))
        planned = Decimal(one_line(await look(bakery), "#oven", "bread").planned)
        half = str((planned / 2).quantize(Decimal("0.0001")))
        await bakery.do(promise(bakery.node, PromiseParams(card="oven", instead={"bread": half})))
        await say(bakery, "gave", "bread", "3", "north")
        await say(bakery, "gave", "bread", "1.5", "south")
        await say(north, "received", "bread", "3", "oven")
        await say(south, "received", "bread", "1.25", "oven")
        await forge(dairy, bakery)
        await check_refusals(north, bakery)
        await network.settle()
        reports = [await look(machine) for machine in network.machines]
        assert all(report == reports[0] for report in reports[1:])
        check_account(reports[0], bakery, half)
        shown = (await show_plan(north.node, PlanParams())).following
        assert shown is not None and shown.lines == reports[0].lines
        asked = await follow(north.node, FollowParams(ways=True))
        assert asked.lines == reports[0].lines and north.node.origin in asked.without_place
        south.crash()
        await network.boot(south)
        await network.until(lambda: south.run is not None and south.run.is_over, "the plan from the logs")
        assert await look(south) == reports[0], "from the logs alone it is the same"

    run_region(homes, 71, story)


def check_account(report: FollowReport, bakery: Machine, half: str) -> None:
    oven = one_line(report, "#oven", "bread")
    assert (oven.promised, Decimal(oven.done), Decimal(oven.others)) == (half, Decimal("4.5"), Decimal("4.25"))
    assert Decimal(oven.open) == Decimal(half) - Decimal("4.5")
    assert Decimal(oven.short) == Decimal(oven.planned) - Decimal(half)
    (bread,) = (good for good in report.goods if good.good == "bread")
    assert Decimal(bread.received) == Decimal("4.25") and Decimal(bread.short) > 0
    assert [(way.to.partition("-")[0], way.differs) for way in report.ways] == [("north", False), ("south", True)]
    assert not {card.partition("-")[0] for card in report.missing} & {"north", "bakery"}
    assert {card.partition("-")[0] for card in report.missing} >= {"south", "quay", "dairy"}


async def forge(thief: Machine, victim: Machine) -> None:
    """A co-op promises for another's oven: it lies in the log and counts nowhere."""
    assert thief.run is not None
    report = await look(victim)
    card = one_line(report, "#oven", "bread").card
    body = PlanPromises(thief.run.call_id, bytes.fromhex(report.plan), (CardPromises(card, (Promise(0, 1),)),))
    await thief.do(publish(thief.node, "plan.promise", body))


async def check_refusals(north: Machine, bakery: Machine) -> None:
    """What would count for nothing is refused before it is signed, with the place and the reason."""
    cases = {
        "good: the plan has no good 'gold'": CarriedParams(what="gave", good="gold", amount="1", other="oven"),
        "card: none is called 'nobody'": CarriedParams(what="received", good="bread", amount="1", other="nobody"),
        "amount: less than nothing": CarriedParams(what="received", good="bread", amount="-4", other="oven"),
        "amount: not a plain decimal": CarriedParams(what="received", good="bread", amount="1e3", other="oven"),
        "is nothing that can be carried": CarriedParams(what="received", good="hours", amount="1", other="oven"),
    }
    for reason, params in cases.items():
        with pytest.raises(RefusedError, match=reason):
            await north.do(tell_carried(north.node, params))
    with pytest.raises(RefusedError, match=r"instead\.cheese: the plan asks nothing of it"):
        await bakery.do(promise(bakery.node, PromiseParams(instead={"cheese": "1"})))
    with pytest.raises(RefusedError, match=r"instead\.bread: must be"):
        await bakery.do(promise(bakery.node, PromiseParams(instead={"bread": "-1"})))


async def say(machine: Machine, what: str, good: str, amount: str, other: str) -> None:
    params = CarriedParams(what="gave" if what == "gave" else "received", good=good, amount=amount, other=other)
    await machine.do(tell_carried(machine.node, params))


async def look(machine: Machine) -> FollowReport:
    return await follow(machine.node, FollowParams())


def one_line(report: FollowReport, ending: str, good: str) -> FollowedLine:
    (line,) = (line for line in report.lines if line.card.endswith(ending) and line.good == good)
    return line

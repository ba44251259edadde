"""The village follows its plan: promises, a broken oven, loads that both sides tell, one of them differently."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.following.account import FollowedLine, FollowReport
from node.use_cases.planning.following.carrying import GaveParams, ReceivedParams, tell_gave, tell_received
from node.use_cases.planning.following.overview import FollowParams, follow
from node.use_cases.planning.following.promising import PromiseParams, promise
from node.use_cases.planning.reports.showing import show_minutes, show_plan
from node.use_cases.planning.rounds.approvals import need_draft
from node.use_cases.publish import publish
from node.web.asked import Asked
from node.web.front.pages import fill_front, fill_tour
from node.web.planning.pages import fill_coop, fill_plan, read_document
from node.web.planning.proposal.pages import fill_proposal_page
from node.web.planning.what_if.pages import fill_tried
from node.web.till.pages import fill_first_day
from protocol.core.errors import RefusedError
from protocol.planning.call import Meeting, PlanApproval
from protocol.planning.following.records import CardPromises, PlanPromises, Promise
from protocol.planning.plan import digest_plan
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import plan_to_the_vote, release_all, vote
from tests.node.region.statements import carry
from tests.node.region.village import FOUNDER
from tests.node.region.words import read_aloud


def test_a_plan_in_force_is_promised_delivered_and_told_alike_everywhere(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        bakery, dairy, north, south = (network[name] for name in ("bakery", "dairy", FOUNDER, "south"))
        await release_all(network)
        await plan_to_the_vote(network)
        await network.settle()
        with pytest.raises(RefusedError, match="plan: none is in force yet"):
            await bakery.do(promise(bakery.node, PromiseParams()))
        await carry_a_vote(bakery)
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
        await check_words(north)
        await north.do(check_pages(north))
        south.crash()
        await network.boot(south)
        await network.until(lambda: south.run is not None and south.run.is_over, "the plan from the logs")
        assert await look(south) == reports[0], "from the logs alone it is the same"

    run_region(homes, 71, story)


async def check_words(machine: Machine) -> None:
    """What people read of it at a terminal."""
    assert "in force, reading" in await read_aloud(machine, "plan.status")
    shown = await read_aloud(machine, "plan.show")
    assert " members.\nIn force. " in shown and " cards have promised their part.\nNot yet: " in shown
    assert "plan minutes --document plan.json" in await read_aloud(machine, "plan.minutes")
    assert " holds.\nNo plan could be better by more than" in await read_aloud(machine, "plan.check")
    followed = await read_aloud(machine, "plan.follow")
    assert "card | good | side" in followed and "that it got 1.25" in followed
    assert "good | source | to" in await read_aloud(machine, "plan.follow", ways=True)
    asked = await read_aloud(machine, "plan.schedule", card=machine.node.origin)
    assert "takes | bread" in asked and "Nobody has said where these are" in asked


async def check_pages(machine: Machine) -> None:
    """Every page that speaks of a plan is filled from a running node's own, and filled anew only when it has moved."""
    node = machine.node
    asked = Asked(node, {"coop": node.origin, "stop": "buyer"})
    for fill in (fill_front, fill_tour, fill_first_day, fill_plan, fill_proposal_page):
        assert await fill(asked) is not None
    own = await fill_coop(asked)
    assert own is not None and own.promises is not None and own.promises.takes
    assert await fill_plan(asked) is await fill_plan(asked)
    papers = await show_minutes(node, PlanParams())
    served = await read_document(asked)
    assert served == papers.document.encode() and digest_plan(served).hex() == papers.digest
    tried, refused = await fill_tried(asked), await fill_tried(replace(asked, refused=RefusedError("form: too old")))
    assert tried is not None and refused is not None and len(tried.ways) > 1 and not refused.ways


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


async def carry_a_vote(machine: Machine) -> None:
    """Some person's no in the log is not the meeting's word, and does not stand in its way."""
    run = machine.run
    assert run is not None
    no = PlanApproval(run.call_id, run.attempt, need_draft(run).digest, False, "", Meeting(0, 1, 0, True))
    await carry(machine, "plan.approval", no)


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
        "good: the plan has no good 'gold'": ("gave", "gold", "1", "oven"),
        "card: none is called 'nobody'": ("received", "bread", "1", "nobody"),
        "amount: less than nothing": ("received", "bread", "-4", "oven"),
        "amount: not a plain decimal": ("received", "bread", "1e3", "oven"),
        "is nothing that can be carried": ("received", "hours", "1", "oven"),
    }
    for reason, words in cases.items():
        with pytest.raises(RefusedError, match=reason):
            await say(north, *words)
    with pytest.raises(RefusedError, match=r"instead\.cheese: the plan asks nothing of it"):
        await bakery.do(promise(bakery.node, PromiseParams(instead={"cheese": "1"})))
    with pytest.raises(RefusedError, match=r"instead\.bread: must be"):
        await bakery.do(promise(bakery.node, PromiseParams(instead={"bread": "-1"})))


async def say(machine: Machine, what: str, good: str, amount: str, other: str) -> None:
    if what == "gave":
        await machine.do(tell_gave(machine.node, GaveParams(good=good, amount=amount, to=other)))
    else:
        await machine.do(tell_received(machine.node, ReceivedParams(good=good, amount=amount, source=other)))


async def look(machine: Machine) -> FollowReport:
    return await follow(machine.node, FollowParams())


def one_line(report: FollowReport, ending: str, good: str) -> FollowedLine:
    (line,) = (line for line in report.lines if line.card.endswith(ending) and line.good == good)
    return line

"""The oven breaks under a plan in force: the plan is made again from its last state, with what was carried kept."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from node.use_cases.planning.calls.calling import call_plan
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.calls.ratifying import RatifyParams, ratify
from node.use_cases.planning.calls.revising import ReviseParams, revise
from node.use_cases.planning.following.account import find_shown, read_account
from node.use_cases.planning.following.carrying import GaveParams, tell_gave
from node.use_cases.planning.following.overview import FollowParams, follow
from node.use_cases.planning.following.promising import PromiseParams, promise
from node.use_cases.planning.proposals.capacities import suggest_offers
from node.use_cases.planning.proposals.proposing import ProposeParams, propose
from node.use_cases.planning.reports.auditing import audit_plan
from node.use_cases.planning.reports.showing import show_minutes, show_plan
from node.use_cases.planning.reports.status import show_status
from node.use_cases.planning.reports.view import describe_plan
from node.use_cases.planning.rounds.approvals import plan_in_force
from node.use_cases.planning.rounds.planner import Planner
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import format_minutes, parse_minutes
from protocol.planning.audit.replay import replay_minutes
from protocol.planning.following.account import LineAccount
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import plan_to_the_vote, release_all, vote
from tests.node.region.statements import carry
from tests.node.region.village import FOUNDER, call_params

SHOCK_PERCENT = 95
WARM_ROUNDS_MAX = 3
COLD_ROUNDS_MAX = 8


@pytest.mark.slow
def test_a_broken_oven_leads_to_a_revision_in_few_rounds_that_goes_on_from_the_plan(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        bakery, north, quay = network["bakery"], network[FOUNDER], network["quay"]
        with pytest.raises(RefusedError, match="plan: none is in force yet"):
            await north.do(revise(north.node, ReviseParams()))
        await agree_on_the_first(network)
        planned = await promise_less(bakery)
        await network.settle()
        before = revision_of(bakery, 0)
        again = msgspec.structs.replace(before.call, revision=1, start=before.ratified)
        await carry(bakery, "plan.call", again)
        await network.settle()
        answer = await north.do(revise(north.node, ReviseParams()))
        assert answer.revision == 1 and set(answer.lacking) == {"bread"}
        await network.settle()
        first, newest = revision_of(quay, 0), revision_of(quay, 1)
        assert find_shown(quay.node, newest) is first, "people read of the plan in force until there is another draft"
        assert describe_plan(quay.node, first).revised_by == (answer.call,)
        with pytest.raises(RefusedError, match="it is being made again already"):
            await quay.do(revise(quay.node, ReviseParams()))
        check_offer(bakery)
        for machine in network.machines:
            await machine.do(propose(machine.node, ProposeParams(call=answer.call)))
        machines, called = network.machines, answer.call
        await network.until(lambda: {stage_of(one, called) for one in machines} == {"voting"}, "a vote")
        await network.settle()
        cold = revision_of(bakery, 0).readings[0].reports
        warm = revision_of(bakery, 1).readings[0].reports
        assert len(warm) <= WARM_ROUNDS_MAX < len(cold) <= COLD_ROUNDS_MAX, (len(warm), len(cold))
        assert find_shown(quay.node, newest) is newest
        still = await follow(north.node, FollowParams())
        assert still.plan == answer.start, "the old plan holds until the new one does"
        for machine in network.machines:
            await machine.do(ratify(machine.node, RatifyParams(approve=True, yes=9, no=1, made_up=True)))
        await network.settle()
        await check_revision(network, planned)
        await check_from_the_logs(network, quay)
        await check_rival(network, answer.start)
        await check_wrong_starts(network, answer.start)

    run_region(homes, 91, story)


async def agree_on_the_first(network: MemoryNetwork) -> None:
    await release_all(network)
    await plan_to_the_vote(network)
    await network.settle()
    await vote(network)


async def promise_less(bakery: Machine) -> Decimal:
    """The bakery gives something, and then can only promise the greater part of what was planned."""
    await bakery.do(tell_gave(bakery.node, GaveParams(good="bread", amount="3", to="north")))
    report = await follow(bakery.node, FollowParams())
    (line,) = (line for line in report.lines if line.card.endswith("#oven") and line.good == "bread")
    planned = Decimal(line.planned)
    less = str((planned * SHOCK_PERCENT / 100).quantize(Decimal("0.0001")))
    await bakery.do(promise(bakery.node, PromiseParams(card="oven", instead={"bread": less})))
    return planned


def check_offer(bakery: Machine) -> None:
    """The oven offers what its promises take: one of its capacity for a kilogram of either good."""
    before = revision_of(bakery, 0)
    amounts = {line.good: line for line in read_lines(bakery, before) if line.card.endswith("#oven")}
    takes = Decimal(amounts["bread"].promised or 0) + Decimal(amounts["rolls"].planned)
    offers = suggest_offers(bakery.node, revision_of(bakery, 1))
    assert set(offers) == {"oven"}, "the mill has promised nothing less"
    assert abs(Decimal(offers["oven"].capacity) - takes / 10_000) < Decimal("0.001")


def read_lines(machine: Machine, run: PlanRun) -> tuple[LineAccount, ...]:
    draft = plan_in_force(run)
    assert draft is not None
    return tuple(line for line in read_account(machine.node, run, draft).lines if line.side == "gives")


async def check_revision(network: MemoryNetwork, planned: Decimal) -> None:
    reports = [await follow(machine.node, FollowParams()) for machine in network.machines]
    assert all(report == reports[0] for report in reports[1:])
    (line,) = (line for line in reports[0].lines if line.card.endswith("#oven") and line.good == "bread")
    assert Decimal(line.planned) < planned, "no more is asked of the oven than it can do"
    assert Decimal(line.done) == 3 and line.promised == "", "what was carried counts, promises are made anew"
    shown = await show_plan(network[FOUNDER].node, PlanParams())
    assert (shown.state, shown.revision) == ("in force", 1) and shown.plan is not None
    ratified = revision_of(network[FOUNDER], 0).ratified
    assert ratified is not None and shown.plan.parameters["start"] == ratified.hex() == shown.start


async def check_rival(network: MemoryNetwork, start: str) -> None:
    """Whoever approved one revision of a plan approves no other one, so that never two come in force."""
    quay = network["quay"]
    rival = msgspec.structs.replace(call_params(), revision=1, readings=1, start=start)
    called = (await quay.do(call_plan(quay.node, rival))).call
    await network.settle()
    for machine in network.machines:
        await machine.do(propose(machine.node, ProposeParams(call=called)))
    await network.until(lambda: {stage_of(one, called) for one in network.machines} == {"voting"}, "a vote")
    for machine in network.machines:
        with pytest.raises(RefusedError, match="which asks the same and may come in force"):
            yes = RatifyParams(call=called, approve=True, yes=9, no=1, made_up=True)
            await machine.do(ratify(machine.node, yes))


async def check_from_the_logs(network: MemoryNetwork, machine: Machine) -> None:
    """A node that comes back comes to the same, and an auditor too; other minutes of the first plan are found out."""
    digests = revision_of(machine, 1).ratified
    machine.crash()
    await network.boot(machine)
    await network.until(lambda: find_revision(machine, 1) is not None and revision_of(machine, 1).is_over, "the plans")
    assert revision_of(machine, 1).ratified == digests
    told = await show_minutes(machine.node, PlanParams())
    minutes = parse_minutes(told.minutes.encode())
    audit = audit_plan(told.document.encode(), told.minutes.encode(), told.digest)
    assert audit.holds and audit.readings == 1 and minutes.start is not None, audit.findings
    with pytest.raises(RefusedError, match=r"minutes\.start: is missing"):
        replay_minutes(parse_minutes(format_minutes(msgspec.structs.replace(minutes, start=None))))
    fewer = msgspec.structs.replace(minutes.start, readings=minutes.start.readings[:1])
    with pytest.raises(RefusedError, match=r"minutes\.start: leads to another plan"):
        replay_minutes(msgspec.structs.replace(minutes, start=fewer))


async def check_wrong_starts(network: MemoryNetwork, start: str) -> None:
    """A call that is not the next revision stops everywhere; one that goes on from an unknown plan waits."""
    north = network[FOUNDER]
    leap = msgspec.structs.replace(call_params(), revision=2, start=start)
    unknown = msgspec.structs.replace(call_params(), revision=1, start="ab" * 32)
    calls = [(await north.do(call_plan(north.node, params))).call for params in (leap, unknown)]
    await network.settle()
    for machine in network.machines:
        assert stage_of(machine, calls[0]) == "stopped"
        assert stage_of(machine, calls[1]) == "waiting for the plan that it goes on from"
    status = await show_status(north.node, PlanParams(call=calls[0]))
    assert "is not the next revision of made-up village, a made-up week, revision 0" in status.trouble


def stage_of(machine: Machine, call: str) -> str:
    planner = machine.node.parts["planner"]
    assert isinstance(planner, Planner)
    run = planner.run_of(bytes.fromhex(call))
    return "" if run is None else run.stage


def find_revision(machine: Machine, revision: int) -> PlanRun | None:
    planner = machine.node.parts["planner"]
    assert isinstance(planner, Planner)
    runs = [planner.run_of(bytes.fromhex(call)) for call in planner.describe()]
    return next((run for run in runs if run is not None and run.call.revision == revision), None)


def revision_of(machine: Machine, revision: int) -> PlanRun:
    run = find_revision(machine, revision)
    assert run is not None
    return run

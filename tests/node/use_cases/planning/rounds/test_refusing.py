"""Meetings refuse a draft: it is made again without their cards, and all nodes end at one plan or none."""

from pathlib import Path

import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.calls.ratifying import RatifyParams, ratify
from node.use_cases.planning.facilitating.signing import NoticeParams, facilitate
from node.use_cases.planning.reports.auditing import audit_plan
from node.use_cases.planning.reports.showing import show_minutes
from node.use_cases.planning.reports.status import show_status
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import (
    Known,
    check_single_votes,
    look,
    plan_to_the_vote,
    release_all,
    replan,
    vote,
)
from tests.node.region.village import FOUNDER

LONG_S = 120.0


@pytest.mark.slow
def test_who_refuses_is_left_out_of_the_next_draft_and_that_one_comes_into_force(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        quay, dairy = network["quay"], network["dairy"]
        origin = quay.node.origin
        await come_to_the_vote(network)
        await vote(network, refusing=("quay",))
        dairy.crash()
        await network.boot(dairy)
        await network.until(lambda: all(map(votes_again, network.machines)), "the draft without the quay", 900.0)
        await network.settle()
        known = check_alike([await look(machine) for machine in network.machines])
        assert known.report.left_out == (origin,) and len(known.digests) == 3
        assert known.report.state == f"checked by {len(network.machines)} nodes"
        assert known.report.plan is not None and origin not in known.report.plan.consumption
        assert len(known.report.readings[2].rounds) <= len(known.report.readings[0].rounds)
        # The quay has nothing in this draft any more; the rest are enough whatever it says.
        await vote(network, refusing=("quay",))
        known = check_alike([await look(machine) for machine in network.machines])
        assert known.report.state == "in force" and known.report.trouble == ""
        assert [(one.attempt, one.approve) for one in known.report.votes if one.origin == origin] == [
            (0, False),
            (1, False),
        ]
        status = await show_status(dairy.node, PlanParams())
        assert len(status.approved_by) == len(network.machines) - 1 and status.attempt == 1
        for machine in network.machines:
            check_single_votes(machine)
        assert await replan(quay) == known.digests, "from the logs alone it is the same"
        minutes = await show_minutes(quay.node, PlanParams())
        audit = audit_plan(minutes.document.encode(), minutes.minutes.encode(), minutes.digest)
        assert audit.holds and audit.readings == 3, audit.findings

    run_region(homes, 81, story)


def test_a_vote_waits_for_people_and_a_late_refusal_changes_nothing_that_is_closed(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        quay, south = network["quay"], network["south"]
        await come_to_the_vote(network)
        for machine in network.machines:
            if machine not in (quay, south):
                await speak(machine, approve=True)
        await pass_time(LONG_S)
        await network.settle()
        known = check_alike([await look(machine) for machine in network.machines])
        assert known.report.state == "approved by 3 of 5 meetings", "no clock ends a vote"
        assert set(known.report.waits_for) == {quay.node.origin, south.node.origin}
        quay.crash()
        await speak(south, approve=True)
        await network.until(
            lambda: all(one.run.ratified for one in network.machines if one.is_up and one.run), "a plan"
        )
        await network.boot(quay)
        await network.until(lambda: quay.run is not None and quay.run.ratified is not None, "the same plan")
        await speak(quay, approve=False)
        await network.settle()
        known = check_alike([await look(machine) for machine in network.machines])
        assert known.report.state == "in force" and known.report.left_out == () and len(known.digests) == 2

    run_region(homes, 83, story)


def test_a_facilitator_ends_a_vote_and_where_needs_cannot_be_met_all_stop_alike_and_say_which(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        caller = network[FOUNDER]
        await come_to_the_vote(network)
        for name in (FOUNDER, "dairy", "bakery"):
            await speak(network[name], approve=name != "bakery")
        await pass_time(LONG_S)
        await network.settle()
        assert {machine.run.stage for machine in network.machines if machine.run} == {"voting"}
        ended = NoticeParams(act="end_vote", reason="made up: they are on the fields", reading=2)
        await caller.do(facilitate(caller.node, ended))
        await network.until(lambda: all(map(has_stopped, network.machines)), "an end")
        await network.settle()
        known = check_alike([await look(machine) for machine in network.machines])
        assert known.report.state == "stopped" and not known.report.ratified
        assert "bread: 45 KGM of the basic needs cannot be met" in known.report.trouble

    run_region(homes, 84, story)


async def come_to_the_vote(network: MemoryNetwork) -> None:
    await release_all(network)
    await plan_to_the_vote(network)
    await network.settle()


async def speak(machine: Machine, approve: bool) -> None:
    await machine.do(ratify(machine.node, RatifyParams(approve=approve, yes=9, no=1, made_up=True)))


def votes_again(machine: Machine) -> bool:
    run = machine.run if machine.is_up else None
    return run is not None and run.stage == "voting" and run.attempt == 1


def has_stopped(machine: Machine) -> bool:
    return machine.run is not None and machine.run.stage == "stopped"


def check_alike(known: list[Known]) -> Known:
    """All nodes tell the same of the plan, and of every draft."""
    first = known[0]
    assert all((one.digests, one.report) == (first.digests, first.report) for one in known[1:])
    return first

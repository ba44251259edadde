"""Facilitators in the village: they hurry, hold and leave out in the open, and all nodes still come to one plan."""

from pathlib import Path

import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.planning.calls.calling import call_plan
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.calls.ratifying import RatifyParams, ratify
from node.use_cases.planning.facilitating.signing import NoticeParams, ObjectionParams, facilitate, object_to
from node.use_cases.planning.reports.showing import show_plan
from node.use_cases.planning.rounds import planner
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.planning.facilitating.notices import PlanNotice
from storage.log.record_index import records
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import look, plan_to_the_vote, release_all, vote
from tests.node.region.village import CARDS_WAIT_MS, FOUNDER, call_params, import_till, release

LONG_S = 3 * CARDS_WAIT_MS / 1000


def test_a_pause_holds_everybody_until_it_is_over_and_the_plan_is_one(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        caller, dairy = network[FOUNDER], network["dairy"]
        notice = await say(caller, NoticeParams(act="pause", reason="made up: harvest"))
        await network.settle()
        await release_all(network)
        objection = ObjectionParams(notice=notice, reason="made up: we have time")
        await dairy.do(object_to(dairy.node, objection))
        await pass_time(LONG_S)
        assert {where(machine) for machine in network.machines} == {(1, 0)}
        assert cards_at(caller, 1) == {}, "nobody speaks meanwhile"
        dairy.crash()
        await network.boot(dairy)
        report = await show_plan(dairy.node, PlanParams())
        assert report.state == "paused" and report.notices[0].objections == ((dairy.node.origin, objection.reason),)
        await say(caller, NoticeParams(act="resume", reason="made up: it is in"))
        await plan_to_the_vote(network)
        await network.settle()
        known = [await look(machine) for machine in network.machines]
        assert all(other == known[0] for other in known[1:]) and all(known[0].digests)

    run_region(homes, 51, story)


def test_ending_a_round_and_setting_a_card_aside_leave_their_members_silent_alike_everywhere(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        caller, south, quay = network[FOUNDER], network["south"], network["quay"]
        # Nobody's wait runs out by itself; the south never speaks, and what the quay says is set aside.
        for reading in (1, 2):
            longer = NoticeParams(act="extend", reason="made up", reading=reading, round=0, wait_ms=3_600_000)
            await say(caller, longer)
        await network.settle()
        for machine in network.machines:
            if machine is not south:
                if machine.name in ("north", "quay"):
                    await import_till(machine)
                await release(machine, 1)
                await release(machine, 2)
        await network.until(lambda: len(cards_at(caller, 1)) == len(network.machines) - 1, "the cards")
        await pass_time(LONG_S)
        assert {where(machine) for machine in network.machines} == {(1, 0)}, "all wait for the south"
        leaf = cards_at(caller, 1)[quay.node.origin]
        await say(caller, NoticeParams(act="set_aside", reason="made up: a slip of the pen", leaf=leaf.hex()))
        await network.settle()
        await say(caller, NoticeParams(act="end_round", reason="made up: they are away", reading=1, round=0))
        await network.until(lambda: all(drafts(machine) >= 1 for machine in network.machines), "a draft", 900.0)
        await network.until(lambda: len(cards_at(caller, 2)) == len(network.machines) - 1, "the second cards")
        await say(caller, NoticeParams(act="end_round", reason="made up: they are away", reading=2, round=0))
        await plan_to_the_vote(network)
        await network.settle()
        known = [await look(machine) for machine in network.machines]
        assert all(other == known[0] for other in known[1:]) and all(known[0].digests)
        first, last = (set(plan) for plan in (first_plan(caller), last_plan(caller)))
        assert first == {caller.node.origin} and last == {caller.node.origin, quay.node.origin}

    run_region(homes, 52, story)


def test_a_call_that_is_off_gets_no_vote_but_a_plan_in_force_stays(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        caller = network[FOUNDER]
        await release_all(network)
        await plan_to_the_vote(network)
        await network.settle()
        await say(caller, NoticeParams(act="call_off", reason="made up: the mill burnt down"))
        await network.settle()
        with pytest.raises(RefusedError, match="called off"):
            await caller.do(ratify(caller.node, RatifyParams(approve=True, yes=1, no=0, made_up=True)))
        states = {(await show_plan(machine.node, PlanParams())).state for machine in network.machines}
        assert states == {"called off"}

    run_region(homes, 53, story)


def test_a_call_that_is_over_makes_room_for_the_next(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "CALLS_OF_ONE_MAX", 1)

    async def story(network: MemoryNetwork) -> None:
        caller = network[FOUNDER]
        next_call = (await caller.do(call_plan(caller.node, call_params()))).call
        await network.settle()
        following = [machine.node.parts["planner"] for machine in network.machines]
        assert not any(one.run_of(bytes.fromhex(next_call)) for one in following), "one call of a member at a time"
        await say(caller, NoticeParams(act="call_off", reason="made up: the mill burnt down"))
        await network.settle()
        assert all(one.run_of(bytes.fromhex(next_call)) for one in following)

    run_region(homes, 54, story)


def test_nobody_but_a_facilitator_counts_and_nothing_is_said_of_a_plan_in_force(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        dairy, caller = network["dairy"], network[FOUNDER]
        pause = NoticeParams(act="pause", reason="made up")
        with pytest.raises(RefusedError, match="does not facilitate"):
            await say(dairy, pause)
        assert dairy.run is not None
        forged = PlanNotice(dairy.run.call_id, "call_off", "made up", None, None, None, None)
        published = await dairy.do(publish(dairy.node, "plan.notice", forged))
        with pytest.raises(RefusedError, match="no facilitator has said"):
            params = ObjectionParams(notice=published.leaf.hex(), reason="made up")
            await caller.do(object_to(caller.node, params))
        with pytest.raises(RefusedError, match="wait_ms: extend needs it"):
            await say(caller, NoticeParams(act="extend", reason="made up", reading=1, round=0))
        await release_all(network)
        await plan_to_the_vote(network)
        await network.settle()
        await vote(network)
        with pytest.raises(RefusedError, match="in force"):
            await say(caller, pause)
        report = await show_plan(caller.node, PlanParams())
        assert report.state == "in force" and report.notices == ()

    run_region(homes, 54, story)


async def say(machine: Machine, params: NoticeParams) -> str:
    """A facilitator's word; its leaf in hex."""
    answer = await machine.do(facilitate(machine.node, params))
    return str(answer.notice)


def where(machine: Machine) -> tuple[int, int]:
    """Reading and rounds closed in it."""
    assert machine.run is not None
    return machine.run.reading.reading, len(machine.run.reading.reports)


def drafts(machine: Machine) -> int:
    """How many drafts a machine has come to."""
    return 0 if machine.run is None else sum(reading.draft is not None for reading in machine.run.readings)


def cards_at(machine: Machine, reading: int) -> dict[str, bytes]:
    """The leaf of each member's first card of a reading, as a machine holds them."""
    found = [one for one in records(machine.node.database.reader, "plan.card") if one.body.reading == reading]
    return {one.origin: one.leaf for one in sorted(found, key=lambda one: -one.index)}


def first_plan(machine: Machine) -> dict[str, tuple[int, ...]]:
    """What the first reading's draft gives whom."""
    assert machine.run is not None and machine.run.readings[0].draft is not None
    return dict(machine.run.readings[0].draft.plan.consumption)


def last_plan(machine: Machine) -> dict[str, tuple[int, ...]]:
    """What the last reading's draft gives whom."""
    assert machine.run is not None and machine.run.readings[-1].draft is not None
    return dict(machine.run.readings[-1].draft.plan.consumption)

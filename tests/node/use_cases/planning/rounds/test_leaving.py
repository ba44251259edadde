"""A member leaves the federation while a plan is made: the plan goes on under the roster that its call names."""

from pathlib import Path

import pytest

from node.use_cases.federation.verbs import WhichParams, leave
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import Known, has_ended, look, release_all, vote
from tests.node.region.village import FOUNDER, count_members


@pytest.mark.slow
def test_whoever_leaves_and_stays_on_line_is_planned_with_to_the_end(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await leave_in_the_middle(network, network["dairy"])
        first = await agree(network, network.machines)
        assert all(first.digests) and not any(one.silent for reading in first.report.readings for one in reading.rounds)
        await vote(network)
        assert {(await look(machine)).report.state for machine in network.machines} == {"in force"}

    run_region(homes, 61, story)


@pytest.mark.slow
def test_a_council_that_leaves_and_is_switched_off_is_silent_and_then_not_in_the_plan(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        quay = network["quay"]
        origin, staying = quay.node.origin, await leave_in_the_middle(network, quay, is_switched_off=True)
        first = await agree(network, staying)
        silent = {name for reading in first.report.readings for one in reading.rounds for name in one.silent}
        assert all(first.digests) and silent == {origin}
        assert len(first.report.members) == len(network.machines), "the call's roster stays what it was"
        assert first.report.plan is not None and origin not in first.report.plan.consumption

    run_region(homes, 62, story)


def test_where_the_only_maker_of_a_good_is_gone_all_stop_alike_and_say_which_good(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        staying = await leave_in_the_middle(network, network["dairy"], is_switched_off=True)
        first = await agree(network, staying)
        assert first.digests[0] and not first.digests[1], "one draft, and none yet: never two"
        assert first.report.state == "stopped"
        assert "cheese: is on the card of" in first.report.trouble

    run_region(homes, 63, story)


async def leave_in_the_middle(network: MemoryNetwork, leaver: Machine, is_switched_off: bool = False) -> list[Machine]:
    """Somebody leaves after the second round, and is switched off once the others have decided; those who stay."""
    await release_all(network)
    run = network[FOUNDER].run
    assert run is not None
    await network.until(lambda: len(run.reading.reports) >= 2, "the second round")
    await leaver.do(leave(leaver.node, WhichParams()))
    staying = [machine for machine in network.machines if machine is not leaver]
    if is_switched_off:
        everybody = len(network.machines)
        await network.until(lambda: all(count_members(one) < everybody for one in staying), "the roster without it")
        leaver.crash()
    return staying


async def agree(network: MemoryNetwork, machines: list[Machine]) -> Known:
    """Wait until these have nothing more to compute; what all of them have come to."""
    await network.until(lambda: all(has_ended(one) for one in machines), "an end", 900.0)
    await network.settle()
    known = [await look(machine) for machine in machines]
    assert all((one.digests, one.report.state) == (known[0].digests, known[0].report.state) for one in known[1:])
    return known[0]

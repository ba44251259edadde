"""One council's machine answers at random: all nodes name it, a facilitator sets it aside, the reading ends."""

import asyncio
import random
from pathlib import Path

from node.simulation.world.virtual_time import pass_time
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.facilitating.restless import RestlessRow, describe_restless
from node.use_cases.planning.facilitating.signing import NoticeParams, facilitate
from node.use_cases.planning.proposals.private_side import PrivateSide, answer_cards
from node.use_cases.planning.reports.status import show_status
from node.use_cases.planning.reports.view import describe_plan
from node.use_cases.publish import publish
from protocol.planning.call import CardAnswer, PlanAnswer
from protocol.planning.state import hash_state
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import COUNCILS, FOUNDER, import_till, release
from tests.node.use_cases.planning.facilitating.test_set_aside import LIAR, private_side, run_of

PERCENT = 50


def test_who_holds_up_the_rounds_is_named_and_set_aside_for_the_reading(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        caller, liar = network[FOUNDER], network[LIAR]
        honest = [machine for machine in network.machines if machine is not liar]
        await release_but(network, liar)
        side = private_side(liar, run_of(caller))
        await liar.do(publish(liar.node, "plan.card", side.cards))
        raving = asyncio.create_task(rave(caller, liar, side))
        await network.until(lambda: all(named_by(machine) for machine in honest), "its name")
        status = await show_status(caller.node, PlanParams())
        row, round_then = status.restless, status.round
        assert row is not None and (row.origin, row.card, row.is_aside) == (liar.node.origin, liar.node.origin, False)
        notice = NoticeParams(act="set_aside", reason="made up: its machine raves", leaf=row.leaf)
        await caller.do(facilitate(caller.node, notice))
        await network.until(lambda: all(run_of(one).readings[0].draft for one in honest), "a draft", 900.0)
        await raving
        rounds = describe_plan(caller.node, run_of(caller)).readings[0].rounds
        was_silent = [liar.node.origin in one.silent for one in rounds]
        assert not any(was_silent[:round_then]) and was_silent[-1], "it still speaks, and it does not count"
        assert not any(map(named_by, honest))
        drafts = [run_of(machine).readings[0].draft for machine in honest]
        assert all(draft is not None and draft.findings == () for draft in drafts)
        assert len({draft.digest for draft in drafts if draft is not None}) == 1

    run_region(homes, 61, story, without_planner=LIAR)


async def release_but(network: MemoryNetwork, liar: Machine) -> None:
    for machine in network.machines:
        if machine.name in COUNCILS:
            await import_till(machine)
        if machine is not liar:
            await release(machine, 1)
            await release(machine, 2)


async def rave(watched: Machine, liar: Machine, side: PrivateSide) -> None:
    """In every round of the first reading what the council would take, each good by up to so much more or less."""
    run, number, chance = run_of(watched), 0, random.Random(61)
    (card,) = side.cards.consumers
    floors = [floor for nest in card.nests for floor in nest.floors]
    while run.reading.reading == 1:
        slot, state, economy = run.slot, run.state, run.economy
        if slot is not None and state is not None and economy is not None and number < slot.number == state.round + 1:
            number = slot.number
            (said,) = answer_cards(side, state, economy)
            strays = [units * (100 + chance.randint(-PERCENT, PERCENT)) // 100 for units in said.quantities]
            answers = (CardAnswer(card.id, tuple(map(max, strays, floors))),)
            await liar.do(
                publish(liar.node, "plan.answer", PlanAnswer(run.call_id, 1, number, hash_state(state), answers))
            )
        await pass_time(0.02)


def named_by(machine: Machine) -> RestlessRow | None:
    return describe_restless(machine.node, run_of(machine))

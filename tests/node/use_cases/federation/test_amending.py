"""Another charter: one co-op wants it, others say so too, then it is decided; an exception reaches its card."""

from pathlib import Path

import msgspec
import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.context import NoParams
from node.use_cases.federation.amending import AgreeParams, AmendParams, agree, amend, show_charter
from node.use_cases.federation.exceptions import ExceptionParams, propose_exception
from node.use_cases.planning.proposals.proposing import ProposeParams, preview_release
from protocol.core.errors import RefusedError
from protocol.federation.charter import Charter
from storage.log.record_index import IndexRow, rows
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import call_village, found_village, import_till, release_of

LONG_S = 60.0
VILLAGE_QUORUM = 4


def test_an_exception_counts_once_enough_members_want_it_and_nobody_gives_one_to_itself(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village(network)
        north, south = network["north"], network["south"]
        others = [one for one in network.machines if one not in (north, south)]
        needed = {"bread": "12.5", "rolls": "3"}
        asked = ExceptionParams(member=north.node.origin, reason="made up: a school", floors=needed, credits="70")
        before, entries = hash_of(south), len(own_log(north))
        wanted = await north.do(propose_exception(north.node, asked))
        assert wanted.needed == VILLAGE_QUORUM
        await network.settle()
        await pass_time(LONG_S)
        assert len(own_log(north)) == entries + 1, "what too few want is said once, and not voted on"
        (proposed,) = (await show_charter(south.node, NoParams())).proposed
        assert proposed.wanted_by == (north.node.origin,) and [one.place for one in proposed.changes] == ["exceptions"]
        for machine in (south, others[0]):
            await machine.do(agree(machine.node, AgreeParams(charter=proposed.hash)))
        await network.settle()
        assert hash_of(south) == before, "three of five are too few"
        await others[1].do(agree(others[1].node, AgreeParams(charter=proposed.hash)))
        await network.until(lambda: all(map(has_exception, network.machines)), "the charter")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1
        assert (await show_charter(south.node, NoParams())).proposed == ()
        in_force = hash_of(south)
        await pass_time(LONG_S)
        assert hash_of(south) == in_force, "the words of those who agreed are used up"
        await check_card(network, north)
        await go_back(network, hash_of(south))

    run_region(homes, 61, story)


async def check_card(network: MemoryNetwork, north: Machine) -> None:
    """What was approved stands on the card of the co-op that it was approved for, and every node takes it."""
    await call_village(network)
    await import_till(north)
    told = await north.do(preview_release(north.node, ProposeParams(release=release_of("north"))))
    floors = {line.good: (line.floor, line.sources[-1]) for line in told.lines}
    approved = "floor: with what the members approved for this co-op"
    assert floors["bread"] == ("32.5", approved) and floors["rolls"] == ("3", approved)
    assert float(told.credits) == 470 and floors["milk"][0] == "0"


async def go_back(network: MemoryNetwork, before: bytes) -> None:
    """An exception ends as it came; the words for it do not bring it back by themselves."""
    north = network["north"]
    ended = await north.do(propose_exception(north.node, ExceptionParams(member=north.node.origin)))
    await network.settle()
    agreeing = [one for one in network.machines if one is not north][: VILLAGE_QUORUM - 1]
    for machine in agreeing:
        await machine.do(agree(machine.node, AgreeParams(charter=ended.charter)))
    await network.until(lambda: not any(map(has_exception, network.machines)), "the charter as it was")
    await network.settle()
    await pass_time(LONG_S)
    assert not any(map(has_exception, network.machines))
    assert len({hash_of(one) for one in network.machines}) == 1 and hash_of(north) != before


def has_exception(machine: Machine) -> bool:
    """Whether the charter in force grants somebody more, as a machine knows it."""
    return bool(charter_of(machine).exceptions)


def test_what_cannot_be_wanted_is_refused_with_the_place(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village(network)
        north = network["north"]
        same = charter_of(north)
        unsorted = msgspec.structs.replace(same, required_sections=("water", "labour"))
        own = north.node.origin
        for refused, place in (
            (amend(north.node, AmendParams(charter=same)), "in force already"),
            (amend(north.node, AmendParams(charter=unsorted)), "required_sections"),
            (agree(north.node, AgreeParams(charter="0" * 64)), "no member wants this one"),
            (propose_exception(north.node, ExceptionParams(member="x.example/log")), "is no member"),
            (propose_exception(north.node, ExceptionParams(member=own)), "no exception that could end"),
            (propose_exception(north.node, ExceptionParams(member=own, floors={"milk": "1"})), "reason"),
            (propose_exception(north.node, ExceptionParams(member=own, floors={"milk": "x"})), "floors.milk"),
            (propose_exception(north.node, ExceptionParams(member=own, reason="r", credits="-1")), "credits_micro: "),
            (propose_exception(north.node, ExceptionParams(member=own, reason="r", floors={"milk": "0"})), "floors"),
        ):
            with pytest.raises(RefusedError, match=place):
                await north.do(refused)

    run_region(homes, 62, story)


def charter_of(machine: Machine) -> Charter:
    """The charter in force as a machine knows it."""
    assert machine.keeper.history is not None
    return machine.keeper.history.newest.charter


def hash_of(machine: Machine) -> bytes:
    """The roster in force as a machine knows it."""
    assert machine.keeper.history is not None
    return machine.keeper.history.newest.hash


def own_log(machine: Machine) -> list[IndexRow]:
    """All that a machine has said itself."""
    return list(rows(machine.node.database.reader, machine.node.origin))

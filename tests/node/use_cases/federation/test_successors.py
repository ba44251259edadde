"""A member's key is gone: a successor takes its place on the recovery key's word, or the others agree that it ends."""

from pathlib import Path

from node.simulation.world.virtual_time import SeededClock, pass_time
from node.use_cases.keys.ends import list_ends, recount_ends
from node.use_cases.keys.following import RetireParams, retire
from node.use_cases.keys.succeed import SucceedParams, succeed
from protocol.core.identity import HOME_SEED_BYTES, SEED_BYTES
from storage.log import log_store
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import FOUNDER, MEMBERS, bring_in, count_members, found, found_village


def recovery_key_of(name: str) -> str:
    """What was printed when the home of this name was made."""
    clock = SeededClock(f"keys of {name}")
    clock.random_bytes(HOME_SEED_BYTES)
    return clock.random_bytes(SEED_BYTES).hex()


def members_of(machine: Machine) -> dict[str, int]:
    history = machine.keeper.history
    return {} if history is None else {one.origin: one.people for one in history.newest.roster.members}


def size_of(machine: Machine, origin: str) -> int:
    head = log_store.head(machine.node.database.reader, origin)
    return 0 if head is None else head.size


def test_a_successor_takes_the_place_and_the_people_of_a_lost_member(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        founder, lost, fresh = network[FOUNDER], network["dairy"], network["quay"]
        others = [machine for machine in network.machines if machine not in (lost, fresh)]
        await found(network, founder)
        for guest in (*others, lost):
            if guest is not founder:
                await bring_in(founder, guest)
        await network.until(lambda: all(count_members(one) == 4 for one in (*others, lost)), "the roster of four")
        await network.settle()
        old, old_home = lost.node.origin, lost.config.home
        lost.crash()
        params = SucceedParams(recovery_key=recovery_key_of("dairy"), old_home=str(old_home))
        await fresh.do(succeed(fresh.node, params))
        await bring_in(founder, fresh)
        new = fresh.node.origin
        await network.until(lambda: all(new in members_of(one) for one in (*others, fresh)), "the successor")
        for machine in (*others, fresh):
            assert old not in members_of(machine) and members_of(machine)[new] == MEMBERS["dairy"]
            await machine.do(recount_ends(machine.node))
            assert list_ends(machine.node)[old].successor == new

    run_region(homes, 11, story)


def test_without_a_recovery_key_each_member_s_people_must_agree(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village(network)
        lost = network["dairy"]
        rest = [machine for machine in network.machines if machine is not lost]
        old, size = lost.node.origin, size_of(lost, lost.node.origin)
        await network.until(lambda: all(size_of(one, old) == size for one in rest), "the lost one's log")
        lost.crash()
        for machine in rest[:3]:
            await machine.do(retire(machine.node, RetireParams(origin=old, size=size)))
            await pass_time(2.0)
        await pass_time(10.0)
        # Three of five have agreed: no quorum, whatever the fourth node could work out by itself.
        assert all(old in members_of(machine) for machine in rest)
        await rest[3].do(retire(rest[3].node, RetireParams(origin=old, size=size)))
        await network.until(lambda: all(count_members(one) == 4 for one in rest), "the roster without it")
        for machine in rest:
            await machine.do(recount_ends(machine.node))
            end = list_ends(machine.node)[old]
            assert (end.size, end.successor) == (size, "")

    run_region(homes, 12, story)

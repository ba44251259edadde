"""A lost member's log ends by the others' word alone; what they were about to decide with it is not decided twice."""

from pathlib import Path

import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.federation.deciding import has_voted, read_own_lock
from node.use_cases.federation.verbs import PeopleParams, count_people
from node.use_cases.keys.ends import list_ends, recount_ends
from node.use_cases.keys.following import RetireParams, retire
from protocol.core.errors import RefusedError
from protocol.federation.membership import History
from protocol.federation.votes import proposer
from storage.log import log_store
from storage.log.record_index import records
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import check_single_votes
from tests.node.region.village import FOUNDER, bring_in, count_members, found


@pytest.mark.parametrize("seed", [1, 2])
def test_two_of_three_end_the_log_of_the_third_without_its_word(homes: Path, seed: int) -> None:
    async def story(network: MemoryNetwork) -> None:
        first, second, lost = await found_with(network, "south", "dairy")
        old, size = lost.node.origin, size_of(first, lost.node.origin)
        lost.crash()
        said = await first.do(retire(first.node, RetireParams(origin=old, size=size)))
        assert (said.agreed, said.needed) == (1, 2)
        await pass_time(10.0)
        assert count_members(first) == 3, "one of two is not enough"
        await second.do(retire(second.node, RetireParams(origin=old)))
        await network.until(lambda: all(count_members(one) == 2 for one in (first, second)), "the roster of two")
        for machine in (first, second):
            await machine.do(recount_ends(machine.node))
            assert list_ends(machine.node)[old].size == size
            check_single_votes(machine)
        # Whoever was only away learns of it, and is no member any more.
        await network.boot(lost)
        await network.until(lambda: count_members(lost) == 2, "word of it to the third")
        await second.do(count_people(second.node, PeopleParams(77)))
        await network.until(lambda: newest(first).newest.roster.version == newest(second).newest.roster.version, "it")
        await network.settle()
        assert newest(first).newest == newest(second).newest == newest(lost).newest

    run_region(homes, seed, story)


def test_what_two_hold_to_is_decided_first_and_the_log_ends_in_the_version_after(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        first, second, lost = await found_with(network, "south", "dairy")
        history, old = newest(first), lost.node.origin
        # The third prevotes and never learns that both others do: they hold to the count, and nobody can close on it.
        leader = proposer(history.newest.voters, history.slot, 0)
        counter, unheard = (second, first) if leader == second.node.origin else (first, second)
        network.withheld.add((unheard.node.origin, lost))
        await counter.do(count_people(counter.node, PeopleParams(77)))
        both = (first, second)
        await network.until(lambda: all(read_own_lock(one.node, history.slot) for one in both), "the two locks")
        assert newest(first).newest == history.newest
        lost.crash()
        for machine in both:
            await machine.do(retire(machine.node, RetireParams(origin=old, size=size_of(machine, old))))
        await network.until(lambda: all(count_members(one) == 2 for one in both), "the roster of two")
        for machine in both:
            before, after = newest(machine).versions[-2:]
            assert before.roster.predecessor == history.newest.hash
            assert old in before.voters and max(one.people for one in before.roster.members) == 77
            assert after.voters == tuple(sorted(one.node.origin for one in both))

    run_region(homes, 3, story)


def test_whoever_has_turned_to_ending_a_log_votes_no_more_on_the_ordinary_version_also_after_a_restart(
    homes: Path,
) -> None:
    async def story(network: MemoryNetwork) -> None:
        first, second, lost = await found_with(network, "south", "dairy")
        history, old = newest(first), lost.node.origin
        lost.crash()
        question = history.retirement(old)
        assert question is not None
        # The first hears the second's word, and the second nothing from the first: one votes, nothing closes.
        network.withheld.add((first.node.origin, second))
        for machine in (second, first):
            await machine.do(retire(machine.node, RetireParams(origin=old, size=size_of(machine, old))))
        await network.until(lambda: has_voted(first.node, question.slot), "the first vote on the end")
        # Its people change their mind about the end: what it has voted on binds it all the same.
        size = size_of(first, old)
        await first.do(retire(first.node, RetireParams(origin=old, size=size - 1)))
        first.crash()
        await network.boot(first)
        await first.do(count_people(first.node, PeopleParams(77)))
        await pass_time(10.0)
        assert not has_voted(first.node, history.slot) and newest(first).newest == history.newest
        await first.do(retire(first.node, RetireParams(origin=old, size=size)))
        network.withheld.clear()
        await network.until(lambda: all(count_members(one) == 2 for one in (first, second)), "the roster of two")
        await network.settle()
        assert newest(first).newest == newest(second).newest
        check_single_votes(first)

    run_region(homes, 4, story)


def test_in_a_federation_of_two_nobody_ends_the_other_s_log(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        first, lost = await found_with(network, "dairy")
        with pytest.raises(RefusedError, match="leave, and found anew"):
            await first.do(retire(first.node, RetireParams(origin=lost.node.origin, size=1)))
        assert records(first.node.database.reader, "federation.retirement") == []

    run_region(homes, 5, story)


async def found_with(network: MemoryNetwork, *names: str) -> tuple[Machine, ...]:
    """A federation of the founder and these, all of whom hold one another's whole logs."""
    members = [network[FOUNDER], *(network[name] for name in names)]
    await found(network, members[0])
    for guest in members[1:]:
        await bring_in(members[0], guest)
    await network.until(lambda: all(count_members(one) == len(members) for one in members), "the roster")
    await network.settle()
    return tuple(members)


def newest(machine: Machine) -> History:
    """What a machine knows of its federation."""
    history = machine.keeper.history
    assert history is not None
    return history


def size_of(machine: Machine, origin: str) -> int:
    """How much a machine holds of a log."""
    head = log_store.head(machine.node.database.reader, origin)
    return 0 if head is None else head.size

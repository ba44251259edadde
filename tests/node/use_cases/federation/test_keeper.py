"""Who belongs: every node works out the same roster, whatever comes in which order, and only from those who may say."""

import random
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.context import NoParams
from node.use_cases.federation.verbs import (
    InviteParams,
    PeopleParams,
    WhichParams,
    count_people,
    invite,
    leave,
    member_of_card,
)
from node.use_cases.own_log.own_head import own_head_of
from node.use_cases.peers import make_card, own_card, pin_card
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.identity import generate
from protocol.core.record import Reference
from protocol.federation.membership import Admission, JoinRequest
from protocol.federation.votes import proposer
from protocol.log.checkpoint import sign_checkpoint
from storage.home.head_file import Mark
from storage.log import log_store, record_index
from storage.log.record_index import IndexedRecord, records
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import check_single_votes, read_rows
from tests.node.region.village import FOUNDER, MEMBERS, bring_in, count_members, found, found_village


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_whoever_joins_while_others_crash_all_come_to_one_roster(homes: Path, seed: int) -> None:
    async def story(network: MemoryNetwork) -> None:
        founder, chance = network[FOUNDER], random.Random(seed)
        await found(network, founder)
        for guest in network.machines:
            if guest is not founder:
                await bring_in(founder, guest)
                await pass_time(chance.uniform(0, 1.5))
                await restart(network, chance.choice(network.machines), chance.uniform(0, 1))
        await network.until(lambda: all(count_members(one) == len(MEMBERS) for one in network.machines), "the roster")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1
        assert len({read_rows(one) for one in network.machines}) == 1
        for machine in network.machines:
            check_single_votes(machine)
            assert machine.keeper.waits_for() == ()

    run_region(homes, seed, story)


def test_a_member_leaves_and_the_others_go_on_deciding(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village(network)
        leaver, counter = network["quay"], network["south"]
        rest = [machine for machine in network.machines if machine is not leaver]
        await leaver.do(leave(leaver.node, WhichParams()))
        await network.until(lambda: all(count_members(one) == 4 for one in network.machines), "the smaller roster")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1
        leaver.crash()
        await counter.do(count_people(counter.node, PeopleParams(33)))
        await network.until(lambda: all(people_of(one, counter) == 33 for one in rest), "the new count")
        await network.boot(leaver)
        await network.until(lambda: people_of(leaver, counter) == 33, "word of it to whoever left")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1

    run_region(homes, 5, story)


def are_members_counted(network: MemoryNetwork, count: int) -> bool:
    return all(count_members(machine) == count for machine in network.machines)


def test_who_has_left_founds_anew_and_takes_in_others_who_left(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village(network)
        first, second = network["quay"], network["south"]
        rest = [machine for machine in network.machines if machine not in (first, second)]
        with pytest.raises(RefusedError, match="belongs to one already"):
            await found(network, first)
        for leaver, left in ((first, 4), (second, 3)):
            await leaver.do(leave(leaver.node, WhichParams()))
            everywhere = partial(are_members_counted, network, left)
            await network.until(everywhere, "the roster without who left")
        former = hash_of(rest[0])
        await found(network, first)
        await network.until(lambda: count_members(first) == 1, "a federation of its own")
        await bring_in(first, second)
        await network.until(lambda: count_members(first) == count_members(second) == 2, "both in it")
        await network.settle()
        assert hash_of(first) == hash_of(second) != former
        assert {hash_of(machine) for machine in rest} == {former}

    run_region(homes, 6, story)


def test_of_several_counts_the_latest_stands(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village(network)
        counter = network["south"]
        for people in (31, 35, 29):
            await counter.do(count_people(counter.node, PeopleParams(people)))
        await network.until(lambda: all(people_of(one, counter) == 29 for one in network.machines), "the last count")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1

    run_region(homes, 6, story)


def test_nobody_but_a_member_can_vouch_and_a_stranger_cannot_keep_a_guest_out(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        founder, guest, stranger = network[FOUNDER], network["dairy"], network["quay"]
        await found(network, founder)
        await know_each_other(founder, stranger)
        network.withheld.add((guest.node.origin, founder))
        await know_each_other(stranger, guest)
        await bring_in(founder, guest)
        # The stranger has read the guest's request before the founder has, and vouches for it in its own log.
        await network.until(lambda: request_of(guest, stranger) is not None, "the request")
        request = request_of(guest, stranger)
        assert request is not None
        await vouch(stranger, guest, request)
        await network.until(lambda: list_admissions(founder) != [], "the stranger's word")
        await pass_time(3.0)
        assert count_members(founder) == 1
        network.withheld.clear()
        await network.until(lambda: all(count_members(one) == 2 for one in (founder, guest)), "the guest's admission")
        await network.settle()
        assert {one.origin for one in list_admissions(founder)} == {founder.node.origin, stranger.node.origin}

    run_region(homes, 7, story)


def test_a_request_that_nobody_invited_changes_nothing(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village_without(network, "dairy")
        founder, stranger = network[FOUNDER], network["dairy"]
        before = hash_of(founder)
        await know_each_other(founder, stranger)
        history = founder.keeper.history
        assert history is not None
        request = JoinRequest(history.federation, "producers", 5)
        await stranger.do(publish(stranger.node, "federation.join", request))
        await network.until(lambda: request_of(stranger, founder) is not None, "the request")
        await network.settle()
        assert hash_of(founder) == before and list_admissions(founder, of=stranger) == []

    run_region(homes, 8, story)


def test_an_admission_copied_into_another_log_is_void_and_the_true_one_still_counts(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village_without(network, "dairy")
        founder, copier, guest = network[FOUNDER], network["quay"], network["dairy"]
        await bring_in(founder, guest)
        await network.until(lambda: list_admissions(copier, of=guest) != [], "the admission")
        (true,) = list_admissions(copier, of=guest)
        raw = log_store.entries(copier.node.database.reader, true.origin, true.index, true.index + 1)
        await append_raw(copier, raw)
        await network.until(lambda: all(count_members(one) == len(MEMBERS) for one in network.machines), "the roster")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1
        for machine in network.machines:
            rows = [row for row in read_rows(machine) if row.leaf == true.leaf]
            assert sorted(row.origin for row in rows) == sorted([founder.node.origin, copier.node.origin])
            assert [row.origin for row in rows if row.void == ""] == [founder.node.origin]
            assert list_admissions(machine, of=guest) == [true]

    run_region(homes, 9, story)


def test_a_version_that_is_decided_but_not_yet_readable_is_waited_for_in_peace(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village_without(network, "dairy")
        guest = network["dairy"]
        history = network[FOUNDER].keeper.history
        assert history is not None
        # Whose votes the guest does not need for anything before, and who is not the first to propose the next version.
        first = proposer(history.newest.voters, history.slot, 0)
        newcomers = set(history.newest.voters) - set(history.versions[-2].voters) - {first}
        host = next(machine for machine in network.machines if machine.node.origin in newcomers)
        network.withheld.add((host.node.origin, guest))
        await bring_in(host, guest)
        others = [one for one in network.machines if one is not guest]
        await network.until(
            lambda: all(count_members(one) == len(MEMBERS) for one in others), "the roster of the others"
        )
        await pass_time(5.0)
        seen = guest.keeper.history
        assert seen is not None and seen.lacks and count_members(guest) == len(MEMBERS) - 1
        network.withheld.clear()
        await network.until(lambda: count_members(guest) == len(MEMBERS), "the guest's own roster")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1

    run_region(homes, 10, story)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_vouch_for_a_guest_who_leaves_and_stays_out_until_it_asks_again(homes: Path, seed: int) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village_without(network, "dairy")
        founder, second, guest = network[FOUNDER], network["south"], network["dairy"]
        card = await make_card(guest.node, NoParams())
        await second.do(invite(second.node, InviteParams(card=card.card)))
        await bring_in(founder, guest)
        await network.until(lambda: count_members(guest) == len(MEMBERS), "the guest's admission")
        await network.settle()
        assert len(list_admissions(founder, of=guest)) == 2, "both have vouched, and one word is left over"
        await guest.do(leave(guest.node, WhichParams()))
        with pytest.raises(RefusedError, match="already"):
            await guest.do(leave(guest.node, WhichParams()))
        await network.until(lambda: count_members(founder) == len(MEMBERS) - 1, "the roster without it")
        await network.settle()
        assert {count_members(one) for one in network.machines} == {len(MEMBERS) - 1}
        with pytest.raises(RefusedError, match="belongs to none"):
            await guest.do(count_people(guest.node, PeopleParams(1)))
        await bring_in(founder, guest)
        await network.until(lambda: count_members(guest) == len(MEMBERS), "the second admission")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1

    run_region(homes, seed, story)


def test_whoever_was_away_meets_the_new_members_on_the_way_to_the_newest_version(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await found_village_without(network, "dairy")
        founder, away, guest = network[FOUNDER], network["quay"], network["dairy"]
        away.crash()
        await bring_in(founder, guest)
        await network.until(lambda: count_members(guest) == len(MEMBERS), "the guest's admission")
        await guest.do(count_people(guest.node, PeopleParams(8)))
        await network.until(lambda: people_of(founder, guest) == 8, "the guest's first word as a member")
        # What the newest version names lies in a log that whoever was away has never heard of.
        await network.boot(away)
        await network.until(lambda: people_of(away, guest) == 8, "the newest version")
        await network.settle()
        assert len({hash_of(one) for one in network.machines}) == 1

    run_region(homes, 11, story)


async def found_village_without(network: MemoryNetwork, name: str) -> None:
    """All but one in one federation."""
    founder = network[FOUNDER]
    await found(network, founder)
    members = [machine for machine in network.machines if machine.name != name]
    for guest in members:
        if guest is not founder:
            await bring_in(founder, guest)
    await network.until(lambda: all(count_members(one) == len(members) for one in members), "the roster")
    await network.settle()


async def know_each_other(one: Machine, other: Machine) -> None:
    """Two machines exchange cards by hand."""
    await one.do(pin_card(one.node, own_card(other.node)))
    await other.do(pin_card(other.node, own_card(one.node)))


async def restart(network: MemoryNetwork, machine: Machine, down_s: float) -> None:
    """A power cut, and another start."""
    machine.crash()
    await pass_time(down_s)
    await network.boot(machine)


async def vouch(member: Machine, guest: Machine, request: IndexedRecord) -> None:
    """Say that a guest belongs, whether one may or not."""
    body = Admission(
        request.body.federation,
        member_of_card(own_card(guest.node), "producers", request.body.people),
        Reference(request.origin, request.index, request.leaf),
    )
    await member.do(publish(member.node, "federation.admission", body))


async def append_raw(machine: Machine, entries: list[bytes]) -> None:
    """Put bytes into a log that its own node would never have written."""
    node, key = machine.node, generate(machine.node.keys.log)

    def append(db: sqlite3.Connection) -> tuple[int, int]:
        head = log_store.append(db, node.origin, entries, lambda checkpoint: sign_checkpoint(checkpoint, key))
        # The node goes on from there, as if it had signed this itself.
        own_head_of(node).release(Mark(head.size, head.root))
        return record_index.catch_up(db, node.origin)

    start, stop = await machine.do(node.database.write(append))
    machine.node.changes.publish(node.origin, start, stop)


def hash_of(machine: Machine) -> bytes:
    """The newest roster that a machine knows."""
    history = machine.keeper.history
    assert history is not None
    return history.newest.hash


def people_of(machine: Machine, member: Machine) -> int | None:
    """How many people a machine counts at a member."""
    history = machine.keeper.history
    assert history is not None
    return next((one.people for one in history.newest.roster.members if one.name == member.name), None)


def request_of(guest: Machine, reader: Machine) -> IndexedRecord | None:
    """A guest's request to join as another machine has it."""
    return next(iter(records(reader.node.database.reader, "federation.join", origin=guest.node.origin)), None)


def list_admissions(machine: Machine, of: Machine | None = None) -> list[IndexedRecord]:
    """The admissions that a machine has read, of everybody or of one guest."""
    found = records(machine.node.database.reader, "federation.admission")
    return [one for one in found if of is None or one.body.member.origin == of.node.origin]

"""Who is let in: only a co-op whose own request a member has read, once for each invitation, however much is said."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.context import NoParams
from node.use_cases.federation.admitting import CANDIDATES_MAX
from node.use_cases.federation.roster_records import OFFERED_MAX, WORDS_MAX
from node.use_cases.federation.verbs import INVITED_SETTING, InviteParams, invite, member_of_card
from node.use_cases.peers import make_card, own_card
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.record import Record, Reference, parse_record
from protocol.federation.membership import Admission
from storage.log import log_store, record_index
from storage.settings import names_under
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import FOUNDER, bring_in, count_members, found
from tests.node.use_cases.federation.test_keeper import list_admissions, request_of

JUNK = 1_000


def admission_of(member: Machine, guest: Machine, name: str, request: Reference | None = None) -> Admission:
    """A member's word for a co-op of this name, which need not exist."""
    history = member.keeper.history
    assert history is not None
    card = msgspec.structs.replace(own_card(guest.node), origin=name, name="made up")
    place = request or Reference(name, 0, hashlib.sha256(name.encode()).digest())
    return Admission(history.federation, member_of_card(card, "producers", 5), place)


async def found_three(network: MemoryNetwork) -> tuple[Machine, Machine, Machine]:
    members = network[FOUNDER], network["south"], network["quay"]
    await found(network, members[0])
    for guest in members[1:]:
        await bring_in(members[0], guest)
    await network.until(lambda: all(count_members(one) == 3 for one in members), "the roster")
    await network.settle()
    return members


def test_a_co_op_that_does_not_exist_is_nobody_s_to_admit(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        members, stranger = await found_three(network), network["dairy"]
        liar = members[1]
        await liar.do(publish(liar.node, "federation.admission", admission_of(liar, stranger, "nobody.example/log")))
        await network.settle()
        await pass_time(30.0)
        assert all(count_members(one) == 3 for one in members)
        # And others are let in as ever, while the word for nobody still stands.
        await bring_in(members[0], network["bakery"])
        await network.until(lambda: all(count_members(one) == 4 for one in members), "the bakery")

    run_region(homes, 21, story)


@pytest.mark.parametrize("fault", ["more people than it says", "another record than a request"])
def test_a_word_that_is_not_the_co_op_s_own_is_voted_down(homes: Path, fault: str) -> None:
    async def story(network: MemoryNetwork) -> None:
        members, guest = await found_three(network), network["dairy"]
        liar = members[1]
        network.withheld.add((guest.node.origin, members[0]))
        await bring_in(members[0], guest)
        await network.until(lambda: guest.keeper.history is not None, "the guest's own word")
        request = request_of(guest, guest)
        assert request is not None
        place = Reference(request.origin, request.index, request.leaf)
        if fault == "another record than a request":
            (first,) = record_index.records(guest.node.database.reader, "log.founding", origin=guest.node.origin)
            place = Reference(first.origin, first.index, first.leaf)
        history = liar.keeper.history
        assert history is not None
        people = request.body.people + (fault == "more people than it says")
        member = member_of_card(own_card(guest.node), request.body.kind, people)
        await liar.do(publish(liar.node, "federation.admission", Admission(history.federation, member, place)))
        await pass_time(30.0)
        assert all(count_members(one) == 3 for one in members)
        network.withheld.clear()
        await network.until(lambda: all(count_members(one) == 4 for one in members), "the true word")
        assert people_at(members[2], guest) == request.body.people

    run_region(homes, 22, story)


def test_an_invitation_is_used_up_by_one_admission(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        members, guest = await found_three(network), network["dairy"]
        for host in members[:2]:
            card = await make_card(guest.node, NoParams())
            await host.do(invite(host.node, InviteParams(card=card.card)))
        await bring_in(members[0], guest)
        await network.until(lambda: all(count_members(one) == 4 for one in members), "the guest")
        await network.settle()
        assert len(list_admissions(members[0], of=guest)) >= 1
        for host in members[:2]:
            assert names_under(host.node.database.reader, f"{INVITED_SETTING}/") == []
            with pytest.raises(RefusedError, match="member already"):
                await host.do(invite(host.node, InviteParams(card=card.card)))

    run_region(homes, 23, story)


def test_a_thousand_records_of_one_member_are_read_in_bounded_number_at_each_turn(
    homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    async def write_junk(network: MemoryNetwork) -> None:
        members, stranger = await found_three(network), network["dairy"]
        junk = members[1]
        for number in range(JUNK):
            admission = admission_of(junk, stranger, f"nobody-{number}.example/log")
            junk.begin(publish(junk.node, "federation.admission", admission))
        await network.until(lambda: count_words(junk) >= JUNK, "the junk")
        await network.settle()
        founder = members[0]
        assert count_words(founder) >= JUNK

        def count_parse(raw: bytes) -> Record:
            parsed.append(1)
            return parse_record(raw)

        monkeypatch.setattr("storage.log.record_index.parse_record", count_parse)
        await founder.do(founder.keeper._advance())
        bound = 3 * (sum(OFFERED_MAX.values()) + WORDS_MAX)
        assert 0 < len(parsed) <= bound < JUNK // 5, len(parsed)
        monkeypatch.undo()
        empty = [one for one in log_store.heads(founder.node.database.reader) if not one.size]
        assert len(empty) <= CANDIDATES_MAX

    run_region(homes, 24, write_junk)


def count_words(machine: Machine) -> int:
    """Admissions that a machine has indexed."""
    sql = "SELECT count(*) FROM record_index WHERE kind = 'federation.admission'"
    return int(machine.node.database.reader.execute(sql).fetchone()[0])


def people_at(machine: Machine, member: Machine) -> int:
    """How many people a machine counts at a member."""
    history = machine.keeper.history
    assert history is not None
    return next(one.people for one in history.newest.roster.members if one.origin == member.node.origin)

"""Who belongs when: the chain of versions that a set of records and closed decisions makes, in any order."""

import hashlib
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import encode
from protocol.core.errors import RefusedError
from protocol.core.record import Reference
from protocol.federation.membership import (
    CHANGES_MAX,
    Admission,
    CharterProposal,
    FederationFounding,
    History,
    JoinRequest,
    LeaveNotice,
    PeopleCount,
    Question,
    Retirement,
    Said,
    apply_changes,
    check_request,
    fold_federation,
    format_changes,
    list_changes,
    name_federation,
    parse_changes,
    read_change,
)
from protocol.federation.roster import VERSIONS_MAX, found_federation, slot_of
from tests.protocol.federation.made_up_federation import ASH, BIRCH, CEDAR, DOGWOOD, make_charter, make_member

FOUNDING = FederationFounding(make_charter(), make_member(ASH))
NAME = name_federation(FOUNDING)


def say(origin: str, index: int, body: Any) -> Said:
    """A record at its place; its leaf hash is drawn from the place."""
    return Said(origin, index, hashlib.sha256(f"{origin}/{index}".encode()).digest(), body)


def admit(by: str, index: int, origin: str, people: int = 100) -> Said:
    request = Reference(origin, 0, hashlib.sha256(f"{origin}/0".encode()).digest())
    return say(by, index, Admission(NAME, make_member(origin, people), request))


class Records:
    """Records and closed decisions that have arrived somewhere."""

    def __init__(self) -> None:
        self.saids: dict[bytes, Said] = {}
        self.closed: dict[bytes, bytes] = {}

    def fold(self) -> History:
        return fold_federation(FOUNDING, lambda question: self.closed.get(question.slot), self.saids.get)

    def hear(self, *saids: Said) -> None:
        self.saids.update({said.leaf: said for said in saids})

    def close(self, *saids: Said) -> History:
        """The members decide on these records as the next version."""
        self.hear(*saids)
        self.closed[self.fold().slot] = format_changes([said.leaf for said in saids])
        return self.fold()


def tell_a_story() -> Records:
    """Birch and cedar join, people are counted, the charter changes, an attempt fails, birch leaves, dogwood joins."""
    records = Records()
    records.close(admit(ASH, 1, BIRCH))
    records.close(admit(BIRCH, 1, CEDAR), say(ASH, 2, PeopleCount(NAME, 180)))
    records.close(say(CEDAR, 1, CharterProposal(NAME, make_charter(k_households=8))))
    records.close(admit(ASH, 3, BIRCH))
    records.close(say(BIRCH, 2, LeaveNotice(NAME)), admit(CEDAR, 2, DOGWOOD))
    return records


def test_a_federation_of_one_stands_by_its_founding_record_alone() -> None:
    history = Records().fold()
    assert history.newest == found_federation(FOUNDING.member, FOUNDING.charter)
    assert history.newest.voters == (ASH,)
    assert history.federation == NAME


def test_a_story_of_joining_counting_changing_and_leaving() -> None:
    history = tell_a_story().fold()
    assert [version.roster.version for version in history.versions] == [1, 2, 3, 4, 5]
    assert [len(version.voters) for version in history.versions] == [1, 2, 3, 3, 3]
    assert history.newest.voters == (ASH, CEDAR, DOGWOOD)
    assert history.newest.charter.k_households == 8
    assert history.versions[2].roster.members[0].people == 180


def test_who_votes_on_a_version_are_the_members_before_it_also_when_one_leaves() -> None:
    records, asked = tell_a_story(), {}

    def note_voters(question: Question) -> bytes | None:
        asked[question.slot] = question.voters
        return records.closed.get(question.slot)

    history = fold_federation(FOUNDING, note_voters, records.saids.get)
    assert asked[slot_of(history.versions[3].hash, 1)] == (ASH, BIRCH, CEDAR)
    assert asked[history.slot] == (ASH, CEDAR, DOGWOOD)


def test_two_want_to_join_one_is_decided_first_the_other_is_offered_on_the_next_version() -> None:
    records, first, second = Records(), admit(ASH, 1, BIRCH), admit(ASH, 2, CEDAR)
    records.hear(second)
    history = records.close(first)
    assert history.newest.voters == (ASH, BIRCH)
    assert list_changes(history, records.saids.values()) == [second]
    assert records.close(second).newest.voters == (ASH, BIRCH, CEDAR)


def test_two_admissions_of_one_co_op_make_it_a_member_once() -> None:
    records = Records()
    records.close(admit(ASH, 1, BIRCH))
    pair = [admit(ASH, 2, CEDAR, people=10), admit(BIRCH, 1, CEDAR, people=20)]
    history = records.fold()
    assert len(list_changes(history, pair)) == 1
    assert records.close(*list_changes(history, pair)).newest.voters == (ASH, BIRCH, CEDAR)


def test_a_decided_version_that_cannot_be_is_passed_over_and_the_next_attempt_counts() -> None:
    records = Records()
    records.close(admit(ASH, 1, BIRCH))
    history = records.close(admit(ASH, 2, BIRCH))
    assert history.attempt == 1
    assert history.newest.roster.version == 2
    assert [finding.place for finding in history.findings] == ["version 3, attempt 0"]
    history = records.close(admit(ASH, 3, CEDAR))
    assert history.newest.voters == (ASH, BIRCH, CEDAR)
    assert history.attempt == 0


@pytest.mark.parametrize("content", [b"", b"\xc1", encode([]), encode(["leaf"]), encode([b"b" * 32, b"a" * 32])])
def test_a_decided_content_that_is_no_list_of_records_is_passed_over(content: bytes) -> None:
    records = Records()
    records.closed[records.fold().slot] = content
    assert records.fold().attempt == 1


def test_a_version_whose_records_are_not_here_yet_is_waited_for() -> None:
    records = tell_a_story()
    leave = say(BIRCH, 2, LeaveNotice(NAME))
    del records.saids[leave.leaf]
    history = records.fold()
    assert (history.lacks, history.newest.roster.version) == (True, 4)
    records.hear(leave)
    assert (records.fold().lacks, records.fold().newest.roster.version) == (False, 5)


def test_decisions_on_a_predecessor_that_nobody_knows_change_nothing() -> None:
    records = tell_a_story()
    before = records.fold()
    records.closed[slot_of(b"?" * 32, 0)] = format_changes([admit(ASH, 9, "elm.example").leaf])
    assert records.fold() == before


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(say("mallow.example", 1, LeaveNotice(NAME)), "no member", id="a stranger changes nothing"),
        pytest.param(admit(DOGWOOD, 5, "elm.example"), "no member", id="who is not yet in vouches for nobody"),
        pytest.param(say(ASH, 9, LeaveNotice(b"?" * 32)), "another federation", id="a word for others is not for us"),
        pytest.param(say(ASH, 9, JoinRequest(NAME, "consumers", 5)), "changes no roster", id="a request alone is none"),
        pytest.param(admit(ASH, 1, BIRCH), "followed already", id="a record is followed once"),
        pytest.param(say(ASH, 1, PeopleCount(NAME, 9)), "followed already", id="an older count does not undo a newer"),
        pytest.param(
            say(ASH, 9, Admission(NAME, make_member(DOGWOOD), Reference(CEDAR, 0, bytes(32)))),
            "another log",
            id="nobody is admitted on another's request",
        ),
    ],
)
def test_which_records_may_change_a_roster(said: Said, reason: str) -> None:
    records = Records()
    records.close(admit(ASH, 1, BIRCH))
    records.close(admit(BIRCH, 1, CEDAR), say(ASH, 2, PeopleCount(NAME, 180)))
    with pytest.raises(RefusedError, match=reason):
        read_change(records.fold(), said)


@pytest.mark.parametrize("index", [0, 1])
def test_the_founders_first_words_count_wherever_they_lie(index: int) -> None:
    for body, people in ((PeopleCount(NAME, 55), [55, 100]), (LeaveNotice(NAME), [100])):
        records = Records()
        records.close(admit(ASH, 7, BIRCH))
        assert [member.people for member in records.close(say(ASH, index, body)).newest.roster.members] == people


def test_a_fold_ends_at_the_most_versions_and_attempts_there_may_be() -> None:
    asked: list[Question] = []

    def close_on_junk(question: Question) -> bytes:
        asked.append(question)
        return b"no list of records"

    known = msgspec.structs.replace(Records().fold(), attempt=VERSIONS_MAX - 3)
    assert fold_federation(FOUNDING, close_on_junk, Records().saids.get, known).attempt == VERSIONS_MAX - 1
    assert len(asked) == 2


def test_no_more_is_offered_than_one_version_may_change() -> None:
    joins = [admit(ASH, number, f"co-op-{number:03}.example") for number in range(1, CHANGES_MAX)]
    others = [say(ASH, 200, PeopleCount(NAME, 5)), say(ASH, 201, CharterProposal(NAME, make_charter(k_households=9)))]
    offered = list_changes(Records().fold(), [*joins, *others])
    assert len(offered) == CHANGES_MAX
    assert parse_changes(format_changes([said.leaf for said in offered]))


def test_of_several_counts_of_one_co_op_the_latest_is_offered() -> None:
    counts = [say(ASH, index, PeopleCount(NAME, 100 + index)) for index in (3, 1, 2)]
    assert list_changes(Records().fold(), counts) == [counts[0]]


def test_of_two_proposed_charters_one_is_offered_and_the_other_stays_for_later() -> None:
    records = Records()
    pair = [say(ASH, index, CharterProposal(NAME, make_charter(k_households=index))) for index in (6, 7)]
    records.hear(*pair)
    offered = list_changes(records.fold(), pair)
    assert len(offered) == 1
    history = records.close(*offered)
    assert list_changes(history, pair) == [said for said in pair if said not in offered]


def test_who_asks_for_the_charter_in_force_changes_nothing() -> None:
    records = Records()
    first, second = (say(ASH, index, CharterProposal(NAME, make_charter(k_households=9))) for index in (6, 7))
    records.hear(first, second)
    assert len(list_changes(records.fold(), [first])) == 1
    history = records.close(first)
    assert list_changes(history, [second]) == []
    with pytest.raises(RefusedError, match="in force already"):
        apply_changes(history, [second])


def test_a_charter_that_is_not_well_written_is_not_offered() -> None:
    proposal = say(ASH, 1, CharterProposal(NAME, make_charter(required_sections=("water", "labour"))))
    assert list_changes(Records().fold(), [proposal]) == []


def test_a_list_of_changes_reads_back_and_has_a_limit() -> None:
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(CHANGES_MAX)]
    assert parse_changes(format_changes(leaves)) == sorted(leaves)
    with pytest.raises(RefusedError, match="records"):
        parse_changes(format_changes([*leaves, bytes(32)]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_in_any_order_of_arrival_the_chain_only_grows_and_ends_the_same(seed: int) -> None:
    story = tell_a_story()
    facts: list[tuple[str, bytes]] = [("said", leaf) for leaf in story.saids]
    facts += [("closed", slot) for slot in story.closed]
    Random(seed).shuffle(facts)
    arrived, before = Records(), Records().fold()
    for kind, key in facts:
        if kind == "said":
            arrived.saids[key] = story.saids[key]
        else:
            arrived.closed[key] = story.closed[key]
        after = arrived.fold()
        assert after.versions[: len(before.versions)] == before.versions
        before = after
    assert before == story.fold()


def test_applying_what_is_offered_is_what_the_fold_does() -> None:
    records = Records()
    offered = list_changes(records.fold(), [admit(ASH, 1, BIRCH), say(ASH, 2, PeopleCount(NAME, 5))])
    assert apply_changes(records.fold(), offered) == records.close(*offered)


def test_a_co_op_that_left_comes_back_by_a_new_word_of_its_own_only() -> None:
    records = Records()
    records.close(admit(ASH, 1, BIRCH))
    records.close(say(BIRCH, 1, PeopleCount(NAME, 70)))
    leave = say(BIRCH, 2, LeaveNotice(NAME))
    assert records.close(leave).newest.voters == (ASH,)
    left_over = admit(ASH, 2, BIRCH)
    with pytest.raises(RefusedError, match="followed already"):
        read_change(records.fold(), left_over)
    again = say(BIRCH, 5, JoinRequest(NAME, "consumers", 100))
    admission = Admission(NAME, make_member(BIRCH), Reference(BIRCH, again.index, again.leaf))
    assert records.close(say(ASH, 3, admission)).newest.voters == (ASH, BIRCH)
    for old in (say(BIRCH, 3, LeaveNotice(NAME)), say(BIRCH, 4, PeopleCount(NAME, 9))):
        with pytest.raises(RefusedError, match=r"older than|later count"):
            read_change(records.fold(), old)
    assert records.close(say(BIRCH, 6, LeaveNotice(NAME))).newest.voters == (ASH,)


def tell_of_three() -> Records:
    """Ash, birch and cedar in one federation."""
    records = Records()
    records.close(admit(ASH, 1, BIRCH))
    records.close(admit(BIRCH, 1, CEDAR))
    return records


def end(by: str, index: int, old: str) -> Said:
    return say(by, index, Retirement(NAME, old, 4, bytes(32)))


def close_end(records: Records, subject: str, *saids: Said) -> History:
    """The others decide on these records in the slot that ends the subject's log."""
    records.hear(*saids)
    question = records.fold().retirement(subject)
    assert question is not None
    records.closed[question.slot] = format_changes([said.leaf for said in saids])
    return records.fold()


def test_the_others_end_a_log_in_a_slot_in_which_its_owner_has_no_vote() -> None:
    records = tell_of_three()
    question = records.fold().retirement(CEDAR)
    assert question is not None and (question.voters, question.needed) == ((ASH, BIRCH), 2)
    named = encode([records.fold().newest.hash, 0, CEDAR])
    assert question.slot == hashlib.sha256(b"rochdale/retirement-slot/v1\0" + named).digest()
    history = close_end(records, CEDAR, end(ASH, 9, CEDAR))
    assert history.newest.voters == (ASH, BIRCH) and history.newest.roster.version == 4
    assert history.retirement(BIRCH) is None, "one of two alone ends nobody's log"


def test_what_was_about_to_close_in_the_ordinary_slot_may_close_there() -> None:
    records = tell_of_three()
    history = close_end(records, CEDAR, say(ASH, 8, PeopleCount(NAME, 7)))
    assert history.newest.voters == (ASH, BIRCH, CEDAR) and history.newest.roster.members[0].people == 7
    assert close_end(records, CEDAR, end(ASH, 9, CEDAR)).newest.voters == (ASH, BIRCH)


@pytest.mark.parametrize(
    "saids",
    [
        pytest.param([end(ASH, 9, BIRCH)], id="another member's log"),
        pytest.param([end(ASH, 9, CEDAR), end(BIRCH, 9, CEDAR)], id="two words at once"),
        pytest.param([end(ASH, 9, CEDAR), say(ASH, 10, PeopleCount(NAME, 7))], id="something else with it"),
        pytest.param([end("mallow.example", 9, CEDAR)], id="a stranger's word"),
    ],
)
def test_a_slot_that_ends_a_log_closed_on_anything_else_is_passed_over(saids: list[Said]) -> None:
    records = tell_of_three()
    history = close_end(records, CEDAR, *saids)
    assert (history.newest.roster.version, history.attempt) == (3, 1)
    assert close_end(records, CEDAR, end(ASH, 19, CEDAR)).newest.voters == (ASH, BIRCH)


def test_all_members_together_end_nobody_s_log() -> None:
    records = tell_of_three()
    history = records.close(end(ASH, 9, CEDAR))
    assert (history.newest.roster.version, history.attempt) == (3, 1)
    assert list_changes(history, [end(ASH, 10, CEDAR)]) == []


def test_a_fold_goes_on_from_what_an_earlier_one_came_to() -> None:
    records = tell_of_three()
    known = records.fold()
    close_end(records, CEDAR, end(ASH, 9, CEDAR))
    asked: list[Question] = []

    def ask(question: Question) -> bytes | None:
        asked.append(question)
        return records.closed.get(question.slot)

    assert fold_federation(FOUNDING, ask, records.saids.get, known) == records.fold()
    assert {question.slot for question in asked} & {known.versions[0].hash, slot_of(known.versions[0].hash, 0)} == set()


REQUEST = say(DOGWOOD, 3, JoinRequest(NAME, "consumers", 100))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (say(CEDAR, 3, REQUEST.body), "does not lie where"),
        (say(DOGWOOD, 4, REQUEST.body), "does not lie where"),
        (say(DOGWOOD, 3, PeopleCount(NAME, 100)), "no request"),
        (say(DOGWOOD, 3, JoinRequest(bytes(32), "consumers", 100)), "no request"),
        (say(DOGWOOD, 3, JoinRequest(NAME, "producers", 100)), "another kind or count"),
        (say(DOGWOOD, 3, JoinRequest(NAME, "consumers", 101)), "another kind or count"),
    ],
    ids=["another's log", "another place", "another record", "another federation", "another kind", "more people"],
)
def test_an_admission_goes_with_the_co_op_s_own_request_only(said: Said, reason: str) -> None:
    admission = Admission(NAME, make_member(DOGWOOD), Reference(DOGWOOD, 3, REQUEST.leaf))
    check_request(admission, REQUEST)
    with pytest.raises(RefusedError, match=reason):
        check_request(admission, said)

"""Ratification: what a closed set of words comes to, for every set that four meetings could leave behind."""

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from protocol.core.errors import RefusedError
from protocol.planning.call import READINGS_MAX, Meeting, PlanApproval
from protocol.planning.ratifying.words import (
    Ballot,
    Outcome,
    is_ripe,
    leave_out,
    list_approving,
    list_leaving,
    vote_slot,
    weigh_words,
)
from tests.protocol.planning.economies import load, village

CALL, DIGEST, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
MEMBERS = ("ash", "birch", "cedar", "dogwood")
ASH, BIRCH, CEDAR, DOGWOOD = MEMBERS
NEEDED = 3
EVERYBODY = frozenset(MEMBERS)


def word(approve: bool, digest: bytes = DIGEST) -> PlanApproval:
    return PlanApproval(CALL, 0, digest, approve, "", Meeting(3, 1, 0, True))


YES, NO, STRAY = word(True), word(False), word(True, OTHER)
Words = dict[str, PlanApproval | None]


def ballot(owners: frozenset[str] = EVERYBODY, people: dict[str, int] | None = None, people_needed: int = 0) -> Ballot:
    return Ballot(DIGEST, owners, people or {}, NEEDED, people_needed)


def words_of(*spoken: PlanApproval | None) -> Words:
    return dict(zip(MEMBERS, spoken, strict=True))


CASES: dict[str, tuple[Ballot, Words, bool, Outcome]] = {
    "all approve": (ballot(), words_of(YES, YES, YES, YES), True, "in force"),
    "enough approve, one is silent": (ballot(), words_of(YES, YES, YES, None), True, "in force"),
    "too few have spoken": (ballot(), words_of(YES, YES, None, None), False, "not approved"),
    "one who has cards refuses": (ballot(), words_of(YES, YES, NO, None), True, "again"),
    "one refuses and too few have spoken": (ballot(), words_of(NO, YES, None, None), False, "again"),
    "who has no cards refuses, enough approve": (
        ballot(frozenset({ASH})),
        words_of(YES, YES, YES, NO),
        True,
        "in force",
    ),
    "who has no cards refuses, one is silent": (
        ballot(frozenset({ASH})),
        words_of(YES, YES, None, NO),
        False,
        "not approved",
    ),
    "all have spoken and too few approve": (ballot(frozenset()), words_of(YES, YES, NO, NO), True, "not approved"),
    "an approval of another draft is none": (ballot(), words_of(YES, YES, STRAY, None), False, "not approved"),
    "those who approve stand for too few people": (
        ballot(frozenset(), {ASH: 1, BIRCH: 1, CEDAR: 1, DOGWOOD: 97}, 67),
        words_of(YES, YES, YES, None),
        False,
        "not approved",
    ),
    "of whom nothing is known stand for nobody": (
        ballot(frozenset(), {ASH: 66}, 67),
        words_of(YES, YES, YES, None),
        False,
        "not approved",
    ),
    "they stand for enough": (
        ballot(frozenset(), {ASH: 30, BIRCH: 30, CEDAR: 10, DOGWOOD: 30}, 67),
        words_of(YES, YES, YES, None),
        True,
        "in force",
    ),
}


@pytest.mark.parametrize(("asked", "words", "ripe", "outcome"), CASES.values(), ids=CASES)
def test_words_come_to(asked: Ballot, words: Words, ripe: bool, outcome: Outcome) -> None:
    assert (is_ripe(asked, words), weigh_words(asked, words)) == (ripe, outcome)


def list_worlds() -> Iterator[tuple[Ballot, Words]]:
    """Every word that each of four may have said or not, for every choice of who has cards: 4,096 worlds."""
    for spoken in product((YES, NO, STRAY, None), repeat=len(MEMBERS)):
        for count in range(len(MEMBERS) + 1):
            for owners in combinations(MEMBERS, count):
                yield ballot(frozenset(owners)), words_of(*spoken)


def list_parts(words: Words) -> Iterator[Words]:
    """Every set that a node may hold while these words are under way."""
    spoken = [name for name in MEMBERS if words[name] is not None]
    for count in range(len(spoken) + 1):
        for held in combinations(spoken, count):
            yield {name: words[name] if name in held else None for name in MEMBERS}


def test_in_every_world_of_four_whatever_set_is_closed_wrongs_nobody() -> None:
    worlds = 0
    for asked, words in list_worlds():
        worlds += 1
        for part in list_parts(words):
            if not is_ripe(asked, part):
                continue
            # More words never undo that a set may be closed, so nodes that hear more can still agree.
            assert is_ripe(asked, words), (asked, part, words)
            outcome, leaving = weigh_words(asked, part), list_leaving(asked, part)
            assert not leaving & list_approving(asked, part), "whoever approved is left out"
            if outcome == "in force":
                assert len(list_approving(asked, part)) >= NEEDED
                assert not any(part[name] == NO for name in asked.owners), "a refuser's card is in force"
            if outcome == "again":
                assert leaving and leaving <= asked.owners
            if outcome == "not approved":
                assert part == words and None not in words.values(), "a call ended while somebody could still speak"
    assert worlds == 4_096


def test_when_all_have_spoken_every_vote_can_be_closed() -> None:
    assert all(is_ripe(asked, words) for asked, words in list_worlds() if None not in words.values())


def test_an_owner_s_refusal_that_a_node_holds_keeps_every_set_without_it_from_being_the_one_it_offers() -> None:
    for asked, words in list_worlds():
        refusing = [name for name in asked.owners if words[name] == NO]
        if refusing and is_ripe(asked, words):
            assert weigh_words(asked, words) == "again"


def test_attempts_come_to_an_end_for_every_course_that_four_meetings_can_take() -> None:
    ends: set[tuple[Outcome, int]] = set()

    def go_on(left_out: frozenset[str], attempt: int) -> None:
        asked = ballot(EVERYBODY - left_out)
        for spoken in product((YES, NO), repeat=len(MEMBERS)):
            words = words_of(*spoken)
            outcome = weigh_words(asked, words)
            if outcome != "again":
                ends.add((outcome, attempt))
            else:
                leaving = list_leaving(asked, words)
                assert leaving and not leaving & left_out
                go_on(left_out | leaving, attempt + 1)

    go_on(frozenset(), 0)
    assert max(attempt for _, attempt in ends) == len(MEMBERS) < READINGS_MAX
    assert {outcome for outcome, _ in ends} == {"in force", "not approved"}


def test_slots_differ_by_call_and_attempt() -> None:
    assert len({vote_slot(call, attempt) for call in (CALL, DIGEST) for attempt in range(3)}) == 6


def test_who_is_left_out_is_left_out_with_all_cards_and_nobody_else_is() -> None:
    _, economy = load(village())
    without = leave_out(economy, ["south", "mill"])
    assert [card.id for card in without.consumers] == ["north"]
    assert [card.id for card in without.workplaces] == ["farm", "oven", "import-milk"]
    assert leave_out(economy, []).digest == economy.digest
    with pytest.raises(RefusedError):
        leave_out(economy, ["north", "south", "mill", "oven", "farm"])

"""Which sets of words a node would close: every way a proposer may be wrong, and what no facilitator can do."""

import pytest

from node.use_cases.planning.rounds.voting import VoteSlot
from protocol.core.record import Record
from protocol.planning.call import Meeting, PlanApproval, format_set
from protocol.planning.facilitating.notices import Standing
from protocol.planning.ratifying.words import Ballot
from storage.log.record_index import IndexedRecord

ASH, BIRCH, CEDAR, DOGWOOD = MEMBERS = ("ash", "birch", "cedar", "dogwood")
DIGEST, SLOT, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
LEAVES = {name: bytes([10 + place]) * 32 for place, name in enumerate(MEMBERS)}
READING = 2
NOBODY = Standing()


def vote_of(*held: str) -> VoteSlot:
    """A vote of four, three must approve; these words, all approving, are held here."""
    ballot = Ballot(DIGEST, frozenset(MEMBERS), {}, 3, 0)
    slot = VoteSlot(READING, 1, SLOT, "plan.approval", frozenset(MEMBERS), frozenset(), 0.0, ballot=ballot)
    for name in held:
        word = PlanApproval(SLOT, 0, DIGEST, True, "", Meeting(3, 1, 0, True))
        record = Record(kind="plan.approval", seq=0, at=0, by=bytes(32), body={})
        slot.held[name] = IndexedRecord(name, 0, LEAVES[name], record, word, "")
    return slot


def set_of(*listed: str, **others: bytes | None) -> bytes:
    return format_set({name: LEAVES[name] if name in listed else None for name in MEMBERS} | others)


THREE = (ASH, BIRCH, CEDAR)
CASES: dict[str, tuple[tuple[str, ...], bytes, Standing, bool | None]] = {
    "enough approve, all held": (THREE, set_of(*THREE), NOBODY, True),
    "all approve": (MEMBERS, set_of(*MEMBERS), NOBODY, True),
    "a word is listed that is not here yet": (THREE, set_of(*MEMBERS), NOBODY, None),
    "a word that is here is called silent": (MEMBERS, set_of(*THREE), NOBODY, False),
    "another record than the first word": (THREE, set_of(*THREE, ash=OTHER), NOBODY, False),
    "a member is left out": (THREE, format_set({name: LEAVES[name] for name in THREE}), NOBODY, False),
    "too few have spoken": ((ASH, BIRCH), set_of(ASH, BIRCH), NOBODY, False),
    "too few, and the vote is ended": ((ASH, BIRCH), set_of(ASH, BIRCH), Standing(votes_ended=frozenset({2})), True),
    "too few, another vote is ended": ((ASH, BIRCH), set_of(ASH, BIRCH), Standing(votes_ended=frozenset({3})), False),
    "a facilitator sets a word aside": (THREE, set_of(*THREE), Standing(set_aside=frozenset({LEAVES[ASH]})), True),
    "no set at all": (THREE, b"\x80", NOBODY, False),
}


@pytest.mark.parametrize(("held", "content", "standing", "verdict"), CASES.values(), ids=CASES)
def test_a_set_of_words(held: tuple[str, ...], content: bytes, standing: Standing, verdict: bool | None) -> None:
    assert vote_of(*held).judge(content, standing) is verdict


def test_a_word_that_was_set_aside_is_proposed_all_the_same() -> None:
    aside = Standing(set_aside=frozenset({LEAVES[ASH]}))
    assert vote_of(*THREE).format_own_set(aside) == set_of(*THREE)

"""What counts as a vote, who proposes, and what two votes of one voter prove."""

import pytest

from protocol.federation.votes import (
    ROUNDS_MAX,
    BallotBox,
    DoubleVote,
    Precommit,
    Prevote,
    Proposal,
    Vote,
    add_vote,
    audit_double_votes,
    audit_vote,
    list_agreed_values,
    proposer,
    quorum,
)

SLOT = b"S" * 32
BREAD, MILK, EGGS = b"B" * 32, b"M" * 32, b"E" * 32
VOTERS = ("ash", "birch", "cedar", "dogwood")
LEADER = proposer(VOTERS, SLOT, 0)
OTHER = next(voter for voter in VOTERS if voter != LEADER)


def fill_box(*votes: Vote) -> BallotBox:
    box = BallotBox()
    for vote in votes:
        box = add_vote(box, vote)
    return box


@pytest.mark.parametrize(
    ("voter_count", "needed"),
    [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (10, 7), (100, 67), (128, 86)],
)
def test_a_quorum_is_more_than_two_thirds(voter_count: int, needed: int) -> None:
    assert quorum(voter_count) == needed
    assert 3 * needed > 2 * voter_count >= 3 * (needed - 1)


def test_everybody_proposes_once_in_as_many_rounds_as_there_are_voters() -> None:
    for slot in (bytes([number]) * 32 for number in range(16)):
        leaders = [proposer(VOTERS, slot, round_number) for round_number in range(4)]
        assert sorted(leaders) == list(VOTERS)
        assert proposer(VOTERS, slot, 4) == leaders[0]


def test_who_proposes_first_is_written_down() -> None:
    """A vector: other implementations must draw the same seats."""
    assert [proposer(VOTERS, bytes(32), number) for number in range(4)] == ["dogwood", "ash", "birch", "cedar"]
    assert proposer(tuple(reversed(VOTERS)), bytes(32), 0) == "dogwood"


@pytest.mark.parametrize(
    ("vote", "places"),
    [
        pytest.param(Prevote(SLOT, 0, None, OTHER), [], id="a prevote for nil counts"),
        pytest.param(Precommit(SLOT, ROUNDS_MAX - 1, BREAD, OTHER), [], id="the last round counts"),
        pytest.param(Proposal(SLOT, 0, BREAD, -1, LEADER), [], id="the leader proposes"),
        pytest.param(Proposal(SLOT, 0, BREAD, -1, OTHER), ["voter"], id="nobody else proposes"),
        pytest.param(Prevote(b"T" * 32, 0, None, OTHER), ["slot"], id="a vote for another slot does not count"),
        pytest.param(Prevote(SLOT, 0, None, "mallow"), ["voter"], id="a stranger has no vote"),
        pytest.param(Prevote(SLOT, ROUNDS_MAX, None, OTHER), ["round"], id="a round beyond the last does not count"),
        pytest.param(Prevote(SLOT, -1, None, OTHER), ["round"], id="a round before the first does not count"),
        pytest.param(Proposal(SLOT, 0, BREAD, 0, LEADER), ["valid_round"], id="no proposal rests on its own round"),
        pytest.param(Proposal(SLOT, 0, BREAD, -2, LEADER), ["valid_round"], id="no proposal rests on round -2"),
        pytest.param(Precommit(SLOT, 0, b"short", OTHER), ["value"], id="a value has 32 bytes"),
    ],
)
def test_which_votes_count(vote: Vote, places: list[str]) -> None:
    assert [finding.place for finding in audit_vote(vote, SLOT, VOTERS)] == places


def test_two_different_votes_in_one_step_are_proof_in_any_order() -> None:
    first, second = Prevote(SLOT, 0, None, "ash"), Prevote(SLOT, 0, BREAD, "ash")
    honest: list[Vote] = [
        Prevote(SLOT, 1, None, "ash"),
        Precommit(SLOT, 0, MILK, "ash"),
        Prevote(SLOT, 0, MILK, "birch"),
    ]
    evidence = audit_double_votes([first, *honest, first, second])
    assert len(evidence) == 1
    assert {evidence[0].first, evidence[0].second} == {first, second}
    assert audit_double_votes([second, first, *honest]) == evidence


def test_one_vote_seen_twice_is_no_double_vote() -> None:
    vote = Precommit(SLOT, 0, BREAD, "ash")
    assert audit_double_votes([vote, Precommit(SLOT, 0, BREAD, "ash"), vote]) == []


def test_two_proposals_that_differ_in_the_round_they_rest_on_are_a_double_vote() -> None:
    pair = (Proposal(SLOT, 2, BREAD, 0, "ash"), Proposal(SLOT, 2, BREAD, -1, "ash"))
    found = audit_double_votes(pair)
    assert len(found) == 1
    assert isinstance(found[0], DoubleVote)


def test_a_third_vote_in_one_step_is_not_kept() -> None:
    box = fill_box(*(Prevote(SLOT, 0, value, "ash") for value in (BREAD, MILK, EGGS, None)))
    assert len(box.list_votes()) == 2


@pytest.mark.parametrize("pair", [(BREAD, MILK), (BREAD, None), (None, BREAD)])
def test_whoever_votes_twice_counts_for_every_value(pair: tuple[bytes | None, bytes | None]) -> None:
    box = fill_box(*(Precommit(SLOT, 0, value, "ash") for value in pair), Precommit(SLOT, 0, EGGS, "birch"))
    assert box.list_supporters(0, "precommit", EGGS) == ["ash", "birch"]
    assert EGGS in list_agreed_values(box, 0, "precommit", 2)


def test_votes_of_another_round_or_kind_do_not_add_up() -> None:
    box = fill_box(
        Precommit(SLOT, 0, BREAD, "ash"), Precommit(SLOT, 1, BREAD, "birch"), Prevote(SLOT, 0, BREAD, "cedar")
    )
    assert list_agreed_values(box, 0, "precommit", 2) == []
    assert list_agreed_values(box, 0, "precommit", 1) == [BREAD]


def test_nil_is_never_an_agreed_value() -> None:
    box = fill_box(*(Precommit(SLOT, 0, None, voter) for voter in VOTERS))
    assert list_agreed_values(box, 0, "precommit", 1) == []

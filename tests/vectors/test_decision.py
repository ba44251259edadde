"""The vectors of a decision: votes as records, what does not count, and one voter's story step by step."""

from itertools import permutations
from typing import Any

import pytest

from protocol.core.encoding import decode, to_struct
from protocol.federation import decision
from protocol.federation.decision import Vote, audit_vote, handle, is_closed, open_decision, proposer, quorum
from protocol.federation.vote_records import VOTE_KINDS, hash_content, vote_of
from tests.protocol.core.values import load_vectors

VECTORS = load_vectors("federation/decision.json")
VOTERS, SLOT = VECTORS["voters"], VECTORS["slot"]


def test_seats_and_quorums_are_those_of_the_file() -> None:
    assert [proposer(VOTERS, SLOT, number) for number in range(len(VECTORS["proposers"]))] == VECTORS["proposers"]
    assert {str(count): quorum(int(count)) for count in VECTORS["quorum_of_voters"]} == VECTORS["quorum_of_voters"]
    assert hash_content(VECTORS["content"]) == VECTORS["value"]


def test_the_votes_close_the_slot_with_the_last_precommit() -> None:
    votes = [read_record(row) for row in VECTORS["counted"]]
    closed = [is_closed(votes[:count], VOTERS) for count in range(len(votes) + 1)]
    assert closed == VECTORS["closed_after"] == [None] * len(votes) + [VECTORS["value"]]
    assert {is_closed(order, VOTERS) for order in permutations(votes[-3:])} == {VECTORS["value"]}


def test_the_proposal_on_the_page_names_the_hash_of_its_content() -> None:
    shown = load_vectors("kinds/federation.json")["records"]
    bodies = [row["body"] for row in shown if row["kind"] == "decision.proposal"]
    assert [hash_content(body["content"]) for body in bodies] == [body["value"] for body in bodies] != []


@pytest.mark.parametrize("row", VECTORS["uncounted"], ids=lambda row: row["says"])
def test_a_vote_that_does_not_count_says_where(row: dict[str, Any]) -> None:
    assert [finding.place for finding in audit_vote(build(row["vote"]), SLOT, VOTERS)] == row["at"]


@pytest.mark.parametrize("story", VECTORS["stories"], ids=lambda story: story["says"])
def test_a_voter_does_what_the_story_says(story: dict[str, Any]) -> None:
    state = open_decision(story["voter"], VOTERS, SLOT)
    for step in story["steps"]:
        state, actions = handle(state, build(step["event"]))
        assert list(actions) == [build(action) for action in step["actions"]]


def read_record(row: dict[str, Any]) -> Vote:
    body: Any = to_struct(decode(row["body"]), VOTE_KINDS[row["kind"]])
    vote = vote_of(body, row["log"])
    assert vote is not None and audit_vote(vote, SLOT, VOTERS) == []
    return vote


def build(fields: dict[str, Any]) -> Any:
    """The event, action or vote of its fields; `is` names it."""
    values = {name: build_value(value) for name, value in fields.items() if name != "is"}
    return getattr(decision, fields["is"])(**values)


def build_value(value: Any) -> Any:
    if isinstance(value, dict):
        return build(value)
    return tuple(build(one) for one in value) if isinstance(value, list) else value

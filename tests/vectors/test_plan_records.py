"""The vectors of what is said about a plan, read by the rules alone: sets, cards, answers, words, notices."""

from typing import Any

import msgspec
import pytest

from protocol.core.encoding import to_struct
from protocol.planning.call import PlanAnswer, PlanApproval, PlanCards, format_set, judge_set, parse_set, round_slot
from protocol.planning.cards import CardTerms
from protocol.planning.contributions import audit_answer, audit_cards
from protocol.planning.facilitating.notices import PlanNotice, apply_notices
from protocol.planning.ratifying.words import Ballot, is_ripe, list_leaving, vote_slot, weigh_words
from protocol.planning.rounds import start_state
from tests.protocol.core.values import load_vectors
from tests.vectors.test_rounds import OPEN, read_economy

SETS, SAID = load_vectors("planning/sets.json"), load_vectors("planning/contributions.json")
WORDS, NOTICES = load_vectors("planning/words.json"), load_vectors("planning/notices.json")


def test_rounds_and_votes_have_their_slots() -> None:
    for row in SETS["round_slots"]:
        assert round_slot(SETS["call"], row["reading"], row["round"]) == row["slot"]
    for row in SETS["vote_slots"]:
        assert vote_slot(SETS["call"], row["attempt"]) == row["slot"]


def test_a_set_says_again_who_was_listed() -> None:
    assert parse_set(SETS["set"]) == SETS["listed"]
    assert format_set(SETS["listed"]) == SETS["set"]


@pytest.mark.parametrize("row", SETS["judged"], ids=lambda row: row["says"])
def test_a_voter_judges_a_set(row: dict[str, Any]) -> None:
    participants, in_time = frozenset(SETS["participants"]), frozenset(SETS["held_in_time"])
    assert judge_set(row["set"], participants, SETS["held"], in_time) is row["accepts"]


@pytest.mark.parametrize("row", SAID["cards"], ids=lambda row: row["says"])
def test_cards_count_or_say_where_they_do_not(row: dict[str, Any]) -> None:
    terms = msgspec.convert(SAID["terms"], CardTerms)
    body, table = to_struct(row["body"], PlanCards), read_economy(OPEN).table
    found = audit_cards(SAID["origin"], body, table, SAID["people"], terms)
    assert [finding.place for finding in found] == row["at"]


@pytest.mark.parametrize("row", SAID["answers"], ids=lambda row: row["says"])
def test_an_answer_counts_or_says_where_it_does_not(row: dict[str, Any]) -> None:
    economy = read_economy(OPEN)
    found = audit_answer(SAID["origin"], to_struct(row["body"], PlanAnswer), economy, start_state(economy))
    assert [finding.place for finding in found] == row["at"]


def test_words_come_to_what_the_file_says() -> None:
    words = {says: None if body is None else to_struct(body, PlanApproval) for says, body in WORDS["words"].items()}
    assert {row["outcome"] for row in WORDS["outcomes"]} == {"in force", "again", "not approved"}
    for row in WORDS["outcomes"]:
        owners = frozenset(row["owners"])
        ballot = Ballot(WORDS["draft"], owners, WORDS["people"], WORDS["needed"], row["people_needed"])
        said = {name: words[word] for name, word in row["words"].items()}
        assert weigh_words(ballot, said) == row["outcome"], row
        assert (sorted(list_leaving(ballot, said)), is_ripe(ballot, said)) == (row["leaving"], row["may_close"]), row


def test_notices_come_to_what_the_file_says_whoever_is_heard_first() -> None:
    spoken = {name: tuple(to_struct(body, PlanNotice) for body in said) for name, said in NOTICES["spoken"].items()}
    for heard in (spoken, dict(reversed(spoken.items()))):
        found = apply_notices(heard, NOTICES["facilitators"])
        assert {
            "called_off_by": list(found.called_off_by),
            "paused_by": list(found.paused_by),
            "waits_ms": [[*place, wait_ms] for place, wait_ms in sorted(found.waits_ms.items())],
            "ended": [list(place) for place in sorted(found.ended)],
            "set_aside": sorted(found.set_aside),
            "votes_ended": sorted(found.votes_ended),
        } == NOTICES["standing"]

"""Which batches a call runs: the repair that everybody works out alike, the best of what is proposed, and no worse."""

import random
from dataclasses import replace

import pytest

from protocol.planning.audit.minutes import MINUTES_FORMAT, Minutes, ReadingMinutes, RoundMinutes, format_minutes
from protocol.planning.audit.replay import Played, audit_replay, conclude_replay, replay_minutes
from protocol.planning.batches.candidate import judge_candidate, make_candidate
from protocol.planning.batches.candidate_record import PlanCandidate, candidate_slot
from protocol.planning.batches.counts import audit_candidate, audit_counts, list_counts, read_candidates, read_counts
from protocol.planning.batches.reading import BatchReading, begin_batches
from protocol.planning.batches.repair import repair_batches
from protocol.planning.call import round_slot
from protocol.planning.cards import MICRO
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan, parse_plan
from protocol.planning.rounds import Answer, RoundReport
from protocol.planning.state import State
from tests.protocol.planning.batches.test_batches import levels, lumpy_village
from tests.protocol.planning.economies import load, plan_rounds

Said = dict[str, Answer | None]
Ended = tuple[Economy, State, Plan, RoundReport]
PARAMETERS: dict[str, str | int] = {"call": "made up"}
# The mill's batches, then the oven's, as the page's example has them.
REPAIRED, POORER = (5, 3), (5, 1)
LIES = ((40, 3), (5, 4), (2, 3), (0, 0), (1, 3), (5, 3, 1), (5,))


@pytest.fixture(scope="module")
def ended() -> Ended:
    """The lumpy village's last round and its draft."""
    file, economy = load(lumpy_village())
    state, reports = plan_rounds(file, economy)
    plan = make_plan(economy, state, clear_plan(economy, state), reports[-1], {**PARAMETERS, "reading": 1})
    return economy, state, plan, reports[-1]


def decide(ended: Ended, said: dict[str, tuple[int, ...]]) -> BatchReading:
    economy, state, draft, _ = ended
    counted = {name: counts for name, counts in said.items() if not audit_counts(draft, counts)}
    found = begin_batches(economy, state, draft, read_candidates(draft, counted))
    assert found is not None
    return found


def test_the_repair_is_the_page_s_and_follows_from_the_document_alone(
    ended: Ended,
) -> None:
    draft = ended[2]
    assert repair_batches(draft) == {
        "farm": (0,),
        "import-milk": (0,),
        "mill": (5 * 10 * MICRO,),
        "oven": (60 * MICRO,),
    }
    assert list_counts(draft, repair_batches(parse_plan(format_plan(draft)))) == REPAIRED


def test_what_does_not_hold_or_is_poorer_than_the_repair_changes_nothing(
    ended: Ended,
) -> None:
    alone = decide(ended, {})
    assert list_counts(ended[2], alone.candidate.activity) == REPAIRED and alone.found_by == ()
    lied = decide(ended, {f"liar {place}": lie for place, lie in enumerate((*LIES, POORER))})
    assert (lied.candidate, lied.found_by) == (alone.candidate, ())
    assert audit_counts(ended[2], (1, 3))[0].reason.startswith("technique 1 is not worth")
    assert [one.place for one in audit_counts(ended[2], (40, 3))] == ["batches.mill"]
    assert len(audit_counts(ended[2], (5, 3, 1))) == 1 == len(audit_counts(ended[2], (5,)))


def test_a_better_one_is_taken_whoever_else_speaks_and_in_whatever_order(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocol.planning.batches.reading.repair_batches", lambda draft: levels(oven=1, mill=5))
    said = {"north": REPAIRED, "south": REPAIRED, "liar": (2, 3), "quay": POORER, "silent": ()}
    expected = decide(ended, said)
    assert expected.found_by == ("north", "south")
    for seed in range(3):
        rows = list(said.items())
        random.Random(seed).shuffle(rows)
        assert decide(ended, dict(rows)).candidate == expected.candidate
    assert decide(ended, {}).candidate != expected.candidate


def test_where_nothing_holds_nothing_is_decided(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.planning.batches.reading.repair_batches", lambda draft: levels(oven=0, mill=0))
    economy, state, draft, _ = ended
    assert begin_batches(economy, state, draft, {}) is None
    assert begin_batches(economy, state, draft, read_candidates(draft, {"liar": (2, 3)})) is None


def test_rounds_without_an_end_leave_the_candidate(ended: Ended) -> None:
    found = decide(ended, {})
    far = replace(ended[3], is_close_enough=False)
    assert found.conclude(found.start, []) == found.conclude(found.start, [far]) == found.candidate
    assert judge_candidate(found.draft, found.candidate).findings == ()


def test_a_candidate_speaks_of_one_draft_in_the_slot_where_others_have_the_cards(
    ended: Ended,
) -> None:
    draft, digest = ended[2], digest_plan(format_plan(ended[2]))
    nothing = PlanCandidate(b"\x11" * 32, 2, digest, ())
    body = PlanCandidate(b"\x11" * 32, 2, digest, REPAIRED)
    assert audit_candidate(body, draft, digest) == [] == audit_candidate(nothing, draft, digest)
    assert [one.place for one in audit_candidate(body, draft, bytes(32))] == ["draft"]
    assert candidate_slot(body) == round_slot(b"\x11" * 32, 2, 0)
    assert list_counts(draft, read_counts(draft, REPAIRED)) == REPAIRED


def test_minutes_with_candidates_lead_to_the_plan_and_others_do_not(
    ended: Ended,
) -> None:
    rounds: list[RoundMinutes] = []

    def keep(state: State, answers: Said) -> Said:
        rounds.append(RoundMinutes({name: one.quantities for name, one in answers.items() if one is not None}))
        return answers

    file, economy = load(lumpy_village())
    plan_rounds(file, economy, change=keep)
    cards = ReadingMinutes(economy.consumers, economy.workplaces[: economy.answering], tuple(rounds))
    said = {"liar": (2, 3), "north": REPAIRED, "quay": ()}
    minutes = Minutes(MINUTES_FORMAT, economy.table, PARAMETERS, (cards, ReadingMinutes((), (), (), (), said)), {})
    replayed = replay_minutes(minutes)
    draft, chosen = conclude_replay(minutes, replayed[:1]), replayed[1].batches
    assert chosen is not None and chosen.draft == draft and chosen.found_by == ("north",)
    plan = conclude_replay(minutes, replayed)
    assert plan == make_candidate(draft, read_counts(draft, REPAIRED)), "no further rounds were played"
    assert audit_replay(Played(minutes, replayed, plan)) == [] and b'"candidates":{' in format_minutes(minutes)
    other = make_candidate(draft, read_counts(draft, POORER))
    assert "activity.oven" in [one.place for one in audit_replay(Played(minutes, replayed, other))]

"""A plan tried out on an economy file: what it answers, and that it answers the same again."""

import json
from typing import Any

import msgspec
import pytest

from node.clock import Clock
from node.use_cases.planning.trials.result import TrialResult
from node.use_cases.planning.trials.trial import Trial, TrialTerms, check_terms, run_trial
from protocol.core.errors import RefusedError
from protocol.planning.economy_file import read_economy
from tests.protocol.planning.economies import region, village

ANSWERED = {
    "rounds", "converged", "worst_good", "worst_good_id", "worst_good_by_round", "gap_percent_of_credits", "prices",
    "consumption", "activity", "welfare", "seconds", "bytes_per_round", "bytes_per_round_with_heads", "certificate",
}  # fmt: skip


def tried(
    document: dict[str, Any], terms: TrialTerms | None = None, start: bytes | None = None, ppm: int = 1000
) -> Trial:
    return run_trial(read_economy(document, ppm), terms or TrialTerms(), Clock(), start)


def without_time(trial: Trial) -> TrialResult:
    return msgspec.structs.replace(trial.result, seconds=0.0)


def test_the_village_is_planned_and_the_answer_is_plain_json() -> None:
    result = tried(village()).result
    written = msgspec.json.encode(result)
    assert json.loads(written).keys() == ANSWERED
    assert msgspec.json.decode(written, type=TrialResult) == result
    assert result.converged and result.worst_good <= 0.001
    assert result.certificate.holds and result.certificate.worst_balance == 0
    assert 0 < result.gap_percent_of_credits < 0.1
    assert result.worst_good_by_round[-1] == result.worst_good
    assert result.activity["oven"] == ("70",)
    assert float(result.consumption["north"]["bread"]) > 5


def test_the_same_file_gives_the_same_plan_in_any_order() -> None:
    document, backwards = region(3, eaten=20), region(3, eaten=20)
    for side in ("consumers", "workplaces"):
        backwards[side] = backwards[side][::-1]
    first, again, other = (tried(one, ppm=10_000) for one in (document, document, backwards))
    assert without_time(first) == without_time(again)
    assert first.saved == again.saved == other.saved
    assert first.result.certificate.digest == other.result.certificate.digest


def test_a_tenth_of_all_answers_lost_is_survived_and_the_seed_says_which() -> None:
    lost = [tried(region(3, eaten=20), TrialTerms(silent_ppm=100_000, seed=seed), ppm=10_000) for seed in (1, 1, 2)]
    assert all(trial.result.converged for trial in lost)
    assert lost[0].saved == lost[1].saved != lost[2].saved


def test_a_saved_state_starts_the_next_plan_warm() -> None:
    cold = tried(region(3, eaten=20), ppm=10_000)
    changed = region(3, eaten=20)
    for nest in changed["consumers"][0]["nests"]:
        nest["credits"] = str(round(float(nest["credits"]) * 1.05, 4))
    warm = tried(changed, start=cold.saved, ppm=10_000)
    assert warm.result.converged
    assert warm.result.rounds < cold.result.rounds


def test_rounds_that_are_too_few_are_said_to_be() -> None:
    result = tried(village(), TrialTerms(rounds_most=2)).result
    assert (result.rounds, result.converged) == (2, False)
    assert result.certificate.holds


def test_floors_that_cannot_be_met_are_named_with_how_much() -> None:
    document = village()
    document["consumers"][0]["nests"][0]["goods"]["bread"]["floor"] = "95"
    with pytest.raises(RefusedError, match=r"bread: 27(\.\d+)? KGM of the basic needs cannot be met"):
        tried(document)


@pytest.mark.parametrize("terms", [TrialTerms(rounds_most=0), TrialTerms(rounds_most=1001)])
def test_terms_that_there_cannot_be_are_refused(terms: TrialTerms) -> None:
    with pytest.raises(RefusedError):
        check_terms(terms)

"""A trial with whole batches: what is decided stands, people answer again, and what it costs is said."""

import math
from typing import Any

import msgspec
import pytest

from node.clock import Clock
from node.use_cases.planning.trials.result import TrialResult
from node.use_cases.planning.trials.trial import Trial, TrialTerms, run_trial
from protocol.core.errors import RefusedError
from protocol.planning.batches.sizes import DRAFT, audit_batches
from protocol.planning.certificate import all_workplaces
from protocol.planning.economy_file import read_economy
from tests.protocol.planning.batches.test_batches import lumpy_village
from tests.protocol.planning.economies import region

WAIT_S = 1.0


def tried(document: dict[str, Any], **terms: Any) -> Trial:
    return run_trial(read_economy(document, 1_000), TrialTerms(**{"batches_wait_s": WAIT_S, **terms}), Clock())


def lumpy_region(seed: int) -> dict[str, Any]:
    """The made-up region, every workplace in batches of a twentieth of its capacity, imports as they come."""
    document = region(seed, eaten=9)
    for workplace in document["workplaces"]:
        if not workplace["id"].startswith("import-"):
            for technique in workplace["techniques"]:
                technique["batch"] = f"{float(workplace['capacity']) / 20 - 0.001:.3f}"
    return document


def test_the_villages_plan_keeps_batches_and_says_what_they_cost() -> None:
    trial = tried(lumpy_village())
    told, result = trial.result.batches, trial.result
    assert told is not None
    assert msgspec.json.decode(msgspec.json.encode(result), type=TrialResult) == result
    assert result.certificate.holds and told.converged and told.loss_percent > 0
    assert trial.plan.parameters[DRAFT] == told.draft and trial.plan.rounds == result.rounds + told.rounds
    assert result.activity["oven"] == ("60",) and result.activity["mill"] == ("50",)
    assert [(row.card, row.batches) for row in told.techniques] == [("mill", 5), ("oven", 3)]
    worse = -100 * math.log1p(-told.loss_percent / 100)
    assert worse < result.gap_percent_of_credits == told.gap_percent < worse + 0.1
    without = tried(lumpy_village(), batches_wait_s=0.0)
    assert without.result.batches is None and without.result.activity["oven"] == ("70",)
    assert without.result.certificate.digest == told.draft
    assert without.result.welfare == told.draft_welfare > result.welfare


def test_answering_again_gives_back_most_of_what_batches_cost() -> None:
    trial = tried(lumpy_region(3))
    told = trial.result.batches
    assert told is not None and trial.result.certificate.holds
    assert audit_batches(all_workplaces(trial.plan), trial.plan.activity) == []
    at_most = -100 * told.value_micro / sum(nest.credits_micro for card in trial.plan.consumers for nest in card.nests)
    assert 0 < told.loss_percent < at_most


@pytest.mark.parametrize("terms", [{"silent_ppm": 200_000, "seed": 3}, {"mode": "private"}])
def test_lost_answers_and_private_recipes_go_together_with_batches(terms: dict[str, Any]) -> None:
    document = lumpy_village()
    if terms.get("mode"):
        document["workplaces"][2]["recipes"] = "private"
        terms = {}
    result = tried(document, **terms).result
    assert result.certificate.holds and result.activity["oven"] == ("60",)


def test_who_keeps_recipes_private_stays_at_what_was_answered() -> None:
    document = lumpy_village()
    document["workplaces"][2]["recipes"] = "private"
    trial = tried(document)
    draft = tried(document, batches_wait_s=0.0)
    assert trial.plan.activity["farm"] == draft.plan.activity["farm"]
    assert trial.plan.workplaces == draft.plan.workplaces


@pytest.mark.parametrize("wait_s", [-1.0, 601.0, float("nan")])
def test_an_impossible_wait_is_refused(wait_s: float) -> None:
    with pytest.raises(RefusedError, match="wait"):
        tried(lumpy_village(), batches_wait_s=wait_s)

"""What the solvers find, against every possibility there is, and that it counts only after the check."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import msgspec
import pytest

from node.solvers import best_batches
from node.use_cases.planning.batches.batching import batch_plan, find_candidates, search_levels
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import judge_candidate, make_candidate
from protocol.planning.batches.repair import repair_batches, round_batches
from protocol.planning.batches.sizes import audit_batches
from protocol.planning.cards import MICRO
from protocol.planning.certificate import all_workplaces, capacity_used, measure_left
from protocol.planning.plan import Plan
from tests.protocol.planning.economies import finished_plan, load, village

CREDITS_MICRO = 240 * MICRO
WAIT_S = 2.0
COUNTS_NEAR = 3
HOUSES: list[dict[str, tuple[str, ...]]] = [
    {"mill": ("10", "2"), "oven": ("20", "0")},
    {"mill": ("7", "0"), "oven": ("9", "0"), "farm": ("30", "2")},
    {"oven": ("35", "0"), "farm": ("25", "0")},
    {"mill": ("15", "3"), "farm": ("60", "0")},
    {"mill": ("7", "0", "0.5"), "oven": ("9", "0", "30")},
]
SAID = ("batch", "batches_least", "setup")


def lumpy(sizes: Mapping[str, tuple[str, ...]]) -> Plan:
    """The village's draft with these batches."""
    document = village()
    for workplace in document["workplaces"]:
        if workplace["id"] in sizes:
            workplace["techniques"][0] |= dict(zip(SAID, sizes[workplace["id"]], strict=False))
    return finished_plan(*load(document))


def everything(draft: Plan) -> Iterator[dict[str, tuple[int, ...]]]:
    """Every number of batches that there can be near the draft, for every technique."""
    choices = []
    for card in draft.workplaces:
        technique, level = card.techniques[0], draft.activity[card.id][0]
        most = card.capacity // technique.batch if technique.batch else 0
        counts = [one for one in range(most + 1) if one == 0 or one >= technique.batches_least]
        by_distance = sorted((abs(one * technique.batch - level), one) for one in counts)
        choices.append([(card.id, (one * technique.batch,)) for _, one in by_distance[:COUNTS_NEAR]])
    for chosen in product(*choices):
        yield dict(chosen)


def best_of_all(draft: Plan) -> int:
    """The highest value that any candidate of this form has."""
    found = []
    for levels in everything(draft):
        try:
            judged = judge_candidate(draft, make_candidate(draft, levels))
        except RefusedError:
            continue
        found += [] if judged.findings else [judged.value_micro]
    return max(found)


@pytest.mark.parametrize("sizes", HOUSES)
def test_what_is_found_comes_near_the_best_there_is(sizes: dict[str, tuple[str, ...]]) -> None:
    pytest.importorskip("highspy", reason="the extra plan is not installed")
    draft = lumpy(sizes)
    best = best_of_all(draft)
    for candidate in (batch_plan(draft, WAIT_S), make_candidate(draft, repair_batches(draft))):
        judged = judge_candidate(draft, candidate)
        assert judged.findings == ()
        assert judged.value_micro <= best
        assert best - judged.value_micro <= CREDITS_MICRO // 200


def test_without_highs_the_repair_still_finds_what_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_batches, "load_highs", lambda: None)
    for sizes in HOUSES:
        draft = lumpy(sizes)
        assert search_levels(draft, repair_batches(draft), WAIT_S) is None
        (candidate,) = find_candidates(draft, WAIT_S)
        assert candidate == make_candidate(draft, repair_batches(draft))


def test_rounding_alone_keeps_batches_and_little_else() -> None:
    draft = lumpy(HOUSES[0])
    near = round_batches(draft)
    assert near == levels_of(draft, mill=5, oven=4)
    assert round_batches(draft, downward=True) == levels_of(draft, mill=4, oven=3)
    with pytest.raises(RefusedError):
        make_candidate(draft, near)


def levels_of(draft: Plan, **batches: int) -> dict[str, Any]:
    cards = [*draft.workplaces, *draft.goods_table.trade]
    return {card.id: (batches.get(card.id, 0) * card.techniques[0].batch,) for card in cards}


def test_a_repair_moves_one_batch_at_a_time_and_ends() -> None:
    for sizes in HOUSES:
        draft = lumpy(sizes)
        done = msgspec.structs.replace(draft, activity=repair_batches(draft))
        assert audit_batches(all_workplaces(done), done.activity) == []
        assert all(0 <= capacity_used(done, card) <= card.capacity * MICRO for card in all_workplaces(done))
        assert repair_batches(draft) == done.activity


def test_a_plan_without_batches_is_told_so() -> None:
    with pytest.raises(RefusedError, match="comes in batches"):
        batch_plan(finished_plan(*load(village())), WAIT_S)
    with pytest.raises(RefusedError, match="wait"):
        batch_plan(lumpy(HOUSES[0]), 0.0)


def test_what_nobody_pays_for_is_not_used_twice_either() -> None:
    pytest.importorskip("highspy", reason="the extra plan is not installed")
    document = village()
    document["goods"][3]["endowment"] = "24.7"
    document["workplaces"][2]["techniques"][0] |= {"batch": "35"}
    draft = finished_plan(*load(document))
    hours = next(place for place, good in enumerate(draft.goods_table.goods) if good.id == "hours")
    assert draft.prices[hours] == 0
    found = search_levels(draft, repair_batches(draft), WAIT_S)
    assert found is not None
    done = msgspec.structs.replace(draft, activity=draft.activity | {"farm": found["farm"]})
    assert measure_left(done)[hours] >= 0

"""Batches: which cards may name them, which plans keep them, what a candidate is worth, and which one is taken."""

import math
import random
from itertools import product
from typing import Any

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.audit.cards import audit_cards
from protocol.planning.audit.columns import read_cards
from protocol.planning.batches.candidate import (
    SHARE_BITS,
    _log2,
    _measure_effort,
    choose_candidate,
    judge_candidate,
    make_candidate,
    name_draft,
)
from protocol.planning.batches.pinned import MARGINS_BITS, pin_batches
from protocol.planning.batches.repair import _Ledger
from protocol.planning.batches.sizes import DRAFT, audit_batches, has_batches, keeps_batches
from protocol.planning.card_rules import audit_workplace_card
from protocol.planning.cards import MICRO, Technique, WorkplaceCard
from protocol.planning.certificate import check_certificate
from protocol.planning.economy import build_economy
from protocol.planning.economy_file import read_economy
from protocol.planning.plan import Plan, format_plan, parse_plan
from protocol.planning.simulation.members import gather_members
from tests.protocol.planning.economies import finished_plan, load, region, village

BATCH = 10 * MICRO


def lumpy_village() -> dict[str, Any]:
    """The village with an oven that bakes 20 kg at once, and a mill that is set up for 20 kg or not at all."""
    document = village()
    mill, oven = document["workplaces"][0], document["workplaces"][1]
    mill["techniques"][0] |= {"batch": "10", "batches_least": "2"}
    oven["techniques"][0] |= {"batch": "20"}
    return document


@pytest.fixture(scope="module")
def draft() -> Plan:
    """The lumpy village's plan before anybody thought of batches."""
    return finished_plan(*load(lumpy_village()))


def levels(oven: int, mill: int) -> dict[str, tuple[int, ...]]:
    return {"oven": (oven * 20 * MICRO,), "mill": (mill * 10 * MICRO,)}


@pytest.mark.parametrize(
    ("batch", "least", "level", "kept"),
    [
        (0, 0, 7, True),
        (BATCH, 0, 0, True),
        (BATCH, 0, BATCH, True),
        (BATCH, 0, BATCH + 1, False),
        (BATCH, 0, BATCH - 1, False),
        (BATCH, 3, 2 * BATCH, False),
        (BATCH, 3, 3 * BATCH, True),
        (BATCH, 3, 4 * BATCH, True),
        (BATCH, 3, 0, True),
    ],
)
def test_a_level_is_none_or_whole_batches_and_enough_of_them(batch: int, least: int, level: int, kept: bool) -> None:
    technique = Technique(((0, -MICRO),), MICRO, batch, least)
    assert keeps_batches(technique, level) is kept
    card = WorkplaceCard("oven", 100 * MICRO, 0, (technique,))
    assert [one.place for one in audit_batches((card,), {"oven": (level,)})] == (
        [] if kept else ["batches.oven.techniques[0]"]
    )


@pytest.mark.parametrize(
    ("batch", "least", "place"),
    [
        (-1, 0, "batch"),
        (10**15 + 1, 0, "batch"),
        (101 * MICRO, 0, "batch"),
        (51 * MICRO, 2, "batch"),
        (BATCH, 1, "batches_least"),
        (BATCH, -2, "batches_least"),
        (BATCH, 10**6 + 1, "batches_least"),
        (0, 2, "batch"),
    ],
)
def test_a_batch_that_could_never_be_done_is_refused_with_its_place(batch: int, least: int, place: str) -> None:
    table = read_economy(village()).table
    card = WorkplaceCard("oven", 100 * MICRO, 0, (Technique(((0, -MICRO),), MICRO, batch, least),))
    assert [one.place for one in audit_workplace_card(table, card)] == [f"oven.techniques[0].{place}"]
    fitting = Technique(((0, -MICRO),), MICRO, 50 * MICRO, 2)
    assert audit_workplace_card(table, WorkplaceCard("oven", 100 * MICRO, 0, (fitting,))) == []


@pytest.mark.parametrize(
    ("field", "written"),
    [("batch", "-1"), ("batch", "0.0000001"), ("batch", 3), ("batches_least", "2.5"), ("batches_least", "x")],
)
def test_a_file_with_an_impossible_batch_is_refused_with_its_place(field: str, written: object) -> None:
    document = lumpy_village()
    document["workplaces"][1]["techniques"][0][field] = written
    with pytest.raises(RefusedError) as refusal:
        read_economy(document)
    assert refusal.value.findings[0].place == f"workplaces.oven.techniques[0].{field}"


def test_setting_up_weighs_in_value_gap_welfare_and_repair(draft: Plan) -> None:
    document, setup = lumpy_village(), 7 * MICRO
    document["workplaces"][1]["techniques"][0]["setup"] = "7"
    file, economy = load(document)
    dear = finished_plan(file, economy)
    oven = next(card for card in dear.workplaces if card.id == "oven")
    assert oven.techniques[0].setup_micro == setup and dear.activity == draft.activity
    baked, none = ({"oven": (batches * 20 * MICRO,), "mill": (0,)} for batches in (1, 0))
    plain, weighed = (msgspec.structs.replace(one, activity=one.activity | none) for one in (draft, dear))
    assert _measure_effort(dear, weighed) == _measure_effort(draft, plain) - setup
    plain, weighed = (msgspec.structs.replace(one, activity=one.activity | baked) for one in (draft, dear))
    assert _measure_effort(dear, weighed) == _measure_effort(draft, plain), "both do some"
    gaps = [check_certificate(one, {}).known_gap_micro for one in (draft, dear)]
    assert gaps[1] - gaps[0] == setup
    ledgers = _Ledger(draft), _Ledger(dear)
    costs = [ledger.cost_change(ledger.works[1], 1) for ledger in ledgers]
    assert ledgers[1].works[1].technique == oven.techniques[0]
    assert costs[1] - costs[0] == setup * MICRO**2
    members = gather_members(economy, file.tastes, file.efforts)
    assert members.welfare(draft) - members.welfare(dear) == pytest.approx(setup / MICRO)
    assert parse_plan(format_plan(dear)) == dear


@pytest.mark.parametrize(
    ("batch", "setup", "places"), [(BATCH, 10**15, []), (BATCH, -1, ["setup_micro"]), (0, 5, ["batch"])]
)
def test_setting_up_is_said_of_batches_only(batch: int, setup: int, places: list[str]) -> None:
    table, council = read_economy(village()).table, read_economy(village()).consumers
    card = WorkplaceCard("oven", 100 * MICRO, 0, (Technique(((0, -MICRO),), MICRO, batch, 0, setup),))
    expected = [f"oven.techniques[0].{place}" for place in places]
    assert [one.place for one in audit_workplace_card(table, card)] == expected
    assert [one.place for one in audit_cards(table, council, [card], read_cards(council, [card]))] == expected


def test_a_card_without_batches_is_the_card_it_always_was() -> None:
    plain = load(village())[1]
    assert not has_batches(plain.workplaces) and b"batch" not in msgspec.json.encode(plain.workplaces)
    assert plain.digest != load(lumpy_village())[1].digest


def test_a_candidate_keeps_batches_and_holds_to_the_last_unit(draft: Plan) -> None:
    candidate = make_candidate(draft, levels(3, 5))
    found = judge_candidate(draft, candidate)
    assert found.findings == () and found.value_micro < 0
    assert candidate.activity["oven"] == (60 * MICRO,) and candidate.activity["mill"] == (50 * MICRO,)
    assert parse_plan(format_plan(candidate)) == candidate
    assert make_candidate(draft, levels(3, 5)) == candidate


def test_batches_that_leave_a_need_unmet_make_no_candidate(draft: Plan) -> None:
    with pytest.raises(RefusedError, match="flour"):
        make_candidate(draft, levels(3, 0))


def _with(plan: Plan, **fields: Any) -> Plan:
    return msgspec.structs.replace(plan, **fields)


def test_candidates_that_lie_are_refused_with_place_and_reason(draft: Plan) -> None:
    true = make_candidate(draft, levels(3, 5))
    north, south = true.consumption["north"], true.consumption["south"]
    half = _with(true, activity=true.activity | {"oven": (50 * MICRO,)})
    lies = {
        "batches.oven.techniques[0]": half,
        "batches.mill.techniques[0]": _with(true, activity=true.activity | {"mill": (49 * MICRO,)}),
        "capacity.oven": _with(true, activity=true.activity | {"oven": (80 * MICRO,)}),
        "balance.bread": _with(true, consumption=true.consumption | {"south": (south[0] + 20_000, south[1])}),
        "balance.flour": _with(true, activity=true.activity | {"mill": (40 * MICRO,)}),
        "floor.north.bread": _with(true, consumption=true.consumption | {"north": (4_999, north[1])}),
        "activity.oven": _with(true, activity=true.activity | {"oven": (-20 * MICRO,)}),
        "prices": _with(true, prices=tuple(price // 2 for price in true.prices)),
        "workplaces": _with(true, workplaces=true.workplaces[:-1]),
        "parameters": _with(true, parameters=draft.parameters),
    }
    for place, lie in lies.items():
        assert place in [one.place for one in judge_candidate(draft, lie).findings], place
    assert choose_candidate(draft, [*lies.values(), true]) == true
    with pytest.raises(RefusedError, match="no candidate"):
        choose_candidate(draft, [half])


def test_who_takes_more_than_their_credits_at_the_drafts_prices_is_refused(draft: Plan) -> None:
    true = make_candidate(draft, levels(3, 5))
    north, south = true.consumption["north"], true.consumption["south"]
    shifted = _with(true, consumption={"north": (north[0] + 10_000, north[1]), "south": (south[0] - 10_000, south[1])})
    assert "credits.north" in [one.place for one in judge_candidate(draft, shifted).findings]


def test_a_plan_on_a_card_with_an_impossible_batch_does_not_hold(draft: Plan) -> None:
    cards = list(draft.workplaces)
    technique = msgspec.structs.replace(cards[2].techniques[0], batch=71 * MICRO)
    cards[2] = msgspec.structs.replace(cards[2], techniques=(technique,))
    found = check_certificate(_with(draft, workplaces=tuple(cards)), {}).findings
    assert [one.place for one in found] == ["oven.techniques[0].batch"]


def test_the_best_candidate_is_the_same_in_any_order_and_equal_ones_go_by_digest(draft: Plan) -> None:
    made = [make_candidate(draft, levels(oven, mill)) for oven, mill in product((1, 2, 3), (5, 6, 7))]
    best = max(made, key=lambda one: judge_candidate(draft, one).value_micro)
    chance = random.Random(1)
    for _ in range(5):
        chance.shuffle(made)
        assert choose_candidate(draft, made) == best
    bought = best.activity["import-milk"][0]
    twin = _with(best, activity=best.activity | {"import-milk": (bought - 1,)})
    judged = {judge_candidate(draft, one).digest: one for one in (best, twin)}
    assert len(judged) == 2 and len({judge_candidate(draft, one).value_micro for one in (best, twin)}) == 1
    for both in ([best, twin], [twin, best]):
        assert choose_candidate(draft, both) == judged[min(judged)]


def test_what_batches_do_counts_towards_the_least_and_the_capacity_of_a_workplace(draft: Plan) -> None:
    cards = {card.id: card for card in draft.workplaces}
    baking = cards["oven"].techniques[0]
    both = (baking, msgspec.structs.replace(baking, batch=0))
    shared = msgspec.structs.replace(cards["oven"], techniques=both, capacity=70 * MICRO, least=50 * MICRO)
    economy = build_economy(draft.goods_table, draft.consumers, (cards["farm"], cards["mill"], shared))
    pinned = pin_batches(economy, {"oven": (40 * MICRO, 9), "mill": (50 * MICRO,)})
    (left,) = [card for card in pinned.economy.workplaces if card.id == "oven"]
    assert (left.capacity, left.least, left.techniques) == (30 * MICRO, 10 * MICRO, both[1:])
    assert pinned.kept["oven"] == (1,) and pinned.levels["oven"] == (40 * MICRO, 0)


def test_the_value_is_what_nests_lose_at_most(draft: Plan) -> None:
    same = _with(draft, parameters=name_draft(draft))
    assert [one.place for one in judge_candidate(draft, same).findings] == [
        "batches.mill.techniques[0]",
        "batches.oven.techniques[0]",
    ]
    plain = finished_plan(*load(village()))
    kept = _with(plain, parameters=name_draft(plain))
    assert judge_candidate(plain, kept).findings == () and judge_candidate(plain, kept).value_micro == 0
    half = {
        name: tuple(floor + (units - floor) // 2 for units, floor in zip(eaten, floors, strict=True))
        for name, eaten, floors in (
            (card.id, plain.consumption[card.id], card.nests[0].floors) for card in plain.consumers
        )
    }
    found = judge_candidate(plain, _with(kept, consumption=half))
    assert found.findings == () and found.value_micro == pytest.approx(-240_000_000 * math.log(2), rel=1e-4)


def test_no_candidate_costs_all_together_more_than_its_value_says(draft: Plan) -> None:
    file, economy = load(lumpy_village())
    members = gather_members(economy, file.tastes, file.efforts)
    before = members.welfare(draft)
    for oven, mill in product((1, 2, 3), (3, 4, 5, 6)):
        try:
            candidate = make_candidate(draft, levels(oven, mill))
        except RefusedError:
            continue
        at_most = -judge_candidate(draft, candidate).value_micro / MICRO
        assert 0 < before - members.welfare(candidate) <= at_most + 0.01 * 240, (oven, mill)


@pytest.mark.parametrize("share", [1, 2, 3, 2**29, 2**30 - 1, 2**30, 2**30 + 1, 3 * 2**29, 2**31, 2**40 + 12_345])
def test_the_logarithm_is_right_to_its_last_bits_and_never_too_high(share: int) -> None:
    exact = math.log2(share / 2**SHARE_BITS)
    assert exact * 2**SHARE_BITS - 64 <= _log2(share) <= exact * 2**SHARE_BITS + 1


@pytest.mark.parametrize("seed", range(3))
def test_pinned_work_stands_and_all_else_is_planned_round_it(seed: int) -> None:
    document = region(seed, eaten=20)
    chance = random.Random(seed)
    for workplace in document["workplaces"]:
        for technique in workplace["techniques"]:
            if chance.random() < 0.5 and "import" not in workplace["id"]:
                technique["batch"] = f"{float(workplace['capacity']) / 50:.3f}"
    plan = finished_plan(*load(document))
    down = {
        card.id: tuple(
            level // technique.batch * technique.batch if technique.batch else level
            for technique, level in zip(card.techniques, plan.activity[card.id], strict=True)
        )
        for card in plan.workplaces
    }
    candidate = make_candidate(plan, down)
    assert judge_candidate(plan, candidate).findings == ()
    for card in plan.workplaces:
        for technique, level, fixed in zip(card.techniques, candidate.activity[card.id], down[card.id], strict=True):
            assert not technique.batch or level == fixed


def test_what_is_pinned_is_one_recipe_done_once_a_little_to_the_worse(draft: Plan) -> None:
    economy = build_economy(draft.goods_table, draft.consumers, draft.workplaces)
    pinned = pin_batches(economy, levels(3, 5))
    assert set(pinned.kept) == {"farm", "import-milk"}
    (pin,) = [card for card in pinned.exact.table.trade if card.id.startswith("whole batches")]
    assert dict(pin.techniques[0].net)[0] == -60 * MICRO and pin.least == pin.capacity == MICRO
    (worse,) = [card for card in pinned.economy.table.trade if card.id.startswith("whole batches")]
    for good, made, moved in ((0, -60, 60), (2, -50 + 42, 50 + 42)):
        more = dict(worse.techniques[0].net)[good] - made * MICRO
        assert moved * MICRO >> MARGINS_BITS[0] <= more <= (moved * MICRO >> MARGINS_BITS[0]) + 1


def test_a_region_that_can_only_do_batches_and_does_none_is_refused(draft: Plan) -> None:
    economy = build_economy(draft.goods_table, draft.consumers, draft.workplaces[1:2])
    only = build_economy(msgspec.structs.replace(draft.goods_table, trade=()), draft.consumers, economy.workplaces[:1])
    with pytest.raises(RefusedError, match="nothing at all"):
        pin_batches(only, {})


def test_a_plan_says_by_its_draft_that_it_keeps_batches(draft: Plan) -> None:
    assert DRAFT not in draft.parameters and check_certificate(draft, {}).findings == ()
    claimed = _with(draft, parameters=draft.parameters | {DRAFT: "0" * 64})
    assert len(check_certificate(claimed, {}).findings) == 2

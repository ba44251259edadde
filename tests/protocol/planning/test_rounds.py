"""Rounds: honest councils reach a plan fast; silence, late answers and lies do not lead it astray."""

import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from protocol.core.errors import MisuseError, RefusedError
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.economy_file import EconomyFile
from protocol.planning.plan import make_plan
from protocol.planning.rounds import Answer, close_round, start_state, warm_start
from protocol.planning.solver.baskets import SHARE_BITS, fit_baskets
from protocol.planning.state import ROUND_MOST, State, hash_state
from tests.protocol.planning.economies import (
    Answers,
    attested_regrets,
    honest_answers,
    load,
    plan_rounds,
    region,
    village,
)

REGIONS = [
    ("four councils", region(1), 13),
    ("four councils, another region", region(2), 13),
    ("eight councils", region(9, councils=8), 13),
    ("strong substitutes", region(8, councils=6, sigma="4"), 14),
    ("nothing but complements", region(7, sigma="0"), 24),
]


@pytest.mark.parametrize(("document", "most"), [row[1:] for row in REGIONS], ids=[row[0] for row in REGIONS])
def test_a_region_of_seventy_goods_is_planned_in_few_rounds(document: dict[str, object], most: int) -> None:
    file, economy = load(document)
    state, reports = plan_rounds(file, economy)
    assert len(economy.goods) >= 67
    assert reports[-1].is_close_enough
    assert len(reports) <= most
    plan = make_plan(economy, state, clear_plan(economy, state), reports[-1])
    certificate = check_certificate(plan, attested_regrets(file, plan))
    assert certificate.findings == ()
    assert certificate.gap_ppm is not None
    assert certificate.gap_ppm <= 5_000


def test_the_cold_start_is_the_one_of_the_page() -> None:
    """Councils at what they want; each technique at 0.6 of its level, shared among those of its workplace."""
    _, economy = load(region(1))
    state = start_state(economy)
    eaters, makers = economy.eaters, economy.makers
    counts = [len(card.techniques) for card in economy.workplaces]
    assert max(counts) > 1
    wants = [float(want) for want in eaters.want]
    levels = [
        0.6 * float(makers.level[place, number]) / count
        for place, count in enumerate(counts)
        for number in range(count)
    ]
    units = [float(unit) for unit in economy.entry_unit]
    assert state.answers.tolist() == [round(start * unit) for start, unit in zip([*wants, *levels], units, strict=True)]
    assert state.planned.tolist() == state.answers.tolist()
    assert state.carried.tolist()[len(wants) :] == state.answers.tolist()[len(wants) :]
    assert (state.round, state.prices.tolist()) == (0, [good.start_price_micro for good in economy.goods])


def test_a_plan_ends_after_its_last_round() -> None:
    _, economy = load(village())
    state = start_state(economy)
    last, _ = close_round(economy, replace(state, round=ROUND_MOST - 1), {})
    assert last.round == ROUND_MOST
    with pytest.raises(RefusedError, match=f"a plan ends after {ROUND_MOST} rounds"):
        close_round(economy, last, {})


def test_one_in_five_silent_each_round_costs_few_rounds() -> None:
    file, economy = load(region(1))
    chance = random.Random(4)

    def lose(_: State, answers: Answers) -> Answers:
        return {name: None if chance.random() < 0.2 else answer for name, answer in answers.items()}

    _, all_spoke = plan_rounds(file, economy)
    _, reports = plan_rounds(file, economy, change=lose)
    assert reports[-1].is_close_enough
    assert sum(len(report.silent) for report in reports) > 10
    assert len(reports) <= 2 * len(all_spoke)


def test_an_answer_to_another_state_counts_as_silence() -> None:
    file, economy = load(village())
    state = start_state(economy)
    late = honest_answers(file, economy, state)
    after, _ = close_round(economy, state, late)
    with_late, report = close_round(economy, after, late)
    without, _ = close_round(economy, after, {})
    assert hash_state(with_late) == hash_state(without)
    assert report.silent == economy.participants
    assert {finding.reason for finding in report.set_aside} == {"answers another state"}


def test_answers_at_the_edge_of_all_bounds_never_wrap() -> None:
    _, economy = load(region(3, councils=2, eaten=8))
    chance = np.random.default_rng(1)
    lowest, highest = economy.answer_bounds
    state = start_state(economy)
    for _ in range(12):
        reply = hash_state(state)
        answers: dict[str, Answer | None] = {}
        for name in economy.participants:
            rows = economy.answer_ranges[name]
            edge = chance.integers(0, 3, len(rows))
            low, high = lowest[rows.start : rows.stop], highest[rows.start : rows.stop]
            said = np.where(edge == 0, low, np.where(edge == 1, high, low + (high - low) // 1000))
            answers[name] = Answer(reply, tuple(said.tolist()))
        state, report = close_round(economy, state, answers)
        assert report.set_aside == ()
        assert 0 <= report.worst_good_ppm <= 1_000_000
        assert np.all(state.prices >= 0)
        assert np.all((state.planned >= lowest) & (state.planned <= highest))
        assert np.all(np.abs(state.carried) <= 2**51)
        fit = fit_baskets(economy, state)
        assert np.all((fit.shares >= 0) & (fit.shares <= 2 << SHARE_BITS)) and np.all(fit.prices >= 0)
        assert np.all((fit.activity >= 0) & (fit.activity <= QUANTITY_MOST)) and np.all(fit.basket >= 0)


def test_nobody_gains_by_asking_for_more_than_the_credits_buy() -> None:
    file, economy = load(region(2))
    liar = max(economy.consumers, key=lambda card: sum(nest.credits_micro for nest in card.nests))
    floors = [floor for nest in liar.nests for floor in nest.floors]

    def lie(_: State, answers: Answers) -> Answers:
        said = answers[liar.id]
        assert said is not None
        more = tuple(floor + (units - floor) * 13 // 10 for units, floor in zip(said.quantities, floors, strict=True))
        return {**answers, liar.id: Answer(said.state_hash, more)}

    honest, _ = plan_rounds(file, economy, rounds_most=14)
    lied, reports = plan_rounds(file, economy, rounds_most=14, change=lie)
    assert liar.id in reports[2].cut_to_credits
    assert worth(economy, lied, liar.id) <= 1.01 * worth(economy, honest, liar.id)


def worth(economy: Economy, state: State, name: str) -> float:
    """What a council is planned above its floors, at start prices."""
    rows = economy.answer_ranges[name]
    eaters = economy.eaters
    planned = state.planned[rows.start : rows.stop] / eaters.unit[rows.start : rows.stop]
    above = planned - eaters.floor[rows.start : rows.stop]
    return float(np.sum(above * economy.price[eaters.good[rows.start : rows.stop]]))


def edited(file: EconomyFile) -> tuple[EconomyFile, Economy]:
    """The same call after one council moved a tenth of a nest's credits to another nest."""
    card = file.consumers[0]
    moved = card.nests[0].credits_micro // 10
    nests = list(card.nests)
    nests[0] = msgspec.structs.replace(nests[0], credits_micro=nests[0].credits_micro - moved)
    nests[1] = msgspec.structs.replace(nests[1], credits_micro=nests[1].credits_micro + moved)
    changed = msgspec.structs.replace(card, nests=tuple(nests))
    again = EconomyFile(file.table, (changed, *file.consumers[1:]), file.workplaces, file.tastes, file.efforts)
    return again, build_economy(again.table, again.consumers, again.workplaces)


def test_a_second_reading_starts_warm() -> None:
    file, economy = load(region(1))
    state, cold = plan_rounds(file, economy)
    second_file, second = edited(file)
    started = warm_start(second, state, economy)
    assert started.round == 0
    _, warm = plan_rounds(second_file, second, started)
    assert warm[-1].is_close_enough
    assert len(warm) <= len(cold) // 2


def test_nothing_is_lost_between_readings_of_the_same_cards() -> None:
    file, economy = load(region(1))
    state, _ = plan_rounds(file, economy)
    started = warm_start(economy, state, economy)
    for column in ("prices", "carried", "metric", "answers", "planned"):
        assert getattr(started, column).tolist() == getattr(state, column).tolist(), column
    _, reports = plan_rounds(file, economy, started)
    assert len(reports) == 1


def test_a_second_reading_may_drop_and_add_cards() -> None:
    file, economy = load(region(1))
    state, _ = plan_rounds(file, economy)
    rest = EconomyFile(file.table, file.consumers[1:], file.workplaces[1:], file.tastes, file.efforts)
    smaller = build_economy(rest.table, rest.consumers, rest.workplaces)
    dropped, reports = plan_rounds(rest, smaller, warm_start(smaller, state, economy))
    assert reports[-1].is_close_enough
    _, back = plan_rounds(file, economy, warm_start(economy, dropped, smaller))
    assert back[-1].is_close_enough


def test_states_and_economies_that_do_not_belong_together_are_misuse() -> None:
    _, economy = load(village())
    _, other = load(region(3, councils=2, eaten=8))
    state = start_state(economy)
    with pytest.raises(MisuseError):
        close_round(other, state, {})
    with pytest.raises(MisuseError):
        warm_start(economy, state, other)

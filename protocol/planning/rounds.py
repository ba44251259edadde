"""One round after the other: answers in, the next state out, until no good is short any more.

Invariants: a state and a set of answers give one next state on every node; who is silent keeps their last answer;
nobody's answer claims more than their credits; the metric is refreshed in the first rounds only and then stays.
Spec: docs/spec/planning/planning-step.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from protocol.core.errors import Finding, MisuseError, RefusedError
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.cards import MICRO
from protocol.planning.economy import Economy, Floats, Integers
from protocol.planning.private.mix import recarry, solve_with_mixes
from protocol.planning.private.outlines import is_private
from protocol.planning.solver.dual import Targets
from protocol.planning.solver.metric import START_SHARE, refresh_metric, refresh_rounds, start_metric
from protocol.planning.solver.public_plan import PublicPlan, solve_public_plan
from protocol.planning.solver.worst_good import measure_goods
from protocol.planning.state import ROUND_MOST, State, hash_state

START_LEVEL = 0.6
# By how many quarters of the way from the answer to the plan v goes on; further where recipes are private, as what is
# learned there comes slowly.
RELAX_QUARTERS = 6
OUTLINE_RELAX_QUARTERS = 7
CARRIED_MOST = 2**51
BILLION = 1_000_000_000


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a participant would do in reply to a state, in the order of its card (units; millionths of an activity)."""

    state_hash: bytes
    quantities: tuple[int, ...]


@dataclass(frozen=True)
class RoundReport:
    """How good the draft after a round is, and whose answers were not taken as they came.

    `worst_good_ppm` is the largest relative imbalance and `worst_good` its good; `silent` kept their last answer,
    `set_aside` names answers that could not be used (their senders count as silent), `cut_to_credits` who asked for
    more than their credits. `newton_steps` and `residual_ppb` (of a good's flow) say how the public plan was found.
    """

    round: int
    worst_good_ppm: int
    worst_good: str
    is_close_enough: bool
    silent: tuple[str, ...]
    set_aside: tuple[Finding, ...]
    cut_to_credits: tuple[str, ...]
    newton_steps: int
    residual_ppb: int


def start_state(economy: Economy) -> State:
    """The cold start: councils at their wants, workplaces at a share of capacity, start prices."""
    prices = np.array([good.start_price_micro for good in economy.goods], np.int64)
    return _state_at(economy, prices)


def _state_at(economy: Economy, prices: Integers) -> State:
    eaters, makers = economy.eaters, economy.makers
    price = prices / MICRO
    metric = start_metric(economy, price / economy.price)
    counts = np.sum(makers.has, axis=1).reshape(-1, 1)
    level = (START_LEVEL * makers.level / counts).reshape(-1)[makers.flat]
    middle = (makers.lowest.reshape(-1, 1) + makers.highest).reshape(-1)[makers.flat]
    level = np.where(economy.is_outline[len(eaters.good) :], START_SHARE * middle, level)
    answers = np.rint(np.concatenate([eaters.want, level]) * economy.entry_unit).astype(np.int64)
    held = economy.metric_of(metric)[: len(eaters.good)]
    start = np.concatenate([eaters.want - price[eaters.good] / held, level])
    return State(economy.digest, 0, prices, _carry(start * economy.entry_unit), metric, answers, answers.copy())


def warm_start(economy: Economy, state: State, previous: Economy) -> State:
    """The start of a second reading: what `state` (of `previous`) says about goods and cards still there carries over.

    Goods are matched by id, entries by participant and good or technique; what is new starts cold at those prices.
    """
    if state.economy != previous.digest:
        raise MisuseError("the state does not belong to the previous economy")
    known = {good.id: int(price) for good, price in zip(previous.goods, state.prices, strict=True)}
    prices = np.array([known.get(good.id, good.start_price_micro) for good in economy.goods], np.int64)
    fresh = _state_at(economy, prices)
    here, there = _match(economy, previous)
    unit = economy.entry_unit[here] / previous.entry_unit[there]
    metric, carried = fresh.metric.copy(), fresh.carried.copy()
    old_metric = previous.metric_of(state.metric)[there] / economy.metric_unit[here]
    metric[here] = np.minimum(np.maximum(np.rint(old_metric * 2.0**24), 2**8), 2**40).astype(np.int64)
    carried[here] = _carry(state.carried[there] * unit)
    answers, planned = fresh.answers.copy(), fresh.planned.copy()
    lowest, highest = economy.answer_bounds
    for column, source in ((answers, state.answers), (planned, state.planned)):
        column[here] = np.rint(source[there] * unit).astype(np.int64)
        np.minimum(np.maximum(column, lowest), highest, out=column)
    return State(economy.digest, 0, prices, carried, metric, answers, planned)


def _match(economy: Economy, previous: Economy) -> tuple[Integers, Integers]:
    """Positions of the entries that both economies have."""
    before = {key: position for position, key in enumerate(_entry_keys(previous))}
    pairs = [(here, before[key]) for here, key in enumerate(_entry_keys(economy)) if key in before]
    return np.array([pair[0] for pair in pairs], np.int64), np.array([pair[1] for pair in pairs], np.int64)


def _entry_keys(economy: Economy) -> list[tuple[object, ...]]:
    goods = economy.goods
    eating = [(card.id, goods[good].id) for card in economy.consumers for nest in card.nests for good in nest.goods]
    making: list[tuple[object, ...]] = []
    for card in economy.workplaces:
        if is_private(card):
            making += [(card.id, goods[good].id) for good, _, _ in card.outline]
        for number, technique in enumerate(card.techniques):
            made = tuple(goods[good].id for good, amount in technique.net if amount < 0)
            making.append((card.id, number, made))
    return [*eating, *making]


def check_answer(economy: Economy, state: State, participant: str, answer: Answer) -> None:
    """Raises RefusedError when this answer cannot count in the round of `state`."""
    _check_answer(economy, hash_state(state), participant, answer)


def _check_answer(economy: Economy, state_hash: bytes, participant: str, answer: Answer) -> None:
    if participant not in economy.participants:
        raise RefusedError.at(participant, "nobody of that name answers in this plan")
    if answer.state_hash != state_hash:
        raise RefusedError.at(participant, "answers another state")
    rows = economy.answer_ranges[participant]
    if len(answer.quantities) != len(rows):
        raise RefusedError.at(participant, f"{len(answer.quantities)} quantities, the card has {len(rows)}")
    lowest, highest = economy.answer_bounds
    # As Python's own numbers: what comes from outside may be larger than any column holds.
    bounds = zip(lowest[rows.start : rows.stop].tolist(), highest[rows.start : rows.stop].tolist(), strict=True)
    for number, (quantity, (least, most)) in enumerate(zip(answer.quantities, bounds, strict=True)):
        if not least <= quantity <= most:
            raise RefusedError.at(f"{participant}.quantities[{number}]", f"must be {least} to {most}")


def close_round(economy: Economy, state: State, answers: Mapping[str, Answer | None]) -> tuple[State, RoundReport]:
    """The next state from the closed set of answers, and a report; an answer that cannot count leaves the last one.

    Raises MisuseError for a state of another economy, RefusedError past ROUND_MOST.
    """
    if state.economy != economy.digest:
        raise MisuseError("the state belongs to another economy")
    if state.round >= ROUND_MOST:
        raise RefusedError.at("round", f"a plan ends after {ROUND_MOST} rounds")
    said, silent, set_aside = _collect(economy, state, answers)
    cut = _cut_to_credits(economy, state, said)
    plan = _plan(economy, state, said)
    after = _advance(economy, state, said, plan)
    worst = measure_goods(
        economy,
        _whole_consumption(economy, said),
        _whole_activity(economy, np.where(economy.is_outline, said, after.planned)),
        after.prices,
    )
    place = int(np.argmax(worst))
    report = RoundReport(
        round=after.round,
        worst_good_ppm=int(worst[place]),
        worst_good=economy.goods[place].id,
        is_close_enough=int(worst[place]) <= economy.table.tolerance_ppm,
        silent=silent,
        set_aside=set_aside,
        cut_to_credits=cut,
        newton_steps=plan.newton_steps,
        residual_ppb=round(plan.residual * BILLION),
    )
    return after, report


def _collect(
    economy: Economy, state: State, answers: Mapping[str, Answer | None]
) -> tuple[Integers, tuple[str, ...], tuple[Finding, ...]]:
    """The answers that stand in this round; trade nodes have no wishes of their own and say what the state carries."""
    said = state.answers.copy()
    silent: list[str] = []
    set_aside: list[Finding] = []
    state_hash = hash_state(state)
    for participant in economy.participants:
        answer = answers.get(participant)
        rows = economy.answer_ranges[participant]
        try:
            if answer is not None:
                _check_answer(economy, state_hash, participant, answer)
                said[rows.start : rows.stop] = answer.quantities
        except RefusedError as refusal:
            set_aside += refusal.findings
            answer = None
        if answer is None:
            silent.append(participant)
    for card in economy.workplaces[economy.answering :]:
        rows = economy.answer_ranges[card.id]
        said[rows.start : rows.stop] = np.minimum(np.maximum(state.carried[rows.start : rows.stop], 0), QUANTITY_MOST)
    return said, tuple(silent), tuple(set_aside)


def _cut_to_credits(economy: Economy, state: State, said: Integers) -> tuple[str, ...]:
    """Scales whoever asks for more than their credits down to them, at the state's prices; exact, rounding down."""
    lift = [10 ** (9 - good.decimals) for good in economy.goods]
    prices = [int(price) * factor for price, factor in zip(state.prices, lift, strict=True)]
    goods: list[int] = economy.eaters.good.tolist()
    cut = []
    for card in economy.consumers:
        rows = economy.answer_ranges[card.id]
        floors = [floor for nest in card.nests for floor in nest.floors]
        above = [int(said[row]) - floor for row, floor in zip(rows, floors, strict=True)]
        cost = sum(units * prices[goods[row]] for units, row in zip(above, rows, strict=True))
        credits = sum(nest.credits_micro for nest in card.nests) * BILLION
        if cost > credits:
            cut.append(card.id)
            for units, floor, row in zip(above, floors, rows, strict=True):
                said[row] = floor + units * credits // cost
    return tuple(cut)


def _plan(economy: Economy, state: State, said: Integers) -> PublicPlan:
    """Step 3: the carried-out plan nearest to 2x - v."""
    edges = len(economy.eaters.good)
    aim = (2 * said - state.carried) / economy.entry_unit
    metric = economy.metric_of(state.metric)
    shape = economy.makers.has.shape
    activity, activity_metric = np.zeros(shape), np.ones(shape)
    activity.reshape(-1)[economy.makers.flat] = aim[edges:]
    activity_metric.reshape(-1)[economy.makers.flat] = metric[edges:]
    targets = Targets(economy, aim[:edges], metric[:edges], activity, activity_metric)
    price = state.prices / MICRO / economy.price
    return solve_with_mixes(targets, state, price) if economy.mixed else solve_public_plan(targets, price)


def _advance(economy: Economy, state: State, said: Integers, plan: PublicPlan) -> State:
    """Step 4: v goes on by RELAX_QUARTERS / 4 of z - x, rounded down (further where recipes are private); then the
    refreshed metric, with v rescaled about the plan."""
    response = plan.response
    levels = response.activity.reshape(-1)[economy.makers.flat]
    planned = np.rint(np.concatenate([response.consumption, levels]) * economy.entry_unit)
    planned = np.minimum(planned, float(QUANTITY_MOST)).astype(np.int64)
    prices = np.rint(response.price * economy.price * MICRO).astype(np.int64)
    prices[economy.eaters.good] = np.maximum(prices[economy.eaters.good], 1)
    quarters = OUTLINE_RELAX_QUARTERS if economy.mixed else RELAX_QUARTERS
    moved = state.carried + (quarters * (planned - said)) // 4
    carried = np.minimum(np.maximum(moved, -CARRIED_MOST), CARRIED_MOST)
    after = State(state.economy, state.round + 1, prices, carried, state.metric, said, planned)
    if state.round < refresh_rounds(economy):
        metric = refresh_metric(economy, state, said, planned, prices)
        after = replace(after, metric=metric, carried=_carry(planned + (carried - planned) * (state.metric / metric)))
    # Nobody does less than nothing, and the plan knows it: what lies below 0 would only have to be climbed again.
    edges = len(economy.eaters.good)
    np.maximum(after.carried, 0, out=after.carried, where=~economy.is_outline & (np.arange(economy.entries) >= edges))
    if economy.mixed:
        place, held = recarry(economy, state, replace(after, carried=carried))
        after.carried[place] = _carry(held * MICRO)
    return after


def _carry(carried: Floats) -> Integers:
    return np.rint(np.minimum(np.maximum(carried, -float(CARRIED_MOST)), float(CARRIED_MOST))).astype(np.int64)


def _whole_consumption(economy: Economy, entries: Integers) -> Floats:
    edges = len(economy.eaters.good)
    return np.asarray(entries[:edges] / economy.eaters.unit, np.float64)


def _whole_activity(economy: Economy, entries: Integers) -> Floats:
    activity = np.zeros(economy.makers.has.shape)
    activity.reshape(-1)[economy.makers.flat] = entries[len(economy.eaters.good) :] / MICRO
    return activity

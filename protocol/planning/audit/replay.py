"""The rounds of a plan done over again from its minutes: the same answers must lead to the same plan.

Invariant: the functions are those that every node runs; what is found differs only if the minutes or the plan do.
Spec: docs/spec/planning/plan-audit.md
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from protocol.core.errors import Finding, RefusedError, refuse
from protocol.planning.audit.minutes import AllocationSaid, Minutes, ReadingMinutes
from protocol.planning.batches.counts import audit_counts, read_candidates
from protocol.planning.batches.reading import BatchReading, begin_batches
from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.nested.region_card import fix_prices
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.state import State, hash_state

PLACES_MAX = 20


@dataclass(frozen=True)
class ReplayedRound:
    """A round as it was: the state that was answered, who answered what, and what came of it."""

    state: State
    answers: dict[str, Answer]
    report: RoundReport


@dataclass(frozen=True)
class ReplayedReading:
    """One reading done over: `number` is its place among all, `last` the state after its rounds; `batches` are what it
    decided, where that was what it was for. `allocation` names the plan above that it keeps to, `prices` are of
    the plan then."""

    number: int
    economy: Economy
    rounds: tuple[ReplayedRound, ...]
    last: State
    batches: BatchReading | None = None
    allocation: AllocationSaid | None = None
    prices: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Played:
    """A call's minutes with its rounds done over, and the plan document that it came to."""

    minutes: Minutes
    readings: Sequence[ReplayedReading]
    plan: Plan


Watch = Callable[[int, int], None]


def replay_minutes(minutes: Minutes, watch: Watch = lambda done, of: None) -> list[ReplayedReading]:
    """Every reading, each starting where the one before ended, the first one where the plan ended that the call goes on
    from; RefusedError for cards that no plan can be made of, or where that plan is another than the call names.

    A reading that decides batches and in which none held is left out: the draft before it stands."""
    done, of = 0, sum(len(reading.rounds) for reading in minutes.readings)
    replayed: list[ReplayedReading] = []
    before = _replay_start(minutes)
    allocations = {said.reading: said for said in minutes.allocations}
    for number, reading in enumerate(minutes.readings, 1):
        begun = _begin_reading(minutes, reading, replayed, before)
        if begun is None:
            continue
        economy, state, batches = begun
        rounds = []
        for said in reading.rounds:
            name = hash_state(state)
            answers = {card: Answer(name, quantities) for card, quantities in said.answers.items()}
            after, report = close_round(economy, state, answers)
            rounds.append(ReplayedRound(state, answers, report))
            state, done = after, done + 1
            watch(done, of)
        kept_to = allocations.get(number), _fix_prices(economy, allocations.get(number), before)
        replayed.append(ReplayedReading(number, economy, tuple(rounds), state, batches, *kept_to))
        before = before if batches else replayed[-1]
    return replayed


def _fix_prices(
    economy: Economy, allocation: AllocationSaid | None, before: ReplayedReading | None
) -> tuple[int, ...] | None:
    """A region's own prices stay those of its last round under the plan above."""
    if allocation is None:
        return None
    if before is not None and before.allocation is not None and before.allocation.plan == allocation.plan:
        return before.prices
    start = tuple(good.start_price_micro for good in economy.goods)
    return fix_prices(start if before is None else before.last.prices.tolist(), allocation.prices)


def conclude_replay(minutes: Minutes, replayed: Sequence[ReplayedReading]) -> Plan:
    """The plan that the minutes lead to; RefusedError where none can be cut from the last state."""
    last = replayed[-1]
    reports = [one.report for one in last.rounds]
    if last.batches is not None:
        return last.batches.conclude(last.last, reports)
    if not reports:
        raise RefusedError.at("minutes", f"reading {last.number} has no rounds")
    parameters = {**minutes.parameters, "reading": last.number}
    parameters |= {} if last.allocation is None else {"plan_above": last.allocation.plan}
    cleared = clear_plan(last.economy, last.last, last.prices)
    return make_plan(last.economy, last.last, cleared, reports[-1], parameters)


Begun = tuple[Economy, State, BatchReading | None]


def _begin_reading(
    minutes: Minutes, reading: ReadingMinutes, replayed: list[ReplayedReading], before: ReplayedReading | None
) -> Begun | None:
    """The economy and first state of a reading; None where it decides batches and none hold."""
    if reading.candidates is None:
        economy = build_economy(minutes.goods_table, reading.consumers, reading.workplaces)
        return (
            economy,
            start_state(economy) if before is None else warm_start(economy, before.last, before.economy),
            None,
        )
    if not replayed or replayed[-1].batches is not None:
        raise RefusedError.at("minutes.readings", "batches are decided where there is no draft yet")
    draft = conclude_replay(minutes, replayed)
    for name, counts in reading.candidates.items():
        refuse(audit_counts(draft, counts), f"the candidate of {name} is refused")
    candidates = read_candidates(draft, reading.candidates)
    batches = begin_batches(replayed[-1].economy, replayed[-1].last, draft, candidates)
    return None if batches is None else (batches.pinned.economy, batches.start, batches)


def _replay_start(minutes: Minutes) -> ReplayedReading | None:
    """Where the plan ended that a call goes on from: the last rounds before batches were decided."""
    named = minutes.parameters.get("start")
    if minutes.start is None:
        if named is not None:
            raise RefusedError.at("minutes.start", "is missing: the call goes on from another plan")
        return None
    earlier = replay_minutes(minutes.start)
    last = next(one for one in reversed(earlier) if one.batches is None)
    if not last.rounds or not last.rounds[-1].report.is_close_enough:
        raise RefusedError.at("minutes.start", "its rounds come to no plan")
    if digest_plan(format_plan(conclude_replay(minutes.start, earlier))).hex() != named:
        raise RefusedError.at("minutes.start", "leads to another plan than the one that the call goes on from")
    return last


def audit_replay(played: Played) -> list[Finding]:
    """Where the plan is not what the minutes lead to; empty when it is, to the last byte."""
    plan, minutes, last = played.plan, played.minutes, played.readings[-1]
    found = _audit_cards(plan, minutes.goods_table, _last_cards(minutes))
    for at_round, one in enumerate(last.rounds, 1):
        for finding in one.report.set_aside:
            found.append(Finding(f"minutes.round {at_round}.{finding.place}", f"could not count: {finding.reason}"))
    if not last.rounds and last.batches is None:
        return [*found, Finding("minutes", f"reading {last.number} has no rounds")]
    if found:
        return found[:PLACES_MAX]
    try:
        expected = conclude_replay(minutes, played.readings)
    except RefusedError as error:
        return [Finding("minutes", f"lead to a state that no plan can be cut from: {error.reason}")]
    return [] if format_plan(expected) == format_plan(plan) else _describe_difference(plan, expected)


def _last_cards(minutes: Minutes) -> ReadingMinutes:
    return next(reading for reading in reversed(minutes.readings) if reading.candidates is None)


def _audit_cards(plan: Plan, table: GoodsTable, reading: ReadingMinutes) -> list[Finding]:
    found = []
    if plan.goods_table != table:
        found.append(Finding("goods_table", "is another one than the minutes have"))
    for place, planned, said in (
        ("consumers", plan.consumers, reading.consumers),
        ("workplaces", plan.workplaces, reading.workplaces),
    ):
        there, here = {card.id: card for card in said}, {card.id: card for card in planned}
        for name in sorted(there.keys() | here.keys()):
            if _as_said(there.get(name)) != _as_said(here.get(name)):
                found.append(Finding(f"{place}.{name}", "the plan's card is not the one in the minutes"))
    return found


def _as_said(card: ConsumerCard | WorkplaceCard | None) -> ConsumerCard | WorkplaceCard | None:
    """The card as it was published: what an outline was fixed at follows from the rounds."""
    if isinstance(card, WorkplaceCard) and card.outline:
        return msgspec.structs.replace(card, techniques=(), apart=False)
    return card


def _describe_difference(plan: Plan, expected: Plan) -> list[Finding]:
    found = []
    for place in ("parameters", "rounds", "worst_good_ppm"):
        if getattr(plan, place) != getattr(expected, place):
            found.append(Finding(place, f"the rounds lead to {str(getattr(expected, place))[:200]}"))
    places = {card.id: card for card in plan.workplaces}
    for card in expected.workplaces:
        if places.get(card.id) != card:
            found.append(Finding(f"workplaces.{card.id}", "was not fixed at its last answer"))
    for good, has, should in zip(plan.goods_table.goods, plan.prices, expected.prices, strict=False):
        if has != should:
            found.append(Finding(f"prices.{good.id}", f"{has}, the rounds lead to {should}"))
    for place, column, other in (
        ("consumption", plan.consumption, expected.consumption),
        ("activity", plan.activity, expected.activity),
    ):
        for name in sorted(column.keys() | other.keys()):
            if column.get(name) != other.get(name):
                found.append(Finding(f"{place}.{name}", "not what the rounds lead to"))
    return found[:PLACES_MAX] or [Finding("plan", "is written differently from what the rounds lead to")]

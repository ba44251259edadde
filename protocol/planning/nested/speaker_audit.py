"""Whoever speaks for a region wishes nothing there: each of its answers is worked out again from the minutes of both.

Invariants: the functions are those that the speaker's node runs; what is found has its place in the minutes.
Spec: docs/spec/planning/nested-plans.md, section "On real nodes".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from protocol.core.errors import Finding
from protocol.planning.audit.replay import Played, replay_minutes
from protocol.planning.cards import WorkplaceCard
from protocol.planning.contributions import owner_of_card, workplace_id
from protocol.planning.economy import Economy
from protocol.planning.nested.region_card import (
    ABOVE_LABEL,
    REGION_LABEL,
    ROUNDS_BELOW,
    Pull,
    allocation_of,
    answer_of_above,
    answer_of_region,
    card_of_above,
    card_of_allocation,
    match_goods,
    prices_above,
)
from protocol.planning.plan import Plan, digest_plan, format_plan
from protocol.planning.state import State, hash_state

FINDINGS_MAX = 20


@dataclass(frozen=True)
class _Moment:
    """Where a call stood after `rounds` rounds of all its readings; nothing more came of it in these where `is_end`."""

    economy: Economy
    state: State
    rounds: int
    is_end: bool


@dataclass(frozen=True)
class _Word:
    """One answer for another level: its place in the minutes, the reading's economy and the state that it answers,
    rounds closed before it, what it says, and the state there that it names."""

    place: str
    here: _Moment
    said: tuple[int, ...]
    there: str
    after_silence: bool


Expect = Callable[[_Word, WorkplaceCard, _Moment, WorkplaceCard], tuple[int, ...]]


def audit_speaker(origin: str, above: Played, below: Played) -> list[Finding]:
    """Where a speaker's answers, in either call, are not what the other one's state leads to, or the region's last
    cards not what the plan above allocates. Silence is no finding: the answer before then stands."""
    region, level = workplace_id(origin, REGION_LABEL), workplace_id(origin, ABOVE_LABEL)
    beside = find_rounds(below)
    found = _audit_words("above", above, region, beside, level, _expect_of_region, _is_early)
    found += _audit_words("region", beside, level, above, region, _expect_of_above, _is_late)
    found += _audit_outlines(above, region, beside, level)
    return [*found, *_audit_allocation(above.plan, region, below, level)][:FINDINGS_MAX]


def find_rounds(below: Played) -> Played:
    """The region's rounds beside the plan above: where its plan was made again under the same one, those before."""
    start, call = below.minutes.start, below.minutes.parameters.get("above")
    if start is None or start.parameters.get("above") != call:
        return below
    return find_rounds(Played(start, replay_minutes(start), below.plan))


def _expect_of_region(word: _Word, outline: WorkplaceCard, there: _Moment, card: WorkplaceCard) -> tuple[int, ...]:
    order = match_goods(outline, card, word.here.economy.table, there.economy.table)
    return answer_of_region(outline, card, order, there.economy, there.state)


def _expect_of_above(word: _Word, card: WorkplaceCard, there: _Moment, outline: WorkplaceCard) -> tuple[int, ...]:
    order = match_goods(outline, card, there.economy.table, word.here.economy.table)
    pull = Pull(outline, there.economy, there.state)
    return tuple(answer_of_above(card, order, pull, word.here.economy, word.here.state))


def _is_early(word: _Word, there: _Moment) -> bool:
    """Whether the region had rounds of its own left to do for the state above."""
    return not (there.is_end or word.after_silence) and there.rounds < ROUNDS_BELOW * (word.here.rounds + 1)


def _is_late(word: _Word, there: _Moment) -> bool:
    """Whether the rounds for the state above were over, so that a later one was to be waited for."""
    return not there.is_end and word.here.rounds >= ROUNDS_BELOW * (there.rounds + 1)


def _audit_words(
    name: str,
    here: Played,
    own: str,
    there: Played,
    other: str,
    expect: Expect,
    is_untimely: Callable[[_Word, _Moment], bool],
) -> list[Finding]:
    moments = {hash_state(one.state).hex(): one for one in _list_moments(there)}
    found: list[Finding] = []
    for word in _list_words(name, here, own):
        moment = moments.get(word.there)
        card, card_there = _find_card(word.here, own), _find_card(moment, other)
        if moment is None or card is None or card_there is None:
            found.append(Finding(word.place, "names no state of the other call"))
            continue
        if is_untimely(word, moment):
            found.append(Finding(word.place, f"is from round {moment.rounds} of the other call, too early or too late"))
        if word.said != expect(word, card, moment, card_there):
            found.append(Finding(word.place, "is not what the other call's own rounds lead to"))
    return found


def _list_moments(played: Played) -> Iterator[_Moment]:
    """Every state of a call's readings, those before each round and the last."""
    before = [0, *accumulate(len(reading.rounds) for reading in played.readings)]
    for reading, rounds in zip(played.readings, before, strict=False):
        for number, one in enumerate(reading.rounds):
            yield _Moment(reading.economy, one.state, rounds + number, is_end=False)
        yield _Moment(reading.economy, reading.last, rounds + len(reading.rounds), is_end=True)


def _list_words(name: str, played: Played, card: str) -> Iterator[_Word]:
    own = [said for said in played.minutes.levels if said.origin == owner_of_card(card)]
    named = {(said.reading, said.round): said.state for said in own}
    before = [0, *accumulate(len(reading.rounds) for reading in played.readings)]
    for at_reading, (reading, rounds) in enumerate(zip(played.readings, before, strict=False), 1):
        was_silent = False
        for at_round, one in enumerate(reading.rounds, 1):
            answer = one.answers.get(card)
            moment = _Moment(reading.economy, one.state, rounds + at_round - 1, is_end=False)
            if answer is not None and _find_card(moment, card) is not None:
                place = f"{name}.reading {at_reading}.round {at_round}.{card}"
                yield _Word(place, moment, answer.quantities, named.get((at_reading, at_round), ""), was_silent)
            was_silent = answer is None


def _find_card(moment: _Moment | None, name: str) -> WorkplaceCard | None:
    cards = () if moment is None else moment.economy.workplaces
    return next((card for card in cards if card.id == name and card.apart), None)


def _audit_outlines(above: Played, region: str, below: Played, level: str) -> list[Finding]:
    """The level above shows the region what the region shows the level above, with the signs turned round."""
    shown = [_find_card(one, region) for one in _list_moments(above)]
    turned = [_find_card(one, level) for one in _list_moments(below)]
    tables = above.minutes.goods_table, below.minutes.goods_table
    outlines = {card_of_above(card, *tables, level) for card in shown if card is not None}
    if all(card is None or card in outlines for card in turned):
        return []
    return [Finding(f"region.workplaces.{level}", "is not what the region shows above, turned round")]


def _audit_allocation(plan: Plan, region: str, below: Played, level: str) -> list[Finding]:
    """The region's last cards and prices are those that the plan above in force allocates."""
    digest, table = digest_plan(format_plan(plan)).hex(), below.minutes.goods_table
    last = len(below.readings)
    allocation = next((said for said in below.minutes.allocations if said.reading == last), None)
    if allocation is None:
        return [Finding("region.allocations", "the region's last draft keeps to no plan above")]
    if allocation.plan != digest:
        return [Finding("region.allocations", f"keep to plan {allocation.plan}, the one above is {digest}")]
    fixed = next((card for card in plan.workplaces if card.id == region), None)
    allocated = {} if fixed is None else allocation_of(fixed, plan.activity[region], plan.goods_table)
    found = []
    if allocation.prices != prices_above(plan, table):
        found.append(Finding("region.allocations.prices", "are not those of the plan above"))
    card = next((one for one in below.minutes.readings[-1].workplaces if one.id == level), None)
    if card != card_of_allocation(allocated, table, level):
        found.append(Finding(f"region.workplaces.{level}", "is not what the plan above allocates"))
    return found

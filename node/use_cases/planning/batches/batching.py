"""From a draft that knows no batches to plans that keep them: candidates from solvers, fitted, checked, the best taken.

Invariant: a candidate is checked in whole numbers before it is shown, whoever worked it out.
Spec: docs/spec/planning/batches.md
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from node.solvers.best_batches import find_batches, has_highs
from node.solvers.whole_batches import Indexes, Lumps
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import (
    choose_candidate,
    fit_all,
    show_efforts,
)
from protocol.planning.batches.candidate_record import LISTED_MAX
from protocol.planning.batches.counts import list_batched, list_counts
from protocol.planning.batches.pinned import Levels
from protocol.planning.batches.reading import is_run_by
from protocol.planning.batches.repair import repair_batches
from protocol.planning.batches.sizes import has_batches
from protocol.planning.cards import MICRO, Technique, WorkplaceCard
from protocol.planning.certificate import all_workplaces, goods_of, measure_left
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

STEEPNESS: Final = 0.3
"""Of a technique that the draft does not use: marginal effort at full capacity as a share of what it turns over."""
WAIT_S_MAX: Final = 600.0


def _read_lumps(draft: Plan) -> Lumps:
    """The draft as the solvers see it."""
    goods = draft.goods_table.goods
    unit = np.array([10.0**good.decimals for good in goods])
    cards = all_workplaces(draft)
    techniques = [(row, technique) for row, card in enumerate(cards) for technique in card.techniques]
    net = np.zeros((len(goods), len(techniques)))
    for column, (_, technique) in enumerate(techniques):
        for good, amount in technique.net:
            net[good, column] = amount / MICRO
    eaten = np.zeros(len(goods))
    for consumer in draft.consumers:
        floors = [floor for nest in consumer.nests for floor in nest.floors]
        for good, units, floor in zip(goods_of(consumer), draft.consumption[consumer.id], floors, strict=True):
            eaten[good] += units - floor
    levels = [level for card in cards for level in draft.activity[card.id]]
    costs = [cost for card in cards for cost in show_efforts(draft, card)]
    level, cost = np.array(levels, np.float64) / MICRO, np.array(costs, np.float64) / MICRO**2
    price = np.array(draft.prices, np.float64) / MICRO
    worth = np.maximum(price @ np.maximum(net, 0.0), price @ np.maximum(-net, 0.0))
    most = np.array([cards[row].capacity / technique.capacity_use for row, technique in techniques])
    return Lumps(
        net=net,
        price=price,
        left=np.array(measure_left(draft), np.float64) / 10.0**BALANCE_DECIMALS,
        eaten=eaten / unit,
        level=level,
        slope=np.where(level > 0.0, cost / np.where(level > 0.0, level, 1.0), STEEPNESS * worth / most),
        batch=np.array([technique.batch for _, technique in techniques], np.float64) / MICRO,
        batches_least=np.array([max(technique.batches_least, 1) for _, technique in techniques], np.intp),
        setup=np.array([technique.setup_micro for _, technique in techniques], np.float64) / MICRO,
        owner=np.array([row for row, _ in techniques], np.intp),
        use=np.array([technique.capacity_use for _, technique in techniques], np.float64) / MICRO,
        capacity=np.array([card.capacity for card in cards], np.float64) / MICRO,
        least=np.array([card.least for card in cards], np.float64) / MICRO,
    )


def _count_batches(draft: Plan, levels: Levels) -> Indexes:
    """Whole batches, one number per technique in the order of the draft's cards; 0 where it knows none."""
    both = ((technique, level) for card in all_workplaces(draft) for technique, level in _pair(card, levels))
    return np.array([level // technique.batch if technique.batch else 0 for technique, level in both], np.intp)


def _name_levels(draft: Plan, batches: Indexes) -> dict[str, tuple[int, ...]]:
    """Whole batches, one number per technique, as millionths of an activity by card."""
    counts = iter(batches.tolist())
    return {
        card.id: tuple(next(counts) * technique.batch for technique in card.techniques)
        for card in all_workplaces(draft)
    }


def search_levels(draft: Plan, repaired: Levels, wait_s: float) -> Levels | None:
    """What HiGHS finds from the repair; None without it, or where it finds nothing in time."""
    found = find_batches(_read_lumps(draft), _count_batches(draft, repaired), wait_s)
    return None if found is None else _name_levels(draft, found)


def find_better(draft: Plan, wait_s: float) -> tuple[int, ...]:
    """Batches that are worth more than the repair's, as a candidate says them; none without HiGHS, or where it finds
    none in `wait_s` seconds."""
    if not has_highs() or len(list_batched(draft)) > LISTED_MAX:
        return ()
    repaired = repair_batches(draft)
    found = search_levels(draft, repaired, wait_s)
    if found is None or not (made := fit_all(draft, [repaired, found])):
        return ()
    best = choose_candidate(draft, made)
    return () if is_run_by(best, repaired) else list_counts(draft, found)


def find_candidates(draft: Plan, wait_s: float) -> list[Plan]:
    """What this machine finds and can fit: the greedy repair, and with HiGHS what it finds from there."""
    repaired = repair_batches(draft)
    found = search_levels(draft, repaired, wait_s)
    return fit_all(draft, [repaired] if found is None or found == repaired else [found, repaired])


def batch_plan(draft: Plan, wait_s: float) -> Plan:
    """The best candidate that this machine finds; RefusedError when the draft has no batches, or none can be kept."""
    if not has_batches(all_workplaces(draft)):
        raise RefusedError.at("plan", "no technique of this plan comes in batches")
    if not 0.0 < wait_s <= WAIT_S_MAX:
        raise RefusedError.at("wait", f"must be above 0 and at most {WAIT_S_MAX:g} seconds")
    candidates = find_candidates(draft, wait_s)
    if not candidates:
        raise RefusedError.at("plan", "nothing was found that keeps batches and every floor: look for longer (--wait)")
    return choose_candidate(draft, candidates)


def _pair(card: WorkplaceCard, levels: Levels) -> Iterable[tuple[Technique, int]]:
    return zip(card.techniques, levels[card.id], strict=True)

"""A plan whose batches are decided: what is done in batches stands fixed, everything else is planned round it.

All that is pinned becomes one trade node that runs exactly once: what it takes and gives is the sum of all batches.
Invariant: nobody answers for what is pinned, and no rule of rounds, fitting or clearing knows that it is there.
Invariant: fitting sees pinned work a little to the worse, so that clearing finds every batch covered.
Spec: docs/spec/planning/batches.md, section "Pinning"
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np

from protocol.core.errors import RefusedError
from protocol.core.quantities import divide_up
from protocol.planning.card_rules import NET_MOST
from protocol.planning.cards import MICRO, Technique, WorkplaceCard
from protocol.planning.clearing import ClearedPlan, fit_plan, settle
from protocol.planning.economy import METRIC_ONE, Economy, build_economy
from protocol.planning.state import State

MARGINS_BITS: Final = (16, 12, 8)
PIN_NAME: Final = "whole batches"
PIN_STEEPNESS: Final = 0.3
SHOWN_MOST: Final = 3.0
SHOWN_LEAST: Final = 2.0**-3
"""What changes a technique is held with at least, as a share of what it turns over: flatter, fitting takes too long."""

Levels = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Pinned:
    """`source` with `levels` (millionths, of each batched technique) fixed.

    `economy` is planned with, `wider` has larger margins, `exact` has none: clearing settles in it. `kept` names for
    each card that has any the techniques that are still free, by their place on the card.
    """

    source: Economy
    economy: Economy
    wider: tuple[Economy, ...]
    exact: Economy
    levels: Levels
    kept: Mapping[str, tuple[int, ...]]

    def start(self, state: State) -> State:
        """The source's state for the economy that is left; round 0 again."""
        edges = len(self.source.eaters.good)
        places = list(range(edges))
        pins: list[int] = []
        for card in self.economy.workplaces:
            if card.id in self.kept:
                places += [self.source.answer_ranges[card.id].start + place for place in self.kept[card.id]]
            else:
                pins.append(len(places))
                places.append(0)
        columns = {name: getattr(state, name)[places] for name in ("carried", "metric", "answers", "planned")}
        for pin in pins:
            for name in ("carried", "answers", "planned"):
                columns[name][pin] = MICRO
            columns["metric"][pin] = round(PIN_STEEPNESS * METRIC_ONE)
        return replace(state, economy=self.economy.digest, round=0, **columns)

    def clear(self, state: State, prices: tuple[int, ...] | None = None) -> ClearedPlan:
        """The plan that a state of `economy` ends in, in the order of the source: its free part beside the batches.

        Credits are kept at the prices that fitting finds, or at `prices`. Raises RefusedError as clear_plan does, where
        the batches leave floors or one another's needs unmet.
        """
        cleared = self._settle(state, prices)
        edges = len(self.exact.eaters.good)
        activity: list[int] = []
        for card in self.source.workplaces:
            levels = list(self.levels.get(card.id, [0] * len(card.techniques)))
            if card.id in self.kept:
                start = self.exact.answer_ranges[card.id].start - edges
                for offset, place in enumerate(self.kept[card.id]):
                    levels[place] = cleared.activity[start + offset]
            activity += levels
        return ClearedPlan(cleared.consumption, tuple(activity), cleared.prices, cleared.passes)

    def _settle(self, state: State, prices: tuple[int, ...] | None) -> ClearedPlan:
        """Fitted with the smallest margin that leaves nobody short."""
        for economy in (self.economy, *self.wider):
            fitted = fit_plan(economy, replace(state, economy=economy.digest))
            try:
                return settle(self.exact, fitted if prices is None else replace(fitted, prices=prices))
            except RefusedError as refusal:
                reason = refusal
        raise reason


def pin_batches(source: Economy, levels: Levels) -> Pinned:
    """The economy in which every technique that has a batch stands at its level, as does who keeps recipes private.

    `source` has such recipes fixed. `levels` by card, one per technique in the order of the card; those of techniques
    that stay free are not looked at. RefusedError when what is pinned comes to more than there can be.
    """
    cards = source.workplaces
    fixed = {card.id: _fixed_levels(card, levels) for card in cards}
    free = {card.id: _free_card(card, fixed[card.id]) for card in cards}
    own = [one for card in cards[: source.answering] if (one := free[card.id]) is not None]
    trade = tuple(one for card in source.table.trade if (one := free[card.id]) is not None)
    kept = {
        card.id: tuple(place for place, technique in enumerate(card.techniques) if not _stands(card, technique))
        for card in cards
        if free[card.id] is not None
    }

    if not own and not trade and not any(any(row) for row in fixed.values()):
        raise RefusedError.at("batches", "nothing at all would be made or bought")

    def build(margin_bits: int | None) -> Economy:
        table = msgspec.structs.replace(source.table, trade=(*trade, *_pin_cards(source, fixed, margin_bits)))
        return build_economy(table, source.consumers, own)

    planned, *wider = map(build, MARGINS_BITS)
    return Pinned(source, planned, tuple(wider), build(None), fixed, kept)


def _fixed_levels(card: WorkplaceCard, levels: Levels) -> tuple[int, ...]:
    said = levels.get(card.id, [0] * len(card.techniques))
    both = zip(card.techniques, said, strict=True)
    return tuple(level if _stands(card, technique) else 0 for technique, level in both)


def _stands(card: WorkplaceCard, technique: Technique) -> bool:
    """Whether a technique is pinned: it comes in batches, or is the last answer of who shows no recipe."""
    return bool(technique.batch or card.outline)


def _free_card(card: WorkplaceCard, fixed: tuple[int, ...]) -> WorkplaceCard | None:
    """The card with the techniques that have no batch and the capacity that batches leave; None when that is none."""
    used = sum(technique.capacity_use * level for technique, level in zip(card.techniques, fixed, strict=True))
    techniques = tuple(technique for technique in card.techniques if not _stands(card, technique))
    if len(techniques) == len(card.techniques):
        return card
    capacity = card.capacity - divide_up(used, MICRO)
    if not techniques or capacity <= 0:
        return None
    least = max(0, card.least - used // MICRO)
    return msgspec.structs.replace(card, techniques=techniques, capacity=capacity, least=min(least, capacity))


def _pin_cards(source: Economy, fixed: Mapping[str, tuple[int, ...]], margin_bits: int | None) -> list[WorkplaceCard]:
    """All batches as recipes that are done exactly once, at most NET_MOST goods each."""
    total, moved = [0] * len(source.goods), [0] * len(source.goods)
    for card in source.workplaces:
        for technique, level in zip(card.techniques, fixed[card.id], strict=True):
            for good, amount in technique.net:
                total[good] += amount * level
                moved[good] += abs(amount) * level
    margins = [0 if margin_bits is None else amount >> margin_bits for amount in moved]
    lifted = [here + margin for here, margin in zip(total, margins, strict=True)]
    net = [(good, divide_up(amount, MICRO)) for good, amount in enumerate(lifted) if divide_up(amount, MICRO)]
    taken = set(source.answer_ranges)
    cards: list[WorkplaceCard] = []
    for start in range(0, len(net), NET_MOST):
        name = f"{PIN_NAME} {len(cards) + 1}"
        while name in taken:
            name += "'"
        cards.append(WorkplaceCard(name, MICRO, MICRO, (Technique(tuple(net[start : start + NET_MOST]), MICRO),)))
    return cards


def hold_plan(economy: Economy, quantities: Sequence[int], efforts: Sequence[float], prices: Sequence[int]) -> State:
    """A state that stands where a finished plan does, for whoever has the document alone.

    `quantities` and `efforts` per entry in the economy's order: units or millionths, and what the last bit of an
    activity costs its workers, in credits per activity (0 for councils).
    """
    edges = len(economy.eaters.good)
    answers = np.array(quantities, np.int64)
    levels = answers[edges:] / MICRO
    slope = np.where(levels > 0.0, np.array(efforts[edges:]) / np.where(levels > 0.0, levels, 1.0), 0.0)
    shown = slope / economy.metric_unit[edges:]
    relative = np.where(levels > 0.0, np.minimum(np.maximum(shown, SHOWN_LEAST), SHOWN_MOST), PIN_STEEPNESS)
    metric = np.concatenate([np.full(edges, METRIC_ONE), np.rint(relative * METRIC_ONE)]).astype(np.int64)
    pull = np.concatenate([np.zeros(edges), slope / economy.metric_of(metric)[edges:]])
    carried = answers + np.rint(answers * pull).astype(np.int64)
    return State(economy.digest, 0, np.array(prices, np.int64), carried, metric, answers, answers.copy())

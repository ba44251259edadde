"""Whose answers keep the rounds from ending: who moves on when the others have come to rest, and against its own word.

Invariant: whole numbers say who moves; only of the one who moves most is asked whether its answers contradict one
another (answers.py). It is a question to ask, and nothing follows by itself. Spec: docs/spec/planning/facilitation.md
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from protocol.planning.audit.answers import judge_card
from protocol.planning.audit.columns import read_column, sum_products
from protocol.planning.audit.replay import ReplayedRound
from protocol.planning.card_rules import DECIMALS_MOST
from protocol.planning.cards import PPM
from protocol.planning.economy import Economy
from protocol.planning.private.outlines import is_private

MOVING_ROUNDS = 8
"""For so many rounds of a reading everybody moves, and honestly."""
WINDOW_ROUNDS = 5
"""How many of the last rounds are looked at."""
MILLI = 1_000


@dataclass(frozen=True)
class Restless:
    """A card that goes on moving: by which part of its answer at least from round to round, and `wrong_share_ppm`, how
    much of its movement goes against its own earlier answers."""

    card: str
    moved_ppm: int
    wrong_share_ppm: int


def find_restless(economy: Economy, rounds: Sequence[ReplayedRound]) -> Restless | None:
    """Who holds up a reading, from its last WINDOW_ROUNDS rounds or more; None where nobody does."""
    last = rounds[-WINDOW_ROUNDS:]
    if len(last) < WINDOW_ROUNDS or last[-1].report.is_close_enough or last[-1].state.round < MOVING_ROUNDS:
        return None
    moving = _list_moving(economy, last)
    if not moving:
        return None
    _, card, moved_ppm = max(moving)
    verdict = judge_card(economy, card, last)
    return Restless(card, moved_ppm, round(verdict.wrong_share * PPM)) if verdict.is_erratic else None


def _list_moving(economy: Economy, rounds: Sequence[ReplayedRound]) -> list[tuple[int, str, int]]:
    """Of each card that moves by more than the tolerance in every round: what it moved in all, its name, and its
    smallest move as a part of its size."""
    names = [card for card in economy.participants if all(card in one.answers for one in rounds)]
    if not names:
        return []
    worths = _weigh_entries(economy)
    weight = read_column(worths[row] for name in names for row in economy.answer_ranges[name])
    group = np.repeat(np.arange(len(names)), [len(economy.answer_ranges[name]) for name in names])
    said = [read_column(units for name in names for units in one.answers[name].quantities) for one in rounds]
    sizes = [sum_products(np.abs(column), weight, group, len(names)) for column in said]
    moves = [sum_products(np.abs(after - before), weight, group, len(names)) for before, after in pairwise(said)]
    found = []
    for place, name in enumerate(names):
        steps = [
            move[place] * PPM // max(1, before[place], after[place])
            for move, (before, after) in zip(moves, pairwise(sizes), strict=True)
        ]
        if min(steps) > economy.table.tolerance_ppm:
            found.append((sum(move[place] for move in moves), name, min(steps)))
    return found


def _weigh_entries(economy: Economy) -> list[int]:
    """What one of an entry's integers is worth at start prices, in 10^-15 credits; a technique is what it makes."""
    price = [good.start_price_micro for good in economy.goods]
    worths = [
        price[good] * 10 ** (DECIMALS_MOST - economy.goods[good].decimals)
        for card in economy.consumers
        for nest in card.nests
        for good in nest.goods
    ]
    for card in economy.workplaces:
        if is_private(card):
            worths += [price[good] * MILLI for good, _, _ in card.outline]
        made = [[-amount * price[good] for good, amount in one.net if amount < 0] for one in card.techniques]
        worths += [] if is_private(card) else [sum(one) // MILLI for one in made]
    return worths

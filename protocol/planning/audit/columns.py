"""All cards and quantities of a plan as columns of whole numbers: a thousand cards are looked at in one go.

Invariant: exact. Sums are int64 within bounds that are worked out first, and Python's own whole numbers beyond them.
Spec: docs/spec/planning/plan.md, section "Certificate".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.planning.cards import ConsumerCard, Nest, Technique, WorkplaceCard

WORD_BITS = 63

Column = NDArray[Any]
"""int64, or Python's whole numbers where one of them does not fit."""


@dataclass(frozen=True)
class CardColumns:
    """One row per nest, (council, good), technique and (technique, good), in the order of the cards.

    `nest_council`, `council`, `workplace` and `technique` say whose a row is; `nests` and `techniques` are the rows'
    own cards, `credits` a nest's micro-credits.
    """

    nests: list[Nest]
    nest_council: Column
    credits: Column
    council: Column
    good: Column
    floor: Column
    want: Column
    techniques: list[Technique]
    workplace: Column
    capacity_use: Column
    technique: Column
    net_good: Column
    net_amount: Column


def read_cards(consumers: Sequence[ConsumerCard], workplaces: Sequence[WorkplaceCard]) -> CardColumns:
    """The cards side by side; floors and wants may be of another length than goods while nobody has looked."""
    nests = [nest for card in consumers for nest in card.nests]
    techniques = [technique for card in workplaces for technique in card.techniques]
    goods = [nest.goods for nest in nests]
    nets = [technique.net for technique in techniques]
    nest_council = _repeat([card.nests for card in consumers])
    net = read_column(chain.from_iterable(chain.from_iterable(nets)))
    return CardColumns(
        nests=nests,
        nest_council=nest_council,
        credits=read_column([nest.credits_micro for nest in nests]),
        council=nest_council[_repeat(goods)],
        good=read_column(chain.from_iterable(goods)),
        floor=read_column(chain.from_iterable([nest.floors for nest in nests])),
        want=read_column(chain.from_iterable([nest.wants for nest in nests])),
        techniques=techniques,
        workplace=_repeat([card.techniques for card in workplaces]),
        capacity_use=read_column([technique.capacity_use for technique in techniques]),
        technique=_repeat(nets),
        net_good=net[0::2],
        net_amount=net[1::2],
    )


def read_quantities(column: Mapping[str, tuple[int, ...]], cards: Sequence[ConsumerCard | WorkplaceCard]) -> Column:
    """The quantities of these cards one after the other."""
    return read_column(chain.from_iterable(column[card.id] for card in cards))


def read_column(numbers: Iterable[int]) -> Column:
    """These whole numbers, however large."""
    listed = list(numbers)
    try:
        return np.fromiter(listed, np.int64, len(listed))
    except OverflowError:
        return np.array(listed, object)


def sum_products(left: Column, right: Column, group: Column, groups: int) -> list[int]:
    """The exact sum of left x right in each group.

    The larger factors are cut into pieces of so many bits that no sum of products with a piece leaves 64 bits.
    """
    if not len(group):
        return [0] * groups
    if object not in (left.dtype, right.dtype):
        small, large = sorted((left, right), key=_largest)
        bound = _largest(small) * int(np.max(np.bincount(group)))
        if bound.bit_length() < WORD_BITS:
            return _sum_pieces(small, large, group, groups, WORD_BITS - bound.bit_length())
    totals = [0] * groups
    for one, other, place in zip(left.tolist(), right.tolist(), group.tolist(), strict=True):
        totals[place] += one * other
    return totals


def _sum_pieces(small: Column, large: Column, group: Column, groups: int, bits: int) -> list[int]:
    totals, shift = [0] * groups, 0
    while True:
        is_last = _largest(large) < 1 << bits
        piece = large if is_last else large & ((1 << bits) - 1)
        sums = np.zeros(groups, np.int64)
        np.add.at(sums, group, small * piece)
        totals = [total + (part << shift) for total, part in zip(totals, sums.tolist(), strict=True)]
        if is_last:
            return totals
        large, shift = large >> bits, shift + bits


def _largest(column: Column) -> int:
    return max(int(np.max(column)), -int(np.min(column)))


def _repeat(rows: Sequence[Sequence[object]]) -> Column:
    """The place of each list, once for each of its members."""
    return np.repeat(np.arange(len(rows)), np.fromiter(map(len, rows), np.int64, len(rows)))

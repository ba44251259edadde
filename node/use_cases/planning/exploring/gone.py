"""What can no longer be made at all: when an oven stands still, its bread is not short, it is gone.

Invariant: a good is gone when nothing of it lies there and nobody at work can make it from goods that are not gone.
"""

from collections.abc import Sequence

import msgspec

from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.responses import NestTastes, Tastes


def find_gone(table: GoodsTable, at_work: Sequence[WorkplaceCard]) -> frozenset[int]:
    """Indexes of the goods that are gone; `at_work` are the workplaces and trade nodes that are not closed."""
    there = {number for number, good in enumerate(table.goods) if good.endowment}
    techniques = [technique for card in at_work for technique in card.techniques]
    while True:
        made = {
            good
            for technique in techniques
            if all(used in there for used, amount in technique.net if amount > 0)
            for good, amount in technique.net
            if amount < 0
        }
        if made <= there:
            return frozenset(range(len(table.goods))) - there
        there |= made


def drop_goods(card: ConsumerCard, tastes: Tastes, gone: frozenset[int]) -> tuple[ConsumerCard, Tastes]:
    """The card and its tastes without the goods that are gone; a nest's credits stay with what is left of it, and those
    of a nest that is all gone go to the others alike."""
    kept = [
        (nest, taste, [place for place, good in enumerate(nest.goods) if good not in gone])
        for nest, taste in zip(card.nests, tastes.nests, strict=True)
    ]
    left = [row for row in kept if row[2]]
    total = sum(nest.credits_micro for nest in card.nests)
    shared = max(1, sum(nest.credits_micro for nest, _, _ in left))
    nests, tasted = [], []
    for nest, taste, places in left:
        nests.append(
            msgspec.structs.replace(
                nest,
                credits_micro=nest.credits_micro * total // shared,
                goods=tuple(nest.goods[place] for place in places),
                floors=tuple(nest.floors[place] for place in places),
                wants=tuple(nest.wants[place] for place in places),
            )
        )
        tasted.append(NestTastes(taste.sigma, tuple(taste.weights[place] for place in places)))
    return msgspec.structs.replace(card, nests=tuple(nests)), Tastes(tuple(tasted))

"""How many batches of each technique come nearest to a draft that knows none: rounded, and repaired batch by batch.

This is what every node works out for itself, so that there is something to run where nobody has found better.
Invariant: whole numbers only, in one written order: the same draft gives the same batches on every machine.
Spec: docs/spec/batches.md, section "The repair"
"""

from typing import Final

from protocol.planning.batches.candidate import is_full, list_gains
from protocol.planning.batches.sizes import least_level
from protocol.planning.cards import MICRO, Technique
from protocol.planning.certificate import all_workplaces, goods_of, measure_left
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

SPARE_BITS: Final = 14
"""2^-14 of what moves of a good that nobody eats is kept free, so that rounding and fitting find room."""
STIFFNESS: Final = 2
"""A good of which a share s is missing is taken to be worth 1 + STIFFNESS x s times its price."""
BEND_LEAST_TENTHS, BEND_MOST_TENTHS = -4, 100
"""Between which shares (in tenths of what is eaten) a good's worth bends."""
PRICE_LEAST_DIVISOR: Final = 1_000
"""What nobody pays for is worth so little of the mean price, not nothing."""
UNMET_WORTH: Final = 1_000
"""What it costs to lack what nobody can do without: so many times its price."""
OVER_CAPACITY_MICRO: Final = 1_000 * MICRO
"""What a unit of capacity costs that there is not, in micro-credits."""
UNUSED_TENTHS: Final = 3
"""Marginal effort at full capacity of a technique that the draft does not use, in tenths of what it turns over."""
PASSES_MAX: Final = 60


def repair_batches(draft: Plan) -> dict[str, tuple[int, ...]]:
    """Levels in millionths by card, in whole batches; those of techniques without a batch are 0.

    Rounds each technique for itself, then moves one by one batch wherever that costs least, until nothing gets better.
    """
    ledger = _Ledger(draft)
    counts = {place: _round_count(technique, level) for place, technique, level in ledger.batched}
    for (card, place), count in counts.items():
        technique = ledger.cards[card].techniques[place]
        ledger.move(card, technique, count * technique.batch - ledger.levels[card][place])
    for _ in range(PASSES_MAX):
        moves = 0
        for key, technique, before in ledger.batched:
            best = _find_best(ledger, key, technique, before, counts[key])
            if best != counts[key]:
                ledger.move(key[0], technique, (best - counts[key]) * technique.batch)
                counts[key], moves = best, moves + 1
        if not moves:
            break
    return {
        card.id: tuple(
            counts.get((number, place), 0) * technique.batch for place, technique in enumerate(card.techniques)
        )
        for number, card in enumerate(ledger.cards)
    }


def round_batches(draft: Plan, downward: bool = False) -> dict[str, tuple[int, ...]]:
    """Levels as above, each technique for itself to the nearest batch, or down: what a person without a plan does."""
    return {
        card.id: tuple(
            _round_count(technique, level, downward) * technique.batch if technique.batch else 0
            for technique, level in zip(card.techniques, draft.activity[card.id], strict=True)
        )
        for card in all_workplaces(draft)
    }


def _round_count(technique: Technique, level: int, downward: bool = False) -> int:
    """The nearest whole number of batches that may be done (halves go up), or the nearest below."""
    whole = (level if downward else level + technique.batch // 2) // technique.batch
    least = least_level(technique) // technique.batch
    if whole >= least:
        return whole
    return least if 2 * whole >= least and not downward else 0


class _Ledger:
    """What is short of each good and used of each capacity, while batches are moved: in 10^-12 of their units."""

    def __init__(self, draft: Plan) -> None:
        self.draft, self.cards = draft, all_workplaces(draft)
        self.levels: list[list[int]] = [list(draft.activity[card.id]) for card in self.cards]
        self.batched = [
            ((number, place), technique, self.levels[number][place])
            for number, card in enumerate(self.cards)
            for place, technique in enumerate(card.techniques)
            if technique.batch
        ]
        self.short = [-left for left in measure_left(draft)]
        self.eaten = _sum_eaten(draft)
        self.spare = [moving >> SPARE_BITS for moving in self._sum_moving()]
        mean = sum(draft.prices) // len(draft.prices)
        self.worth = [max(price, mean // PRICE_LEAST_DIVISOR, 1) for price in draft.prices]
        self.used = [
            sum(technique.capacity_use * level for technique, level in zip(card.techniques, levels, strict=True))
            for card, levels in zip(self.cards, self.levels, strict=True)
        ]
        self.gains = [list_gains(draft, card) for card in self.cards]
        self.full = [is_full(draft, card) for card in self.cards]

    def move(self, card: int, technique: Technique, change: int) -> None:
        """Do so much more of a technique, in millionths."""
        for good, amount in technique.net:
            self.short[good] += amount * change
        self.used[card] += technique.capacity_use * change

    def cost_goods(self, technique: Technique, change: int) -> int:
        """What being short costs (below 0: having more) of all that a technique moves, in 10^-18 credits."""
        return sum(self._cost_short(good, self.short[good] + amount * change) for good, amount in technique.net)

    def cost_capacity(self, card: int, technique: Technique, change: int) -> int:
        """What it costs to use more than a capacity, or less than was agreed, in 10^-18 credits."""
        after, row = self.used[card] + technique.capacity_use * change, self.cards[card]
        return OVER_CAPACITY_MICRO * max(after - row.capacity * MICRO, row.least * MICRO - after, 0)

    def cost_effort(self, key: tuple[int, int], technique: Technique, before: int, after: int) -> int:
        """What effort a level takes, in 10^-18 credits: it grows with the square, as steeply as the draft shows."""
        card, place = key
        if before:
            # Who works at full capacity may be held by that alone: half of the gain is a guess.
            cost = self.gains[card][place] // (2 if self.full[card] else 1)
            return cost * after * after // (2 * before)
        flows = [self.draft.prices[good] * amount for good, amount in technique.net]
        worth = max(sum(flow for flow in flows if flow > 0), -sum(flow for flow in flows if flow < 0))
        most = max(self.cards[card].capacity * MICRO // technique.capacity_use, 1)
        return UNUSED_TENTHS * worth * after * after // (20 * most)

    def _cost_short(self, good: int, short: int) -> int:
        worth, eaten, spare = self.worth[good], self.eaten[good], self.spare[good]
        bent = 0
        if eaten:
            share = min(max(short, BEND_LEAST_TENTHS * eaten // 10), BEND_MOST_TENTHS * eaten // 10)
            bent = worth * short + STIFFNESS * worth * short * share // eaten
        # Of what nobody eats nothing can give way, and a little must stay free.
        over = short - eaten if eaten else short + spare
        return bent + worth * UNMET_WORTH * max(over, 0)

    def _sum_moving(self) -> list[int]:
        moving = [eaten + max(-short, 0) for eaten, short in zip(self.eaten, self.short, strict=True)]
        for card, levels in zip(self.cards, self.levels, strict=True):
            for technique, level in zip(card.techniques, levels, strict=True):
                for good, amount in technique.net:
                    moving[good] += abs(amount) * level
        return moving


def _find_best(ledger: _Ledger, key: tuple[int, int], technique: Technique, before: int, count: int) -> int:
    """One batch more or fewer (none, where fewer are not worth setting up) if that costs less; else as it is."""
    least = least_level(technique) // technique.batch
    options = (count, count + 1 if count else least, count - 1 if count > least else 0)

    def cost(option: int) -> int:
        change = (option - count) * technique.batch
        effort = ledger.cost_effort(key, technique, before, option * technique.batch)
        return effort + ledger.cost_goods(technique, change) + ledger.cost_capacity(key[0], technique, change)

    return min(options, key=cost)


def _sum_eaten(draft: Plan) -> list[int]:
    """What councils eat of each good above their floors, in 10^-12 of its unit."""
    eaten = [0] * len(draft.goods_table.goods)
    for card in draft.consumers:
        floors = [floor for nest in card.nests for floor in nest.floors]
        for good, units, floor in zip(goods_of(card), draft.consumption[card.id], floors, strict=True):
            eaten[good] += (units - floor) * 10 ** (BALANCE_DECIMALS - draft.goods_table.goods[good].decimals)
    return eaten

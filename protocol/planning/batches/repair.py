"""How many batches of each technique come nearest to a draft that knows none: rounded, and repaired batch by batch.

This is what every node works out for itself, so that there is something to run where nobody has found better.
Invariant: whole numbers only, in one written order: the same draft gives the same batches on every machine.
Spec: docs/spec/planning/batches.md, section "The repair"
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocol.planning.batches.candidate import is_full, list_gains
from protocol.planning.batches.sizes import least_level
from protocol.planning.cards import MICRO, Technique
from protocol.planning.certificate import all_workplaces, goods_of, measure_left
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

SPARE_BITS: Final = 14
"""2^-14 of what moves of a good that nobody eats is kept free, so that rounding and fitting find room."""
STIFFNESS: Final = 2
"""A good of which a small share s is missing is taken to be worth 1 + STIFFNESS x s times its price."""
LAST_BITS: Final = 6
"""Where less than 2^-6 of what is eaten is left, it is missed no more than that."""
MORE_MOST_TENTHS: Final = 4
"""More of a good than so many tenths of what is eaten is worth no less for each."""
PRICE_LEAST_DIVISOR: Final = 1_000
"""What nobody pays for is worth so little of the mean price, not nothing."""
UNMET_WORTH: Final = 10
"""What it costs to lack all that moves of a good that nobody can do without, so many times all that is eaten; whatever
its own price, for what nobody pays for cannot be used twice either."""
OVER_CAPACITY_MICRO: Final = 1_000 * MICRO
"""What a unit of capacity costs that there is not, in micro-credits."""
UNUSED_TENTHS: Final = 3
"""Marginal effort at full capacity of a technique that the draft does not use, in tenths of what it turns over."""
PASSES_MAX: Final = 60
CHAIN_PASSES_MAX: Final = 2
CHAIN_MAX: Final = 5
"""So many moves make a chain at most."""
MOVERS_MAX: Final = 64
"""So many techniques are looked at that could make up for one good."""
MORE, FEWER = 0, 1
"""A batch more and a batch fewer, by their place among a technique's options."""


def repair_batches(draft: Plan) -> dict[str, tuple[int, ...]]:
    """Levels in millionths by card, in whole batches; those of techniques without a batch are 0.

    Rounds each technique for itself, then moves one by one batch wherever that costs least, until nothing gets better;
    then moves several together, each making up for what the one before leaves short or over.
    """
    ledger = _Ledger(draft)
    for work in ledger.works:
        ledger.run(work, _round_count(work.technique, work.before))
    _settle_alone(ledger)
    for _ in range(CHAIN_PASSES_MAX):
        if not sum(_try_chain(ledger, work, way) for work in ledger.works for way in (MORE, FEWER)):
            break
    counts = dict(zip(((work.card, work.place) for work in ledger.works), ledger.counts, strict=True))
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


class _Work(NamedTuple):
    """A technique that comes in batches: its place among all, on which card, and what the draft does of it."""

    number: int
    card: int
    place: int
    technique: Technique
    before: int
    least: int


class _Ledger:
    """What is short of each good and used of each capacity, while batches are moved: in 10^-12 of their units."""

    def __init__(self, draft: Plan) -> None:
        self.draft, self.cards = draft, all_workplaces(draft)
        self.levels: list[list[int]] = [list(draft.activity[card.id]) for card in self.cards]
        found = [
            (number, place, technique)
            for number, card in enumerate(self.cards)
            for place, technique in enumerate(card.techniques)
            if technique.batch
        ]
        self.works = [
            _Work(at, card, place, one, self.levels[card][place], least_level(one) // one.batch)
            for at, (card, place, one) in enumerate(found)
        ]
        self.counts = [0] * len(self.works)
        self.short = [-left for left in measure_left(draft)]
        self.eaten = _sum_eaten(draft)
        moving = self._sum_moving()
        self.spare = [amount >> SPARE_BITS for amount in moving]
        mean = sum(draft.prices) // len(draft.prices)
        self.worth = [max(price, mean // PRICE_LEAST_DIVISOR, 1) for price in draft.prices]
        everything = sum(worth * eaten for worth, eaten in zip(self.worth, self.eaten, strict=True))
        self.unmet = [UNMET_WORTH * everything // max(amount, 1) for amount in moving]
        self.used = [
            sum(technique.capacity_use * level for technique, level in zip(card.techniques, levels, strict=True))
            for card, levels in zip(self.cards, self.levels, strict=True)
        ]
        self.gains = [list_gains(draft, card) for card in self.cards]
        self.full = [is_full(draft, card) for card in self.cards]
        self.efforts = [self._read_effort(work) for work in self.works]
        self.costs = [0] * len(self.short)
        for work in self.works:
            self._move(work, -work.before)
        self.costs = [self.cost_short(good, short) for good, short in enumerate(self.short)]
        self.movers: list[list[tuple[_Work, int]]] = [[] for _ in self.short]
        for work in self.works:
            for good, amount in work.technique.net:
                self.movers[good].append((work, amount))

    def run(self, work: _Work, count: int) -> None:
        """Do so many batches of it."""
        self._move(work, (count - self.counts[work.number]) * work.technique.batch)
        self.counts[work.number] = count

    def _move(self, work: _Work, change: int) -> None:
        for good, amount in work.technique.net:
            self.short[good] += amount * change
            self.costs[good] = self.cost_short(good, self.short[good])
        self.used[work.card] += work.technique.capacity_use * change

    def list_options(self, work: _Work) -> tuple[int, int]:
        """One batch more or fewer; none, where fewer are not worth setting up."""
        count = self.counts[work.number]
        return count + 1 if count else work.least, count - 1 if count > work.least else 0

    def cost_change(self, work: _Work, count: int) -> int:
        """What it costs to do so many batches in place of those that are done, in 10^-18 credits; below 0: it saves."""
        here, technique = self.counts[work.number], work.technique
        change, (slope, divisor) = (count - here) * technique.batch, self.efforts[work.number]
        cost = slope * technique.batch**2 * (count * count - here * here) // divisor
        cost += self._cost_capacity(work.card, technique.capacity_use * change) - self._cost_capacity(work.card, 0)
        cost += technique.setup_micro * MICRO**2 * (bool(count) - bool(here))
        for good, amount in technique.net:
            cost += self.cost_short(good, self.short[good] + amount * change) - self.costs[good]
        return cost

    def cost_short(self, good: int, short: int) -> int:
        """What it costs to be so short of a good (below 0: to have more)."""
        worth, eaten, spare = self.worth[good], self.eaten[good], self.spare[good]
        if not eaten:
            # Of what nobody eats nothing can give way, and a little must stay free.
            return self.unmet[good] * max(short + spare, 0)
        if short <= 0:
            return worth * short - STIFFNESS * worth * short * min(-short, eaten * MORE_MOST_TENTHS // 10) // eaten
        # Of what is eaten a little is missed a little; the last of it nobody can do without.
        there = max(eaten - short, eaten >> LAST_BITS, 1)
        return worth * short + STIFFNESS * worth * short * short // there + self.unmet[good] * max(short - eaten, 0)

    def _cost_capacity(self, card: int, more: int) -> int:
        after, row = self.used[card] + more, self.cards[card]
        return OVER_CAPACITY_MICRO * max(after - row.capacity * MICRO, row.least * MICRO - after, 0)

    def _read_effort(self, work: _Work) -> tuple[int, int]:
        """Effort as (slope, divisor): slope x level^2 / divisor, as steep as the draft shows it."""
        if work.before:
            # Who works at full capacity may be held by that alone: half of the gain is a guess.
            return self.gains[work.card][work.place] // (2 if self.full[work.card] else 1), 2 * work.before
        flows = [self.draft.prices[good] * amount for good, amount in work.technique.net]
        worth = max(sum(flow for flow in flows if flow > 0), -sum(flow for flow in flows if flow < 0))
        most = max(self.cards[work.card].capacity * MICRO // work.technique.capacity_use, 1)
        return UNUSED_TENTHS * worth, 20 * most

    def _sum_moving(self) -> list[int]:
        moving = [eaten + max(-short, 0) for eaten, short in zip(self.eaten, self.short, strict=True)]
        for card, levels in zip(self.cards, self.levels, strict=True):
            for technique, level in zip(card.techniques, levels, strict=True):
                for good, amount in technique.net:
                    moving[good] += abs(amount) * level
        return moving


def _settle_alone(ledger: _Ledger) -> None:
    """One technique by one batch, wherever that is cheaper than what is, until nothing is."""
    for _ in range(PASSES_MAX):
        moves = 0
        for work in ledger.works:
            cost, option = min((ledger.cost_change(work, option), option) for option in ledger.list_options(work))
            if cost < 0:
                ledger.run(work, option)
                moves += 1
        if not moves:
            return


def _try_chain(ledger: _Ledger, first: _Work, way: int) -> bool:
    """A move, and then what best makes up for the good that suffers most by it; kept if all together saves."""
    moved = {first.number: ledger.counts[first.number]}
    before = {good: ledger.short[good] for good, _ in first.technique.net}
    option = ledger.list_options(first)[way]
    cost = ledger.cost_change(first, option)
    ledger.run(first, option)
    while cost >= 0 and len(moved) < CHAIN_MAX and (found := _find_answer(ledger, moved, before)) is not None:
        more, work, count = found
        for good, _ in work.technique.net:
            before.setdefault(good, ledger.short[good])
        moved[work.number] = ledger.counts[work.number]
        ledger.run(work, count)
        cost += more
    if cost < 0:
        return True
    for number, count in moved.items():
        ledger.run(ledger.works[number], count)
    return False


def _find_answer(ledger: _Ledger, moved: Mapping[int, int], before: Mapping[int, int]) -> tuple[int, _Work, int] | None:
    """The cheapest move against what has become of the good whose cost has risen most: (cost, technique, batches)."""
    rises = [(ledger.costs[good] - ledger.cost_short(good, short), good) for good, short in before.items()]
    worst = max(rises)[1]
    is_over = ledger.short[worst] < before[worst]
    tried = []
    for work, amount in ledger.movers[worst][:MOVERS_MAX]:
        count = ledger.list_options(work)[MORE if (amount > 0) is is_over else FEWER]
        if work.number not in moved and count != ledger.counts[work.number]:
            tried.append((ledger.cost_change(work, count), work, count))
    return min(tried, key=lambda one: one[0], default=None)


def _sum_eaten(draft: Plan) -> list[int]:
    """What councils eat of each good above their floors, in 10^-12 of its unit."""
    eaten = [0] * len(draft.goods_table.goods)
    for card in draft.consumers:
        floors = [floor for nest in card.nests for floor in nest.floors]
        for good, units, floor in zip(goods_of(card), draft.consumption[card.id], floors, strict=True):
            eaten[good] += (units - floor) * 10 ** (BALANCE_DECIMALS - draft.goods_table.goods[good].decimals)
    return eaten

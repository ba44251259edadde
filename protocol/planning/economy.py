"""The region as arrays: what all cards together say, in one order that does not depend on how they arrived.

Invariants: cards are sorted by the bytes of their id, trade nodes likewise after the workplaces; the same cards give
the same arrays and digest; floats are whole units, whole activities and credits, each one division of integers.
Spec: docs/spec/planning/planning-step.md.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from protocol.core.errors import Finding, RefusedError
from protocol.planning.audit.cards import check_cards
from protocol.planning.card_rules import (
    CREDITS_MOST_MICRO,
    PARTICIPANTS_MOST,
    QUANTITY_MOST,
    check_goods_table,
    quantity_most,
)
from protocol.planning.cards import MICRO, ConsumerCard, Good, GoodsTable, WorkplaceCard
from protocol.planning.private.outlines import bound_levels, count_entries, is_private, list_rows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Indexes = NDArray[np.intp]

# A technique is never scaled to more than this many times what all credits could pay for at the start prices, so that
# an "unlimited" capacity does not blur the integers of everybody else.
LEVEL_CREDITS_MOST = 4.0
METRIC_ONE = float(2**24)
# What the public step lets anybody do at most: so many times what could plausibly be.
EXTREME_BITS = 14
EXTREME = float(2**EXTREME_BITS)


@dataclass(frozen=True)
class ConsumerEdges:
    """One row per (council, good): indexes, and quantities in whole units."""

    good: Indexes
    owner: Indexes
    nest: Indexes
    nest_start: Indexes
    nest_credits: Floats
    unit: Floats
    floor: Floats
    want: Floats
    scale: Floats


@dataclass(frozen=True)
class WorkplaceRows:
    """Workplaces x technique slots (absent slots hold harmless ones), and one edge per (workplace, good).

    `net[edge, slot]` whole units per activity; edges of a workplace lie together from `edge_start[workplace]` on;
    `worth` is the value of all a technique uses and makes at start prices, `turnover` the larger of its two sides.
    Activities stay between `lowest` (per workplace) and `highest`; an outline has one row, free to go below 0, a good.
    """

    has: NDArray[np.bool_]
    flat: Indexes
    capacity_use: Floats
    capacity: Floats
    least: Floats
    level: Floats
    worth: Floats
    turnover: Floats
    edge_start: Indexes
    edge_owner: Indexes
    edge_good: Indexes
    net: Floats
    lowest: Floats
    highest: Floats


@dataclass(frozen=True)
class Economy:
    """Everything public of a plan call, ready for the step that all nodes compute alike."""

    table: GoodsTable
    consumers: tuple[ConsumerCard, ...]
    workplaces: tuple[WorkplaceCard, ...]
    answering: int
    digest: bytes
    price: Floats
    unit: Floats
    endowment: Floats
    flow: Floats
    eaters: ConsumerEdges
    makers: WorkplaceRows

    @property
    def goods(self) -> tuple[Good, ...]:
        """The goods in the order of the table."""
        return self.table.goods

    @cached_property
    def answer_ranges(self) -> dict[str, range]:
        """Participant id -> the positions of its answer in the state's arrays (consumers first, then techniques)."""
        ranges: dict[str, range] = {}
        start = 0
        for consumer in self.consumers:
            ranges[consumer.id] = range(start, start := start + sum(len(nest.goods) for nest in consumer.nests))
        for workplace in self.workplaces:
            ranges[workplace.id] = range(start, start := start + count_entries(workplace))
        return ranges

    @property
    def entries(self) -> int:
        """How many numbers a state holds per column: council edges, then techniques."""
        return len(self.eaters.good) + len(self.makers.flat)

    @cached_property
    def entry_unit(self) -> Floats:
        """Published integers per whole unit or activity, for every entry of a state."""
        return np.concatenate([self.eaters.unit, np.full(len(self.makers.flat), float(MICRO))])

    @cached_property
    def metric_unit(self) -> Floats:
        """The metric that METRIC_ONE stands for, per entry: start price / scale, in credits per whole unit squared."""
        technique = (self.makers.turnover / self.makers.level).reshape(-1)[self.makers.flat]
        return np.concatenate([self.price[self.eaters.good] / self.eaters.scale, technique])

    def metric_of(self, written: Integers) -> Floats:
        """The metric r as floats from a state's integers."""
        return written / METRIC_ONE * self.metric_unit

    @cached_property
    def edge_pairs(self) -> tuple[Indexes, Indexes]:
        """All pairs of edges of one workplace, each once, the lower good first: for sums over pairs of goods."""
        bounds = [*self.makers.edge_start.tolist(), len(self.makers.edge_good)]
        left, right = [], []
        for start, end in pairwise(bounds):
            rows, columns = np.triu_indices(end - start)
            left.append(start + rows)
            right.append(start + columns)
        return np.concatenate(left), np.concatenate(right)

    @cached_property
    def weighted_net(self) -> Floats:
        """The makers' net amounts x sqrt(start price / flow) of the good."""
        return np.asarray(
            self.makers.net * np.sqrt(self.price / self.flow)[self.makers.edge_good].reshape(-1, 1), np.float64
        )

    @cached_property
    def technique_pairs(self) -> tuple[Indexes, Indexes, Floats]:
        """Pairs of goods of one technique: the cell (lower good x goods + other), the slot, and n_i n_j, weighted."""
        left, right = self.edge_pairs
        makers, size = self.makers, len(self.goods)
        cells, slots, products = [], [], []
        for slot in range(makers.net.shape[1]):
            both = self.weighted_net[left, slot] * self.weighted_net[right, slot]
            used = np.flatnonzero(both)
            cells.append(makers.edge_good[left[used]] * size + makers.edge_good[right[used]])
            slots.append(makers.edge_owner[left[used]] * makers.net.shape[1] + slot)
            products.append(both[used])
        return np.concatenate(cells), np.concatenate(slots), np.concatenate(products)

    @cached_property
    def answer_bounds(self) -> tuple[Integers, Integers]:
        """The least and the most that an answer may say per entry: floors, and the declared bounds of quantities."""
        floors = [floor for card in self.consumers for nest in card.nests for floor in nest.floors]
        most = [quantity_most(good.decimals) for good in self.goods]
        bounds = [(floor, most[good]) for floor, good in zip(floors, self.eaters.good.tolist(), strict=True)]
        for card in self.workplaces:
            bounds += bound_levels(card) if is_private(card) else [(0, QUANTITY_MOST)] * len(card.techniques)
        lowest, highest = np.array(bounds, np.int64).T
        return lowest, highest

    @cached_property
    def is_outline(self) -> NDArray[np.bool_]:
        """Which entries say what a workplace does that keeps its recipes to itself."""
        techniques = [is_private(card) for card in self.workplaces for _ in range(count_entries(card))]
        return np.array([*[False] * len(self.eaters.good), *techniques])

    @cached_property
    def outlined(self) -> tuple[str, ...]:
        """The ids of those who keep their recipes private."""
        return tuple(card.id for card in self.workplaces if is_private(card))

    @cached_property
    def mixed(self) -> tuple[str, ...]:
        """The ids of those of them whose goods hang together, as those of work do: all but who stands `apart`."""
        return tuple(card.id for card in self.workplaces if is_private(card) and not card.apart)

    @cached_property
    def is_mixed(self) -> NDArray[np.bool_]:
        """Which entries belong to `mixed`."""
        names = set(self.mixed)
        return np.array([name in names for name, rows in self.answer_ranges.items() for _ in rows])

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The ids that answer in each round: councils, then workplaces, without trade nodes."""
        eating = tuple(card.id for card in self.consumers)
        return eating + tuple(card.id for card in self.workplaces[: self.answering])

    @cached_property
    def credits_micro(self) -> int:
        """The allotment of all councils together."""
        return sum(nest.credits_micro for consumer in self.consumers for nest in consumer.nests)


def build_economy(table: GoodsTable, consumers: Iterable[ConsumerCard], workplaces: Iterable[WorkplaceCard]) -> Economy:
    """The same economy for any order of the cards. Raises RefusedError naming what is out of bounds."""
    check_goods_table(table)
    eating = tuple(sorted(consumers, key=lambda card: card.id.encode()))
    making = tuple(sorted(workplaces, key=lambda card: card.id.encode()))
    trading = tuple(sorted(table.trade, key=lambda card: card.id.encode()))
    _check_participants(table, eating, making, trading)
    unit = np.array([float(10**good.decimals) for good in table.goods])
    price = np.array([good.start_price_micro for good in table.goods], np.float64) / MICRO
    endowment = np.array([good.endowment for good in table.goods], np.float64) / unit
    credits = sum(nest.credits_micro for card in eating for nest in card.nests) / MICRO
    eaters = _consumer_edges(eating, unit, price)
    makers = _workplace_rows(making + trading, price, credits)
    return Economy(
        table=table,
        consumers=eating,
        workplaces=making + trading,
        answering=len(making),
        digest=_digest(table, eating, making),
        price=price,
        unit=unit,
        endowment=endowment,
        flow=_flow(endowment, eaters, makers),
        eaters=eaters,
        makers=makers,
    )


def _check_participants(
    table: GoodsTable,
    eating: tuple[ConsumerCard, ...],
    making: tuple[WorkplaceCard, ...],
    trading: tuple[WorkplaceCard, ...],
) -> None:
    if not eating or not making + trading or len(eating) + len(making) + len(trading) > PARTICIPANTS_MOST:
        reason = f"a plan needs a consumer card, a workplace or trade node, and at most {PARTICIPANTS_MOST} cards"
        raise RefusedError.at("cards", reason)
    check_cards(table, eating, making)
    names = [card.id for card in eating] + [card.id for card in making + trading]
    twice = sorted(name for name, cards in Counter(names).items() if cards > 1)
    if twice:
        raise RefusedError("two cards of one participant", [Finding(name, "has more than one card") for name in twice])
    if sum(nest.credits_micro for card in eating for nest in card.nests) > CREDITS_MOST_MICRO:
        raise RefusedError.at("credits_micro", f"all councils together must stay within {CREDITS_MOST_MICRO}")


def _digest(table: GoodsTable, eating: tuple[ConsumerCard, ...], making: tuple[WorkplaceCard, ...]) -> bytes:
    encoded = msgspec.msgpack.encode(["rochdale/economy/1", table, eating, making], order="sorted")
    return hashlib.sha256(encoded).digest()


def _consumer_edges(cards: tuple[ConsumerCard, ...], unit: Floats, price: Floats) -> ConsumerEdges:
    rows: list[tuple[int, int, int, int, int, float]] = []
    starts: list[int] = []
    credits: list[float] = []
    for owner, card in enumerate(cards):
        for nest in card.nests:
            starts.append(len(rows))
            credits.append(nest.credits_micro / MICRO)
            share = credits[-1] / len(nest.goods)
            for row in zip(nest.goods, nest.floors, nest.wants, strict=True):
                rows.append((row[0], owner, len(starts) - 1, row[1], row[2], share))
    good = np.array([row[0] for row in rows], np.intp)
    floor = np.array([row[3] for row in rows], np.float64) / unit[good]
    share_credits = np.array([row[5] for row in rows])
    return ConsumerEdges(
        good=good,
        owner=np.array([row[1] for row in rows], np.intp),
        nest=np.array([row[2] for row in rows], np.intp),
        nest_start=np.array(starts, np.intp),
        nest_credits=np.array(credits),
        unit=unit[good],
        floor=floor,
        want=np.array([row[4] for row in rows], np.float64) / unit[good],
        scale=floor + share_credits / price[good],
    )


class _Slots(NamedTuple):
    """The techniques of all rows beside one another, and the goods of each row as edges, in canonical order."""

    has: NDArray[np.bool_]
    use: Floats
    making: Floats
    using: Floats
    starts: list[int]
    owners: list[int]
    goods: list[int]
    net: list[list[float]]


def _lay_out(cards: Sequence[WorkplaceCard], price: Floats) -> _Slots:
    slots = max((len(card.techniques) for card in cards), default=1)
    has = np.zeros((len(cards), slots), np.bool_)
    use = np.ones((len(cards), slots))
    making, using = np.zeros((len(cards), slots)), np.zeros((len(cards), slots))
    laid = _Slots(has, use, making, using, [], [], [], [])
    for row, card in enumerate(cards):
        laid.starts.append(len(laid.goods))
        support = sorted({good for technique in card.techniques for good, _ in technique.net})
        place = {good: laid.starts[-1] + offset for offset, good in enumerate(support)}
        laid.goods.extend(support)
        laid.owners.extend([row] * len(support))
        laid.net.extend([0.0] * slots for _ in support)
        for slot, technique in enumerate(card.techniques):
            has[row, slot] = True
            use[row, slot] = technique.capacity_use / MICRO
            for good, amount in technique.net:
                laid.net[place[good]][slot] = amount / MICRO
                worth = abs(amount / MICRO) * float(price[good])
                (making if amount < 0 else using)[row, slot] += worth
    return laid


def _workplace_rows(published: tuple[WorkplaceCard, ...], price: Floats, credits: float) -> WorkplaceRows:
    cards = [row for card in published for row in list_rows(card)]
    has, use, making, using, starts, owners, goods, net = _lay_out(cards, price)
    capacity = np.array([card.capacity for card in cards], np.float64) / MICRO
    bounds = [bound for card in published for bound in (bound_levels(card) if is_private(card) else [(0, 0)])]
    lowest, highest = (np.array(side, np.float64) / MICRO for side in zip(*bounds, strict=True))
    free = np.array([bool(row.outline) and is_private(card) for card in published for row in list_rows(card)])
    turnover = np.where(has, np.maximum(making, using), 1.0)
    most = np.where(free.reshape(-1, 1), 1.0, LEVEL_CREDITS_MOST * credits / turnover)
    level = np.where(has, np.minimum(capacity.reshape(-1, 1) / use, most), 1.0)
    return WorkplaceRows(
        has=has,
        flat=np.flatnonzero(has),
        capacity_use=use,
        capacity=np.where(free, np.inf, capacity),
        least=np.array([card.least for card in cards], np.float64) / MICRO,
        level=level,
        worth=np.where(has, making + using, 1.0),
        turnover=turnover,
        edge_start=np.array(starts, np.intp),
        edge_owner=np.array(owners, np.intp),
        edge_good=np.array(goods, np.intp),
        net=np.array(net, np.float64).reshape(len(goods), has.shape[1]),
        lowest=lowest,
        highest=np.where(free.reshape(-1, 1), highest.reshape(-1, 1), level * EXTREME),
    )


def _flow(endowment: Floats, eaters: ConsumerEdges, makers: WorkplaceRows) -> Floats:
    """The most of each good that could plausibly move, added up one row after the other in canonical order."""
    used = [0.0] * len(endowment)
    made = [0.0] * len(endowment)
    for good, amount in zip(eaters.good.tolist(), eaters.scale.tolist(), strict=True):
        used[good] += amount
    potential = (makers.net * makers.level[makers.edge_owner]).tolist()
    for good, row in zip(makers.edge_good.tolist(), potential, strict=True):
        for amount in row:
            used[good] += max(amount, 0.0)
            made[good] += max(-amount, 0.0)
    flows = []
    for good, stock in enumerate(endowment.tolist()):
        moving = used[good] + made[good] + min(stock, used[good])
        flows.append(moving if moving > 0.0 else 1.0)
    return np.array(flows)

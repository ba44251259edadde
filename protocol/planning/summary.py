"""What a plan says, in tables that a page can turn into sentences: who wants, gets and makes what, and what binds.

Invariant: everything is read from the plan document, so every node tells the same.
Spec: docs/spec/planning/plan.md, section "Summary".
"""

from dataclasses import dataclass
from fractions import Fraction

from protocol.planning.cards import MICRO, PPM, ConsumerCard, Nest
from protocol.planning.certificate import (
    all_workplaces,
    capacity_used,
    gain_per_capacity,
    goods_of,
    measure_left,
)
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

# Full means used to all but a thousandth.
NEARLY = 1_000
PROPORTION_PPM = 10_000
PRICE_MOVE_PPM = 50_000


@dataclass(frozen=True)
class ConsumerRow:
    """One good of one council, in units: wanted at the start prices, planned, and its floor."""

    consumer: str
    people: int
    good: str
    wanted: int
    planned: int
    floor: int


@dataclass(frozen=True)
class GoodRow:
    """One good in the whole region, in units: who made and used how much of it.

    `bought` is made and `sold` is used by trade nodes; of outside money, `sold` is what buying costs.
    """

    good: str
    unit: str
    kind: str
    decimals: int
    wanted: int
    planned: int
    floor: int
    endowment: int
    made: tuple[tuple[str, int], ...]
    bought: tuple[tuple[str, int], ...]
    used: tuple[tuple[str, int], ...]
    sold: tuple[tuple[str, int], ...]
    left: int
    price_micro: int
    start_price_micro: int


@dataclass(frozen=True)
class FullCapacity:
    """A workplace that works to its capacity (millionths); one unit more would be worth this before effort."""

    workplace: str
    capacity: int
    worth_micro: int


@dataclass(frozen=True)
class UsedUpCap:
    """An endowment (cap, labour, land, outside money, stock) that is used up and has a price."""

    good: str
    kind: str
    endowment: int
    price_micro: int


@dataclass(frozen=True)
class BindingFloor:
    """A basic need that its own credits would not have met: they buy less than the floor on top of it."""

    consumer: str
    good: str
    floor: int
    planned: int


@dataclass(frozen=True)
class ScarceComplement:
    """Goods that a council takes in fixed proportions although prices moved; `scarcest` rose most and limits all."""

    consumer: str
    goods: tuple[str, ...]
    scarcest: str
    taken_ppm_of_wanted: int
    price_ppm_of_start: int


@dataclass(frozen=True)
class Bindings:
    """All that holds the plan back."""

    capacities: tuple[FullCapacity, ...]
    caps: tuple[UsedUpCap, ...]
    floors: tuple[BindingFloor, ...]
    complements: tuple[ScarceComplement, ...]


def list_consumers(plan: Plan) -> list[ConsumerRow]:
    """Every good of every council, in the order of the cards."""
    rows = []
    for card in plan.consumers:
        floors = [floor for nest in card.nests for floor in nest.floors]
        wants = [want for nest in card.nests for want in nest.wants]
        for good, want, planned, floor in zip(goods_of(card), wants, plan.consumption[card.id], floors, strict=True):
            rows.append(ConsumerRow(card.id, card.people, plan.goods_table.goods[good].id, want, planned, floor))
    return rows


def list_goods(plan: Plan) -> list[GoodRow]:
    """Every good of the table, in its order; a workplace's amounts are net of what it uses of its own product."""
    trade = {card.id for card in plan.goods_table.trade}
    moved = _moved(plan)
    left = measure_left(plan)
    rows_of: dict[str, list[ConsumerRow]] = {}
    for row in list_consumers(plan):
        rows_of.setdefault(row.good, []).append(row)
    rows = []
    for place, good in enumerate(plan.goods_table.goods):
        one = 10 ** (BALANCE_DECIMALS - good.decimals)
        made = [(name, -amount // one) for name, amount in moved[place] if amount < 0]
        used = [(name, amount // one) for name, amount in moved[place] if amount > 0]
        eaten = rows_of.get(good.id, [])
        rows.append(
            GoodRow(
                good=good.id,
                unit=good.unit,
                kind=good.kind,
                decimals=good.decimals,
                wanted=sum(row.wanted for row in eaten),
                planned=sum(row.planned for row in eaten),
                floor=sum(row.floor for row in eaten),
                endowment=good.endowment,
                made=tuple(cell for cell in made if cell[0] not in trade),
                bought=tuple(cell for cell in made if cell[0] in trade),
                used=tuple(cell for cell in used if cell[0] not in trade),
                sold=tuple(cell for cell in used if cell[0] in trade),
                left=left[place] // one,
                price_micro=plan.prices[place],
                start_price_micro=good.start_price_micro,
            )
        )
    return rows


def _moved(plan: Plan) -> list[list[tuple[str, int]]]:
    """Per good: net use of each workplace in 10^-12 whole units, below 0 for what it makes."""
    moved: list[list[tuple[str, int]]] = [[] for _ in plan.goods_table.goods]
    for card in all_workplaces(plan):
        net: dict[int, int] = {}
        for technique, level in zip(card.techniques, plan.activity[card.id], strict=True):
            for good, amount in technique.net:
                net[good] = net.get(good, 0) + amount * level
        for good, amount in net.items():
            moved[good].append((card.id, amount))
    return moved


def what_binds(plan: Plan) -> Bindings:
    """What limits the plan: full capacities, used-up endowments, floors, and goods that are only taken together."""
    return Bindings(_full_capacities(plan), _used_up(plan), _binding_floors(plan), _scarce_complements(plan))


def _full_capacities(plan: Plan) -> tuple[FullCapacity, ...]:
    full = []
    for card in plan.workplaces:
        if card.outline:
            # What a workplace with private recipes could do beyond its last answer is not known.
            continue
        worth = max(gain_per_capacity(plan, card))
        if worth > 0 and capacity_used(plan, card) * NEARLY >= card.capacity * MICRO * (NEARLY - 1):
            full.append(FullCapacity(card.id, card.capacity, int(worth)))
    return tuple(full)


def _used_up(plan: Plan) -> tuple[UsedUpCap, ...]:
    left = measure_left(plan)
    caps = []
    for good, amount, price in zip(plan.goods_table.goods, left, plan.prices, strict=True):
        stock = good.endowment * 10 ** (BALANCE_DECIMALS - good.decimals)
        if good.kind != "good" and stock > 0 and price > 0 and amount * NEARLY <= stock:
            caps.append(UsedUpCap(good.id, good.kind, good.endowment, price))
    return tuple(caps)


def _binding_floors(plan: Plan) -> tuple[BindingFloor, ...]:
    return tuple(
        BindingFloor(row.consumer, row.good, row.floor, row.planned)
        for row in list_consumers(plan)
        if row.planned - row.floor < row.floor
    )


def _scarce_complements(plan: Plan) -> tuple[ScarceComplement, ...]:
    found = []
    for card in plan.consumers:
        start = 0
        for nest in card.nests:
            taken = plan.consumption[card.id][start : start + len(nest.goods)]
            start += len(nest.goods)
            scarce = _scarce_complement(plan, card, nest, taken)
            if scarce is not None:
                found.append(scarce)
    return tuple(found)


def _scarce_complement(plan: Plan, card: ConsumerCard, nest: Nest, taken: tuple[int, ...]) -> ScarceComplement | None:
    """A nest whose goods kept their proportions (to 1 %) although their prices moved apart (by 5 % at least)."""
    goods = plan.goods_table.goods
    rows = list(zip(nest.goods, taken, nest.floors, nest.wants, strict=True))
    if len(rows) < 2 or any(want <= floor for _, _, floor, want in rows):
        return None
    shares = [Fraction(units - floor, want - floor) for _, units, floor, want in rows]
    prices = [Fraction(plan.prices[good], goods[good].start_price_micro) for good in nest.goods]
    if max(shares) * PPM > min(shares) * (PPM + PROPORTION_PPM) or max(shares) == 0:
        return None
    if max(prices) * PPM < min(prices) * (PPM + PRICE_MOVE_PPM):
        return None
    scarcest = nest.goods[prices.index(max(prices))]
    return ScarceComplement(
        consumer=card.id,
        goods=tuple(goods[good].id for good in nest.goods),
        scarcest=goods[scarcest].id,
        taken_ppm_of_wanted=int(min(shares) * PPM),
        price_ppm_of_start=int(max(prices) * PPM),
    )


def format_amount(units: int, decimals: int) -> str:
    """Units of 10^-decimals as a decimal number without trailing zeros: 412000 with 3 decimals is "412"."""
    whole, part = divmod(abs(units), 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0") if decimals and part else ""
    return f"{'-' if units < 0 else ''}{whole}{'.' + digits if digits else ''}"

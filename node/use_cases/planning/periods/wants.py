"""What a council wants in each period of a call: its till, nests, members' voices and needs, spread over the periods.

Invariant: without periods everything is handed on as it came.
Spec: docs/spec/planning/periods.md
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from node.till.goods_mapping import GoodSales, GoodsMapping, MappedSales, sum_goods
from node.till.sale import Sale
from node.till.seasons import sum_seasons
from node.till.spoken_wants import Spoken
from node.till.tastes import EXACT, NestShape
from protocol.planning.cards import GoodsTable, Period
from protocol.planning.periods.names import name_in


def sum_till(
    sales: Iterable[Sale], mapping: GoodsMapping, periods: Sequence[Period]
) -> tuple[MappedSales, frozenset[str]]:
    """The till's sums under the names of the goods table, and the periods in whose weeks it has no line."""
    return sum_seasons(sales, mapping, periods) if periods else (sum_goods(sales, mapping), frozenset())


def shape_nests(nests: Iterable[NestShape], table: GoodsTable) -> list[NestShape]:
    """The nests of every period, nest by nest; what the table has once only, it is wanted once."""
    if not table.periods:
        return list(nests)
    return [
        msgspec.structs.replace(
            nest,
            id=name_in(nest.id, period.id),
            name=name_in(nest.name, period.id),
            goods=tuple(name_in(good, period.id) for good in nest.goods),
        )
        for nest in nests
        for period in table.periods
    ]


def leave_out_of_season(
    shapes: Iterable[NestShape], mapped: MappedSales, needed: Collection[str], table: GoodsTable
) -> list[NestShape]:
    """The nests without what nobody bought or asked for in a period, but for what is needed: no asparagus in winter."""
    if not table.periods:
        return list(shapes)
    kept = []
    for nest in shapes:
        goods = tuple(good for good in nest.goods if good in needed or _is_wanted(mapped.goods.get(good)))
        if goods:
            kept.append(msgspec.structs.replace(nest, goods=goods))
    return kept


def _is_wanted(sales: GoodSales | None) -> bool:
    return sales is not None and (sales.lines > 0 or sales.amount_cents > 0)


def spread_voices(spoken: Iterable[Spoken], periods: Sequence[Period], is_amount: bool) -> Iterator[Spoken]:
    """A wish in percent counts in every period; an amount is divided by their weeks, to the last thousandth."""
    weeks = sum(period.weeks for period in periods)
    for voice in spoken:
        if not periods:
            yield voice
        so_far = 0
        for period in periods:
            part = voice.amount * (so_far + period.weeks) // weeks - voice.amount * so_far // weeks
            yield Spoken(voice.household, name_in(voice.good, period.id), part if is_amount else voice.amount)
            so_far += period.weeks


def spread_needs(needs: Mapping[str, Decimal], table: GoodsTable) -> dict[str, Decimal]:
    """Basic needs by good and period, in proportion to the weeks."""
    known = {good.id for good in table.goods}
    weeks = sum(period.weeks for period in table.periods)
    spread = {good: need for good, need in needs.items() if good in known or not table.periods}
    for good in needs.keys() - spread.keys():
        for period in table.periods:
            part = EXACT.divide(EXACT.multiply(needs[good], Decimal(period.weeks)), Decimal(weeks))
            spread[name_in(good, period.id)] = part
    return spread


def name_goods(goods: Iterable[str], table: GoodsTable) -> tuple[str, ...]:
    """These goods under all names that the goods table has for them."""
    wanted = set(goods)
    return tuple(good.id for good in table.goods if table.split_name(good.id)[0] in wanted)

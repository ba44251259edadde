"""The plan documents of a plan above and of its regions as one plan of the flat economy, so that it can be checked.

Invariant: nothing is planned here; quantities are only written in one set of units, and the cards that stand for
another level are left away. Spec: docs/spec/planning/nested-plans.md, section "On real nodes".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from protocol.core.errors import RefusedError
from protocol.planning.cards import ConsumerCard, Good, GoodsTable, Nest, WorkplaceCard
from protocol.planning.certificate import goods_of
from protocol.planning.nested.levels_file import regional_id
from protocol.planning.plan import PLAN_FORMAT, Plan, digest_plan, format_plan


@dataclass(frozen=True)
class LevelPart:
    """One of the plans: the region's name (empty: the plan above) and the cards in it that stand for another level."""

    name: str
    plan: Plan
    left_away: frozenset[str]


def join_documents(above: LevelPart, regions: Sequence[LevelPart]) -> Plan:
    """One plan document of all; shared goods have the prices of the plan above.

    RefusedError where a good has two units, or a card stands in two of the plans.
    """
    goods = _join_goods(above.plan, regions)
    index = {name: place for place, name in enumerate(goods)}
    writers = [_Writer(part, goods, index) for part in (*regions, above)]
    prices = {place: price for one in writers for place, price in zip(one.places, one.part.plan.prices, strict=True)}
    consumers = [card for one in writers for card in one.write_councils()]
    workplaces = [card for one in writers for card in one.write_workplaces()]
    trade = [card for one in writers for card in one.write_trade()]
    _check_names([*consumers, *workplaces, *trade])
    table = above.plan.goods_table
    return Plan(
        format=PLAN_FORMAT,
        goods_table=GoodsTable(table.format, table.tolerance_ppm, tuple(goods.values()), tuple(trade)),
        consumers=tuple(consumers),
        workplaces=tuple(workplaces),
        consumption={name: units for one in writers for name, units in one.read_consumption()},
        activity={name: levels for one in writers for name, levels in one.read_activity()},
        prices=tuple(prices[place] for place in range(len(goods))),
        rounds=above.plan.rounds,
        worst_good_ppm=max(one.part.plan.worst_good_ppm for one in writers),
        parameters={"levels": 2, "plan_above": digest_plan(format_plan(above.plan)).hex()},
    )


def _join_goods(above: Plan, regions: Sequence[LevelPart]) -> dict[str, Good]:
    """All goods by their flat names, each as fine as any of the plans counts it; what there is is added up."""
    shared = {good.id for good in above.goods_table.goods}
    goods = {good.id: good for good in above.goods_table.goods}
    for part in regions:
        for good in part.plan.goods_table.goods:
            name = good.id if good.id in shared else regional_id(good.id, part.name)
            known = goods.get(name, msgspec.structs.replace(good, id=name, endowment=0))
            if known.unit != good.unit:
                raise RefusedError.at(
                    f"goods.{name}", f"is counted in {known.unit} above and {good.unit} in {part.name}"
                )
            decimals = max(known.decimals, good.decimals)
            there = sum(one.endowment * int(10 ** (decimals - one.decimals)) for one in (known, good))
            goods[name] = msgspec.structs.replace(known, decimals=decimals, endowment=there)
    return goods


class _Writer:
    """Writes the cards and quantities of one of the plans in the goods of all."""

    def __init__(self, part: LevelPart, goods: Mapping[str, Good], index: Mapping[str, int]) -> None:
        self.part = part
        own = part.plan.goods_table.goods
        names = [good.id if good.id in index else regional_id(good.id, part.name) for good in own]
        self.places = [index[name] for name in names]
        self._finer = [int(10 ** (goods[name].decimals - good.decimals)) for name, good in zip(names, own, strict=True)]

    def write_councils(self) -> Iterator[ConsumerCard]:
        for card in self.part.plan.consumers:
            yield msgspec.structs.replace(card, nests=tuple(map(self._write_nest, card.nests)))

    def write_workplaces(self) -> Iterator[WorkplaceCard]:
        yield from map(self._write_workplace, self._own_workplaces())

    def write_trade(self) -> Iterator[WorkplaceCard]:
        for card in self.part.plan.goods_table.trade:
            yield msgspec.structs.replace(self._write_workplace(card), id=self._name_trade(card))

    def read_consumption(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for card in self.part.plan.consumers:
            units = zip(self.part.plan.consumption[card.id], goods_of(card), strict=True)
            yield card.id, tuple(amount * self._finer[good] for amount, good in units)

    def read_activity(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        activity = self.part.plan.activity
        yield from ((card.id, activity[card.id]) for card in self._own_workplaces())
        yield from ((self._name_trade(card), activity[card.id]) for card in self.part.plan.goods_table.trade)

    def _own_workplaces(self) -> list[WorkplaceCard]:
        return [card for card in self.part.plan.workplaces if card.id not in self.part.left_away]

    def _name_trade(self, card: WorkplaceCard) -> str:
        return regional_id(card.id, self.part.name) if self.part.name else card.id

    def _write_nest(self, nest: Nest) -> Nest:
        floors, wants = (
            tuple(units * self._finer[good] for units, good in zip(column, nest.goods, strict=True))
            for column in (nest.floors, nest.wants)
        )
        return Nest(nest.credits_micro, tuple(self.places[good] for good in nest.goods), floors, wants)

    def _write_workplace(self, card: WorkplaceCard) -> WorkplaceCard:
        techniques = tuple(
            msgspec.structs.replace(row, net=tuple(sorted((self.places[good], amount) for good, amount in row.net)))
            for row in card.techniques
        )
        outline = tuple(sorted((self.places[good], low, high) for good, low, high in card.outline))
        return msgspec.structs.replace(card, techniques=techniques, outline=outline)


def _check_names(cards: Sequence[ConsumerCard | WorkplaceCard]) -> None:
    names = [card.id for card in cards]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RefusedError.at(twice, "stands in two of the plans")

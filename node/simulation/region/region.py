"""The made-up region: co-ops, producers, goods, recipes and outside trade, as the files under made_up/ have them.

MADE UP from end to end: no such co-op, maker, recipe or capacity exists, and every text that comes from here says so.
Invariant: numbers are exact decimals; start prices follow from the recipes (region_prices), so they cannot drift apart.
Guide: docs/guides/till.md, "The made-up region".
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from importlib import resources
from typing import Final, Literal

import msgspec

from node.simulation.region.prices import Recipe, cost_prices
from node.till.goods_mapping import GoodsMapping, parse_rules
from node.till.tastes import Allotment, NestShape
from protocol.core.errors import MisuseError

MADE_UP_NOTICE: Final = (
    "Made up: the region, its co-ops and households, the names and makers of goods, recipes, capacities, costs, "
    "floors, the emission cap, outside prices and all votes."
)
GoodKind = Literal["good", "labour", "land", "cap", "outside"]
OUTSIDE_MONEY: Final = "outside_money"
CO2: Final = "co2"
# Fine enough that one till line of a month moves the last digit of what a council wants.
QUANTITY_DECIMALS: Final = 4


class Good(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A good of the plan. `start_price` in credits a unit, `floor` per person a week, `endowment` a week, in its unit.

    `nest` and `till` only for what members take home; `share` is a made-up till's, in thousandths of its money.
    """

    id: str
    name: str
    unit: str
    kind: GoodKind = "good"
    nest: str | None = None
    floor: Decimal = Decimal(0)
    share: int = 0
    till: tuple[str, ...] = ()
    start_price: Decimal = Decimal(0)
    endowment: Decimal = Decimal(0)


class Nest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that stand in for one another; sigma 0: that only go together."""

    id: str
    name: str
    sigma: Decimal


class Trade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Buying (and selling) a good outside: prices in outside money, `most` units a week, `co2` kg a unit carries."""

    good: str
    buy: Decimal | None = None
    sell: Decimal | None = None
    co2: Decimal = Decimal(0)
    most: Decimal = Decimal(0)


class Technique(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recipe per unit of activity: what it makes and uses; its effort cost is private to the workplace."""

    id: str
    name: str
    makes: dict[str, Decimal]
    uses: dict[str, Decimal]
    capacity_use: Decimal
    effort: Decimal = Decimal(0)


class Workplace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place where things are made: `capacity` a week, counted in `counts`; the plan uses at least `least` of it."""

    id: str
    name: str
    counts: str
    techniques: tuple[Technique, ...]
    capacity: Decimal
    least: Decimal = Decimal(0)


class Producer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A producer member: one node, several workplaces."""

    id: str
    name: str
    kind: str
    workers: int
    about: str
    workplaces: tuple[Workplace, ...] = msgspec.field(name="workplace")


class Coop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consumer co-op: one node, one till."""

    id: str
    name: str
    about: str
    households: int
    people: int


class Region(msgspec.Struct, frozen=True):
    """All of it. `credits_per_person` is a week's allotment."""

    goods: tuple[Good, ...]
    nests: tuple[NestShape, ...]
    trade: tuple[Trade, ...]
    producers: tuple[Producer, ...]
    coops: tuple[Coop, ...]
    credits_per_person: Decimal
    made_up: bool = True

    @property
    def workplaces(self) -> tuple[Workplace, ...]:
        """Every workplace, in the order of their producers."""
        return tuple(workplace for producer in self.producers for workplace in producer.workplaces)

    @property
    def consumer_goods(self) -> tuple[Good, ...]:
        """What members take home."""
        return tuple(good for good in self.goods if good.nest is not None)

    def mapping(self) -> GoodsMapping:
        """Which till lines count as which good."""
        return parse_rules({good.id: good.till for good in self.consumer_goods})

    def start_prices(self) -> dict[str, Decimal]:
        """Credits a unit of every good."""
        return {good.id: good.start_price for good in self.goods}

    def allotment(self, coop: Coop) -> Allotment:
        """What the made-up charter gives a co-op."""
        floors = {good.id: good.floor for good in self.consumer_goods if good.floor}
        return Allotment(coop.people, int(self.credits_per_person * 1_000_000), floors)


class _GoodsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """made_up/goods.toml."""

    nests: tuple[Nest, ...]
    goods: tuple[Good, ...]


class _MeansFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """made_up/means.toml."""

    means: tuple[Good, ...]
    trade: tuple[Trade, ...]


class _WorkplacesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """made_up/workplaces.toml."""

    producer: tuple[Producer, ...]


class _CoopsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """made_up/coops.toml."""

    credits_per_person: Decimal
    coops: tuple[Coop, ...]


def load_region() -> Region:
    """The region of the files, with start prices from its recipes; MisuseError when the files contradict themselves."""
    goods_file = msgspec.convert(read_table("goods.toml"), _GoodsFile)
    means_file = msgspec.convert(read_table("means.toml"), _MeansFile)
    producers = msgspec.convert(read_table("workplaces.toml"), _WorkplacesFile).producer
    coops_file = msgspec.convert(read_table("coops.toml"), _CoopsFile)
    goods = goods_file.goods + means_file.means
    prices = _find_start_prices(goods, means_file.trade, producers)
    nests = tuple(
        NestShape(nest.id, nest.name, nest.sigma, tuple(good.id for good in goods if good.nest == nest.id))
        for nest in goods_file.nests
    )
    region = Region(
        goods=tuple(msgspec.structs.replace(good, start_price=prices[good.id]) for good in goods),
        nests=nests,
        trade=means_file.trade,
        producers=producers,
        coops=coops_file.coops,
        credits_per_person=coops_file.credits_per_person,
    )
    check_region(region)
    return region


def read_table(name: str) -> dict[str, object]:
    """One of the files under made_up/."""
    text = (resources.files("node.simulation.region") / "made_up" / name).read_text("utf-8")
    return tomllib.loads(text)


def _find_start_prices(
    goods: tuple[Good, ...], trade: tuple[Trade, ...], producers: tuple[Producer, ...]
) -> dict[str, Decimal]:
    """Given prices of means, cost prices of what is made, outside prices of what is only bought."""
    known = {good.id: good.start_price for good in goods if good.start_price}
    recipes = [
        Recipe(technique.makes, technique.uses)
        for producer in producers
        for workplace in producer.workplaces
        for technique in workplace.techniques
    ]
    bought = {row.good: row.buy + row.co2 * known[CO2] for row in trade if row.buy is not None}
    return cost_prices(known, recipes, bought)


def check_region(region: Region) -> None:
    """Every name that one file uses stands in another, and no identifier stands twice."""
    goods = [good.id for good in region.goods]
    named = {row.good for row in region.trade}
    for workplace in region.workplaces:
        for technique in workplace.techniques:
            named |= technique.makes.keys() | technique.uses.keys()
    participants = [coop.id for coop in region.coops] + [producer.id for producer in region.producers]
    participants += [workplace.id for workplace in region.workplaces]
    if named - set(goods):
        raise MisuseError(f"made_up: no such good: {', '.join(sorted(named - set(goods)))}")
    if len(set(goods)) != len(goods) or len(set(participants)) != len(participants):
        raise MisuseError("made_up: an identifier stands twice")
    nested = {good for nest in region.nests for good in nest.goods}
    if nested != {good.id for good in region.consumer_goods}:
        raise MisuseError("made_up: a good names a nest that is not there")

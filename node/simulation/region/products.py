"""What the made-up producers publish of their products: disclosures, some with gaps, and cost sheets to the cent.

MADE UP: texts begin with these words, and every product carries `made_up`.
Invariant: the lines of a cost sheet are whole cents and add up to its price exactly.
Invariant: money here is money; no figure of a plan goes into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from node.simulation.region.prices import Recipe, cost_prices
from node.simulation.region.region import CO2, Good, Producer, Region, Technique, read_table

ENERGY: Final = frozenset({"electricity", "diesel"})
PACKAGING: Final = frozenset({"jars", "cartons"})
FERTILISER: Final = frozenset({"nitrogen"})
LAND: Final = frozenset({"arable", "pasture"})
UNIT_WORDS: Final = {"KGM": "kilogram", "LTR": "litre", "C62": "piece", "DZN": "dozen"}
CENTS: Final = Decimal(100)
PARTS: Final = Decimal(1000)
INPUTS_SHOWN: Final = 8
CASE_UNITS: Final = 10


class CostPart(msgspec.Struct, frozen=True):
    """One line of a cost sheet, in whole cents for one unit sold."""

    heading: str
    label: str
    amount_cents: int


class MadeUpProduct(msgspec.Struct, frozen=True):
    """One product of one producer: disclosure texts by section, and the lines that its price is made of."""

    code: str
    good: str
    name: str
    category: str
    producer: str
    workplace: str
    unit: str
    case_units: int
    sections: dict[str, str]
    missing: tuple[str, ...]
    cost_lines: tuple[CostPart, ...]
    price_cents: int
    currency: str
    made_up: bool = True


class _ProductsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """made_up/products.toml."""

    currency: str
    required: tuple[str, ...]
    texts: dict[str, str]
    missing: dict[str, tuple[str, ...]]
    money: dict[str, Decimal]
    shares: dict[str, int]


def load_products(region: Region) -> list[MadeUpProduct]:
    """A product for every good that members take home and a producer of the region makes, by code."""
    texts = msgspec.convert(read_table("products.toml"), _ProductsFile)
    money = _money_prices(region, texts.money)
    emissions = _embodied_co2(region)
    products = [
        _make_product(region, good, texts, money, emissions)
        for good in region.consumer_goods
        if _find_maker(region, good)
    ]
    return sorted(products, key=lambda product: product.code)


def required_sections() -> tuple[str, ...]:
    """The sections that the made-up charter asks for."""
    return msgspec.convert(read_table("products.toml"), _ProductsFile).required


def _find_maker(region: Region, good: Good) -> tuple[Producer, str, Technique] | None:
    """Who makes a good first: the producer, the workplace and the technique; None for what only comes from outside."""
    for producer in region.producers:
        for workplace in producer.workplaces:
            for technique in workplace.techniques:
                if good.id in technique.makes:
                    return producer, workplace.id, technique
    return None


def _money_prices(region: Region, money: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What a unit of every good costs in money, by the recipes and the outside prices."""
    bought = {row.good: row.buy for row in region.trade if row.buy is not None}
    return cost_prices(money, _list_recipes(region), bought)


def _embodied_co2(region: Region) -> dict[str, Decimal]:
    """Kilograms of CO2 equivalents in a unit of every good: its own and those of all it is made from."""
    known = {good.id: Decimal(0) for good in region.goods if good.kind != "good"} | {CO2: Decimal(1)}
    bought = {row.good: row.co2 for row in region.trade if row.buy is not None}
    return cost_prices(known, _list_recipes(region), bought, plant_share=0)


def _list_recipes(region: Region) -> list[Recipe]:
    """Every technique of the region, in the order of its workplaces."""
    return [
        Recipe(technique.makes, technique.uses) for workplace in region.workplaces for technique in workplace.techniques
    ]


def _make_product(
    region: Region, good: Good, texts: _ProductsFile, money: Mapping[str, Decimal], emissions: Mapping[str, Decimal]
) -> MadeUpProduct:
    """The product of one good."""
    found = _find_maker(region, good)
    assert found is not None
    producer, workplace, technique = found
    lines = cost_lines(region, good, technique, texts.shares, money)
    missing = texts.missing.get(good.id, ())
    words = words_of(region, good, producer, technique, emissions)
    sections = {name: text.format(**words) for name, text in texts.texts.items() if name not in missing}
    return MadeUpProduct(
        code=f"in-house:{producer.id}-{good.id.replace('_', '-')}",
        good=good.id,
        name=good.name,
        category=next(nest.name for nest in region.nests if nest.id == good.nest),
        producer=producer.id,
        workplace=workplace,
        unit=good.unit,
        case_units=CASE_UNITS,
        sections=sections,
        missing=missing,
        cost_lines=lines,
        price_cents=sum(line.amount_cents for line in lines),
        currency=texts.currency,
    )


def cost_lines(
    region: Region, good: Good, technique: Technique, shares: Mapping[str, int], money: Mapping[str, Decimal]
) -> tuple[CostPart, ...]:
    """The lines of one unit's price, each rounded to a cent by itself; a line of no cent is left out."""
    names = {row.id: row for row in region.goods}
    sums: dict[str, Decimal] = {}
    for used, amount in technique.uses.items():
        heading = _heading_of(names[used])
        sums[heading] = sums.get(heading, Decimal(0)) + amount * money[used] / technique.makes[good.id]
    costs = sum(sums.values(), Decimal(0))
    sums |= {heading: costs * share / PARTS for heading, share in shares.items() if heading != "tax"}
    sums["tax"] = sum(sums.values(), Decimal(0)) * shares["tax"] / PARTS
    lines = [CostPart(heading, LABELS[heading], _round_cents(sums.get(heading, Decimal(0)))) for heading in LABELS]
    return tuple(line for line in lines if line.amount_cents)


LABELS: Final = {
    "materials": "What it is made from",
    "labour": "Work",
    "rent": "Land",
    "energy": "Electricity and oil",
    "packaging": "Jars, cartons and bags",
    "storage": "Storage",
    "delivery": "Delivery",
    "depreciation": "Wear of buildings and machines",
    "overhead": "Office and insurance",
    "reserve": "Reserve",
    "surplus": "Surplus",
    "tax": "Tax",
}


def _heading_of(used: Good) -> str:
    """Under which heading a recipe's input is paid for."""
    if used.kind == "labour":
        return "labour"
    if used.id in LAND:
        return "rent"
    if used.id in ENERGY:
        return "energy"
    return "packaging" if used.id in PACKAGING else "materials"


def _round_cents(amount: Decimal) -> int:
    """To a whole cent."""
    return int((amount * CENTS).quantize(Decimal(1), ROUND_HALF_UP))


def words_of(
    region: Region, good: Good, producer: Producer, technique: Technique, emissions: Mapping[str, Decimal]
) -> dict[str, str]:
    """What the disclosure's texts are filled in with."""
    goods = {row.id: row for row in region.goods}
    used = [goods[good_id] for good_id in technique.uses if goods[good_id].kind == "good"]
    inputs = [row.name.lower() for row in used if row.id not in ENERGY | PACKAGING | FERTILISER]
    means = [row.name.lower() for row in used if row.id in ENERGY | FERTILISER]
    packed = [row.name.lower() for row in used if row.id in PACKAGING]
    return {
        "name": good.name,
        "maker": producer.name,
        "inputs": ", ".join(inputs[:INPUTS_SHOWN]) if inputs else "what the land gives, with nothing bought in",
        "technique": technique.name,
        "means": ", ".join(means) if means else "no bought energy or fertiliser",
        "packaging": f"Packed in {' and '.join(packed)}." if packed else "Sold loose.",
        "workers": str(producer.workers),
        "co2": str(emissions[good.id].quantize(Decimal("0.01"))),
        "unit": UNIT_WORDS[good.unit],
    }

"""Reads an economy file (`rochdale-economy/1`): numbers as decimal strings, for tests and outside economists.

Bad input is refused with its place. What the integers cannot hold exactly is rounded to the safe side: floors up,
endowments and capacities down. Spec: docs/spec/planning/planning-step.md, section "Economy file".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from protocol.core.errors import RefusedError
from protocol.core.file_rows import (
    Row,
    check_once,
    decode_file,
    read_above,
    read_list,
    read_name,
    read_number,
    read_rows,
    read_signed,
    read_table,
    round_to,
)
from protocol.planning.cards import (
    GOODS_TABLE_FORMAT,
    MICRO,
    ConsumerCard,
    Good,
    GoodsTable,
    Nest,
    Technique,
    WorkplaceCard,
)
from protocol.planning.economy import Floats
from protocol.planning.periods.expansion import expand_periods, list_periods
from protocol.planning.private.hidden_work import outline_card
from protocol.planning.private.outlines import is_private
from protocol.planning.responses import (
    SIGMA_LEAST,
    SIGMA_MOST,
    Effort,
    NestTastes,
    Tastes,
    want_at_prices,
)

ECONOMY_FORMAT = "rochdale-economy/1"
ECONOMY_BYTES_MOST = 64 * 1024 * 1024
DEFAULT_TOLERANCE_PPM = 10_000
# A good's unit is at least this much finer than the smallest amount that anybody wants of it.
UNITS_PER_WANT = 10_000
# ... but a want below this share of an equal split of its nest's credits does not drive the unit.
WANT_SHARE_LEAST = 1e-3
FILE_DECIMALS_MOST = 9


@dataclass(frozen=True)
class EconomyFile:
    """What a file says: the public part, the private tastes and effort costs by participant, and its periods."""

    table: GoodsTable
    consumers: tuple[ConsumerCard, ...]
    workplaces: tuple[WorkplaceCard, ...]
    tastes: dict[str, Tastes]
    efforts: dict[str, Effort]
    periods: tuple[str, ...] = ()


def parse_economy(encoded: bytes, tolerance_ppm: int = DEFAULT_TOLERANCE_PPM) -> EconomyFile:
    """Raises RefusedError with the place of what is missing, misspelt or not a number."""
    return read_economy(decode_economy(encoded), tolerance_ppm)


def decode_economy(encoded: bytes) -> Row:
    """The document in a file's bytes, nothing of it read yet. RefusedError where it is none."""
    return decode_file(encoded, ECONOMY_BYTES_MOST)


def read_economy(document: Mapping[str, Any], tolerance_ppm: int = DEFAULT_TOLERANCE_PPM) -> EconomyFile:
    """The same from an already decoded document. Raises RefusedError with the place."""
    if document.get("format") != ECONOMY_FORMAT:
        raise RefusedError.at("format", f"expected {ECONOMY_FORMAT!r}")
    periods, document = list_periods(document), expand_periods(document)
    rows = read_rows(document, "goods")
    names = [read_name(row, f"goods[{place}]") for place, row in enumerate(rows)]
    check_once(names, "goods")
    index = {name: place for place, name in enumerate(names)}
    prices = [read_above(row, "start_price", f"goods.{name}") for row, name in zip(rows, names, strict=True)]
    councils = [_Council(row, place, index) for place, row in enumerate(read_rows(document, "consumers"))]
    check_once([council.name for council in councils], "consumers")
    decimals = _choose_decimals(rows, names, prices, councils)
    goods = tuple(map(_good, rows, names, prices, decimals))
    shops = [read_workplace(row, place, index) for place, row in enumerate(read_rows(document, "workplaces"))]
    check_once([council.name for council in councils] + [card.id for card, _ in shops], "workplaces")
    return EconomyFile(
        table=GoodsTable(GOODS_TABLE_FORMAT, tolerance_ppm, goods, ()),
        consumers=tuple(council.card(goods) for council in councils),
        workplaces=tuple(card for card, _ in shops),
        tastes={council.name: council.tastes for council in councils},
        efforts={card.id: effort for card, effort in shops},
        periods=periods,
    )


class _Council:
    """One consumer row: credits and floors as written, tastes as floats."""

    def __init__(self, fields: Row, position: int, index: Mapping[str, int]) -> None:
        self.name = read_name(fields, f"consumers[{position}]")
        self.nests: list[tuple[Decimal, tuple[int, ...], tuple[Decimal, ...]]] = []
        tastes = []
        for number, nest_row in enumerate(read_list(fields.get("nests"), f"consumers.{self.name}.nests")):
            place = f"consumers.{self.name}.nests[{number}]"
            nest = read_table(nest_row, place)
            chosen = read_table(nest.get("goods"), f"{place}.goods")
            cells = [(good, read_table(cell, f"{place}.goods.{good}")) for good, cell in chosen.items()]
            unknown = [good for good, _ in cells if good not in index]
            if unknown or not cells:
                raise RefusedError.at(f"{place}.goods", f"unknown good {unknown[0]!r}" if unknown else "is empty")
            weights = [read_above(cell, "weight", f"{place}.goods.{good}") for good, cell in cells]
            floors = [read_number(cell, "floor", f"{place}.goods.{good}", Decimal(0)) for good, cell in cells]
            self.nests.append(
                (read_above(nest, "credits", place), tuple(index[good] for good, _ in cells), tuple(floors))
            )
            tastes.append(NestTastes(_sigma(nest, place), tuple(float(weight) for weight in weights)))
        self.tastes = Tastes(tuple(tastes))

    def wants(self, prices: Floats) -> list[list[float]]:
        """Whole units above the floors that each nest would take at these prices."""
        return [
            want_at_prices(taste, float(credits), prices[list(goods)])
            for taste, (credits, goods, _) in zip(self.tastes.nests, self.nests, strict=True)
        ]

    def card(self, goods: tuple[Good, ...]) -> ConsumerCard:
        """The public card; how many people it is for is unknown to the file and stands as 1."""
        prices = np.array([good.start_price_micro / MICRO for good in goods])
        nests = []
        for (credits, chosen, written), wants in zip(self.nests, self.wants(prices), strict=True):
            units = [10 ** goods[good].decimals for good in chosen]
            floors = [round_to(floor * unit, ROUND_CEILING) for floor, unit in zip(written, units, strict=True)]
            total = [floor + round(want * unit) for floor, want, unit in zip(floors, wants, units, strict=True)]
            nests.append(Nest(round_to(credits * MICRO, ROUND_HALF_EVEN), chosen, tuple(floors), tuple(total)))
        return ConsumerCard(self.name, 1, tuple(nests))


def _choose_decimals(rows: list[Row], names: list[str], prices: list[Decimal], councils: list[_Council]) -> list[int]:
    """Per good: enough decimals for every floor and endowment as written, and well below the smallest want."""
    written = [
        _places(read_number(row, "endowment", f"goods.{name}", Decimal(0)))
        for row, name in zip(rows, names, strict=True)
    ]
    smallest = [math.inf] * len(rows)
    start = np.array([max(float(price), 1e-9) for price in prices])
    for council in councils:
        for (credits, goods, floors), wants in zip(council.nests, council.wants(start), strict=True):
            for good, floor, want in zip(goods, floors, wants, strict=True):
                written[good] = max(written[good], _places(floor))
                least = WANT_SHARE_LEAST * float(credits) / len(goods) / float(start[good])
                smallest[good] = min(smallest[good], max(want, least))
    chosen = []
    for places, want in zip(written, smallest, strict=True):
        fine = math.ceil(math.log10(UNITS_PER_WANT / want)) if 0.0 < want < math.inf else 0
        chosen.append(min(max(places, fine, 0), FILE_DECIMALS_MOST))
    return chosen


def _good(row: Row, name: str, price: Decimal, decimals: int) -> Good:
    kind = row.get("kind", "good")
    if kind not in ("good", "labour", "cap", "land", "outside"):
        raise RefusedError.at(f"goods.{name}.kind", "must be good, labour, cap, land or outside")
    endowment = read_number(row, "endowment", f"goods.{name}", Decimal(0))
    units = round_to(endowment * 10**decimals, ROUND_FLOOR)
    return Good(name, str(row.get("unit", "")), kind, decimals, round_to(price * MICRO, ROUND_HALF_EVEN), units)


def read_workplace(row: object, position: int, index: Mapping[str, int]) -> tuple[WorkplaceCard, Effort]:
    """The public card and the private effort of one workplace row; `index` = good id -> position in the goods table."""
    fields = read_table(row, f"workplaces[{position}]")
    name = read_name(fields, f"workplaces[{position}]")
    techniques, costs = [], []
    for number, technique_row in enumerate(read_list(fields.get("techniques"), f"workplaces.{name}.techniques")):
        place = f"workplaces.{name}.techniques[{number}]"
        technique = read_table(technique_row, place)
        net = {}
        for good in read_table(technique.get("net"), f"{place}.net"):
            if good not in index:
                raise RefusedError.at(f"{place}.net", f"unknown good {good!r}")
            net[index[good]] = _amount(technique["net"], good, f"{place}.net")
        use = round_to(read_above(technique, "capacity_use", place, Decimal(1)) * MICRO, ROUND_HALF_EVEN)
        moved = tuple(sorted((good, amount) for good, amount in net.items() if amount))
        techniques.append(Technique(moved, use, *_batches(technique, place)))
        costs.append(float(read_number(technique, "effort", place, Decimal(0))))
    capacity = round_to(read_above(fields, "capacity", f"workplaces.{name}") * MICRO, ROUND_FLOOR)
    least = round_to(read_number(fields, "least", f"workplaces.{name}", Decimal(0)) * MICRO, ROUND_CEILING)
    card, effort = WorkplaceCard(name, capacity, least, tuple(techniques)), Effort(tuple(costs))
    chosen = fields.get("recipes", "open")
    if chosen not in ("open", "private"):
        raise RefusedError.at(f"workplaces.{name}.recipes", "must be open or private")
    return _hide_recipes(card, effort) if chosen == "private" else (card, effort)


def _batches(technique: Mapping[str, Any], place: str) -> tuple[int, int, int]:
    """Millionths of an activity in a batch, the least batches in a row, micro-credits of effort to set up; 0 where
    there is no such rule."""
    batch = read_number(technique, "batch", place, Decimal(0))
    least = read_number(technique, "batches_least", place, Decimal(0))
    if least != least.to_integral_value():
        raise RefusedError.at(f"{place}.batches_least", f"{least} is no whole number of batches")
    setup = round_to(read_number(technique, "setup", place, Decimal(0)) * MICRO, ROUND_CEILING)
    return _amount(technique, "batch", place) if batch else 0, int(least) if least > 1 else 0, setup


def _hide_recipes(card: WorkplaceCard, effort: Effort) -> tuple[WorkplaceCard, Effort]:
    """The same workplace with an outline on its card and its recipes on the private side."""
    return (card, effort) if is_private(card) else (outline_card(card), Effort(effort.costs, card))


def hide_all(file: EconomyFile) -> EconomyFile:
    """The same economy with all recipes kept private."""
    pairs = [_hide_recipes(card, file.efforts[card.id]) for card in file.workplaces]
    efforts = {card.id: effort for card, effort in pairs}
    return replace(file, workplaces=tuple(card for card, _ in pairs), efforts=efforts)


def show_all(file: EconomyFile) -> EconomyFile:
    """The same economy with all recipes open."""
    cards = tuple(file.efforts[card.id].recipes or card for card in file.workplaces)
    return replace(file, workplaces=cards, efforts={name: Effort(one.costs) for name, one in file.efforts.items()})


def _sigma(nest: Mapping[str, Any], place: str) -> float:
    sigma = float(read_number(nest, "sigma", place))
    if sigma != 0.0 and not SIGMA_LEAST <= sigma <= SIGMA_MOST:
        raise RefusedError.at(f"{place}.sigma", f"must be 0, or {SIGMA_LEAST} to {SIGMA_MOST}")
    return sigma


def _amount(net: Mapping[str, Any], good: str, place: str) -> int:
    """Millionths of a good in a recipe."""
    written = read_signed(net, good, place)
    amount = round_to(written * MICRO, ROUND_HALF_EVEN)
    if written and not amount:
        raise RefusedError.at(f"{place}.{good}", "is less than a millionth: choose a larger activity or a finer unit")
    return amount


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

"""The made-up region as a call needs it: the goods table, the charter's floors, and what each member releases.

MADE UP, as all of the region. Rows are plain, so that they go through the same operations as a real co-op's.
Invariant: the region's decimals become integers without rounding, or loading them is refused.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from node.simulation.region.economy import format_decimal, format_trade, format_workplace
from node.simulation.region.region import QUANTITY_DECIMALS, Producer, Region
from node.simulation.region.region import Good as RegionGood
from protocol.core.errors import MisuseError
from protocol.planning.cards import GOODS_TABLE_FORMAT, MICRO, ApprovedFloor, Good, GoodsTable
from protocol.planning.economy_file import read_workplace

TOLERANCE_PPM: Final = 5_000


def make_goods_table(region: Region, tolerance_ppm: int = TOLERANCE_PPM) -> GoodsTable:
    """The table of a call over the region's goods, with outside trade."""
    goods = tuple(_make_good(good) for good in region.goods)
    index = {good.id: place for place, good in enumerate(goods)}
    rows = [format_trade(trade) for trade in region.trade]
    trade = tuple(read_workplace(row, place, index)[0] for place, row in enumerate(rows))
    return GoodsTable(GOODS_TABLE_FORMAT, tolerance_ppm, goods, trade)


def _make_good(good: RegionGood) -> Good:
    """One row: quantities in 10^-QUANTITY_DECIMALS of the unit, the price in micro-credits."""
    return Good(
        id=good.id,
        unit=good.unit,
        kind=good.kind,
        decimals=QUANTITY_DECIMALS,
        start_price_micro=to_whole(good.start_price * MICRO, f"{good.id}: start price"),
        endowment=to_whole(good.endowment * 10**QUANTITY_DECIMALS, f"{good.id}: endowment"),
    )


def to_whole(number: Decimal, place: str) -> int:
    """An exact integer; MisuseError where the files have more decimals than the plan counts."""
    if number != int(number):
        raise MisuseError(f"made_up: {place} has more decimals than the plan counts")
    return int(number)


def list_floors(region: Region) -> tuple[ApprovedFloor, ...]:
    """The made-up charter's floors: for a person and week, in 10^-QUANTITY_DECIMALS of the good's unit."""
    return tuple(
        ApprovedFloor(good.id, to_whole(good.floor * 10**QUANTITY_DECIMALS, f"{good.id}: floor"), QUANTITY_DECIMALS)
        for good in region.consumer_goods
        if good.floor
    )


def credits_per_person_micro(region: Region) -> int:
    """The made-up charter's equal allotment of a person for a week, in micro-credits."""
    return to_whole(region.credits_per_person * MICRO, "credits_per_person")


def council_row(region: Region) -> dict[str, Any]:
    """How a co-op of the region turns its till into wants: rules from till lines to goods, and nests."""
    return {
        "till": {good.id: list(good.till) for good in region.consumer_goods},
        "nests": [
            {"id": nest.id, "name": nest.name, "sigma": format_decimal(nest.sigma), "goods": list(nest.goods)}
            for nest in region.nests
        ],
    }


def workplace_rows(producer: Producer) -> list[dict[str, Any]]:
    """What a producer releases: its workplaces as rows of an economy file; efforts stay with it."""
    return [format_workplace(workplace) for workplace in producer.workplaces]

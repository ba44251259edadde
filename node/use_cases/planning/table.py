"""Reading a call's goods table from the file a delegate prepares: decimal strings in, integers out."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from protocol.core.errors import RefusedError
from protocol.core.quantities import check_unit, parse_decimal
from protocol.planning.card_rules import check_goods_table
from protocol.planning.cards import GOODS_TABLE_FORMAT, Good, GoodsTable
from protocol.planning.economy_file import read_workplace

PRICE_EXPONENT = 6
DEFAULT_DECIMALS = 3
DEFAULT_TOLERANCE_PPM = 10_000


class GoodRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One good as people write it: `decimals` says how fine it is counted."""

    id: str
    unit: str
    kind: Literal["good", "labour", "cap", "land", "outside"] = "good"
    start_price: str = "0"
    endowment: str = "0"
    decimals: Annotated[int, msgspec.Meta(ge=0, le=9)] = DEFAULT_DECIMALS


class TableFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods, and what can be bought and sold outside (rows as the workplaces of an economy file)."""

    goods: tuple[GoodRow, ...]
    trade: tuple[dict[str, Any], ...] = ()
    tolerance_ppm: int = DEFAULT_TOLERANCE_PPM


def read_table(file: TableFile) -> GoodsTable:
    """The goods table of a call; RefusedError names what cannot be planned with."""
    goods = tuple(_read_good(row) for row in file.goods)
    index: Mapping[str, int] = {good.id: place for place, good in enumerate(goods)}
    trade = []
    for position, row in enumerate(file.trade):
        card, effort = read_workplace(row, position, index)
        if any(effort.costs):
            raise RefusedError.at(f"trade.{card.id}", "trade has no effort: its prices are given")
        trade.append(card)
    table = GoodsTable(GOODS_TABLE_FORMAT, file.tolerance_ppm, goods, tuple(trade))
    check_goods_table(table)
    return table


def _read_good(row: GoodRow) -> Good:
    place = f"goods.{row.id}"
    check_unit(row.unit, f"{place}.unit")
    price = parse_decimal(row.start_price, PRICE_EXPONENT, f"{place}.start_price")
    endowment = parse_decimal(row.endowment, row.decimals, f"{place}.endowment")
    return Good(row.id, row.unit, row.kind, row.decimals, price, endowment)

"""Reading a call's goods table from the file a delegate prepares: decimal strings in, integers out."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec

from protocol.core.errors import RefusedError
from protocol.core.quantities import check_unit, parse_decimal
from protocol.planning.card_rules import PERIODS_MOST, WHOLE_UNITS_MOST, check_goods_table
from protocol.planning.cards import GOODS_TABLE_FORMAT, Good, GoodsTable, Period
from protocol.planning.economy_file import read_workplace
from protocol.planning.periods.expansion import expand_periods
from protocol.supply.product import SHELF_LIFE_DAYS_MAX

PRICE_EXPONENT = 6
WEEK_DAYS = 7
DEFAULT_DECIMALS = 3
DEFAULT_TOLERANCE_PPM = 10_000


ByPeriod = str | dict[str, str]
"""A decimal, or decimals by period."""


class GoodRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One good as people write it: `decimals` says how fine it is counted.

    In a call of several periods: `lasting` goods are for the whole time; a `store` carries a good to the next period,
    and so does `shelf_life_days`, where these reach from the first day of a period to the last of the next.
    """

    id: str
    unit: str
    kind: Literal["good", "labour", "cap", "land", "outside"] = "good"
    start_price: ByPeriod = "0"
    endowment: ByPeriod = "0"
    decimals: Annotated[int, msgspec.Meta(ge=0, le=9)] = DEFAULT_DECIMALS
    lasting: bool = False
    store: dict[str, Any] | None = None
    shelf_life_days: Annotated[int, msgspec.Meta(ge=0, le=SHELF_LIFE_DAYS_MAX)] | None = None


class TableFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods, and what can be bought and sold outside (rows as the workplaces of an economy file); the periods, if the
    plan has several."""

    goods: tuple[GoodRow, ...]
    trade: tuple[dict[str, Any], ...] = ()
    tolerance_ppm: int = DEFAULT_TOLERANCE_PPM
    periods: Annotated[tuple[Period, ...], msgspec.Meta(max_length=PERIODS_MOST)] = ()


def read_table(file: TableFile) -> GoodsTable:
    """The goods table of a call; RefusedError names what cannot be planned with."""
    rows, trading = _write_out(file)
    goods = tuple(_read_good(row) for row in rows)
    index: Mapping[str, int] = {good.id: place for place, good in enumerate(goods)}
    trade = []
    for position, row in enumerate(trading):
        card, effort = read_workplace(row, position, index)
        if any(effort.costs):
            raise RefusedError.at(f"trade.{card.id}", "trade has no effort: its prices are given")
        trade.append(card)
    table = GoodsTable(GOODS_TABLE_FORMAT, file.tolerance_ppm, goods, tuple(trade), file.periods)
    check_goods_table(table)
    return table


def _write_out(file: TableFile) -> tuple[list[GoodRow], list[dict[str, Any]]]:
    """Goods and trade once for each period, with what carries goods from one to the next."""
    if not file.periods:
        for row in file.goods:
            if row.lasting or row.store is not None or row.shelf_life_days is not None:
                raise RefusedError.at(f"goods.{row.id}", "only a call with `periods` knows what lasts or is stored")
        return list(file.goods), list(file.trade)
    rows = [msgspec.to_builtins(row) for row in file.goods]
    for row in rows:
        days = row.pop("shelf_life_days", None)
        if days is not None and "store" not in row and not row.get("lasting"):
            row["store"] = {"keeps": "1", "capacity": _keeps_from(days, file.periods)}
    document = {
        "periods": [period.id for period in file.periods],
        "goods": rows,
        "consumers": [],
        "workplaces": list(file.trade),
    }
    written = expand_periods(document)
    return [msgspec.convert(row, GoodRow) for row in written["goods"]], list(written["workplaces"])


def _keeps_from(days: int, periods: tuple[Period, ...]) -> dict[str, str]:
    """From which periods a good with this shelf life is still good on the last day of the next, and how much of it."""
    return {
        period.id: str(WHOLE_UNITS_MOST)
        for period, after in pairwise(periods)
        if days >= WEEK_DAYS * (period.weeks + after.weeks)
    }


def _read_good(row: GoodRow) -> Good:
    place = f"goods.{row.id}"
    check_unit(row.unit, f"{place}.unit")
    if not isinstance(row.start_price, str) or not isinstance(row.endowment, str):
        raise RefusedError.at(place, "a value by period needs `periods`")
    price = parse_decimal(row.start_price, PRICE_EXPONENT, f"{place}.start_price")
    endowment = parse_decimal(row.endowment, row.decimals, f"{place}.endowment")
    return Good(row.id, row.unit, row.kind, row.decimals, price, endowment)

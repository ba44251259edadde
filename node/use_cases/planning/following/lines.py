"""Which line of a plan is meant: a card by a part of its name, an amount by its decimal."""

from typing import Annotated, Final

import msgspec

from node.use_cases.description import help_of
from protocol.core.errors import RefusedError, shorten
from protocol.core.quantities import parse_decimal
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.plan import Plan

AMOUNT_LENGTH_MAX: Final = 40
NAMES_TOLD: Final = 5

Amount = Annotated[str, msgspec.Meta(min_length=1, max_length=AMOUNT_LENGTH_MAX)]
OwnCard = Annotated[str, help_of("Which of our cards, where we have several: its name or a part of it.")]


def find_end(names: list[str], wanted: str) -> str:
    """A card by its whole name or by a part that only one has; RefusedError says which there are."""
    fitting = [name for name in names if name == wanted] or [name for name in names if wanted and wanted in name]
    if len(fitting) == 1:
        return fitting[0]
    told = ", ".join((fitting or names)[:NAMES_TOLD])
    raise RefusedError.at("card", f"{'several are' if fitting else 'none is'} called {shorten(wanted)!r}: {told} ...")


def parse_units(plan: Plan, good: int, amount: str, place: str, is_signed: bool = False) -> int:
    """Units of a good from a decimal in its unit; RefusedError for what is no amount of it."""
    units = parse_decimal(amount, plan.goods_table.goods[good].decimals, place)
    if abs(units) > QUANTITY_MOST or (units < 0 and not is_signed):
        raise RefusedError.at(place, f"must be 0 to {QUANTITY_MOST} units")
    return units


def index_goods(plan: Plan) -> dict[str, int]:
    """The place of each good in the plan's table, by its id."""
    return {good.id: place for place, good in enumerate(plan.goods_table.goods)}

"""The made-up region as a call needs it: the goods table, the charter's floors, and what each member releases.

MADE UP, as all of the region. Rows are plain, so that they go through the same operations as a real co-op's.
Invariant: the region's decimals become integers without rounding, or loading them is refused.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from node.simulation.region.economy import format_decimal, format_workplace
from node.simulation.region.region import QUANTITY_DECIMALS, Producer, Region
from protocol.core.errors import MisuseError
from protocol.planning.cards import MICRO, ApprovedFloor

TOLERANCE_PPM: Final = 5_000


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

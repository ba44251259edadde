"""The made-up region as a whole economy file, with the tastes that a till gave its co-ops: planned on one machine."""

from collections.abc import Mapping
from decimal import Decimal

from node.simulation.region.economy import Json, format_decimal, format_good, format_trade, format_workplace
from node.simulation.region.region import Region
from node.till.tastes import Tastes
from protocol.planning.cards import MICRO
from protocol.planning.economy_file import ECONOMY_FORMAT


def region_economy_json(region: Region, tastes: Mapping[str, Tastes]) -> Json:
    """Goods, a consumer for each co-op in `tastes` (by its id), workplaces and outside trade."""
    return {
        "format": ECONOMY_FORMAT,
        "made_up": region.made_up,
        "goods": [format_good(good) for good in region.goods],
        "consumers": [_format_consumer(name, tastes[name]) for name in sorted(tastes)],
        "workplaces": [format_workplace(workplace) for workplace in region.workplaces]
        + [format_trade(trade) for trade in region.trade],
    }


def _format_consumer(name: str, tastes: Tastes) -> Json:
    """Weights are private: they stand in a file only for a plan that one machine makes."""
    return {
        "id": name,
        "nests": [
            {
                "sigma": format_decimal(nest.sigma),
                "credits": format_decimal(Decimal(nest.credits_micro) / MICRO),
                "goods": {
                    good.good: {"weight": format_decimal(good.weight), "floor": format_decimal(good.floor)}
                    for good in nest.goods
                },
            }
            for nest in tastes.nests
        ],
    }

"""Goods, workplaces and outside trade of the made-up region as rows of an economy file (`rochdale-economy/1`).

Invariant: numbers are decimal strings.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from node.simulation.region.region import CO2, OUTSIDE_MONEY, Good, Technique, Trade, Workplace

TRADE_PREFIX: Final = "trade-"

Json = dict[str, Any]


def format_decimal(number: Decimal) -> str:
    """A decimal string without an exponent or idle zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_good(good: Good) -> Json:
    """One row of `goods`."""
    return {
        "id": good.id,
        "unit": good.unit,
        "kind": good.kind,
        "start_price": format_decimal(good.start_price),
        "endowment": format_decimal(good.endowment),
    }


def format_workplace(workplace: Workplace) -> Json:
    """One row of `workplaces`."""
    return {
        "id": workplace.id,
        "capacity": format_decimal(workplace.capacity),
        "least": format_decimal(workplace.least),
        "techniques": [
            {
                "net": {good: format_decimal(amount) for good, amount in _net_of(technique).items()},
                "capacity_use": format_decimal(technique.capacity_use),
                "effort": format_decimal(technique.effort),
            }
            for technique in workplace.techniques
        ],
    }


def _net_of(technique: Technique) -> dict[str, Decimal]:
    """Use positive, output negative, per unit of activity."""
    net = {good: Decimal(amount) for good, amount in technique.uses.items()}
    for good, amount in technique.makes.items():
        net[good] = net.get(good, Decimal(0)) - amount
    return net


def _trade_techniques(trade: Trade) -> list[dict[str, Decimal]]:
    """Buying in, then selling out, a unit of a good, each only where it has a price."""
    techniques: list[dict[str, Decimal]] = []
    if trade.buy is not None:
        bought = {trade.good: Decimal(-1), OUTSIDE_MONEY: trade.buy}
        techniques.append(bought | ({CO2: trade.co2} if trade.co2 else {}))
    if trade.sell is not None:
        techniques.append({trade.good: Decimal(1), OUTSIDE_MONEY: -trade.sell})
    return techniques


def format_trade(trade: Trade) -> Json:
    """Outside trade in one good, as a workplace without effort."""
    return {
        "id": f"{TRADE_PREFIX}{trade.good}",
        "capacity": format_decimal(trade.most),
        "least": "0",
        "techniques": [
            {
                "net": {good: format_decimal(amount) for good, amount in net.items()},
                "capacity_use": "1",
                "effort": "0",
            }
            for net in _trade_techniques(trade)
        ],
    }

"""The made-up region as members hand it in: the charter, the call's goods table, and what each of them releases.

MADE UP, as all of the region. Goods and workplaces go by the names that people read.
Invariant: nothing here reaches into a node; all of it goes through the operations that a real co-op uses.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from node.simulation.region.cards import (
    TOLERANCE_PPM,
    council_row,
    credits_per_person_micro,
    list_floors,
    workplace_rows,
)
from node.simulation.region.economy import format_good, format_trade
from node.simulation.region.products import MadeUpProduct, required_sections
from node.simulation.region.region import QUANTITY_DECIMALS, Coop, Producer, Region

CHARTER_NAME = "Made-up region of the demo"
COMMITTEE_THRESHOLD = 2
APPROVALS_PERCENT = 67
K_HOUSEHOLDS = 5
TRADE_NAME = "outside: {good}"
GUARANTEED_UNITS = 20
PERIOD_DAYS = 28
LANGUAGE = "en"


def charter_row(region: Region, witnesses: tuple[str, ...]) -> dict[str, Any]:
    """The charter that the demo's federation is founded under."""
    names = good_names(region)
    floors = [
        {"good": names[floor.good], "amount": floor.amount, "decimals": floor.decimals} for floor in list_floors(region)
    ]
    return {
        "name": CHARTER_NAME,
        "language": LANGUAGE,
        "currency": "USD",
        "currency_exponent": 2,
        "required_sections": sorted(required_sections()),
        "committee_threshold": COMMITTEE_THRESHOLD,
        "approvals_percent_coops": APPROVALS_PERCENT,
        "approvals_percent_people": 0,
        "witnesses": sorted(witnesses),
        "witness_rule": "half",
        "credits_per_person_micro": credits_per_person_micro(region),
        "floors": sorted(floors, key=lambda floor: str(floor["good"])),
        "k_households": K_HOUSEHOLDS,
        "rules": {"federation": 1, "planning": 1, "supply": 1},
    }


def table_row(region: Region) -> dict[str, Any]:
    """The goods table of the call, with outside trade."""
    names = good_names(region)
    goods = [
        {**row, "id": names[row["id"]], "decimals": QUANTITY_DECIMALS}
        for row in (format_good(good) for good in region.goods)
    ]
    trade = [
        _rename_workplace(format_trade(trade), TRADE_NAME.format(good=names[trade.good]), names)
        for trade in region.trade
    ]
    return {"goods": goods, "trade": trade, "tolerance_ppm": TOLERANCE_PPM}


def council_release(region: Region, edits_percent: Mapping[str, int] | None = None) -> dict[str, Any]:
    """What a co-op releases for a reading: its rules from till lines to goods, and what its committee has changed."""
    names = good_names(region)
    row = council_row(region)
    council = {
        "till": {names[good]: rules for good, rules in row["till"].items()},
        "nests": [{**nest, "goods": [names[good] for good in nest["goods"]]} for nest in row["nests"]],
        "edits_percent": {names[good]: percent for good, percent in (edits_percent or {}).items()},
    }
    return {"council": council, "workplaces": []}


def producer_release(region: Region, producer: Producer) -> dict[str, Any]:
    """What a producer releases: its workplaces with their open recipes, and the effort that stays with it."""
    names = good_names(region)
    labels = {workplace.id: workplace.name for workplace in producer.workplaces}
    rows = [_rename_workplace(row, labels[row["id"]], names) for row in workplace_rows(producer)]
    return {"council": None, "workplaces": rows}


def _rename_workplace(row: Mapping[str, Any], name: str, names: Mapping[str, str]) -> dict[str, Any]:
    """A workplace's row under the names that people read."""
    techniques = [
        {**technique, "net": {names[good]: amount for good, amount in technique["net"].items()}}
        for technique in row["techniques"]
    ]
    return {**row, "id": name, "techniques": techniques}


def good_names(region: Region) -> dict[str, str]:
    """Every good's readable name, which is also its id in the call."""
    return {good.id: good.name for good in region.goods}


def product_row(product: MadeUpProduct) -> dict[str, Any]:
    """A product as its maker publishes it."""
    one = {"amount": 1, "unit": product.unit, "exponent": 0}
    return {
        "code": product.code,
        "names": {LANGUAGE: product.name},
        "category": product.category,
        "unit": product.unit,
        "piece": one,
        "minimum_order": one,
        "case": {**one, "amount": product.case_units},
        "made_up": True,
    }


def disclosure_row(product: MadeUpProduct) -> dict[str, Any]:
    """What the maker tells of a product; some of the made-up ones leave sections out."""
    sections = [{"name": name, "texts": {LANGUAGE: text}} for name, text in sorted(product.sections.items())]
    return {"product": product.code, "sections": sections, "cost": None, "made_up": True}


def proposal_row(product: MadeUpProduct, buyers: tuple[str, ...], today: date) -> dict[str, Any]:
    """The price that the maker proposes to some co-ops, line by line."""
    lines = [
        {"heading": line.heading, "label": line.label, "amount_minor": line.amount_cents} for line in product.cost_lines
    ]
    return {
        "product": product.code,
        "buyers": sorted(buyers),
        "sheet": {
            "currency": product.currency,
            "exponent": 2,
            "unit": product.unit,
            "language": LANGUAGE,
            "price_minor": product.price_cents,
            "lines": lines,
        },
        "guaranteed_minimum": {"amount": GUARANTEED_UNITS, "unit": product.unit, "exponent": 0},
        "period_days": PERIOD_DAYS,
        "valid_from": today.isoformat(),
        "made_up": True,
    }


def members_of(region: Region) -> list[Coop | Producer]:
    """All members of the made-up federation, co-ops first: each runs a node of its own."""
    return [*region.coops, *region.producers]

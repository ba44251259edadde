"""The vectors of plans in several periods and of two levels: files written out, tables, outlines, what regions get."""

import hashlib
from typing import Any, Final

import msgspec

from node.use_cases.planning.calls.table import TableFile, read_table
from protocol.core.encoding import encode, to_value
from protocol.core.errors import RefusedError
from protocol.planning.card_rules import allotted_floors
from protocol.planning.cards import ApprovedFloor, CardTerms
from protocol.planning.economy import build_economy
from protocol.planning.economy_file import read_economy
from protocol.planning.nested.joined_plan import join_plans
from protocol.planning.nested.levels_file import read_levels
from protocol.planning.nested.region_card import card_of_above, card_of_allocation, outline_region, region_name
from protocol.planning.nested.two_levels import LevelTerms, plan_levels
from protocol.planning.periods.expansion import expand_periods
from protocol.planning.plan import digest_plan, format_plan
from scripts.vectors.made_up import HEX
from scripts.vectors.pages import list_json
from scripts.vectors.planning.village import OPEN, TOLERANCE_PPM, play_village, read_village

TABLE_BYTES_MAX: Final = 4 * 1024 * 1024
TERMS: Final = CardTerms(1_000_000, (ApprovedFloor("potatoes", 35, 1), ApprovedFloor("cheese", 1, 3)))
ODD_FILES: Final[dict[str, dict[str, Any]]] = {
    "no period": {"periods": []},
    "a period twice": {"periods": ["summer", "summer"]},
    "a store for a good that lasts": {
        "goods": [{"id": "co2", "unit": "KGM", "start_price": "1", "lasting": True, "store": {"keeps": "1"}}]
    },
    "a period that is none": {
        "workplaces": [{"id": "field", "capacity": {"spring": "1"}, "techniques": [{"net": {"milk": "-1"}}]}]
    },
}
"""What is put into the page's file in place of what stands there."""


def export_economy() -> dict[str, Any]:
    """The village's economy file, what it is read as, and files that are refused."""
    file = read_economy(read_village(OPEN), TOLERANCE_PPM)
    table = play_village(OPEN).economy.table
    raw = encode(to_value(table), TABLE_BYTES_MAX)
    odd: dict[str, dict[str, Any]] = {
        "another format": {"format": "rochdale-economy/2"},
        "no goods": {"goods": []},
        "a good twice": {"goods": read_village()["goods"][:1] * 2},
        "a price of 0": {"goods": [{"id": "bread", "unit": "KGM", "start_price": "0"}]},
        "an exponent in a number": {"goods": [{"id": "bread", "unit": "KGM", "start_price": "2e0"}]},
        "an unknown good": {"workplaces": [{"id": "mill", "capacity": "1", "techniques": [{"net": {"gold": "-1"}}]}]},
    }
    return {
        "about": "The made-up village's economy file, village.json, as it is read (docs/spec: planning-step.md). "
        f"{HEX} In a call the table is a file of these bytes, named by its SHA-256; there imports stand under `trade`.",
        "tolerance_ppm": TOLERANCE_PPM,
        "goods_table": to_value(file.table),
        "consumers": to_value(file.consumers),
        "workplaces": to_value(file.workplaces),
        "table_of_the_call": {"bytes": raw, "sha256": hashlib.sha256(raw).digest()},
        "refused": [
            {"says": says, "change": change, "at": _refusal_at({**read_village(), **change})}
            for says, change in odd.items()
        ],
    }


def export_periods() -> dict[str, Any]:
    """The farm of the page, written out; the table of a call; needs spread over the periods."""
    farm, call = list_json("periods.md")
    table = read_table(msgspec.convert(call, TableFile))
    return {
        "about": f"Several periods in one plan (docs/spec: periods.md). {HEX} Made up.",
        "file": farm,
        "written_out": expand_periods(farm),
        "refused": [
            {"says": says, "change": change, "at": _refusal_at({**farm, **change})}
            for says, change in ODD_FILES.items()
        ],
        "call": call,
        "goods_table": to_value(table),
        "terms": to_value(TERMS),
        "needs": [
            {"people": people, "units": sorted(allotted_floors(table, people, TERMS).items())}
            for people in (0, 1, 7, 40)
        ],
    }


def export_levels() -> dict[str, Any]:
    """The two regions of the page: their outlines, the plan above, what each gets, and all plans put together."""
    (document,) = list_json("nested-plans.md")
    file = read_levels(document, TOLERANCE_PPM)
    played = plan_levels(file, LevelTerms())
    above = file.above.table
    regions = {}
    for name, region in file.regions.items():
        alone = build_economy(region.table, region.consumers, region.workplaces)
        outline = outline_region(region_name(name), alone, above)
        card = card_of_allocation(played.allocations[name], region.table)
        regions[name] = {
            "goods_table": to_value(region.table),
            "outline": to_value(outline),
            "card_of_above": to_value(card_of_above(outline, above, region.table)),
            "allocation": played.allocations[name],
            "card_of_allocation": to_value(card),
            "plan": format_plan(played.regions[name].plan).decode(),
        }
    flat = build_economy(file.flat.table, file.flat.consumers, file.flat.workplaces)
    return {
        "about": f"A plan of two levels (docs/spec: nested-plans.md), to 1 %. {HEX} Made up.",
        "file": document,
        "rounds_above": len(played.reports),
        "plan_above": format_plan(played.plan).decode(),
        "digest_above": digest_plan(format_plan(played.plan)),
        "regions": regions,
        "joined": format_plan(join_plans(played, flat)).decode(),
    }


def _refusal_at(document: dict[str, Any]) -> list[str]:
    try:
        read_economy(document, TOLERANCE_PPM)
    except RefusedError as refusal:
        return [finding.place for finding in refusal.findings]
    return []


FILES = {
    "planning/economy.json": export_economy,
    "planning/periods.json": export_periods,
    "planning/levels.json": export_levels,
}

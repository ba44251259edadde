"""An economy file of two levels: which goods each region plans for itself, and the same as one flat economy.

Invariants: a row belongs to one region or to the level above; a good is regional (each region has its own) or shared.
What is refused is refused with its place. Spec: docs/spec/planning/nested-plans.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocol.core.errors import RefusedError
from protocol.core.file_rows import read_rows
from protocol.planning.economy_file import EconomyFile, read_economy

REGIONS_MOST = 64
REGION_MARK = "@"


@dataclass(frozen=True)
class LevelsFile:
    """The regions' economies by name, that of the level above without them, and all of it as one flat economy.

    `shared` are the goods that move between regions, in the order of the file.
    """

    regions: dict[str, EconomyFile]
    above: EconomyFile
    flat: EconomyFile
    shared: tuple[str, ...]


def read_levels(document: Mapping[str, Any], tolerance_ppm: int) -> LevelsFile:
    """Raises RefusedError with the place of what does not fit, as `read_economy` does."""
    if "periods" in document:
        raise RefusedError.at("periods", "a plan of two levels has one period")
    rows = read_rows(document, "goods")
    sides = {side: read_rows(document, side) for side in ("consumers", "workplaces")}
    names = sorted({_region_of(row, side, place) for side, row, place in _places(sides)} - {""})
    if not 1 <= len(names) <= REGIONS_MOST:
        raise RefusedError.at("regions", f"a plan of two levels has 1 to {REGIONS_MOST} regions, not {len(names)}")
    regional = {str(row.get("id")): _endowments(row, names) for row in rows if "regional" in row}
    shared = tuple(str(row.get("id")) for row in rows if "regional" not in row)
    if not shared:
        raise RefusedError.at("goods", "no good is shared: the regions have nothing to plan together")
    if not any(not row.get("region") for row in sides["consumers"]):
        raise RefusedError.at("consumers", "the level above needs a council of its own, for what all do together")
    for row in sides["consumers"] + sides["workplaces"]:
        _check_row(row, regional)
    regions = {name: _region_document(document, rows, sides, name) for name in names}
    above = {**document, "goods": [row for row in rows if "regional" not in row]} | _rows_of(sides, "")
    flat = {**document, "goods": _flat_goods(rows, names)} | {
        side: [_flat_row(row, regional) for row in rows_of_side] for side, rows_of_side in sides.items()
    }
    return LevelsFile(
        regions={name: read_economy(region, tolerance_ppm) for name, region in regions.items()},
        above=read_economy(above, tolerance_ppm),
        flat=read_economy(flat, tolerance_ppm),
        shared=shared,
    )


def regional_id(good: str, region: str) -> str:
    """How a regional good is called in the flat economy."""
    return f"{good}{REGION_MARK}{region}"


def _places(sides: Mapping[str, list[dict[str, Any]]]) -> list[tuple[str, dict[str, Any], int]]:
    return [(side, row, place) for side, rows in sides.items() for place, row in enumerate(rows)]


def _region_of(row: Mapping[str, Any], side: str, place: int) -> str:
    region = row.get("region", "")
    if not isinstance(region, str) or REGION_MARK in region:
        raise RefusedError.at(f"{side}[{place}].region", f"must be a name without {REGION_MARK!r}")
    return region


def _endowments(row: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    """Region -> endowment of a regional good; what is not said is 0."""
    said, place = row["regional"], f"goods.{row.get('id')}.regional"
    if not isinstance(said, dict):
        raise RefusedError.at(place, "must be an object: region -> endowment")
    unknown = sorted(said.keys() - set(names))
    if unknown:
        raise RefusedError.at(place, f"no council and no workplace is in region {unknown[0]!r}")
    return {name: said.get(name, "0") for name in names}


def _check_row(row: Mapping[str, Any], regional: Mapping[str, Any]) -> None:
    """Whoever is in no region cannot have what only regions have; what is done must be known to be added up."""
    if row.get("recipes", "open") != "open":
        raise RefusedError.at(f"{row.get('id')}.recipes", "two levels are tried with open recipes only")
    found = sorted(set(_goods_of(row)) & regional.keys())
    if found and not row.get("region"):
        raise RefusedError.at(f"{row.get('id')}", f"is in no region and names the regional good {found[0]!r}")


def _goods_of(row: Mapping[str, Any]) -> list[str]:
    cells = [nest.get("goods") for nest in row.get("nests", ()) if isinstance(nest, dict)]
    cells += [one.get("net") for one in row.get("techniques", ()) if isinstance(one, dict)]
    return [good for cell in cells if isinstance(cell, dict) for good in cell]


def _rows_of(sides: Mapping[str, list[dict[str, Any]]], region: str) -> dict[str, list[dict[str, Any]]]:
    return {side: [row for row in rows if row.get("region", "") == region] for side, rows in sides.items()}


def _region_document(
    document: Mapping[str, Any], rows: list[dict[str, Any]], sides: Mapping[str, list[dict[str, Any]]], name: str
) -> dict[str, Any]:
    """The region alone: its own goods with its endowments, and the shared ones, of which it has none yet."""
    goods = [{**row, "endowment": row["regional"].get(name, "0") if "regional" in row else "0"} for row in rows]
    return {**document, "goods": goods} | _rows_of(sides, name)


def _flat_goods(rows: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    goods: list[dict[str, Any]] = []
    for row in rows:
        if "regional" not in row:
            goods.append(row)
            continue
        for name in names:
            goods.append({**row, "id": regional_id(row["id"], name), "endowment": row["regional"].get(name, "0")})
    return goods


def _flat_row(row: Mapping[str, Any], regional: Mapping[str, Any]) -> dict[str, Any]:
    """The same council or workplace with its region's goods under their flat names."""
    region = str(row.get("region", ""))

    def renamed(cells: Any) -> Any:
        if not isinstance(cells, dict):
            return cells
        return {regional_id(good, region) if good in regional else good: cell for good, cell in cells.items()}

    changed = dict(row)
    for side, key in (("nests", "goods"), ("techniques", "net")):
        if isinstance(row.get(side), list):
            parts = [part if isinstance(part, dict) else {} for part in row[side]]
            changed[side] = [{**part, key: renamed(part.get(key))} for part in parts]
    return changed

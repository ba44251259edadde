"""Where the demo's till lines come from: the grocery data package, or generated; said on every page either way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.simulation.region.region import Region
from node.simulation.tills.generated import GENERATED_NOTICE, generate_store_tills

GENERATED_SEED = 1844


@dataclass(frozen=True)
class TillSource:
    """Till files for co-ops, with the words that say what they are."""

    quantities: str
    made_up: tuple[str, ...]
    read: Callable[[int], list[bytes]]

    def write_files(self, folder: Path, keys: list[str]) -> dict[str, Path]:
        """One plain CSV for each co-op."""
        paths = {}
        for key, raw in zip(keys, self.read(len(keys)), strict=True):
            paths[key] = folder / f"till-{key}.csv"
            paths[key].write_bytes(raw)
        return paths


def open_source(kind: str, region: Region) -> TillSource:
    """`journey` (needs the extra `demo`) or `generated`."""
    if kind == "generated":
        return TillSource(GENERATED_NOTICE, (), lambda count: _generate(region, count))
    # Imported here: the package and pyarrow are of the extra `demo`, which a co-op's node does not have.
    from node.simulation.tills import journey

    def read(count: int) -> list[bytes]:
        tills = journey.read_store_tills(journey.find_busiest_stores(count))
        return [till.raw for till in tills]

    quantities = (
        f"till lines of stores in {journey.SOURCE_NAME}. The package says of itself: “{journey.SOURCE_QUOTE}” "
        f"{journey.SOURCE_LICENCE} {journey.FUEL_NOTICE}"
    )
    return TillSource(quantities, (), read)


def _generate(region: Region, count: int) -> list[bytes]:
    return [till.raw for till in generate_store_tills(region, GENERATED_SEED)][:count]

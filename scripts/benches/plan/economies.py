"""Economies on real input-output tables with made-up tastes, from the generator that lies beside the repository.

Invariant: what is generated follows from table, size, variant and seed alone.
"""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from protocol.core.errors import RefusedError
from protocol.planning.economy import Economy, build_economy
from protocol.planning.economy_file import EconomyFile, read_economy
from protocol.planning.simulation.members import Members, gather_members

GENERATOR = Path(__file__).resolve().parents[4] / "shared" / "bench" / "planning" / "make_economy.py"
TABLES = ("bea", "uk")
# Goods, councils, workplaces; a trade node for each good comes on top.
SIZES = {20: (20, 20, 30), 200: (200, 200, 300), 1000: (1000, 1000, 1000)}
VARIANTS: dict[str, dict[str, float]] = {
    "effort 0.05": {"kappa": 0.05},
    "effort 0.3": {"kappa": 0.3},
    "effort 1": {"kappa": 1.0},
    "complements": {"leontief": 1.0},
    "substitutes": {"sigma": 4.0},
}
FINEST_PPM = 1_000


class Region(NamedTuple):
    """An economy with everybody's private side."""

    file: EconomyFile
    economy: Economy
    members: Members


def make_region(table: str, size: int, variant: str, seed: int, shock: float = 0.0) -> Region:
    """One generated economy; `shock` perturbs tastes, credits and capacities of the same seed's."""
    return open_region(read_economy(make_document(table, size, variant, seed, shock), FINEST_PPM))


def make_document(table: str, size: int, variant: str, seed: int, shock: float = 0.0) -> dict[str, Any]:
    """The same as an economy file."""
    return dict(_generator().make(table, *SIZES[size], seed=seed, shock=shock, **VARIANTS[variant]))


def open_region(file: EconomyFile) -> Region:
    """The economy of a file."""
    economy = build_economy(file.table, file.consumers, file.workplaces)
    return Region(file, economy, gather_members(economy, file.tastes, file.efforts))


def is_available() -> bool:
    """Whether the generator is there."""
    return GENERATOR.exists()


@cache
def _generator() -> ModuleType | Any:
    spec = importlib.util.spec_from_file_location("outside_make_economy", GENERATOR)
    if not is_available() or spec is None or spec.loader is None:
        raise RefusedError.at(str(GENERATOR), "the generator of economies is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

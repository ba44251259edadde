"""What a bench measured, beside what it must reach: as a table for people, as one JSON object for programs.

Invariant: a figure with a bound is either reached or missed, and one that is missed makes the exit code 1.
"""

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

LEAST, MOST = "least", "most"


class Figure(NamedTuple):
    """What was measured, in which unit; `side` is LEAST or MOST where there is a bound, else empty."""

    name: str
    value: float
    unit: str
    side: str = ""
    bound: float = 0.0

    @property
    def is_reached(self) -> bool:
        """Whether the bound is kept; a figure without one keeps it."""
        return not self.side or (self.value >= self.bound if self.side == LEAST else self.value <= self.bound)


def report(figures: Sequence[Figure], notes: Sequence[str], as_json: bool) -> int:
    """Print what was measured; the exit code, 1 where a bound is missed."""
    missed = [figure.name for figure in figures if not figure.is_reached]
    if as_json:
        listed = [_describe(figure) for figure in figures]
        print(json.dumps({"machine": _describe_machine(), "figures": listed, "missed": missed, "notes": list(notes)}))
        return 1 if missed else 0
    print(_describe_machine())
    for figure in figures:
        verdict = "reached" if figure.is_reached else "missed"
        bound = f"   at {figure.side} {figure.bound:g}: {verdict}" if figure.side else ""
        print(f"{figure.name:62} {figure.value:12,.2f} {figure.unit}{bound}")
    for note in notes:
        print(f"  {note}")
    return 1 if missed else 0


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many of a hundred do not pass."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _describe_machine() -> str:
    """Cores and versions, as a benchmark's reader wants them."""
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {versions}"


def _describe(figure: Figure) -> dict[str, Any]:
    bound = {figure.side: figure.bound} if figure.side else {}
    return {"name": figure.name, "value": figure.value, "unit": figure.unit, **bound}

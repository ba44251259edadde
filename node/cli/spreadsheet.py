"""Lines for a spreadsheet, as CSV on standard output.

Invariant: no text that others chose becomes a formula: what begins like one gets an apostrophe before it.
"""

import csv
import sys
from collections.abc import Iterable, Sequence
from typing import Final

FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r")


def print_csv(lines: Iterable[Sequence[str]]) -> None:
    """Every line, its texts guarded; figures stand as they are."""
    csv.writer(sys.stdout).writerows([guard(cell) for cell in line] for line in lines)


def guard(cell: str) -> str:
    """The cell as a spreadsheet may read it."""
    if cell.startswith(FORMULA_MARKS) and not cell.lstrip("-").replace(".", "", 1).isdigit():
        return f"'{cell}"
    return cell

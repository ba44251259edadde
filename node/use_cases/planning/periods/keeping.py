"""Which goods of a call keep, from what their makers told of their products.

Invariant: what a caller wrote itself stands; a good of which one maker tells no shelf life is not kept.
Spec: docs/spec/planning/periods.md, section "In a call"
"""

import msgspec

from node.use_cases.planning.calls.table import GoodRow, TableFile
from node.use_cases.supply.board import Board
from node.use_cases.supply.matching import stands_for


def fill_shelf_lives(file: TableFile, board: Board) -> TableFile:
    """The table with the shortest shelf life of all products that stand for a good, where the file says nothing."""
    if not file.periods:
        return file
    return msgspec.structs.replace(file, goods=tuple(_fill(row, board) for row in file.goods))


def _fill(row: GoodRow, board: Board) -> GoodRow:
    if row.lasting or row.store is not None or row.shelf_life_days is not None or row.kind != "good":
        return row
    products = [filed.body for filed in board.facts.products.values()]
    days = [one.shelf_life_days for one in products if stands_for(one.code, one.names.values(), row.id)]
    told = [one for one in days if one is not None]
    return msgspec.structs.replace(row, shelf_life_days=min(told)) if told and len(told) == len(days) else row

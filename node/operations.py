"""Every verb of a node in one table: pages, API, commands and simulator call these and nothing else.

Each module below `node/use_cases` lists its own in `OPERATIONS`; they are found there.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from node import use_cases
from node.use_cases.context import Operation


def find_operations() -> Iterator[Operation]:
    """The operations of every module, in the order of the modules' names."""
    for found in pkgutil.walk_packages(use_cases.__path__, f"{use_cases.__name__}."):
        yield from getattr(importlib.import_module(found.name), "OPERATIONS", ())


def index_operations(found: Iterator[Operation]) -> dict[str, Operation]:
    """Operations by name; no two may have one."""
    table: dict[str, Operation] = {}
    for operation in found:
        assert operation.name not in table, f"two operations are called {operation.name}"
        table[operation.name] = operation
    return table


OPERATIONS: dict[str, Operation] = index_operations(find_operations())

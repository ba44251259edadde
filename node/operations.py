"""Every verb of a node in one table: pages, API, commands and simulator call these and nothing else.

Each module below `node/use_cases` lists its own in `OPERATIONS`; they are found there. An index says in which module a
verb stands, so that one command loads one.

Invariant: the index says what the modules say; `python -m scripts.export` writes it, a house test holds it.
"""

import importlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from node import use_cases
from node.modules import walk_modules
from node.use_cases.context import Operation
from node.use_cases.description import Verb

INDEX = Path(__file__).with_name("operations.tsv")


@cache
def load_operations() -> dict[str, Operation]:
    """What a node does, by name, of every module; the API answers these."""
    return index_operations(verb for verb in list_verbs() if isinstance(verb, Operation))


def list_verbs() -> list[Verb]:
    """All that commands can be made of: what a node does, and what is done at somebody's desk."""
    return [verb for _, verb in _find_verbs()]


def load_operation(name: str) -> Operation:
    """One operation, of the one module that it stands in."""
    verbs: Iterable[Verb] = importlib.import_module(_read_index()[name]).OPERATIONS
    return next(verb for verb in verbs if verb.name == name and isinstance(verb, Operation))


def index_operations(found: Iterable[Operation]) -> dict[str, Operation]:
    """Operations by name; no two may have one."""
    table: dict[str, Operation] = {}
    for operation in found:
        assert operation.name not in table, f"two operations are called {operation.name}"
        table[operation.name] = operation
    return table


def format_operations_index() -> str:
    """The index: each operation's name and its module, a line each, by name."""
    found = ((verb.name, module) for module, verb in _find_verbs() if isinstance(verb, Operation))
    return "".join(sorted(f"{name}\t{module}\n" for name, module in found))


def _find_verbs() -> Iterator[tuple[str, Verb]]:
    for module in walk_modules(use_cases):
        for verb in getattr(module, "OPERATIONS", ()):
            yield module.__name__, verb


def _read_index() -> dict[str, str]:
    lines = INDEX.read_text("utf-8").splitlines()
    return dict(line.split("\t") for line in lines)

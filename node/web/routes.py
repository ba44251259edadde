"""Every address this node answers: each area below this folder lists its own in `ROUTES`; they are found there.

Invariant: pages are read only but for the forms of the first day and of the committee; a till file for `/what-if` is
read and forgotten. Everything else that changes something is an operation, or asked for by a log that has signed it.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from node.modules import walk_modules
from node.web.page import FilledPage, Route

API_PREFIX = "/api/"
STATIC_PATH = "/static/{file}"


def find_routes() -> Iterator[FilledPage | Route]:
    """The addresses of every area, in the order of the modules' names."""
    for area in pkgutil.iter_modules([str(Path(__file__).parent)], "node.web."):
        if area.ispkg:
            for module in walk_modules(importlib.import_module(area.name)):
                yield from getattr(module, "ROUTES", ())


ROUTES: tuple[FilledPage | Route, ...] = tuple(find_routes())

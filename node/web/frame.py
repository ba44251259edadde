"""What stands around every page: whose node this is, and what on it is real and what is made up.

Invariant: no page is shown without saying where the quantities sold come from.
"""

from functools import cache
from importlib import metadata

import msgspec

from node.use_cases.context import Node
from node.use_cases.home import DEFAULT_NAME
from node.use_cases.status import read_provenance

OWN_TILL_FILES = "this co-op's own till files."
QUANTITIES_PREFIX = "Quantities sold: "
MADE_UP_PREFIX = "Made up: "


class Provenance(msgspec.Struct, frozen=True):
    """Where the quantities sold come from (what follows "Quantities sold:", full stop and all) and what is made up."""

    quantities: str = OWN_TILL_FILES
    made_up: tuple[str, ...] = ()


class Frame(msgspec.Struct, frozen=True):
    """Whose node it is, for the head and foot of every page; `name` is empty until the co-op is named."""

    name: str
    origin: str
    version: str
    provenance: Provenance


def fill_frame(node: Node) -> Frame:
    """The frame of this node's pages, as they stand now."""
    said = read_provenance(node)
    made_up = tuple(text.removeprefix(MADE_UP_PREFIX).rstrip(".") for text in said.made_up)
    provenance = Provenance(said.quantities.removeprefix(QUANTITIES_PREFIX), made_up)
    return Frame(name_of(node), node.origin, _read_version(), provenance)


def name_of(node: Node) -> str:
    """What the co-op is called; empty until it has a name."""
    return "" if node.name == DEFAULT_NAME else node.name


@cache
def _read_version() -> str:
    """The version of the installed package."""
    try:
        return metadata.version("rochdale")
    except metadata.PackageNotFoundError:
        return "from a checkout"

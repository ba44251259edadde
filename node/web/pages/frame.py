"""What stands around every page: whose node this is, and what on it is real and what is made up.

Invariant: no page is shown without saying where the quantities sold come from.
"""

import msgspec

OWN_TILL_FILES = "this co-op's own till files."


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

"""What a price is made of: every line to the cent, who signed it, and what is missing before it can be agreed.

Invariant: only money stands here; a plan's scarcity signals never do.
"""

import msgspec

from protocol.core.errors import Finding
from protocol.core.quantities import Money


class PriceRow(msgspec.Struct, frozen=True):
    """One product in the list: `state` is one of not disclosed, in talks, disclosed, agreed."""

    path: str
    name: str
    maker: str
    category: str
    unit: str
    state: str
    price: Money | None
    reasons: tuple[Finding, ...] = ()
    made_up: bool = False


class PriceList(msgspec.Struct, frozen=True):
    """All products this node knows, with the counts that the head of the page says."""

    rows: tuple[PriceRow, ...]

    def count(self, state: str) -> int:
        """How many products are in this state."""
        return sum(row.state == state for row in self.rows)


class CostLine(msgspec.Struct, frozen=True):
    """One line of a cost sheet; `hidden` lines show no amount, only that they are part of the committed total."""

    heading: str
    label: str
    cost: Money | None
    share_ppm: int


class Section(msgspec.Struct, frozen=True):
    """One section of the disclosure: what it says, or that it is missing, or who may read it."""

    name: str
    text: str | None
    scope: str = "public"
    is_required: bool = False

    @property
    def is_missing(self) -> bool:
        """Required and not filled: what keeps a price from being agreed."""
        return self.is_required and self.text is None and self.scope == "public"


class Version(msgspec.Struct, frozen=True):
    """One version of the price: its state and who stands behind it."""

    number: int
    price: Money
    state: str
    reasons: tuple[Finding, ...] = ()
    signed_by: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    valid_from: str | None = None
    minimum: str | None = None
    record: str = ""


class PricePage(msgspec.Struct, frozen=True):
    """One product: its latest cost sheet, its disclosure, and the versions of its price, newest first."""

    row: PriceRow
    lines: tuple[CostLine, ...]
    sections: tuple[Section, ...]
    versions: tuple[Version, ...]

    @property
    def bar(self) -> list[tuple[str, int]]:
        """The lines as segments of a bar; a line that is not open to all is drawn as nothing but keeps its number."""
        return [(line.label or line.heading, line.cost.amount if line.cost else 0) for line in self.lines]

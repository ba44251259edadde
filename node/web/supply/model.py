"""What a price is made of: every line to the cent, who signed it, and what is missing before it can be agreed.

Invariant: only money stands here; a plan's scarcity signals never do.
"""

import msgspec

from protocol.core.errors import Finding
from protocol.core.quantities import Money


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One product in the list: `state` is one of not disclosed, in talks, disclosed, agreed; `price` the agreed one.

    `missing` are the required sections of its disclosure that the members who pay cannot read yet.
    """

    path: str
    code: str
    name: str
    maker: str
    maker_origin: str
    category: str
    unit: str
    state: str
    price: Money | None
    missing: tuple[Finding, ...] = ()
    void_versions: int = 0
    made_up: bool = False


class PriceList(msgspec.Struct, frozen=True):
    """All products this node knows, with the counts that the head of the page says."""

    rows: tuple[PriceRow, ...]

    def count(self, state: str) -> int:
        """How many products are in this state."""
        return sum(row.state == state for row in self.rows)


class CostLine(msgspec.Struct, frozen=True):
    """One line of a cost sheet; without a `cost` it is not open to all, and `readers` says to whom it is."""

    heading: str
    label: str
    cost: Money | None
    share_ppm: int
    readers: str = "anyone"


class Section(msgspec.Struct, frozen=True):
    """One section of the disclosure: its words, or who may read them."""

    title: str
    text: str
    readers: str = "anyone"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the price: what it is made of, its state and why, who stands behind it.

    `hidden` is what the lines that are not open to all come to together.
    """

    number: int
    price: Money
    unit: str
    state: str
    lines: tuple[CostLine, ...] = ()
    hidden: Money | None = None
    buyers: tuple[str, ...] = ()
    reasons: tuple[Finding, ...] = ()
    signed_by: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    not_counted: tuple[Finding, ...] = ()
    valid_from: str = ""
    minimum: str = ""
    record: str = ""

    @property
    def bar(self) -> list[tuple[str, int]]:
        """The lines as segments of a bar, what is not open to all as one segment at the end."""
        parts = [(line.label or line.heading, line.cost.amount if line.cost else 0) for line in self.lines]
        return [*parts, ("not open to all", self.hidden.amount)] if self.hidden else parts


class PricePage(msgspec.Struct, frozen=True):
    """One product: its disclosure, and the versions of its price, newest first."""

    row: PriceRow
    sections: tuple[Section, ...]
    versions: tuple[Version, ...]

    @property
    def title(self) -> str:
        """What is priced."""
        return self.row.name

    @property
    def shown(self) -> Version | None:
        """The version whose lines head the page: the agreed one, else the newest that is not void, else the newest."""
        order = ("agreed", "in talks", "proposed", "refused", "superseded", "void")
        return min(self.versions, key=lambda version: order.index(version.state), default=None)

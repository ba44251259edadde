"""The first-day page: name your co-op, drop in last month's till file, see your ten most wanted goods.

Invariant: nothing on this page tells of a household; a file is taken whole or not at all.
"""

import msgspec

from node.web.forms import FormModel
from protocol.core.quantities import Quantity

WANTED_GOODS_MAX = 10


class WantedGood(msgspec.Struct, frozen=True):
    """One good of the till lines and what is known of it; a till file does not say which money it counts in."""

    name: str
    category: str
    sold: Quantity
    paid_cents: int
    lines: int
    products: int = 1
    known_as: str = ""
    maker: str | None = None
    state: str = "not disclosed"
    price_path: str | None = None


class TillSummary(msgspec.Struct, frozen=True):
    """What this home holds of its till: lines over all files, first and last week, goods counted."""

    files: int
    lines: int
    first_week: str
    last_week: str
    goods: int


class TakenFile(msgspec.Struct, frozen=True):
    """What came of one file: lines read and lines that were new, the columns that were thrown away unread."""

    name: str
    lines: int
    lines_new: int
    columns_dropped: tuple[str, ...] = ()


class FirstDay(FormModel, frozen=True):
    """The page: the co-op's name so far, the till so far, the most wanted goods."""

    name: str
    till: TillSummary | None
    wanted: tuple[WantedGood, ...]
    taken: TakenFile | None = None

    @property
    def title(self) -> str:
        """What the page is called: a co-op's first day is over with its first till file."""
        return "Your till" if self.till else "Your first day"

"""What an operation tells, as a section of a page: its sentences and tables, word for word as a terminal shows them."""

import msgspec

from node.use_cases.description import Rows


class Section(msgspec.Struct, frozen=True):
    """A title, and below it sentences and tables in their order; the reason alone where the operation refused."""

    title: str
    parts: tuple[str | Rows, ...]
    is_refused: bool = False

"""What one co-op promised to give and take under a plan in force, what has come of it, and the agreed price of it.

Invariant: a price stands here only where maker and buyers have agreed it; a scarcity signal never does.
"""

import msgspec

from protocol.core.quantities import Money, Quantity


class AgreedPrice(msgspec.Struct, frozen=True):
    """The agreed price of a good as one maker makes it, per unit of its product; where it is told and how."""

    maker: str
    price: Money
    unit: str
    path: str


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One good that a council or a workplace gives or takes.

    `place` is the workplace, empty for what members take home; `promised` is None while nothing was promised; `carried`
    is this co-op's own word. `price_open` names makers of it that have no agreed price.
    """

    good: str
    place: str
    planned: Quantity
    promised: Quantity | None
    carried: Quantity
    open: Quantity
    short: Quantity
    prices: tuple[AgreedPrice, ...] = ()
    price_open: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """In one or two words how it stands."""
        if self.promised is None:
            return "not promised yet"
        if self.short.amount:
            return "less than planned"
        return "open" if self.open.amount else "done"


class CoopPromises(msgspec.Struct, frozen=True):
    """All of one co-op's promises; `differing` are sentences on ways of which both ends say different amounts."""

    gives: tuple[Promise, ...]
    takes: tuple[Promise, ...]
    differing: tuple[str, ...] = ()

    @property
    def unsaid(self) -> int:
        """How many goods nothing has been promised of."""
        return sum(promise.promised is None for promise in (*self.gives, *self.takes))

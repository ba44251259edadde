"""A draft that knows no batches as the arrays in which better ones are searched.

Invariant: what a search finds is a proposal. It counts only after the check in whole numbers that everybody can do.
Spec: docs/spec/planning/batches.md, section "Finding them"
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPARE: Final = 2.0**-14
"""The share of what moves of a good that is kept free, so that rounding and fitting find room."""
STIFFNESS: Final = 2.0
"""A good of which a small share s is missing is taken to be worth 1 + STIFFNESS x s times its price."""
PRICE_LEAST: Final = 1e-3
"""Of the mean price: what nobody pays for is still not to be wasted for nothing."""

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]


@dataclass(frozen=True)
class Lumps:
    """A draft as arrays: goods in rows of `net` (whole units per activity, use above 0), techniques in its columns.

    Per good: `price` in credits, `left` unused and `eaten` above floors in whole units. Per technique: `level` of the
    draft in activities, `slope` of effort (the cost is slope x activity^2 / 2, in credits), `batch` in activities (0:
    any amount), `batches_least` (1 or more), `setup` (the effort of setting up, in credits), the row of its workplace,
    `use` of its capacity. Per workplace: `capacity` and `least`.
    """

    net: Floats
    price: Floats
    left: Floats
    eaten: Floats
    level: Floats
    slope: Floats
    batch: Floats
    batches_least: Indexes
    setup: Floats
    owner: Indexes
    use: Floats
    capacity: Floats
    least: Floats

    @cached_property
    def is_whole(self) -> NDArray[np.bool_]:
        """Which techniques come in batches."""
        return self.batch > 0.0

    @cached_property
    def moving(self) -> Floats:
        """What moves of each good in the draft, never 0."""
        moved = np.abs(self.net) @ self.level + self.eaten + self.left
        return np.asarray(np.maximum(moved, 1e-9), np.float64)

    @cached_property
    def worth(self) -> Floats:
        """Prices, none so low that waste costs nothing."""
        return np.asarray(np.maximum(self.price, PRICE_LEAST * float(np.mean(self.price)) + 1e-12), np.float64)

"""How many batches of each technique come nearest to a draft that knows none: rounded, and repaired batch by batch.

This is where the search for the best begins, and all there is without HiGHS.
Invariant: what comes out is a proposal. It counts only after the check in whole numbers that everybody can do.
Spec: docs/spec/batches.md, section "Finding them"
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPARE: Final = 2.0**-14
"""The share of what moves of a good that is kept free, so that rounding and fitting find room."""
STIFFNESS: Final = 2.0
"""A good of which a share s is missing is taken to be worth 1 + STIFFNESS x s times its price."""
PRICE_LEAST: Final = 1e-3
"""Of the mean price: what nobody pays for is still not to be wasted for nothing."""
PASSES_MAX: Final = 60
UNMET_WORTH: Final = 1e3
"""What being short costs where nobody eats the good, so that nothing can give way: so many times its price."""

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]


@dataclass(frozen=True)
class Lumps:
    """A draft as arrays: goods in rows of `net` (whole units per activity, use above 0), techniques in its columns.

    Per good: `price` in credits, `left` unused and `eaten` above floors in whole units. Per technique: `level` of the
    draft in activities, `slope` of effort (the cost is slope x activity^2 / 2, in credits), `batch` in activities (0:
    any amount), `batches_least` (1 or more), the row of its workplace, `use` of its capacity. Per workplace: `capacity`
    and `least`.
    """

    net: Floats
    price: Floats
    left: Floats
    eaten: Floats
    level: Floats
    slope: Floats
    batch: Floats
    batches_least: Indexes
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


def round_batches(lumps: Lumps, downward: bool = False) -> Indexes:
    """Each technique for itself to the nearest whole number of batches, or down: what a person without a plan does."""
    exact = lumps.level / np.where(lumps.batch > 0.0, lumps.batch, np.inf)
    whole = (np.floor(exact + 1e-9) if downward else np.rint(exact)).astype(np.intp)
    least = lumps.batches_least
    low = np.where((whole * 2 >= least) & (not downward), least, 0)
    return np.where(whole < least, low, whole)


def repair_batches(lumps: Lumps) -> Indexes:
    """Rounds, then moves one technique by one batch wherever that costs least, until nothing gets better."""
    count = round_batches(lumps)
    level = np.where(lumps.is_whole, count * lumps.batch, lumps.level)
    short = lumps.net @ (level - lumps.level) - lumps.left
    used = np.bincount(lumps.owner, level * lumps.use).astype(np.float64)
    for _ in range(PASSES_MAX):
        moved = False
        for place in np.flatnonzero(lumps.is_whole).tolist():
            best = _best_move(lumps, count, short, used, place)
            if best:
                change = best * lumps.batch[place]
                count[place] += best
                short = short + lumps.net[:, place] * change
                used[lumps.owner[place]] += change * lumps.use[place]
                moved = True
        if not moved:
            break
    return count


def _best_move(lumps: Lumps, count: Indexes, short: Floats, used: Floats, place: int) -> int:
    """By how many batches to change one technique: 0 when no change makes things better."""
    here, least = int(count[place]), int(lumps.batches_least[place])
    options = {here + 1 if here else least, here - 1 if here > least else 0}
    touched = np.flatnonzero(lumps.net[:, place])
    owner, batch = int(lumps.owner[place]), float(lumps.batch[place])

    def cost(change: int) -> float:
        after = used[owner] + change * batch * lumps.use[place]
        over = max(after - lumps.capacity[owner], lumps.least[owner] - after, 0.0)
        moved = short[touched] + lumps.net[touched, place] * (change * batch)
        effort = 0.5 * lumps.slope[place] * ((here + change) ** 2 - here**2) * batch**2
        return float(over * UNMET_WORTH + effort + np.sum(_cost_shortage(lumps, touched, moved)))

    stay = cost(0)
    found, change = min((cost(option - here), option - here) for option in options)
    return change if found < stay - 1e-9 * (1.0 + abs(stay)) else 0


def _cost_shortage(lumps: Lumps, goods: Indexes, short: Floats) -> Floats:
    """What being short of goods (below 0: having more) costs, in credits; what nobody eats must not be short."""
    eaten, worth = lumps.eaten[goods], lumps.worth[goods]
    share = short / np.maximum(eaten, 1e-12)
    bent = worth * short * (1.0 + STIFFNESS * np.clip(share, -0.4, 10.0))
    over = np.maximum(short - eaten, 0.0) + SPARE * lumps.moving[goods] * (eaten <= 0.0)
    hard = worth * UNMET_WORTH * np.maximum(over, 0.0) * (short > -SPARE * lumps.moving[goods])
    return np.asarray(np.where(eaten > 0.0, bent, 0.0) + hard, np.float64)

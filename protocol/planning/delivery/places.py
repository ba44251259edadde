"""Where a council eats and a workplace works, and how far it is from one to the other: the same metres on every node.

Invariant: integers only; a distance is symmetric, never below 0, and 0 from a place to itself.
Spec: docs/spec/planning/delivery.md, section "Distance".
"""

from math import isqrt
from typing import Annotated, Final

import msgspec

from protocol.planning.cards import MICRO

CENTIMETRES_PER_DEGREE: Final = 11_119_500
"""On a ball of 6,371 km."""
TURN_MICRO: Final = 360 * MICRO

Latitude = Annotated[int, msgspec.Meta(ge=-90 * MICRO, le=90 * MICRO)]
Longitude = Annotated[int, msgspec.Meta(ge=-180 * MICRO, le=180 * MICRO)]

# Millionths of the cosine of 0, 5, 10 ... 90 degrees; between them along a straight line.
_STEP_MICRO: Final = 5 * MICRO
_COSINES: Final = (
    *(1_000_000, 996_195, 984_808, 965_926, 939_693, 906_308, 866_025, 819_152, 766_044, 707_107),
    *(642_788, 573_576, 500_000, 422_618, 342_020, 258_819, 173_648, 87_156, 0),
)


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Degrees north and east (WGS 84), in millionths."""

    north_micro: Latitude
    east_micro: Longitude


def metres_between(one: Place, other: Place) -> int:
    """As the crow flies, on a flat map of the region round the middle between the two: metres, rounded down.

    Up to 200 km, and 70 degrees north or south, within half a percent of the distance on the globe.
    """
    east = abs(one.east_micro - other.east_micro)
    east = min(east, TURN_MICRO - east)
    north_cm = abs(one.north_micro - other.north_micro) * CENTIMETRES_PER_DEGREE // MICRO
    middle = abs(one.north_micro + other.north_micro) // 2
    east_cm = east * CENTIMETRES_PER_DEGREE * _cosine_micro(middle) // MICRO**2
    return isqrt(north_cm * north_cm + east_cm * east_cm) // 100


def _cosine_micro(north_micro: int) -> int:
    number, rest = divmod(north_micro, _STEP_MICRO)
    if rest == 0:
        return _COSINES[number]
    return _COSINES[number] + (_COSINES[number + 1] - _COSINES[number]) * rest // _STEP_MICRO

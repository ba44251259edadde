"""Distances: the same whole metres everywhere, near enough to the way round the globe."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.planning.cards import MICRO
from protocol.planning.delivery.places import Place, metres_between

north = st.integers(-70 * MICRO, 70 * MICRO)
east = st.integers(-180 * MICRO, 180 * MICRO)


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (Place(0, 0), Place(0, 0), 0),
        (Place(0, 0), Place(0, MICRO), 111_195),
        (Place(0, 0), Place(MICRO, 0), 111_195),
        (Place(60 * MICRO, 0), Place(60 * MICRO, MICRO), 55_597),
        (Place(0, 179_500_000), Place(0, -179_500_000), 111_195),
        (Place(90 * MICRO, 0), Place(90 * MICRO, 90 * MICRO), 0),
        (Place(-90 * MICRO, 0), Place(90 * MICRO, 0), 20_015_100),
        (Place(53_615_000, -2_155_000), Place(53_483_000, -2_244_000), 15_809),
    ],
)
def test_known_ways(one: Place, other: Place, metres: int) -> None:
    assert metres_between(one, other) == metres == metres_between(other, one)


@given(north, east, st.integers(-MICRO, MICRO), st.integers(-MICRO, MICRO))
def test_within_a_region_it_is_the_way_round_the_globe(north_a: int, east_a: int, more: int, aside: int) -> None:
    one, other = Place(north_a, east_a), Place(north_a + more, max(-180 * MICRO, min(180 * MICRO, east_a + aside)))
    angles = [math.radians(value / MICRO) for value in (one.north_micro, other.north_micro)]
    turned = math.radians((other.east_micro - one.east_micro) / MICRO) / 2
    half = (
        math.sin((angles[1] - angles[0]) / 2) ** 2 + math.cos(angles[0]) * math.cos(angles[1]) * math.sin(turned) ** 2
    )
    metres = 2 * 6_371_000 * math.asin(math.sqrt(half))
    assert abs(metres_between(one, other) - metres) <= 0.005 * metres + 2

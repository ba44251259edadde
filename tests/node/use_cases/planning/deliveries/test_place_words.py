"""Where a co-op is, in words: the side of the world in place of a sign."""

import pytest

from node.use_cases.planning.deliveries.degrees import parse_place, read_places
from node.use_cases.planning.deliveries.places import OPERATIONS, SaidPlace
from protocol.planning.delivery.places import Place

TELL = next(one.tell for one in OPERATIONS if one.name == "plan.place")


@pytest.mark.parametrize(
    ("north", "east", "said"),
    [
        ("53.62", "-2.16", "53.62 degrees north, 2.16 degrees west"),
        ("-33.9", "18.4", "33.9 degrees south, 18.4 degrees east"),
        ("0", "0", "0 degrees north, 0 degrees east"),
    ],
)
def test_a_place_is_said_without_signs(north: str, east: str, said: str) -> None:
    assert TELL is not None
    assert list(TELL(SaidPlace(name="oak", north=north, east=east, index=0))) == [f"Signed: oak is at {said}."]


def test_a_letter_and_a_sign_mean_the_same() -> None:
    assert parse_place("53.62N", "2.16W") == parse_place("53.62", "-2.16") == Place(53_620_000, -2_160_000)
    assert parse_place("0.5s", "0e") == Place(-500_000, 0)


def test_a_file_is_kept_as_coarse_as_a_word() -> None:
    exact = {"farm": [53.624_499, "2.160_501W"], "mill": ["-0.0004", 180]}
    assert read_places(exact) == {"farm": Place(53_624_000, -2_161_000), "mill": Place(0, 180_000_000)}

"""Where a co-op is, in words: the side of the world in place of a sign."""

import pytest

from node.use_cases.planning.placing.verbs import OPERATIONS, SaidPlace, parse_degrees

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
    assert parse_degrees("2.16W", "EW", "east") == parse_degrees("-2.16", "EW", "east") == -2_160_000

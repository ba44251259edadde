"""A verdict that says missed when it is, and what a program reads of it."""

import json

import pytest

from scripts.benches.figures import LEAST, MOST, Figure, percentile, report


@pytest.mark.parametrize(
    ("value", "side", "bound", "verdict"),
    [
        (5.0, LEAST, 5, True),
        (4.9, LEAST, 5, False),
        (5.0, MOST, 5, True),
        (5.1, MOST, 5, False),
        (9.0, "", 0, True),
    ],
)
def test_a_figure_is_missed_beyond_its_bound(value: float, side: str, bound: float, verdict: bool) -> None:
    assert Figure("speed", value, "records/s", side, bound).is_reached is verdict


def test_one_missed_figure_is_named_and_makes_the_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    figures = [Figure("speed", 4, "records/s", LEAST, 5), Figure("size", 1, "bytes", MOST, 5), Figure("load", 9, "ms")]
    assert report(figures, ["a word"], as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["missed"], said["notes"]) == (["speed"], ["a word"])
    assert said["figures"][2] == {"name": "load", "value": 9, "unit": "ms"}
    assert report(figures[1:], [], as_json=False) == 0
    assert "size" in capsys.readouterr().out


def test_of_a_hundred_values_the_ninety_ninth_place_is_taken() -> None:
    assert percentile([float(value) for value in range(100)], 99) == 99.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0

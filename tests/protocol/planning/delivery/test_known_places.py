"""Whose word on a place counts, and what stands in for a place that nobody has said."""

import pytest

from protocol.planning.delivery.known_places import apply_places, place_ends
from protocol.planning.delivery.place_record import NamedPlace, PlanPlaces
from protocol.planning.delivery.places import Place
from tests.protocol.planning.economies import finished_plan, load
from tests.protocol.planning.test_spec_pages import example, example_plan

HERE, THERE, FAR = Place(1, 1), Place(2, 2), Place(9, 9)
MEMBERS = ("north", "oven")


def said(**places: Place) -> PlanPlaces:
    return PlanPlaces(tuple(NamedPlace(name.replace("_", "#"), place) for name, place in places.items()))


@pytest.mark.parametrize(
    ("sentence", "spoken", "known"),
    [
        ("nobody", {}, {}),
        (
            "one for itself and a workplace",
            {"oven": [said(oven=HERE, oven_kiln=FAR)]},
            {"oven": HERE, "oven#kiln": FAR},
        ),
        ("the last word counts", {"oven": [said(oven=HERE), said(oven=THERE)]}, {"oven": THERE}),
        ("nobody speaks for another", {"north": [said(oven=HERE, oven_kiln=HERE)]}, {}),
        (
            "the caller says where outside is",
            {"north": [said(outside=FAR, stock=HERE)]},
            {"outside": FAR, "stock": HERE},
        ),
        ("and nobody else", {"oven": [said(outside=FAR)]}, {}),
    ],
)
def test_whose_word_counts(sentence: str, spoken: dict[str, list[PlanPlaces]], known: dict[str, Place]) -> None:
    assert apply_places(spoken, MEMBERS, "north") == known, sentence
    assert apply_places(dict(reversed(spoken.items())), MEMBERS, "north") == known


def test_ends_stand_where_their_co_op_outside_or_their_other_periods_are() -> None:
    ends, missing = place_ends(example_plan(), {"oven": HERE, "outside": FAR, "north": THERE})
    assert ends == {"oven": HERE, "import-milk": FAR, "north": THERE} and missing == ("farm", "mill", "south")
    farm = finished_plan(*load(example("periods.md")))
    ends, missing = place_ends(farm, {"cows": HERE, "stock": FAR, "south": THERE})
    assert {name for name, place in ends.items() if place == HERE} == {"cows in summer", "cows in winter"}
    assert missing == ("field in summer", "north", "potatoes kept from summer")
    assert place_ends(farm, {"potatoes": FAR})[0] == {"potatoes kept from summer": FAR}

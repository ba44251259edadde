"""What is written in another shape than was asked for is refused at its field, in words that people can follow."""

from typing import Annotated

import msgspec
import pytest

from node.use_cases.misfit import NOT_AN_ID, OTHER_FORM, refuse_misfit
from node.use_cases.supply.drafts import AnswerParams, GrantParams


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a made-up form."""

    amount: int = 0
    day: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}\Z")] = "2026"


class Form(msgspec.Struct):
    """A made-up form."""

    lines: list[Line]


@pytest.mark.parametrize(
    "value, place, reason",
    [
        ({"lines": [{}, {"amount": "secret"}]}, "lines[1].amount", "Expected `int`, got `str`"),
        ({"lines": [{"day": "secret"}]}, "lines[0].day", OTHER_FORM),
        ({"lines": [{"colour": "secret"}]}, "lines[0]", "Object contains unknown field `colour`"),
        ({}, "form", "Object missing required field `lines`"),
        ([], "form", "Expected `object`, got `array`"),
    ],
)
def test_the_field_is_named_and_what_was_written_is_not(value: object, place: str, reason: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Form)
    (finding,) = refuse_misfit(caught.value, "form").findings
    assert (finding.place, finding.reason) == (place, reason)
    in_file = str(refuse_misfit(caught.value, "form", "form.json"))
    assert in_file == (f"form.json: {reason}" if place == "form" else f"form.json: {place}: {reason}")


def test_an_id_that_is_cut_short_is_told_so() -> None:
    for value, form in (({"proposal": "3f0c"}, AnswerParams), ({"key": "8a6e", "holder": "x"}, GrantParams)):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert(value, form)
        assert refuse_misfit(caught.value, "price").findings[0].reason == NOT_AN_ID

"""Degrees as people write them, on a command line or in a file: `53.62N`, or a number below 0 for south and west.

Invariant: a place is that of a shop or a workplace, to a thousandth of a degree (about 100 m), however it was said.
Spec: docs/spec/planning/delivery.md, section "Known places"
"""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Any, Final

from node.use_cases.description import help_of
from protocol.core.errors import Finding, RefusedError, refuse, shorten
from protocol.planning.cards import MICRO
from protocol.planning.delivery.places import Place

PLACES_MAX: Final = 8_192
DEGREES_LENGTH_MAX: Final = 20

_STEP: Final = Decimal("0.001")
_MOST: Final = {"NS": 90, "EW": 180}


GivenPlaces = Annotated[
    dict[str, tuple[str | float, str | float]], help_of("JSON: card to [north, east], before what members said.")
]
"""Card to degrees, as a person or a program gives them; `read_places` makes places of them."""


def parse_place(north: str, east: str) -> Place:
    """A place of two texts; RefusedError names the one that is no degrees."""
    return Place(_parse_degrees(north, "NS", "north"), _parse_degrees(east, "EW", "east"))


def read_places(value: Any) -> dict[str, Place]:
    """Places from a JSON object: card to [degrees north, degrees east], numbers or text; RefusedError names each that
    is none."""
    if not isinstance(value, dict) or len(value) > PLACES_MAX:
        raise RefusedError.at("places", f"must be an object of at most {PLACES_MAX} cards, each with its two degrees")
    places: dict[str, Place] = {}
    findings: list[Finding] = []
    for name, written in value.items():
        try:
            places[name] = _read_place(written)
        except RefusedError:
            findings.append(Finding(f"places.{shorten(name)}", "must be [degrees north, degrees east]"))
    refuse(findings, "the file of places is refused")
    return places


def _read_place(written: Any) -> Place:
    if not isinstance(written, list | tuple) or len(written) != 2 or any(isinstance(one, bool) for one in written):
        raise RefusedError("not two degrees")
    north, east = map(str, written)
    return parse_place(north, east)


def _parse_degrees(text: str, letters: str, where: str) -> int:
    """Millionths of a degree, to the nearest thousandth."""
    letter = text[-1:].upper() if text[-1:].upper() in letters else ""
    sign, most = -1 if letter == letters[1] else 1, _MOST[letters]
    try:
        written = text[:-1] if letter else text
        degrees = Decimal(written if len(text) <= DEGREES_LENGTH_MAX else "NaN").quantize(_STEP, ROUND_HALF_EVEN)
    except InvalidOperation:
        degrees = Decimal("NaN")
    if not text.isascii() or not degrees.is_finite() or abs(degrees) > most or (letter and degrees < 0):
        raise RefusedError.at(where, f"write degrees such as 53.62{letters[0]}, at most {most}")
    return int(degrees * sign * MICRO)

"""Saying where we are, so that deliveries can be planned, and seeing of whom it is not known.

Invariant: a place is that of a shop or a workplace; nobody's home.
Spec: docs/spec/planning/delivery.md, section "Known places"
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, Page, Rows, count, help_of, tell_rows
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.deliveries.degrees import DEGREES_LENGTH_MAX, parse_place
from node.use_cases.planning.deliveries.known_places import HOW_TO_SAY, read_known, read_own
from node.use_cases.planning.rounds.approvals import newest_draft
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.planning.contributions import WORKPLACE_MARK, workplace_id
from protocol.planning.delivery.known_places import place_ends
from protocol.planning.delivery.place_record import NamedPlace, PlanPlaces
from protocol.planning.delivery.places import Place

Degrees = Annotated[str, msgspec.Meta(min_length=1, max_length=DEGREES_LENGTH_MAX)]


class PlaceParams(msgspec.Struct, kw_only=True):
    """Where we are; a second word for the same name takes the place of the first."""

    north: Annotated[Degrees, help_of("Degrees north or south, such as 53.62N; kept to about 100 m.")]
    east: Annotated[Degrees, help_of("Degrees east or west, such as 2.16W.")]
    card: Annotated[
        str,
        msgspec.Meta(max_length=128),
        help_of("One of our workplaces; without it our co-op with all that say nothing of their own."),
    ] = ""
    trade: Annotated[
        str,
        msgspec.Meta(max_length=128),
        help_of("In plans that we call: outside, stock, or a trade node's name."),
    ] = ""


class PlacesParams(msgspec.Struct, kw_only=True):
    """Of which call."""

    call: CallHex = ""


class KnownPlaces(msgspec.Struct, frozen=True):
    """Degrees (north, east) by name, as members said them, and the ends of the newest draft that have none.

    `ends` are the same for every end of the newest draft that has one; `names` are those of the members' logs. Where
    no call is followed, `is_own`: these are what this home says of itself."""

    places: dict[str, tuple[str, str]]
    ends: dict[str, tuple[str, str]]
    missing: tuple[str, ...]
    names: dict[str, str] = {}
    is_own: bool = False

    def call_it(self, end: str) -> str:
        """An end as people call it: `oven of Oak bakery` for a card of that co-op's log."""
        owner, _, label = end.partition(WORKPLACE_MARK)
        name = self.names.get(owner, owner)
        return f"{label} of {name}" if label else name


class SaidPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Whose place was signed, its degrees, and where that lies in this home's log."""

    name: str
    north: str
    east: str
    index: int


async def say_place(node: Node, params: PlaceParams) -> SaidPlace:
    """Sign where this co-op, one of its workplaces, or what it calls plans with is (plan.place). RefusedError for
    degrees that cannot be."""
    place = parse_place(params.north, params.east)
    if params.card and params.trade:
        raise RefusedError.at("trade", "say one of the two: a workplace of ours, or what comes from outside")
    name = params.trade or (workplace_id(node.origin, params.card) if params.card else node.origin)
    published = await publish(node, "plan.place", PlanPlaces((NamedPlace(name, place),)))
    north, east = _write(place.north_micro), _write(place.east_micro)
    return SaidPlace(name=name, north=north, east=east, index=published.index)


async def show_places(node: Node, params: PlacesParams) -> KnownPlaces:
    """Who has said where it is, and of which end of the newest draft nobody has; without a call our own places."""
    try:
        run = find_run(node, params.call)
    except RefusedError:
        if params.call:
            raise
        return KnownPlaces(_write_all(read_own(node)), {}, (), {node.origin: node.name}, is_own=True)
    known, draft = read_known(node, run), newest_draft(run)
    ends, missing = ({}, ()) if draft is None else place_ends(draft.plan, known)
    return KnownPlaces(_write_all(known), _write_all(ends), missing, dict(run.terms.names))


def _write(micro: int) -> str:
    return format(Decimal(micro).scaleb(-6).normalize(), "f")


def _write_all(places: dict[str, Place]) -> dict[str, tuple[str, str]]:
    return {name: (_write(one.north_micro), _write(one.east_micro)) for name, one in sorted(places.items())}


def _tell_place(answer: SaidPlace) -> Iterator[str]:
    north, east = _name_side(answer.north, "north", "south"), _name_side(answer.east, "east", "west")
    yield f"Signed: {answer.name} is at {north}, {east}."


def _name_side(degrees: str, ahead: str, behind: str) -> str:
    return f"{degrees.removeprefix('-')} degrees {behind if degrees.startswith('-') else ahead}"


def _tell_places(answer: KnownPlaces) -> Iterator[str | Rows]:
    if answer.places:
        rows = [(answer.call_it(name), *degrees) for name, degrees in answer.places.items()]
        yield Rows(("of", "north", "east"), rows)
    else:
        yield "We have not said where we are." if answer.is_own else "Nobody has said where it is yet."
    if answer.is_own:
        yield "Where the others are is known once a plan is called, at a node that runs."
    if answer.is_own and not answer.places:
        yield HOW_TO_SAY
    if answer.missing:
        yield f"{count(len(answer.missing), 'end')} of the newest draft without a place:"
        yield from tell_rows(("end",), [(answer.call_it(end),) for end in answer.missing])
        yield HOW_TO_SAY


OPERATIONS = (
    Operation(
        "plan.place",
        PlaceParams,
        say_place,
        "Sign that this co-op, or one of its workplaces, is at NORTH and EAST, so that deliveries can be planned.",
        tell=_tell_place,
        command=Command("plan place", ("north", "east"), "53.62N 2.16W"),
    ),
    Operation(
        "plan.places",
        PlacesParams,
        show_places,
        "Who has said where it is, and of whom it is not known.",
        writes=False,
        tell=_tell_places,
        command=Command("plan places"),
        page=Page("/places", "Places"),
    ),
)

"""How the plan in force is followed: promised, given and received, open, and what will be lacking.

Spec: docs/spec/planning/following.md
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, Rows, help_of
from node.use_cases.planning.calls.lookup import CallHex, find_followed
from node.use_cases.planning.deliveries.degrees import GivenPlaces
from node.use_cases.planning.deliveries.known_places import HOW_TO_SAY, gather_places
from node.use_cases.planning.deliveries.ways import deliver_plan
from node.use_cases.planning.following.account import FollowReport, describe_following, tell_promises
from node.use_cases.planning.rounds.approvals import need_plan
from protocol.planning.following.deliveries import Way

GOOD: Final = ("good", "planned", "promised", "unsaid", "given", "received", "open", "short", "unit")
LINE: Final = ("card", "good", "side", "planned", "promised", "done", "others", "open", "short", "unit")
WAY: Final = ("good", "source", "to", "planned", "given", "received", "unit")


class FollowParams(msgspec.Struct, kw_only=True):
    """Which call; with `ways`, or with `places` (card to degrees) that go before what members said of their own, also
    which way each load was to take."""

    places: GivenPlaces = {}
    ways: Annotated[bool, help_of("From whom to whom, as both sides tell it.")] = False
    call: CallHex = ""


async def follow(node: Node, params: FollowParams) -> FollowReport:
    """How the plan in force is followed: promised, given and received, open and lacking."""
    run = find_followed(node, params.call)
    draft = need_plan(run)
    loads: dict[Way, int] | None = None
    places, missing = gather_places(node, run, draft.plan, params.places) if params.ways or params.places else ({}, ())
    if places and not missing:
        delivery = await asyncio.to_thread(deliver_plan, draft.plan, places)
        loads = {(good.good, load.source, load.to): load.units for good in delivery.goods for load in good.loads}
    report = describe_following(node, run, loads)
    assert report is not None
    return msgspec.structs.replace(report, without_place=missing, has_ways=params.ways)


def _list_lines(report: FollowReport) -> Iterable[tuple[str, ...]]:
    """The ways where they were asked for, or else every card's goods."""
    columns, rows = (WAY, report.ways) if report.has_ways else (LINE, report.lines)
    return [columns, *(_pick(row, columns) for row in rows)]


def _pick(row: msgspec.Struct, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(getattr(row, column) for column in columns)


def _tell_report(report: FollowReport) -> Iterator[str | Rows]:
    yield from tell_promises(report)
    yield Rows(GOOD, [_pick(good, GOOD) for good in report.goods])
    columns, *rows = _list_lines(report)
    yield Rows(columns, rows)
    if report.without_place:
        lacking = ", ".join(report.without_place)
        yield f"Which way it was to go is not told: no place is known of {lacking}. {HOW_TO_SAY}"
    for way in report.ways:
        if way.differs:
            gave = f"{way.source} says it gave {way.given} {way.unit}"
            yield f"{way.good}: {gave}, {way.to} that it got {way.received}."


OPERATIONS = (
    Operation(
        "plan.follow",
        FollowParams,
        follow,
        "How the plan in force is followed: promised, given and received, open, and what will be lacking.",
        writes=False,
        tell=_tell_report,
        command=Command("plan follow", code=1, lines=_list_lines),
    ),
)

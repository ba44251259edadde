"""What the newest draft of a call asks of each: what to make, what to give to whom, what comes from whom.

Spec: docs/spec/planning/delivery.md
"""

import asyncio
from typing import Annotated

import msgspec

from node.use_cases.context import Desk, DeskOperation, Node, Operation
from node.use_cases.description import Command, help_of, in_file
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.deliveries.degrees import GivenPlaces, read_places
from node.use_cases.planning.deliveries.known_places import gather_places
from node.use_cases.planning.deliveries.schedule import Schedule, describe_schedule, list_schedule_lines, tell_schedule
from node.use_cases.planning.rounds.approvals import need_draft
from node.use_cases.supply.board import Board, read_board
from protocol.planning.plan import PLAN_BYTES_MOST, parse_plan


class ScheduleParams(msgspec.Struct, kw_only=True):
    """Whose schedules: a card's, a co-op's with all its cards, or (empty) everybody's. `places` (card to degrees) go
    before what members have said of their own."""

    places: GivenPlaces = {}
    card: Annotated[str, help_of("One council or workplace, or a co-op with all of its own.")] = ""
    call: CallHex = ""


async def show_schedule(node: Node, params: ScheduleParams) -> Schedule:
    """What the newest draft asks of each card, with the agreed price of what it gives and gets."""
    run = find_run(node, params.call)
    plan = need_draft(run).plan
    places, missing = gather_places(node, run, plan, params.places)
    board = read_board(node)
    return await asyncio.to_thread(describe_schedule, plan, places, params.card, board, missing)


class ScheduleFileParams(ScheduleParams, kw_only=True):
    """Or of a plan's document, of which no price is known."""

    plan: Annotated[bytes | None, help_of("A plan document in place of a call: no home."), in_file(PLAN_BYTES_MOST)] = (
        None
    )


def look_up_schedule(desk: Desk, params: ScheduleFileParams) -> Schedule:
    """Those of a document here, or of the newest draft at the home's node."""
    if params.plan is not None:
        places = read_places(params.places)
        return describe_schedule(parse_plan(params.plan), places, params.card, Board())
    asked = ScheduleParams(call=params.call, card=params.card, places=params.places)
    return msgspec.convert(desk.ask("plan.schedule", msgspec.to_builtins(asked)), Schedule)


_DOC = "What the newest draft asks of each: what to make, what to give to whom, what comes from whom, at which price."

OPERATIONS = (
    Operation("plan.schedule", ScheduleParams, show_schedule, _DOC, writes=False, tell=tell_schedule),
    DeskOperation(
        "plan.schedule",
        ScheduleFileParams,
        look_up_schedule,
        _DOC,
        tell=tell_schedule,
        command=Command("plan schedule", code=1, lines=list_schedule_lines),
    ),
)

"""What the newest draft of a call asks of each: what to make, what to give to whom, what comes from whom.

Spec: docs/spec/planning/delivery.md
"""

import asyncio
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import help_of
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.delivering import GivenPlaces
from node.use_cases.planning.following.approvals import need_draft
from node.use_cases.planning.placing.known import gather_places
from node.use_cases.planning.schedule import Schedule, describe_schedule, tell_schedule
from node.use_cases.supply.board import read_board


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


OPERATIONS = (
    Operation(
        "plan.schedule",
        ScheduleParams,
        show_schedule,
        "What the newest draft asks of each: what to make, what to give to whom, what comes from whom, at which price.",
        writes=False,
        tell=tell_schedule,
    ),
)

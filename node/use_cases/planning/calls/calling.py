"""Calling a plan: which goods, which period, how many readings, and how long to wait for whom.

Invariant: only a member of the roster in force calls, and every member plans under the roster that the call names.
Spec: docs/spec/planning/plan-records.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of
from node.use_cases.federation.history import current_history, federation_of
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.calls.table import TableFile, read_table
from node.use_cases.planning.periods.keeping import fill_shelf_lives
from node.use_cases.publish import publish
from node.use_cases.shared_files import share_file
from node.use_cases.supply.board import read_board
from protocol.core.encoding import encode, to_value
from protocol.core.errors import RefusedError
from protocol.federation.scopes import FEDERATION
from protocol.gossip.limits import FILE_BYTES_MAX
from protocol.planning.call import PlanCall
from protocol.planning.cards import GoodsTable
from protocol.planning.nested.region_card import ROUNDS_BELOW
from protocol.planning.periods.names import find_base

CARDS_WAIT_MS = 600_000
ANSWERS_WAIT_MS = 4_000
READINGS = 2
ROUNDS_MAX = 40

Readings = Annotated[int, help_of("How many drafts before the vote.")]
Rounds = Annotated[int, help_of("Machine rounds before giving up.")]
CardsWait = Annotated[int, help_of("How long the first round waits for each member's card.")]
AnswersWait = Annotated[int, help_of("How long each later round waits for each member's answer.")]


class CallParams(msgspec.Struct, kw_only=True):
    """A call: which goods, for which region and period, how many readings, and how long to wait for whom. `start` is
    the digest in hex of the plan in force whose next revision it is; `plan.revise` says all of this by itself. `above`
    is the call (hex) of the level above in which this home speaks for the region."""

    table: TableFile
    scope: Annotated[str, help_of("Which region the plan is for.")]
    period: Annotated[str, help_of("Which period it is for.")]
    revision: Annotated[int, help_of("1, 2, ... for a plan called anew for the same period.")] = 0
    readings: Readings = READINGS
    rounds_max: Rounds = ROUNDS_MAX
    cards_wait_ms: CardsWait = CARDS_WAIT_MS
    answers_wait_ms: AnswersWait = ANSWERS_WAIT_MS
    start: Annotated[CallHex, help_of("The digest of the plan in force that it goes on from.")] = ""
    above: Annotated[CallHex, help_of("The call above in which we speak for this region.")] = ""


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """A call (hex) as it went out: how many goods and members it has, and what may be kept from period to period."""

    call: str
    goods: int
    members: int
    kept: tuple[str, ...]


async def call_plan(node: Node, params: CallParams) -> Called:
    """Call a plan among the members of the roster in force (plan.call); its goods table is shared with the federation
    as a file. RefusedError for who is no member, a table that cannot be planned with, or a plan above that cannot be
    joined."""
    history = current_history(node)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "only a member of a federation can call a plan")
    above = find_above(node, params.above, params.readings) if params.above else None
    table = read_table(fill_shelf_lives(params.table, read_board(node)))
    body = PlanCall(
        roster=history.newest.hash,
        scope=params.scope,
        period=params.period,
        revision=params.revision,
        goods_table=await share_file(node, encode(to_value(table), FILE_BYTES_MAX), FEDERATION),
        readings=params.readings,
        rounds_max=count_rounds(params.rounds_max, above),
        cards_wait_ms=params.cards_wait_ms,
        answers_wait_ms=params.answers_wait_ms,
        start=bytes.fromhex(params.start) or None,
        above=above,
    )
    published = await publish(node, "plan.call", body)
    members = len(history.newest.voters)
    return Called(call=published.leaf.hex(), goods=len(table.goods), members=members, kept=_list_kept(table))


def count_rounds(rounds_max: int, above: bytes | None) -> int:
    """A region goes through several rounds of its own for each one above."""
    return rounds_max if above is None else max(rounds_max, ROUNDS_BELOW * ROUNDS_MAX)


def find_above(node: Node, call: str, readings: int) -> bytes:
    """The call above that a region's call names; RefusedError where this home cannot speak for a region in it."""
    run = find_run(node, call)
    if node.origin not in run.terms.members or federation_of(node, above=True) is None:
        raise RefusedError.at("above", "this home is no member there: `federation join --above` makes it one")
    if readings < READINGS:
        raise RefusedError.at("readings", f"at least {READINGS}: one beside the plan above, one under it")
    return run.call_id


def _list_kept(table: GoodsTable) -> tuple[str, ...]:
    """The goods that may be carried from one period to the next."""
    if not table.periods:
        return ()
    return tuple(sorted({find_base(card.id) for card in table.trade if " kept from " in card.id}))


def _tell_called(answer: Called) -> Iterator[str]:
    yield f"Called: {answer.call}, {answer.goods} goods."
    if answer.kept:
        yield f"From one period to the next may be kept: {', '.join(answer.kept)}."


OPERATIONS = (
    Operation(
        "plan.call",
        CallParams,
        call_plan,
        "Call the members in force to plan over the goods TABLE (JSON).",
        tell=_tell_called,
        command=Command(
            "plan call",
            ("table",),
            "product.json --scope s --period p",
            1,
            group="Plans: who makes what, and who gets it, needs first.",
        ),
    ),
)

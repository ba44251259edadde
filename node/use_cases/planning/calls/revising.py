"""Making a plan in force again: a call for the same period that goes on from it, with what can still be done.

Invariant: a revision plans the whole period anew; what was carried stays carried and counts towards it.
Spec: docs/spec/planning/revision.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of
from node.use_cases.planning.calls.calling import (
    ANSWERS_WAIT_MS,
    CARDS_WAIT_MS,
    ROUNDS_MAX,
    AnswersWait,
    CardsWait,
    Readings,
    Rounds,
    count_rounds,
    find_above,
)
from node.use_cases.planning.calls.lookup import CallHex, find_followed
from node.use_cases.planning.calls.terms import history_of_roster
from node.use_cases.planning.following.account import list_revisions, read_account
from node.use_cases.planning.rounds.approvals import need_plan
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.run import PlanRun
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.quantities import format_decimal


class ReviseParams(msgspec.Struct, kw_only=True):
    """Which plan in force is made again, how many readings there are before the vote, and how long to wait for whom.

    A region's plan keeps to the plan above as it did, unless `above` names another call there.
    """

    call: CallHex = ""
    readings: Readings = 1
    rounds_max: Rounds = ROUNDS_MAX
    cards_wait_ms: CardsWait = CARDS_WAIT_MS
    answers_wait_ms: AnswersWait = ANSWERS_WAIT_MS
    above: Annotated[CallHex, help_of("The call above that the region takes part in now.")] = ""


class Revised(msgspec.Struct, frozen=True, kw_only=True):
    """The new call (hex), the digest of the plan that it goes on from, and what is lacking of that so far: good to an
    amount in its unit."""

    call: str
    revision: int
    start: str
    lacking: dict[str, str]


async def revise(node: Node, params: ReviseParams) -> Revised:
    """Call the plan in force anew (plan.call): same goods, scope and period, one revision on, from its last state.
    RefusedError where none is in force, it is being made again already, another speaks for its region, or this home is
    no member."""
    run = find_followed(node, params.call)
    draft = need_plan(run)
    history = history_of_roster(node, run.call.roster)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "only a member of a federation can call a plan")
    _check_revisable(node, run)
    above = find_above(node, params.above, params.readings) if params.above else run.call.above
    body = msgspec.structs.replace(
        run.call,
        roster=history.newest.hash,
        revision=run.call.revision + 1,
        readings=params.readings,
        rounds_max=count_rounds(params.rounds_max, above),
        cards_wait_ms=params.cards_wait_ms,
        answers_wait_ms=params.answers_wait_ms,
        start=draft.digest,
        above=above,
    )
    lacking = _list_lacking(node, run, draft)
    published = await publish(node, "plan.call", body)
    return Revised(call=published.leaf.hex(), revision=body.revision, start=draft.digest.hex(), lacking=lacking)


def _check_revisable(node: Node, run: PlanRun) -> None:
    """RefusedError where the call is another's to make, or made already."""
    if run.call.above is not None and run.speaker != node.origin:
        raise RefusedError.at("call", f"{run.speaker} speaks for this region: the call is its to make")
    if revisions := list_revisions(node, run):
        raise RefusedError.at("plan", f"it is being made again already, by call {revisions[0]}")


def _list_lacking(node: Node, run: PlanRun, draft: Draft) -> dict[str, str]:
    goods = {good.id: good for good in draft.plan.goods_table.goods}
    account = read_account(node, run, draft)
    return {one.good: format_decimal(one.short, goods[one.good].decimals) for one in account.goods if one.short}


def _tell_revised(answer: Revised) -> Iterator[str]:
    yield f"Called: {answer.call}, revision {answer.revision}."
    if answer.lacking:
        yield f"Lacking so far: {', '.join(f'{good} {amount}' for good, amount in answer.lacking.items())}."
    yield "Now `rochdale plan propose`: your workplaces offer what their promises leave."


OPERATIONS = (
    Operation(
        "plan.revise",
        ReviseParams,
        revise,
        "Call the plan in force anew, from where it ended: when too much of it is lacking. Then everybody proposes.",
        tell=_tell_revised,
        command=Command("plan revise", code=1),
    ),
)
"""What a co-op does when too much of a plan is lacking."""

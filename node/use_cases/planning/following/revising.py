"""Making a plan in force again: a call for the same period that goes on from it, with what can still be done.

Invariant: a revision plans the whole period anew; what was carried stays carried and counts towards it.
Spec: docs/spec/planning/revision.md
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of
from node.use_cases.planning.following.account import read_account
from node.use_cases.planning.following.approvals import plan_in_force
from node.use_cases.planning.following.verbs import find_followed
from node.use_cases.planning.terms import history_of_roster
from node.use_cases.planning.verbs import (
    ANSWERS_WAIT_MS,
    CARDS_WAIT_MS,
    ROUNDS_MAX,
    AnswersWait,
    CallHex,
    CardsWait,
    Readings,
    Rounds,
    count_rounds,
    find_above,
)
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.quantities import format_decimal
from protocol.planning.call import PlanCall
from storage.log.record_index import records


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


async def revise(node: Node, params: ReviseParams) -> dict[str, Any]:
    """Call the plan in force anew: same goods, scope and period, one revision on, from its last state."""
    run = find_followed(node, params.call)
    draft = plan_in_force(run)
    history = history_of_roster(node, run.call.roster)
    if draft is None:
        raise RefusedError.at("plan", "none is in force yet: there is nothing to go on from")
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "only a member of a federation can call a plan")
    if run.call.above is not None and run.speaker != node.origin:
        raise RefusedError.at("call", f"{run.speaker} speaks for this region: the call is its to make")
    above = find_above(node, params.above, params.readings) if params.above else run.call.above
    for indexed in records(node.database.reader, "plan.call"):
        if indexed.body.start == draft.digest:
            raise RefusedError.at("plan", f"it is being made again already, by call {indexed.leaf.hex()}")
    body = PlanCall(
        roster=history.newest.hash,
        scope=run.call.scope,
        period=run.call.period,
        revision=run.call.revision + 1,
        goods_table=run.call.goods_table,
        readings=params.readings,
        rounds_max=count_rounds(params.rounds_max, above),
        cards_wait_ms=params.cards_wait_ms,
        answers_wait_ms=params.answers_wait_ms,
        start=draft.digest,
        above=above,
    )
    account = read_account(node, run, draft)
    goods = {good.id: good for good in draft.plan.goods_table.goods}
    lacking = {one.good: format_decimal(one.short, goods[one.good].decimals) for one in account.goods if one.short}
    published = await publish(node, "plan.call", body)
    return {"call": published.leaf.hex(), "revision": body.revision, "start": draft.digest.hex(), "lacking": lacking}


def _tell_revision(answer: dict[str, Any]) -> Iterator[str]:
    yield f"Called: {answer['call']}, revision {answer['revision']}."
    if answer["lacking"]:
        yield f"Lacking so far: {', '.join(f'{good} {amount}' for good, amount in answer['lacking'].items())}."
    yield "Now `rochdale plan propose`: your workplaces offer what their promises leave."


OPERATIONS = (
    Operation(
        "plan.revise",
        ReviseParams,
        revise,
        "Call the plan in force anew, from where it ended: when too much of it is lacking. Then everybody proposes.",
        tell=_tell_revision,
        command=Command("plan revise", code=1),
    ),
)
"""What a co-op does when too much of a plan is lacking."""

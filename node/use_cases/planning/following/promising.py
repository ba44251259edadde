"""Following a plan: sign what our cards will give and take of it.

Invariant: a co-op signs for its own cards only, and only once a plan is in force.
Spec: docs/spec/planning/following.md
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of, typed
from node.use_cases.planning.calls.lookup import CallHex, find_followed
from node.use_cases.planning.following.lines import Amount, OwnCard, find_end, index_goods, parse_units
from node.use_cases.planning.rounds.approvals import need_plan
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.planning.contributions import owner_of_card
from protocol.planning.following.promises import list_planned
from protocol.planning.following.records import CardPromises, PlanPromises, Promise
from protocol.planning.plan import Plan

CHANGES_MAX: Final = 512

Changes = Annotated[dict[str, Amount], msgspec.Meta(max_length=CHANGES_MAX)]
Lines = dict[tuple[str, int], int]
"""(card, good) to units."""


class PromiseParams(msgspec.Struct, kw_only=True):
    """Promise what the plan asks of our cards, or of one `card`; `instead`: good to another amount, as a decimal."""

    card: OwnCard = ""
    instead: Annotated[Changes, help_of("Promise another amount of a good."), typed("--instead GOOD=AMOUNT")] = {}
    call: CallHex = ""


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """Which plan (digest in hex), the leaf of what was signed in hex, for which cards, and how many lines of theirs."""

    plan: str
    promise: str
    cards: tuple[str, ...]
    lines: int


async def promise(node: Node, params: PromiseParams) -> Promised:
    """Sign what our cards will give and take of the plan in force (plan.promise). RefusedError where none is in force,
    it asks nothing of us, or a change names what is not asked."""
    run = find_followed(node, params.call)
    draft = need_plan(run)
    planned = list_planned(draft.plan)
    own = sorted({card for card, _ in planned if owner_of_card(card) == node.origin})
    cards = [find_end(own, params.card)] if params.card else own
    units = {line: planned[line].units for line in sorted(planned) if line[0] in cards}
    units |= _list_changes(draft.plan, units, params.instead)
    if not units:
        raise RefusedError.at("call", "its plan asks nothing of this co-op")
    promises = tuple(
        CardPromises(card, tuple(Promise(good, units[owner, good]) for owner, good in units if owner == card))
        for card in cards
    )
    published = await publish(node, "plan.promise", PlanPromises(run.call_id, draft.digest, promises))
    told = draft.digest.hex(), published.leaf.hex()
    return Promised(plan=told[0], promise=told[1], cards=tuple(cards), lines=len(units))


def _list_changes(plan: Plan, units: Lines, instead: Changes) -> Lines:
    """What is promised otherwise than planned; RefusedError where no single line of ours is meant."""
    goods, changed = index_goods(plan), {}
    for good, amount in instead.items():
        lines = [line for line in units if line[1] == goods.get(good)]
        if len(lines) != 1:
            asked = "nothing of it" if not lines else f"it of {len(lines)} of our cards: say which"
            raise RefusedError.at(f"instead.{good}", f"the plan asks {asked}")
        changed[lines[0]] = parse_units(plan, lines[0][1], amount, f"instead.{good}")
    return changed


def _tell_promised(answer: Promised) -> Iterator[str]:
    yield f"Promised: {answer.lines} lines of the plan."


OPERATIONS = (
    Operation(
        "plan.promise",
        PromiseParams,
        promise,
        "Sign that we will give and take what the plan in force asks of us. Said again, the last word counts.",
        tell=_tell_promised,
        command=Command("plan promise", code=1),
    ),
)

"""Following a plan: sign what was carried, each end for itself.

Invariant: a co-op signs for its own end only; what would count for nothing is refused before it is signed.
Spec: docs/spec/planning/following.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of, typed
from node.use_cases.planning.calls.lookup import CallHex, find_followed
from node.use_cases.planning.following.account import read_carried
from node.use_cases.planning.following.lines import Amount, OwnCard, find_end, index_goods, parse_units
from node.use_cases.planning.rounds.approvals import need_plan
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError, refuse, shorten
from protocol.planning.contributions import owner_of_card
from protocol.planning.following.deliveries import apply_deliveries, audit_delivery, list_ends
from protocol.planning.following.promises import list_planned
from protocol.planning.following.records import Carried, PlanDelivery
from protocol.planning.plan import Plan

OTHER_END = "its name or a part of it."


class GaveParams(msgspec.Struct, kw_only=True):
    """So much of a good that we gave `to` another card; a negative amount takes back what was said too much. `card` is
    our own (empty: the only one of ours that the plan has such a line for)."""

    good: str
    amount: Amount
    to: Annotated[str, help_of(f"The card it went to: {OTHER_END}"), typed("--to CARD")]
    card: OwnCard = ""
    call: CallHex = ""


class ReceivedParams(msgspec.Struct, kw_only=True):
    """So much of a good that we received from another card, `source`. `card` and amount as for what we gave."""

    good: str
    amount: Amount
    source: Annotated[str, help_of(f"The card it came from: {OTHER_END}"), typed("--from CARD")]
    card: OwnCard = ""
    call: CallHex = ""


class CarriedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Under which plan (digest in hex), the leaf of what was signed in hex, and from which card to which."""

    plan: str
    delivery: str
    source: str
    to: str


async def tell_gave(node: Node, params: GaveParams) -> CarriedLine:
    """Sign what we gave under the plan in force (plan.delivery). RefusedError where none is in force, or the good,
    amount or other end cannot be."""
    return await _tell_carried(node, params, "gives", params.to)


async def tell_received(node: Node, params: ReceivedParams) -> CarriedLine:
    """Sign what we received under the plan in force (plan.delivery). RefusedError where none is in force, or the good,
    amount or other end cannot be."""
    return await _tell_carried(node, params, "takes", params.source)


async def _tell_carried(node: Node, params: GaveParams | ReceivedParams, side: str, at_other_end: str) -> CarriedLine:
    run = find_followed(node, params.call)
    draft = need_plan(run)
    good = index_goods(draft.plan).get(params.good)
    if good is None:
        raise RefusedError.at("good", f"the plan has no good {shorten(params.good)!r}")
    other = find_end(sorted(list_ends(draft.plan)), at_other_end)
    own = _find_own(node, draft.plan, good, side, params.card)
    source, to = (own, other) if side == "gives" else (other, own)
    units = parse_units(draft.plan, good, params.amount, "amount", is_signed=True)
    body = PlanDelivery(run.call_id, draft.digest, (Carried(good, source, to, units),))
    refuse(audit_delivery(node.origin, body, draft.digest, draft.plan), "this would count for nothing")
    before = read_carried(node, run, draft)
    if apply_deliveries({node.origin: (body,)}, draft.digest, draft.plan, before) == before:
        raise RefusedError.at("amount", "less than nothing would have been carried, or more than can be counted")
    published = await publish(node, "plan.delivery", body)
    return CarriedLine(plan=draft.digest.hex(), delivery=published.leaf.hex(), source=source, to=to)


def _find_own(node: Node, plan: Plan, good: int, side: str, card: str) -> str:
    """Our end: the card that was named, or the only one of ours that gives or takes this good."""
    own = sorted(name for name in list_ends(plan) if owner_of_card(name) == node.origin)
    if card:
        return find_end(own, card)
    planned = list_planned(plan)
    fitting = [name for name in own if (name, good) in planned and planned[name, good].side == side] or own
    if len(fitting) != 1:
        raise RefusedError.at("card", f"say which of our cards: {', '.join(fitting) or 'the plan has none of ours'}")
    return fitting[0]


def _tell_line(answer: CarriedLine) -> Iterator[str]:
    yield f"Signed: from {answer.source} to {answer.to}."


_TAKEN_BACK = "To take back what was said too much, put -- before a negative AMOUNT."

OPERATIONS = (
    Operation(
        "plan.gave",
        GaveParams,
        tell_gave,
        f"Sign that we gave AMOUNT of GOOD. {_TAKEN_BACK}",
        tell=_tell_line,
        command=Command("plan gave", ("good", "amount"), "bread 2.5 --to north", 1),
    ),
    Operation(
        "plan.received",
        ReceivedParams,
        tell_received,
        f"Sign that we received AMOUNT of GOOD. {_TAKEN_BACK}",
        tell=_tell_line,
        command=Command("plan received", ("good", "amount"), "bread 2.5 --from oven", 1),
    ),
)

"""Following a plan: sign what we will give and take, say what was carried, see what is open.

Invariant: a co-op signs for its own cards only, and only once a plan is in force.
Spec: docs/spec/planning/following.md
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of, typed
from node.use_cases.planning.delivering import deliver_plan
from node.use_cases.planning.draft import Draft
from node.use_cases.planning.following.account import FollowReport, describe_following, read_carried
from node.use_cases.planning.following.approvals import plan_in_force
from node.use_cases.planning.placing.known import gather_places
from node.use_cases.planning.run import PlanRun
from node.use_cases.planning.verbs import CallHex, find_run, planner_of
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.quantities import parse_decimal
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.contributions import owner_of_card
from protocol.planning.following.deliveries import Way, apply_deliveries, audit_delivery, list_ends
from protocol.planning.following.promises import list_planned
from protocol.planning.following.records import CardPromises, Carried, PlanDelivery, PlanPromises, Promise
from protocol.planning.plan import Plan

AMOUNT_LENGTH_MAX: Final = 40
CHANGES_MAX: Final = 512

Amount = Annotated[str, msgspec.Meta(min_length=1, max_length=AMOUNT_LENGTH_MAX)]
Changes = Annotated[dict[str, Amount], msgspec.Meta(max_length=CHANGES_MAX)]
OwnCard = Annotated[str, help_of("Which of our cards, where we have several: its name or a part of it.")]


class PromiseParams(msgspec.Struct, kw_only=True):
    """Promise what the plan asks of our cards, or of one `card`; `instead`: good to another amount, as a decimal."""

    card: OwnCard = ""
    instead: Annotated[Changes, help_of("Promise another amount of a good."), typed("--instead GOOD=AMOUNT")] = {}
    call: CallHex = ""


class CarriedParams(msgspec.Struct, kw_only=True):
    """So much of a good that we gave or received. `other` is the card at the other end, `card` our own (empty: the only
    one of ours that the plan has a line of this good for). A negative amount takes back what was said too much."""

    what: Literal["gave", "received"]
    good: str
    amount: Amount
    other: str
    card: OwnCard = ""
    call: CallHex = ""


class FollowParams(msgspec.Struct, kw_only=True):
    """Which call; with `ways`, or with `places` (card to degrees) that go before what members said of their own, also
    which way each load was to take."""

    call: CallHex = ""
    ways: bool = False
    places: dict[str, tuple[str | float, str | float]] = {}


def find_followed(node: Node, call: str) -> PlanRun:
    """A call by its id in hex; without one the newest revision that has a plan in force, or else the newest call."""
    in_force = planner_of(node).list_in_force()
    return find_run(node, call) if call or not in_force else in_force[-1]


async def promise(node: Node, params: PromiseParams) -> dict[str, Any]:
    """Sign what our cards will give and take of the plan in force."""
    run = find_followed(node, params.call)
    draft = _need_plan(run)
    planned = list_planned(draft.plan)
    own = sorted({card for card, _ in planned if owner_of_card(card) == node.origin})
    cards = [_find_end(own, params.card)] if params.card else own
    goods = {good.id: place for place, good in enumerate(draft.plan.goods_table.goods)}
    units = {line: planned[line].units for line in sorted(planned) if line[0] in cards}
    for good, amount in params.instead.items():
        lines = [line for line in units if line[1] == goods.get(good)]
        if len(lines) != 1:
            asked = "nothing of it" if not lines else f"it of {len(lines)} of our cards: say which"
            raise RefusedError.at(f"instead.{good}", f"the plan asks {asked}")
        units[lines[0]] = _parse_units(draft.plan, lines[0][1], amount, f"instead.{good}")
    if not units:
        raise RefusedError.at("call", "its plan asks nothing of this co-op")
    promises = tuple(
        CardPromises(card, tuple(Promise(line[1], units[line]) for line in units if line[0] == card)) for card in cards
    )
    published = await publish(node, "plan.promise", PlanPromises(run.call_id, draft.digest, promises))
    return {"plan": draft.digest.hex(), "promise": published.leaf.hex(), "cards": cards, "lines": len(units)}


async def tell_carried(node: Node, params: CarriedParams) -> dict[str, Any]:
    """Sign what we gave or received under the plan in force."""
    run = find_followed(node, params.call)
    draft = _need_plan(run)
    goods = {good.id: place for place, good in enumerate(draft.plan.goods_table.goods)}
    if params.good not in goods:
        raise RefusedError.at("good", f"the plan has no good {params.good[:80]!r}")
    good = goods[params.good]
    other = _find_end(sorted(list_ends(draft.plan)), params.other)
    own = _find_own(node, draft.plan, good, params)
    source, to = (own, other) if params.what == "gave" else (other, own)
    units = _parse_units(draft.plan, good, params.amount, "amount", is_signed=True)
    body = PlanDelivery(run.call_id, draft.digest, (Carried(good, source, to, units),))
    if findings := audit_delivery(node.origin, body, draft.digest, draft.plan):
        raise RefusedError(f"this would count for nothing: {findings[0]}", findings)
    before = read_carried(node, run, draft)
    if apply_deliveries({node.origin: (body,)}, draft.digest, draft.plan, before) == before:
        raise RefusedError.at("amount", "less than nothing would have been carried, or more than can be counted")
    published = await publish(node, "plan.delivery", body)
    return {"plan": draft.digest.hex(), "delivery": published.leaf.hex(), "source": source, "to": to}


async def follow(node: Node, params: FollowParams) -> FollowReport:
    """How the plan in force is followed: promised, given and received, open and lacking."""
    run = find_followed(node, params.call)
    draft = _need_plan(run)
    loads: dict[Way, int] | None = None
    places, missing = gather_places(node, run, draft.plan, params.places) if params.ways or params.places else ({}, ())
    if places and not missing:
        delivery = await asyncio.to_thread(deliver_plan, draft.plan, places)
        loads = {(good.good, load.source, load.to): load.units for good in delivery.goods for load in good.loads}
    report = describe_following(node, run, loads)
    assert report is not None
    return msgspec.structs.replace(report, without_place=missing)


def _find_end(names: list[str], wanted: str) -> str:
    """A card by its whole name or by an ending that only one has; RefusedError says which there are."""
    fitting = [name for name in names if name == wanted] or [name for name in names if wanted and wanted in name]
    if len(fitting) == 1:
        return fitting[0]
    told = ", ".join((fitting or names)[:5])
    raise RefusedError.at("card", f"{'several are' if fitting else 'none is'} called {wanted[:80]!r}: {told} ...")


def _parse_units(plan: Plan, good: int, amount: str, place: str, is_signed: bool = False) -> int:
    """Units of a good from a decimal in its unit; RefusedError for what is no amount of it."""
    units = parse_decimal(amount, plan.goods_table.goods[good].decimals, place)
    if abs(units) > QUANTITY_MOST or (units < 0 and not is_signed):
        raise RefusedError.at(place, f"must be 0 to {QUANTITY_MOST} units")
    return units


def _find_own(node: Node, plan: Plan, good: int, params: CarriedParams) -> str:
    own = sorted(name for name in list_ends(plan) if owner_of_card(name) == node.origin)
    if params.card:
        return _find_end(own, params.card)
    side = "gives" if params.what == "gave" else "takes"
    planned: Mapping[tuple[str, int], Any] = list_planned(plan)
    fitting = [name for name in own if (name, good) in planned and planned[name, good].side == side]
    fitting = fitting or own
    if len(fitting) != 1:
        raise RefusedError.at("card", f"say which of our cards: {', '.join(fitting) or 'the plan has none of ours'}")
    return fitting[0]


def _need_plan(run: PlanRun) -> Draft:
    draft = plan_in_force(run)
    if draft is None:
        raise RefusedError.at("plan", "none is in force yet")
    return draft


def _tell_promised(answer: dict[str, Any]) -> Iterator[str]:
    yield f"Promised: {answer['lines']} lines of the plan."


OPERATIONS = (
    Operation(
        "plan.promise",
        PromiseParams,
        promise,
        "Sign that we will give and take what the plan in force asks of us. Said again, the last word counts.",
        tell=_tell_promised,
        command=Command("plan promise", code=1),
    ),
    Operation("plan.carried", CarriedParams, tell_carried, "Sign what we gave or received under the plan in force."),
    Operation("plan.follow", FollowParams, follow, "Promised, given, received, open and lacking.", writes=False),
)

"""The end of a reading: the cleared draft as a document, checked by this node itself."""

from dataclasses import dataclass

from node.use_cases.planning.proposals.private_side import PrivateSide
from protocol.core.errors import Finding
from protocol.planning.call import Allocation, PlanCall
from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan
from protocol.planning.responses import regret_consumer, regret_workplace
from protocol.planning.rounds import RoundReport
from protocol.planning.state import State


@dataclass(frozen=True)
class Draft:
    """A cleared plan, its canonical document and digest, what its check found, and this member's own regrets."""

    plan: Plan
    document: bytes
    digest: bytes
    findings: tuple[Finding, ...]
    own_regrets: dict[str, int]


def make_draft(
    economy: Economy,
    state: State,
    report: RoundReport,
    call_id: bytes,
    call: PlanCall,
    reading: int,
    side: PrivateSide | None,
    allocation: Allocation | None = None,
    prices: tuple[int, ...] | None = None,
) -> Draft:
    """Clear the last state, write the document, check it: the same bytes everywhere. `prices` go with an allocation."""
    parameters = {**describe_call(call_id, call), "reading": reading, **_describe_allocation(allocation)}
    return check_draft(make_plan(economy, state, clear_plan(economy, state, prices), report, parameters), side)


def check_draft(plan: Plan, side: PrivateSide | None) -> Draft:
    """Write a plan's document and check it, with what this member's own cards would still gain."""
    document = format_plan(plan)
    regrets = {} if side is None else own_regrets(plan, side)
    certificate = check_certificate(plan, regrets)
    return Draft(plan, document, digest_plan(document), certificate.findings, regrets)


def describe_call(call_id: bytes, call: PlanCall) -> dict[str, str | int]:
    """What the call adds to its plan documents, beside the number of the reading."""
    told: dict[str, str | int] = {
        "call": call_id.hex(),
        "roster": call.roster.hex(),
        "scope": call.scope,
        "period": call.period,
        "revision": call.revision,
    }
    told |= {} if call.start is None else {"start": call.start.hex()}
    return told if call.above is None else {**told, "above": call.above.hex()}


def _describe_allocation(allocation: Allocation | None) -> dict[str, str | int]:
    """What a region's plan document says of the plan above that it keeps to."""
    return {} if allocation is None else {"plan_above": allocation.plan.hex()}


def own_regrets(plan: Plan, side: PrivateSide) -> dict[str, int]:
    """What each of this member's cards would still gain at the plan's prices, in micro-credits."""
    decimals = tuple(good.decimals for good in plan.goods_table.goods)
    found = {
        card.id: regret_consumer(card, side.tastes[card.id], plan.consumption[card.id], plan.prices, decimals)
        for card in side.cards.consumers
    }
    own = {card.id for card in side.cards.workplaces}
    for card in plan.workplaces:
        if card.id not in own:
            continue
        found[card.id] = regret_workplace(card, side.efforts[card.id], plan.activity[card.id], plan.prices)
    return found

"""After a shock: how much of a workplace's capacity its own promises leave, for the call that goes on from the plan.

Invariant: it is a suggestion; whoever releases sees it and may say another amount.
Spec: docs/spec/planning/revision.md
"""

from collections.abc import Mapping

from node.use_cases.context import Node
from node.use_cases.planning.following.account import find_plan, read_account
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.releases import Offer, last_release
from node.use_cases.planning.rounds.approvals import plan_in_force
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.quantities import format_decimal
from protocol.planning.cards import MICRO, MICRO_DECIMALS, WorkplaceCard
from protocol.planning.contributions import WORKPLACE_MARK, owner_of_card
from protocol.planning.following.account import LineAccount
from protocol.planning.periods.names import find_base


def complete_offers(node: Node, run: PlanRun, release: Release | None, offers: Mapping[str, Offer]) -> dict[str, Offer]:
    """The offers that a person named, and for the rest of the last release what its own promises leave."""
    last = last_release(node)
    if release is not None or last is None or run.call.start is None:
        return dict(offers)
    known = {row.get("id") for row in last.workplaces}
    suggested = suggest_offers(node, run).items()
    fitting = {label: offer for label, offer in suggested if {label, find_base(label)} & known}
    return {**fitting, **offers}


def suggest_offers(node: Node, run: PlanRun) -> dict[str, Offer]:
    """What this member's workplaces can do by its own promises, by label, in a call that goes on from a plan in force.

    Only those that promised less than planned: so much of their capacity as what they promised takes.
    """
    before = find_plan(node, run.call.start)
    draft = None if before is None else plan_in_force(before)
    if before is None or draft is None:
        return {}
    lines = {(line.card, line.good): line for line in read_account(node, before, draft).lines if line.side == "gives"}
    found = {}
    for card in draft.plan.workplaces:
        micro = None if card.outline else _promised_capacity(draft, card, lines)
        if owner_of_card(card.id) == node.origin and micro is not None:
            label = card.id.partition(WORKPLACE_MARK)[2]
            capacity = format_decimal(micro, MICRO_DECIMALS)
            found[label] = Offer(capacity, format_decimal(min(card.least, micro), MICRO_DECIMALS))
    return found


def _promised_capacity(draft: Draft, card: WorkplaceCard, lines: dict[tuple[str, str], LineAccount]) -> int | None:
    """Millionths of capacity that what was promised takes, None where nothing was promised short."""
    goods = draft.plan.goods_table.goods
    needed, is_short = 0, False
    for technique, level in zip(card.techniques, draft.plan.activity[card.id], strict=True):
        used = technique.capacity_use * level
        for good, amount in technique.net:
            line = lines.get((card.id, goods[good].id))
            if amount < 0 and line is not None and line.promised is not None and line.promised < line.planned:
                used, is_short = used * line.promised // line.planned, True
        needed += used
    return max(1, needed // MICRO) if is_short else None

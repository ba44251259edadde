"""A member's word on which batches are run where: any member may find better ones than everybody works out alone.

Invariant: it says how many batches, nothing else; what follows from it everybody computes and judges alike.
Spec: docs/spec/planning/batches.md, section "In a call"
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from protocol.core.errors import Finding
from protocol.core.record import Hash
from protocol.planning.batches.pinned import Levels
from protocol.planning.batches.sizes import keeps_batches
from protocol.planning.call import CARDS_ROUND, DraftNumber, round_slot
from protocol.planning.card_rules import AMOUNT_MOST
from protocol.planning.cards import MICRO, Technique, WorkplaceCard
from protocol.planning.certificate import all_workplaces
from protocol.planning.plan import Plan

LISTED_MAX = 4_096
"""Techniques in batches, that a candidate can speak of: it is one record."""

Batches = Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MOST)], ...], msgspec.Meta(max_length=LISTED_MAX)]


class PlanCandidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.candidate: so many batches for a draft, in the reading that decides them; none: this member has no better.

    One number for each technique that comes in batches, in the order of the draft's workplaces, then its trade nodes.
    """

    call: Hash
    reading: DraftNumber
    draft: Hash
    batches: Batches


def candidate_slot(body: PlanCandidate) -> bytes:
    """The slot that a candidate is for: where other readings have the cards."""
    return round_slot(body.call, body.reading, CARDS_ROUND)


def audit_candidate(body: PlanCandidate, draft: Plan, digest: bytes) -> list[Finding]:
    """Why a candidate does not count: another draft, other techniques, half a capacity, or more than there is."""
    if body.draft != digest:
        return [Finding("draft", "is another than the one whose batches are decided")]
    return audit_counts(draft, body.batches)


def audit_counts(draft: Plan, counts: tuple[int, ...]) -> list[Finding]:
    """Why so many batches cannot be run, before anything is planned round them."""
    techniques = len(list_batched(draft))
    if len(counts) not in (0, techniques):
        return [Finding("batches", f"{len(counts)} numbers, {techniques} techniques come in batches")]
    if not counts:
        return []
    levels = read_counts(draft, counts)
    found = []
    for card in all_workplaces(draft):
        both = list(zip(card.techniques, levels[card.id], strict=True))
        found += [
            Finding(f"batches.{card.id}", f"technique {number} is not worth setting up for so few")
            for number, (technique, level) in enumerate(both, 1)
            if not keeps_batches(technique, level)
        ]
        if sum(technique.capacity_use * level for technique, level in both) > card.capacity * MICRO:
            found.append(Finding(f"batches.{card.id}", "are more than fit into its capacity"))
    return found


def list_batched(draft: Plan) -> list[tuple[WorkplaceCard, Technique]]:
    """Every technique that comes in batches, in the order in which candidates speak of them."""
    return [(card, technique) for card in all_workplaces(draft) for technique in card.techniques if technique.batch]


def read_counts(draft: Plan, counts: tuple[int, ...]) -> Levels:
    """The levels that a candidate's numbers mean, in millionths by card."""
    left = iter(counts)
    return {
        card.id: tuple(next(left) * technique.batch if technique.batch else 0 for technique in card.techniques)
        for card in all_workplaces(draft)
    }


def list_counts(draft: Plan, levels: Levels) -> tuple[int, ...]:
    """The numbers that a candidate says for these levels."""
    return tuple(
        level // technique.batch
        for card in all_workplaces(draft)
        for technique, level in zip(card.techniques, levels[card.id], strict=True)
        if technique.batch
    )


def read_proposals(draft: Plan, said: Mapping[str, tuple[int, ...]]) -> dict[str, Levels]:
    """The levels that members propose, by who does; whoever says none proposes nothing."""
    return {origin: read_counts(draft, counts) for origin, counts in sorted(said.items()) if counts}

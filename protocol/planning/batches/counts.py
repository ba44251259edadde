"""A member's word on which batches are run where: any member may find better ones than everybody works out alone.

Invariant: it says how many batches, nothing else; what follows from it everybody computes and judges alike.
Spec: docs/spec/planning/batches.md, section "In a call"
"""

from collections.abc import Mapping

from protocol.core.errors import Finding
from protocol.planning.batches.candidate_record import PlanCandidate
from protocol.planning.batches.pinned import Levels
from protocol.planning.batches.sizes import keeps_batches
from protocol.planning.cards import MICRO, Technique, WorkplaceCard
from protocol.planning.certificate import all_workplaces
from protocol.planning.plan import Plan


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


def read_candidates(draft: Plan, said: Mapping[str, tuple[int, ...]]) -> dict[str, Levels]:
    """The levels (millionths, by card) of each member's candidate; whoever says no numbers has none."""
    return {origin: read_counts(draft, counts) for origin, counts in sorted(said.items()) if counts}

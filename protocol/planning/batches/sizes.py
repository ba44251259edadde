"""Which techniques come in batches, and whether a plan keeps to them.

Invariant: integers only; a level of 0 keeps every rule, since what is not set up needs no batch.
Spec: docs/spec/planning/batches.md
"""

from collections.abc import Iterable, Mapping
from typing import Final

from protocol.core.errors import Finding
from protocol.core.quantities import format_decimal
from protocol.planning.cards import MICRO_DECIMALS, Technique, WorkplaceCard

DRAFT: Final = "draft"
"""The parameter of a plan that keeps batches: the digest of the draft that it was made from."""


def has_batches(cards: Iterable[WorkplaceCard]) -> bool:
    """Whether any technique on these cards comes in batches."""
    return any(technique.batch for card in cards for technique in card.techniques)


def least_level(technique: Technique) -> int:
    """The smallest activity above none, in millionths; 0 where any will do."""
    return max(technique.batches_least, 1) * technique.batch


def cost_setups(cards: Iterable[WorkplaceCard], activity: Mapping[str, tuple[int, ...]]) -> int:
    """The effort of setting up all that is done, in micro-credits."""
    return sum(
        technique.setup_micro
        for card in cards
        for technique, level in zip(card.techniques, activity[card.id], strict=True)
        if level
    )


def keeps_batches(technique: Technique, level: int) -> bool:
    """Whether `level` (millionths) is none, or whole batches and as many as are worth setting up."""
    if technique.batch == 0 or level == 0:
        return True
    return level % technique.batch == 0 and level >= least_level(technique)


def audit_batches(cards: Iterable[WorkplaceCard], activity: Mapping[str, tuple[int, ...]]) -> list[Finding]:
    """Every technique that is done in parts of a batch, or in fewer batches than are worth setting up."""
    findings = []
    for card in cards:
        for number, (technique, level) in enumerate(zip(card.techniques, activity[card.id], strict=True)):
            if not keeps_batches(technique, level):
                told = (level, least_level(technique), technique.batch)
                done, least, batch = (format_decimal(one, MICRO_DECIMALS) for one in told)
                reason = f"{done} is neither 0 nor {least} or more in batches of {batch}"
                findings.append(Finding(f"batches.{card.id}.techniques[{number}]", reason))
    return findings

"""A member's word on which batches are run where, as it stands in the log.

Spec: docs/spec/planning/batches.md, section "In a call"
"""

from typing import Annotated

import msgspec

from protocol.core.record import Hash
from protocol.planning.call import CARDS_ROUND, DraftNumber, round_slot
from protocol.planning.card_rules import AMOUNT_MOST

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

"""Who holds up the rounds of a call, as people are told it, and the answer that a facilitator may set aside.

Invariant: this node only says what it finds in public answers; nothing follows from it but what a person signs.
Spec: docs/spec/planning/facilitation.md
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.rounds.run import PlanRun
from protocol.planning.audit.restless import find_restless
from protocol.planning.call import round_slot
from protocol.planning.contributions import owner_of_card
from storage.log.record_index import IndexedRecord, own_words


class RestlessRow(msgspec.Struct, frozen=True):
    """A card whose answers keep the rounds from ending; `leaf` is its owner's last answer, `is_aside` whether it was
    set aside already."""

    card: str
    origin: str
    moved_ppm: int
    wrong_share_ppm: int
    leaf: str
    is_aside: bool


def describe_restless(node: Node, run: PlanRun) -> RestlessRow | None:
    """Who holds up the reading that is going on, or the last one of a call that came to no end; else None."""
    found = None if run.economy is None else find_restless(run.economy, run.recent)
    if found is None:
        return None
    origin = owner_of_card(found.card)
    said = _last_answer(node, run, origin, run.recent[-1].report.round)
    if said is None:
        return None
    is_aside = (run.reading.reading, origin) in run.standing.answers_aside
    return RestlessRow(found.card, origin, found.moved_ppm, found.wrong_share_ppm, said.leaf.hex(), is_aside)


def _last_answer(node: Node, run: PlanRun, origin: str, number: int) -> IndexedRecord | None:
    slot_id = round_slot(run.call_id, run.reading.reading, number)
    said = own_words(node.database.reader, "plan.answer", slot_id, {origin})
    return next(iter(said.get(origin, ())), None)

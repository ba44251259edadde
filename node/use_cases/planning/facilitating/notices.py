"""What the facilitators' words on a call come to at this node, read from the logs.

Spec: docs/spec/planning/facilitation.md
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.calls.terms import Terms
from protocol.planning.call import PlanAnswer
from protocol.planning.facilitating.notices import PlanNotice, Standing, apply_notices, audit_notice, list_facilitators
from storage.log.record_index import IndexedRecord, own_words, record_by_leaf


class NoticeRow(msgspec.Struct, frozen=True):
    """A facilitator's word as people read it; `objections` are (member, reason). `index` is its place in the log."""

    leaf: str
    origin: str
    index: int
    act: str
    reason: str
    about: str
    objections: tuple[tuple[str, str], ...]


def facilitators_of(node: Node, call_id: bytes, terms: Terms) -> frozenset[str]:
    """Who looks after a call: by its charter, or the member that called it."""
    called = record_by_leaf(node.database.reader, call_id)
    return frozenset() if called is None else list_facilitators(terms.facilitators, called.origin)


def read_standing(node: Node, call_id: bytes, terms: Terms) -> Standing:
    """All words on a call, folded."""
    facilitators = facilitators_of(node, call_id, terms)
    said = own_words(node.database.reader, "plan.notice", call_id, facilitators)
    spoken = {origin: tuple(one.body for one in words) for origin, words in said.items()}
    standing = apply_notices(spoken, facilitators)
    return msgspec.structs.replace(standing, answers_aside=_find_answers(node, call_id, standing))


def _find_answers(node: Node, call_id: bytes, standing: Standing) -> dict[tuple[int, str], int]:
    """Which member's answers were set aside, and from which round of which reading on."""
    found: dict[tuple[int, str], int] = {}
    for leaf in standing.set_aside:
        indexed = record_by_leaf(node.database.reader, leaf)
        if indexed is not None and isinstance(indexed.body, PlanAnswer) and indexed.body.call == call_id:
            place = indexed.body.reading, indexed.origin
            found[place] = min(indexed.body.round, found.get(place, indexed.body.round))
    return found


def list_notices(node: Node, call_id: bytes, terms: Terms) -> tuple[NoticeRow, ...]:
    """Every word that counts, by log and place in it, with what members object."""
    objections: dict[bytes, list[tuple[str, str]]] = {}
    for words in own_words(node.database.reader, "plan.objection", call_id, terms.members).values():
        for one in words:
            objections.setdefault(one.body.notice, []).append((one.origin, one.body.reason))
    notices = own_words(node.database.reader, "plan.notice", call_id, facilitators_of(node, call_id, terms))
    return tuple(
        _row(indexed, tuple(sorted(objections.get(indexed.leaf, ()))))
        for _, words in sorted(notices.items())
        for indexed in words
        if not audit_notice(indexed.body)
    )


def _row(indexed: IndexedRecord, objections: tuple[tuple[str, str], ...]) -> NoticeRow:
    body: PlanNotice = indexed.body
    about = "" if body.reading is None else f"reading {body.reading}"
    if body.round is not None:
        about += f", round {body.round}"
    if body.leaf is not None:
        about = body.leaf.hex()
    if body.wait_ms is not None:
        about += f", {body.wait_ms} ms"
    return NoticeRow(indexed.leaf.hex(), indexed.origin, indexed.index, body.act, body.reason, about, objections)

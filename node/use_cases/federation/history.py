"""The versions of a home's federation as its logs tell them: what all of its verbs, keepers and areas read.

Invariant: whom this node counts as a member follows from the logs alone.
Spec: docs/spec/federation/federation.md
"""

import sqlite3

from node.use_cases.context import Node
from node.use_cases.federation.deciding import closed_content
from protocol.core.errors import RefusedError
from protocol.federation.membership import History, Said, fold_federation
from storage.log.record_index import IndexedRecord, own_words, record_by_leaf, records
from storage.settings import setting

FEDERATION_SETTING = "federation"
ABOVE_SETTING = "federation_above"
ROSTER_PARTS = {False: "roster", True: "roster_above"}
"""The running keepers by whether they keep the federation above."""
FREE_TO_GO_MOST = 2
"""Of so many whoever leaves is free at once: where the other's log is lost, nothing is decided there again."""
HOW_TO_BEGIN = (
    "`rochdale federation create --charter FILE --people N` founds one, and `rochdale federation join INVITATION "
    "--people N` answers the line that a member hands over"
)


def federation_of(node: Node, above: bool = False) -> bytes | None:
    """The federation this home belongs to or has asked to join, None for none; or the one in which it speaks for it."""
    found = setting(node.database.reader, ABOVE_SETTING if above else FEDERATION_SETTING)
    return found if isinstance(found, bytes) else None


def read_history(node: Node, known: History | None = None, above: bool = False) -> History | None:
    """The versions of this home's federation as its logs tell them; None while its founding record is not here.

    `known` is what they told before: the versions that follow are looked for only.
    """
    federation = federation_of(node, above)
    if federation is None:
        return None
    if known is not None and known.federation != federation:
        known = None
    foundings = records(node.database.reader, "federation.founding", federation, every_branch=True)
    histories = (fold_founding(node, indexed, known) for indexed in foundings)
    return next((history for history in histories if history is not None), None)


def bound_federation(node: Node, above: bool = False) -> bytes | None:
    """The federation that this home belongs to, or waits to be let into; None also where it has left, and where nothing
    that can be read here speaks of the one that it remembers: no founding record, no request of our own. So it is after
    an update that reads former records no more, and where founding or joining was cut short."""
    federation = federation_of(node, above)
    if federation is None:
        return None
    history = current_history(node, above)
    if history is not None:
        return None if _has_left(node, history) else federation
    return federation if _own_words(node, "federation.join", federation) else None


def _has_left(node: Node, history: History) -> bool:
    """Whether this home's last word is that it leaves, and the others need it no more: a version without it is in
    force, or they are too few to decide one where a log is lost."""
    said = _own_words(node, "federation.leave", history.federation)
    asked = _own_words(node, "federation.join", history.federation)
    if not said or (asked and asked[-1].index > said[-1].index):
        return False
    return said[-1].leaf in history.applied or len(history.newest.voters) <= FREE_TO_GO_MOST


def _own_words(node: Node, kind: str, federation: bytes) -> list[IndexedRecord]:
    return own_words(node.database.reader, kind, federation, {node.origin}).get(node.origin, [])


def fold_founding(node: Node, founding: IndexedRecord, known: History | None = None) -> History | None:
    """The versions that follow from a founding record; None where it is not its founder's own word."""
    if not founding.is_own_word or founding.origin != founding.body.member.origin:
        return None
    db = node.database.reader
    return fold_federation(
        founding.body,
        lambda one: closed_content(node, one.slot, one.voters, one.needed),
        lambda leaf: find_said(db, leaf),
        known,
    )


def find_said(db: sqlite3.Connection, leaf: bytes, every_branch: bool = True) -> Said | None:
    """A record by its leaf hash, None when it is not here or says nothing.

    A decision that is closed names its records for ever; for a new one (not `every_branch`) those beyond a log's cut
    are as if they were not here.
    """
    indexed = record_by_leaf(db, leaf)
    if indexed is None or not indexed.is_own_word or (indexed.void and not every_branch):
        return None
    return Said(indexed.origin, indexed.index, indexed.leaf, indexed.body)


def current_history(node: Node, above: bool = False) -> History | None:
    """The history that the running keeper holds, or one read from the logs where none runs."""
    keeper = node.parts.get(ROSTER_PARTS[above])
    if keeper is None or keeper.history is None or keeper.history.federation != federation_of(node, above):
        return read_history(node, above=above)
    history: History = keeper.history
    return history


def known_history(node: Node, above: bool = False) -> History:
    """The same; RefusedError, with what to do, where there is none."""
    history = current_history(node, above)
    if history is None:
        raise RefusedError.at("federation", f"no federation here, or its logs have not arrived yet; {HOW_TO_BEGIN}")
    return history

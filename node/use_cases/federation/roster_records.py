"""The records that may change the roster next, read in bounded number however many a member has written.

Invariant: of each member's log the newest records of a kind are read, never more than the limit of that kind.
Spec: docs/spec/federation/federation.md
"""

import sqlite3
from typing import Final

from node.use_cases.context import Node
from protocol.federation.charter import hash_charter
from protocol.federation.membership import History, Question, Retirement, Said
from storage.log.record_index import latest

OFFERED_MAX: Final = {
    "federation.admission": 32,
    "federation.leave": 1,
    "federation.people": 1,
    "federation.charter": 1,
    "federation.succession": 8,
}
"""Records of one kind in one member's log that are looked at for the next version. Of notices, counts
and charters only the newest can be right; who vouches for more at a time waits until some are decided."""
WORDS_MAX: Final = 8
"""Members whose log one member may say is to end, as far as its newest words go."""
CHANGE_KINDS: Final = (*OFFERED_MAX, "federation.retirement")


def list_offered(db: sqlite3.Connection, history: History) -> list[Said]:
    """What the members have said that no version has followed yet; at most the limits' sum for each member."""
    return [
        said
        for origin in history.newest.voters
        for kind, count in OFFERED_MAX.items()
        for said in _read(db, history, kind, origin, count)
        if said.leaf not in history.applied
    ]


def list_charters(db: sqlite3.Connection, history: History) -> dict[str, Said]:
    """The charter that each member wants, where it wants another than the one in force: its newest word."""
    newest = {origin: _read(db, history, "federation.charter", origin, 1) for origin in history.newest.voters}
    in_force = history.newest.roster.charter
    words = {origin: found[0] for origin, found in newest.items() if found}
    return {origin: said for origin, said in words.items() if hash_charter(said.body.charter) != in_force}


def list_words(db: sqlite3.Connection, history: History, origin: str) -> dict[str, Said]:
    """Whose log one member says is to end, and its newest word on each: a Retirement where it lies."""
    words: dict[str, Said] = {}
    for said in _read(db, history, "federation.retirement", origin, WORDS_MAX):
        words.setdefault(said.body.old, said)
    return words


def _list_agreeing(db: sqlite3.Connection, history: History, question: Question, word: Retirement) -> list[Said]:
    """The words of those voters of a question whose newest word on its subject is this one, by leaf."""
    words = (list_words(db, history, origin).get(question.subject) for origin in question.voters)
    return sorted((said for said in words if said is not None and said.body == word), key=lambda said: said.leaf)


def find_retirement(node: Node, history: History) -> tuple[Question, Said] | None:
    """A member's log that this home and enough others have agreed to end: the question, and the word to offer.

    All who agree offer the same word, the one with the smallest leaf.
    """
    db = node.database.reader
    for subject, own in sorted(list_words(db, history, node.origin).items()):
        question = history.retirement(subject)
        if question is None or node.origin not in question.voters:
            continue
        agreeing = _list_agreeing(db, history, question, own.body)
        if len(agreeing) >= question.needed:
            return question, agreeing[0]
    return None


def _read(db: sqlite3.Connection, history: History, kind: str, origin: str, count: int) -> list[Said]:
    found = latest(db, kind, history.federation, origin, count)
    return [Said(one.origin, one.index, one.leaf, one.body) for one in found if one.is_own_word]

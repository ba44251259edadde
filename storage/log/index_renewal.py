"""After an update: logs with records that this program reads otherwise than the one that indexed them are folded anew.

A record of a kind that was unknown then lies in the index without a subject and unread: views would pass it over, or
stumble over a body that breaks the kind's rule.
Invariant: a renewed index is the one that a program would have made that never read otherwise.
"""

import hashlib
import sqlite3
from typing import Any, Final

import msgspec

from protocol.record_kinds import KINDS
from storage.log.record_index import rebuild
from storage.settings import set_setting, setting

INDEX_VERSION: Final = 1
"""Counted up where the index says something else of the same records: another subject, another reason to be void."""

_SETTING: Final = "index_rules"
_HASH_BYTES: Final = 8


def is_due(db: sqlite3.Connection) -> bool:
    """Whether `renew` has something to do."""
    return bool(setting(db, _SETTING) != _read_rules())


def renew(db: sqlite3.Connection) -> int:
    """Fold anew the logs that hold a record of a kind that is read otherwise now; the number of entries folded."""
    before, now = setting(db, _SETTING) or {}, _read_rules()
    kinds = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    marks = ", ".join("?" * len(kinds))
    found = db.execute(f"SELECT DISTINCT origin FROM record_index WHERE kind IN ({marks})", kinds).fetchall()
    folded = rebuild(db, [origin for (origin,) in found])
    set_setting(db, _SETTING, now)
    return folded


def _read_rules() -> dict[str, bytes]:
    """By kind, a hash that changes with what its body may say."""
    return {name: _hash_rule(kind.body) for name, kind in KINDS.items()}


def _hash_rule(body: type[msgspec.Struct]) -> bytes:
    rule = [INDEX_VERSION, _leave_words_out(msgspec.json.schema(body))]
    return hashlib.sha256(msgspec.json.encode(rule, order="sorted")).digest()[:_HASH_BYTES]


def _leave_words_out(schema: Any) -> Any:
    """A schema without what is said in it for people: a log is not read again for a better sentence."""
    if isinstance(schema, dict):
        # A field of that name is a schema of its own, never text.
        kept = {key: value for key, value in schema.items() if key != "description" or not isinstance(value, str)}
        return {key: _leave_words_out(value) for key, value in kept.items()}
    return [_leave_words_out(one) for one in schema] if isinstance(schema, list) else schema

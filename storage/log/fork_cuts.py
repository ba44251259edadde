"""Where the views of a log end: two versions of it exist, or it was retired.

Invariant: a cut follows from the evidence and the retirements that are held, never from the order they came in.
Invariant: entries beyond a cut stay readable; views leave them out, and closed decisions still name them.
Spec: docs/spec/log/branch-point.md
"""

import sqlite3
from collections.abc import Mapping

from protocol.log.bundle import bundle_roots_fold
from storage.log import log_store

PARTED = "two versions of this log exist, and they part before this entry"
RETIRED = "this log was retired before this entry"
BEYOND = (PARTED, RETIRED)
"""Why an entry that breaks no rule is left out of the views."""


def add_trunk(db: sqlite3.Connection, origin: str, notes: tuple[bytes, bytes], size: int, proof: bytes) -> bool:
    """Keep how far two heads are known to be one log; False when as much was known. The notes are in their order."""
    if size <= _trunk_size(db, origin, notes) and has_trunk(db, origin, notes):
        return False
    sql = "INSERT OR REPLACE INTO fork_trunk(origin, note_a, note_b, size, proof) VALUES (?, ?, ?, ?, ?)"
    db.execute(sql, (origin, *notes, size, proof))
    return True


def has_trunk(db: sqlite3.Connection, origin: str, notes: tuple[bytes, bytes]) -> bool:
    """Whether anything has been shown of what two heads have in common."""
    sql = "SELECT 1 FROM fork_trunk WHERE origin = ? AND note_a = ? AND note_b = ?"
    return db.execute(sql, (origin, *notes)).fetchone() is not None


def _trunk_size(db: sqlite3.Connection, origin: str, notes: tuple[bytes, bytes]) -> int:
    """How many entries two heads are known to have in common; 0 while nothing is known."""
    sql = "SELECT size FROM fork_trunk WHERE origin = ? AND note_a = ? AND note_b = ?"
    row = db.execute(sql, (origin, *notes)).fetchone()
    return 0 if row is None else int(row[0])


def trunks(db: sqlite3.Connection) -> list[tuple[str, bytes, bytes, bytes]]:
    """All that is known of where logs part: (origin, note, note, proof)."""
    return list(db.execute("SELECT origin, note_a, note_b, proof FROM fork_trunk ORDER BY origin, note_a, note_b"))


def untraced_logs(db: sqlite3.Connection) -> list[str]:
    """Logs of which two versions exist, and of some pair of heads nothing is known that they have in common."""
    sql = """SELECT DISTINCT fork.origin FROM fork LEFT JOIN fork_trunk AS trunk
             ON trunk.origin = fork.origin AND trunk.note_a = fork.note_a AND trunk.note_b = fork.note_b
             WHERE trunk.origin IS NULL ORDER BY fork.origin"""
    return [row[0] for row in db.execute(sql)]


def set_ends(db: sqlite3.Connection, ends: Mapping[str, tuple[int, bytes]]) -> list[str]:
    """Note where logs ended, (size, root) by origin, in place of all that was noted; the origins where that differs."""
    known = retired_logs(db)
    changed = [origin for origin in sorted(known.keys() | ends.keys()) if known.get(origin) != ends.get(origin)]
    for origin in changed:
        db.execute("DELETE FROM retired_log WHERE origin = ?", (origin,))
        if origin in ends:
            db.execute("INSERT INTO retired_log(origin, size, root) VALUES (?, ?, ?)", (origin, *ends[origin]))
    return changed


def retired_at(db: sqlite3.Connection, origin: str) -> tuple[int, bytes] | None:
    """(size, root) of the head at which a log was ended, None for one that goes on."""
    row: tuple[int, bytes] | None = db.execute(
        "SELECT size, root FROM retired_log WHERE origin = ?", (origin,)
    ).fetchone()
    return row


def retired_logs(db: sqlite3.Connection) -> dict[str, tuple[int, bytes]]:
    """Every ended log with the head it was ended at."""
    return {origin: (size, root) for origin, size, root in db.execute("SELECT origin, size, root FROM retired_log")}


def add_later_head(db: sqlite3.Connection, origin: str, note: bytes, kept_max: int) -> bool:
    """Keep a signed head that lies beyond a log's end; False when known, or when as many are kept already."""
    held: int = db.execute("SELECT count(*) FROM later_head WHERE origin = ?", (origin,)).fetchone()[0]
    sql = "INSERT OR IGNORE INTO later_head(origin, note) VALUES (?, ?)"
    return held < kept_max and db.execute(sql, (origin, note)).rowcount > 0


def later_heads(db: sqlite3.Connection) -> list[tuple[str, bytes]]:
    """(origin, note) of the heads that came after their log had ended, and of those held that lead beyond it."""
    # CROSS JOIN: the few ended logs are looked up among all, not all logs among the few.
    sql = """SELECT origin, note FROM later_head UNION
             SELECT log.origin, log.note FROM retired_log AS ended CROSS JOIN log ON ended.origin = log.origin
               AND (log.size > ended.size OR (log.size = ended.size AND log.root != ended.root))
             ORDER BY 1, 2"""
    return list(db.execute(sql))


def stands_still(db: sqlite3.Connection, origin: str) -> bool:
    """Whether a log is signed no more: it has ended, or evidence of a fork of it is held, so that nobody's signature
    would be worth much. Of all others everything counts."""
    sql = """SELECT EXISTS (SELECT 1 FROM retired_log WHERE origin = ?1) OR
                    EXISTS (SELECT 1 FROM fork WHERE origin = ?1)"""
    return bool(db.execute(sql, (origin,)).fetchone()[0])


def cut_of(db: sqlite3.Connection, origin: str) -> tuple[int, str] | None:
    """(how many entries of a log count in views, why the others do not); None when all count.

    Of two versions it is what they are shown to have in common, and nothing while nothing is shown of any pair of
    heads. An ended log's end stands above that where it names the version that is held here.
    """
    retired = retired_at(db, origin)
    if retired is not None and _is_held(db, origin, *retired):
        return retired[0], RETIRED
    sql = """SELECT count(*), min(trunk.size) FROM fork LEFT JOIN fork_trunk AS trunk
             ON trunk.origin = fork.origin AND trunk.note_a = fork.note_a AND trunk.note_b = fork.note_b
             WHERE fork.origin = ?"""
    pieces, size = db.execute(sql, (origin,)).fetchone()
    return (int(size or 0), PARTED) if pieces else None


def _is_held(db: sqlite3.Connection, origin: str, size: int, root: bytes) -> bool:
    """Whether what is held of a log is of the version with this head, as far as it can be told."""
    head = log_store.head(db, origin)
    if head is None or head.size < size:
        return True
    return bundle_roots_fold(log_store.bundle_roots(db, origin, 0, size)) == root


def apply_cut(db: sqlite3.Connection, origin: str) -> None:
    """Bring the index in line with a log's cut, which may have come, risen or fallen."""
    sql = "UPDATE record_index SET void = '' WHERE origin = ? AND void IN (?, ?)"
    db.execute(sql, (origin, *BEYOND))
    mark_beyond(db, origin, 0)


def mark_beyond(db: sqlite3.Connection, origin: str, start: int) -> None:
    """Leave index rows from `start` on out of views where they lie beyond the cut; what breaks its rule keeps its own
    reason."""
    cut = cut_of(db, origin) if stands_still(db, origin) else None
    if cut is not None:
        sql = "UPDATE record_index SET void = ? WHERE origin = ? AND idx >= ? AND void = ''"
        db.execute(sql, (cut[1], origin, max(start, cut[0])))

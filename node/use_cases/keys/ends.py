"""Which logs have ended, as all that this node holds says: recovery keys' words, and what a roster closed on.

Invariant: it is worked out anew from the set of records, never changed step by step.
Spec: docs/spec/federation/succession.md
"""

import asyncio
import sqlite3
from collections.abc import Iterator

from node.use_cases.context import Node
from node.use_cases.federation.history import current_history, find_said, read_history
from node.use_cases.fork_watch import judge_waiting_heads, tell_recount
from protocol.core.errors import RefusedError
from protocol.core.founding import Founding
from protocol.federation.membership import Retirement
from protocol.federation.succession import SUCCESSION_KIND, End, KeySuccession, check_succession, fold_ends
from protocol.federation.vote_records import VOTE_KINDS
from storage.log import fork_cuts
from storage.log.record_index import IndexedRecord, record_at, records, records_between

HEARD = frozenset({SUCCESSION_KIND, "log.founding", "federation.retirement", *VOTE_KINDS})


class EndKeeper:
    """Keeps the table of ended logs in line with the records."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Work it out from what is here, then listen."""
        await recount_ends(self._node)
        self._node.changes.add_listener(self._hear)
        self._task = asyncio.create_task(self._work(), name="ends")

    async def stop(self) -> None:
        """Listen no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _hear(self, origin: str, start: int, stop: int) -> None:
        db = self._node.database.reader
        if _has_cause(db) and records_between(db, origin, start, stop, HEARD):
            self._poked.set()

    async def _work(self) -> None:
        while True:
            await self._poked.wait()
            self._poked.clear()
            try:
                await recount_ends(self._node)
            except Exception:
                self._node.log.exception("ends.failed")


async def recount_ends(node: Node) -> None:
    """Work out anew where logs ended, and bring their views in line."""
    ends = {origin: (end.size, end.root) for origin, end in list_ends(node).items()}

    def change(db: sqlite3.Connection) -> list[str]:
        changed = fork_cuts.set_ends(db, ends)
        for origin in changed:
            fork_cuts.apply_cut(db, origin)
        return changed

    if ends != fork_cuts.retired_logs(node.database.reader):
        for origin in await node.database.write(change):
            node.log.warning("log_ended", origin=origin)
            tell_recount(node, origin)
        part = node.parts.get("peering")
        if part is not None:
            # From this moment on nothing more of it is taken.
            part.refresh()
    await judge_waiting_heads(node)


def list_ends(node: Node) -> dict[str, End]:
    """Where each log ended and which goes on."""
    db, retired = node.database.reader, dict[str, tuple[int, bytes]]()
    # The roster's keeper may not have come to the version yet whose last vote has just been heard.
    is_said = bool(records(db, "federation.retirement", every_branch=True))
    history = read_history(node, current_history(node)) if is_said else None
    for leaf in sorted(history.applied) if history is not None else ():
        said = find_said(db, leaf)
        if said is not None and isinstance(said.body, Retirement):
            retired[said.body.old] = (said.body.size, said.body.root)
    return fold_ends(((indexed.origin, indexed.body) for indexed in _list_checked(db)), retired)


def find_succession(db: sqlite3.Connection, new_origin: str, old: str | None = None) -> IndexedRecord | None:
    """The checked record by which a log goes on for another (for `old`, where it is named)."""
    found = (one for one in _list_checked(db) if one.origin == new_origin)
    return next((one for one in found if old in (None, one.body.old)), None)


def read_founding(db: sqlite3.Connection, origin: str) -> Founding | None:
    """A log's first record, None where it is not here or is something else."""
    first = record_at(db, origin, 0)
    if first is None or first.record.kind != "log.founding" or not isinstance(first.body, Founding):
        return None
    return first.body


def is_succession(db: sqlite3.Connection, origin: str, index: int, leaf: bytes, old: str) -> bool:
    """Whether the record at this place makes its log the successor of `old`."""
    found = record_at(db, origin, index)
    if found is None or found.leaf != leaf or not isinstance(found.body, KeySuccession):
        return False
    return found.body.old == old and _is_checked(db, found)


def _list_checked(db: sqlite3.Connection) -> Iterator[IndexedRecord]:
    return (indexed for indexed in records(db, SUCCESSION_KIND, every_branch=True) if _is_checked(db, indexed))


def _is_checked(db: sqlite3.Connection, indexed: IndexedRecord) -> bool:
    founding = read_founding(db, indexed.body.old) if isinstance(indexed.body, KeySuccession) else None
    try:
        if founding is not None:
            check_succession(indexed.record, indexed.body, indexed.origin, founding)
        return founding is not None
    except RefusedError:
        return False


def _has_cause(db: sqlite3.Connection) -> bool:
    """Whether any record is here that could end a log: nearly always none is."""
    sql = "SELECT 1 FROM record_index WHERE kind IN (?, 'federation.retirement') LIMIT 1"
    return db.execute(sql, (SUCCESSION_KIND,)).fetchone() is not None

"""One member while its machine is up: the real run of a plan call on a node in memory.

Invariant: what a crash leaves is the database and the files; no task of a life that is over goes on.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from random import Random
from typing import Any

import msgspec

from node.simulation.rounds.ledger import Ledger
from node.simulation.rounds.liars import LyingPublisher
from node.simulation.rounds.memory_node import (
    MemoryDatabase,
    MemoryFiles,
    MemoryLog,
    MemoryPublisher,
    make_node,
    store_entries,
)
from node.simulation.rounds.watched_run import WatchedRun
from node.simulation.world.lives import begin_life
from node.simulation.world.virtual_time import SeededClock, pass_time
from node.use_cases.context import Node
from node.use_cases.planning.calls.terms import Terms
from node.use_cases.planning.proposals.private_side import PrivateSide, Release
from node.use_cases.planning.rounds.approvals import newest_draft
from node.use_cases.planning.rounds.planner import PLAN_KINDS
from node.use_cases.publish import publish
from protocol.planning.batches.counts import list_counts
from protocol.planning.batches.repair import round_batches
from protocol.planning.call import Meeting, PlanApproval, PlanCall
from protocol.planning.plan import Plan
from storage.log.record_index import records
from storage.settings import set_setting

NO_MEETING = Meeting(1, 0, 0, True)
MEETING_S = (0.0, 3.0)


class Member:
    """A home that is booted, crashes and is booted again; `number` is its place among the members."""

    def __init__(self, number: int, log: MemoryLog, seed: int, ledger: Ledger, lie: str, refuses: bool) -> None:
        self.number, self.log, self.lie, self.refuses = number, log, lie, refuses
        self._seed, self._ledger, self.boots = seed, ledger, 0
        self._chance = Random(f"meeting {seed} {number}")  # noqa: S311
        self.database = MemoryDatabase(Random(f"disk {seed} {number}"))  # noqa: S311
        self.files = MemoryFiles()
        self.node: Node | None = None
        self.run: WatchedRun | None = None

    @property
    def is_up(self) -> bool:
        """Whether its machine runs."""
        return self.node is not None

    def keep_sides(self, call_id: bytes, sides: dict[int, PrivateSide]) -> None:
        """What a person released before the call began, on disk."""
        for reading, side in sides.items():
            name = f"plan_side/{call_id.hex()}/{reading}"
            set_setting(self.database.reader, name, msgspec.msgpack.encode(side))

    def boot(self, call_id: bytes, call: PlanCall, terms: Terms) -> None:
        """Start from what the disk holds."""
        self.boots += 1
        self._life, self._context = begin_life()
        clock = SeededClock(f"{self._seed} {self.number} {self.boots}")
        node = make_node(self.log.origin, clock, self.database, self.files, self._ledger)
        lying = LyingPublisher(node, self.log, self.lie) if self.lie else MemoryPublisher(node, self.log)
        node.parts["publisher"] = lying
        self.node = node
        self.begin(self._live(node, call_id, call, terms))

    def crash(self) -> None:
        """Power cut."""
        self.node, self.run = None, None
        self._life.end()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have this machine do something: it ends with the machine's life."""
        asyncio.get_running_loop().create_task(work, context=self._context)

    def take(self, log: MemoryLog, start: int, size: int) -> None:
        """Hold a log up to a size, and hear what is new in it."""
        store_entries(self.database.reader, log, start, size)
        self.hear(log, start, size)

    def hear(self, log: MemoryLog, start: int, size: int) -> None:
        """Tell the run of what is on disk."""
        for _, _, indexed in log.entries[start:size]:
            if self.run is not None and indexed.record.kind in PLAN_KINDS:
                self.run.take(indexed)

    @property
    def ratified(self) -> bytes | None:
        """The plan that is in force, as far as this member knows."""
        return None if self.run is None else self.run.ratified

    async def _live(self, node: Node, call_id: bytes, call: PlanCall, terms: Terms) -> None:
        run = self.run = WatchedRun(node, call_id, call, terms, search=self._find_batches)
        run.watch(self._ledger, self.log.origin, not self.lie)
        run.releases = dict.fromkeys(range(1, call.readings + 1), Release())
        asked: set[int] = set()
        while not run.is_over:
            run.poked.clear()
            await run.advance()
            if run.stage == "voting" and run.attempt not in asked:
                asked.add(run.attempt)
                self.begin(self._vote(node, run, run.attempt))
            if not run.is_over:
                await run.poked.wait()
        with contextlib.suppress(asyncio.CancelledError):
            await run.close()

    def _find_batches(self, draft: Plan, wait_s: float) -> tuple[int, ...]:
        """What this member's machine finds: every third works out something poor, the others nothing at all."""
        return list_counts(draft, round_batches(draft, downward=True)) if self.number % 3 == 1 else ()

    async def _vote(self, node: Node, run: WatchedRun, attempt: int) -> None:
        """A meeting's word on the draft of an attempt, once; who refuses does so the first time it is asked."""
        draft = newest_draft(run)
        await pass_time(self._chance.uniform(*MEETING_S))
        said = records(node.database.reader, "plan.approval", run.call_id, self.log.origin)
        if draft is None or any(indexed.body.attempt == attempt for indexed in said):
            return
        approve = not (self.refuses and attempt == 0)
        reason = "" if approve else "made up: too little milk"
        body = PlanApproval(run.call_id, attempt, draft.digest, approve, reason, NO_MEETING)
        await publish(node, "plan.approval", body)

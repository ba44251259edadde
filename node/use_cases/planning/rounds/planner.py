"""All plan calls at this node: hears what the logs say, and takes each call as far as it goes.

Invariant: a call whose roster this node does not know yet waits; nothing is guessed.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from node.use_cases.context import Node
from node.use_cases.planning.batches.batching import find_better
from node.use_cases.planning.calls.terms import terms_of_roster
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.releases import drop_releases, keep_release, kept_releases
from node.use_cases.planning.rounds.run import PlanRun
from node.use_cases.status import CallProgress
from protocol.federation.vote_records import VOTE_KINDS
from protocol.record_kinds import KINDS
from storage.log.record_index import own_words, records, records_between

PLAN_KINDS = frozenset(VOTE_KINDS) | {name for name, kind in KINDS.items() if kind.area == "planning"}
"""What the runs are told of; each takes up what it waits for."""

CALLS_MAX = 100
"""Calls that are followed at once; one that is over, or off, makes room for the next."""

CALLS_OF_ONE_MAX = 10
"""Of these, calls of one member."""


class Planner:
    """Follows every call in the logs; `run_of` gives the pages what this node has computed itself."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._runs: dict[bytes, PlanRun] = {}
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._callers: dict[bytes, str] = {}

    async def start(self) -> None:
        """Open what the logs hold already, then listen."""
        self._node.changes.add_listener(self._hear)
        self._open_calls()

    async def stop(self) -> None:
        """Take no further part in any call."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for run in self._runs.values():
            await run.close()

    def run_of(self, call_id: bytes) -> PlanRun | None:
        """This node's own computation of a call, None when it does not follow it."""
        return self._runs.get(call_id)

    def find_plan(self, digest: bytes | None) -> PlanRun | None:
        """The call whose plan in force has this digest, None where none is known here."""
        return next((run for run in self._runs.values() if digest is not None and run.ratified == digest), None)

    def list_in_force(self) -> list[PlanRun]:
        """The calls that have a plan in force, by revision and then by id."""
        found = [run for run in self._runs.values() if run.ratified is not None]
        return sorted(found, key=lambda run: (run.call.revision, run.call_id))

    def find_rival(self, run: PlanRun) -> bytes | None:
        """Another call for what this one is for (the next revision of the same plan, or the same period), that has not
        stopped and that this home has approved: two plans for one thing would have been approved by one member."""
        for other in self._runs.values():
            if other is not run and other.asks_for == run.asks_for and other.stage != "stopped":
                me = self._node.origin
                said = own_words(self._node.database.reader, "plan.approval", other.call_id, {me}).get(me, ())
                if any(indexed.body.approve for indexed in said):
                    return other.call_id
        return None

    async def release(
        self, call_id: bytes, readings: Sequence[int], release: Release, *, is_proposal: bool = True
    ) -> None:
        """Let this member's cards and answers of these readings go out, and remember it over a restart."""
        await self._node.database.write(lambda db: keep_release(db, call_id, readings, release, is_proposal))
        run = self._runs.get(call_id)
        if run is None:
            return
        run.releases.update(dict.fromkeys(readings, release))
        if not run.is_over:
            run.trouble = ""
            run.poked.set()

    async def withdraw(self, call_id: bytes, readings: Sequence[int]) -> None:
        """Take releases back: nothing of this member goes out for these readings."""
        await self._node.database.write(lambda db: drop_releases(db, call_id, readings))
        run = self._runs.get(call_id)
        if run is not None:
            run.releases = {reading: kept for reading, kept in run.releases.items() if reading not in readings}

    def describe(self) -> dict[str, CallProgress]:
        """Where each call stands, for the status page."""
        return {call_id.hex(): run.describe() for call_id, run in self._runs.items()}

    def open_calls(self) -> None:
        """Look again for calls whose roster has become known."""
        self._open_calls()

    def _hear(self, origin: str, start: int, stop: int) -> None:
        for indexed in records_between(self._node.database.reader, origin, start, stop, PLAN_KINDS):
            if indexed.record.kind != "plan.call":
                for run in self._runs.values():
                    run.take(indexed)
            if indexed.record.kind in ("plan.call", "plan.notice"):
                self._open_calls()

    def _open_calls(self) -> None:
        for indexed in records(self._node.database.reader, "plan.call"):
            if indexed.leaf in self._runs or not indexed.is_own_word or not self._has_room(indexed.origin):
                continue
            terms = terms_of_roster(self._node, indexed.body.roster)
            if terms is None or indexed.origin not in terms.members:
                continue
            run = PlanRun(
                self._node,
                indexed.leaf,
                indexed.body,
                terms,
                self.find_plan,
                find_better,
                indexed.origin,
                self.run_of,
            )
            self._callers[indexed.leaf] = indexed.origin
            run.releases |= kept_releases(self._node.database.reader, indexed.leaf, indexed.body.readings)
            self._runs[indexed.leaf] = run
            self._tasks[indexed.leaf] = asyncio.create_task(self._follow(run), name="plan")

    def _has_room(self, caller: str) -> bool:
        going_on = [call_id for call_id, run in self._runs.items() if not (run.is_over or run.standing.called_off_by)]
        return len(going_on) < CALLS_MAX and [self._callers[one] for one in going_on].count(caller) < CALLS_OF_ONE_MAX

    async def _follow(self, run: PlanRun) -> None:
        while not run.is_over:
            run.poked.clear()
            try:
                await run.advance()
            except Exception:
                self._node.log.exception("plan.failed", stage=run.stage)
                run.stage, run.trouble = "stopped", "this node could not follow the plan; see its log"
                raise
            if not run.is_over:
                await run.poked.wait()
        for other in self._runs.values():
            # Whoever goes on from this plan can begin.
            other.poked.set()
        self._open_calls()
        with contextlib.suppress(asyncio.CancelledError):
            await run.close()

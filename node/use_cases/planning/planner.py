"""All plan calls at this node: hears what the logs say, and takes each call as far as it goes.

Invariant: a call whose roster this node does not know yet waits; nothing is guessed.
"""

import asyncio
import contextlib
from typing import Any

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.private_side import Release
from node.use_cases.planning.run import PlanRun
from node.use_cases.planning.terms import terms_of_roster
from protocol.federation.vote_records import VOTE_KINDS
from storage.record_index import records, records_between
from storage.settings import set_setting, setting

PLAN_KINDS = frozenset({"plan.call", "plan.card", "plan.answer", *VOTE_KINDS})
CALLS_MAX = 100
RELEASE_SETTING = "plan_release"


class Planner:
    """Follows every call in the logs; `run_of` gives the pages what this node has computed itself."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._runs: dict[bytes, PlanRun] = {}
        self._tasks: dict[bytes, asyncio.Task[None]] = {}

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

    async def release(self, call_id: bytes, reading: int, release: Release) -> None:
        """Let this member's cards and answers of one reading go out, and remember it over a restart."""
        name = _setting_name(call_id, reading)
        value = msgspec.to_builtins(release)
        await self._node.database.write(lambda db: set_setting(db, name, value))
        run = self._runs.get(call_id)
        if run is not None and not run.is_over:
            run.releases[reading], run.trouble = release, ""
            run.poked.set()

    def describe(self) -> dict[str, Any]:
        """Where each call stands, for the status page."""
        return {call_id.hex(): run.describe() for call_id, run in self._runs.items()}

    def open_calls(self) -> None:
        """Look again for calls whose roster has become known."""
        self._open_calls()

    def _hear(self, origin: str, start: int, stop: int) -> None:
        for indexed in records_between(self._node.database.reader, origin, start, stop, PLAN_KINDS):
            if indexed.record.kind == "plan.call":
                self._open_calls()
            else:
                for run in self._runs.values():
                    run.take(indexed)

    def _open_calls(self) -> None:
        for indexed in records(self._node.database.reader, "plan.call"):
            if indexed.leaf in self._runs or len(self._runs) >= CALLS_MAX or indexed.record.sigs:
                continue
            terms = terms_of_roster(self._node, indexed.body.roster)
            if terms is None or indexed.origin not in terms.members:
                continue
            run = PlanRun(self._node, indexed.leaf, indexed.body, terms)
            for reading in range(1, indexed.body.readings + 1):
                value = setting(self._node.database.reader, _setting_name(indexed.leaf, reading))
                if value is not None:
                    run.releases[reading] = msgspec.convert(value, Release)
            self._runs[indexed.leaf] = run
            self._tasks[indexed.leaf] = asyncio.create_task(self._follow(run), name="plan")

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
        with contextlib.suppress(asyncio.CancelledError):
            await run.close()


def _setting_name(call_id: bytes, reading: int) -> str:
    return f"{RELEASE_SETTING}/{call_id.hex()}/{reading}"

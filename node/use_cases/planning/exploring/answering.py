"""Asking what would be if, of the newest draft at this node.

Invariant: one question is worked on at a time and few may wait, so that nobody's curiosity stops the node.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from node.clock import Clock
from node.till.row_reader import TOKEN_KEY_BYTES
from node.till.tastes import K_LEAST
from node.use_cases.context import Node, Operation
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.exploring.beside import Way, compare_ways
from node.use_cases.planning.exploring.changes import Changes
from node.use_cases.planning.exploring.comparing import WhatIf
from node.use_cases.planning.exploring.till_file import Brought, TillFile, TillTold, bring_till
from node.use_cases.planning.exploring.what_if import ask_what_if
from node.use_cases.planning.proposals.releases import last_council
from node.use_cases.planning.rounds.approvals import need_draft
from protocol.core.errors import RefusedError
from protocol.planning.plan import Plan

PART: Final = "what_if_turn"
WAITING_MAX: Final = 4

Bring = Callable[[], Brought | None]


class WhatIfParams(msgspec.Struct, kw_only=True):
    """Which call, what would be different, and whether other ways to share are to be set beside the plan.

    `till` is a file whose proportions take the place of what a council is guessed to want."""

    call: CallHex = ""
    changes: Changes = Changes()
    till: TillFile | None = None
    beside: bool = False


class WhatIfAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What would come of the changes (None where there were none), what was read of a till file, and the other ways
    where they were asked for. `took_ms` is how long the new plan took, the plan as it is tried beside it included."""

    what_if: WhatIf | None
    ways: tuple[Way, ...]
    till: TillTold | None = None
    took_ms: int = 0


class Turn:
    """Who is at work and who waits; the ways beside the newest plan that was asked about are kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._plan: Plan | None = None
        self._ways: tuple[Way, ...] = ()

    async def work(self, plan: Plan, params: WhatIfParams, bring: Bring = lambda: None) -> WhatIfAnswer:
        """The answer, when it is this question's turn; RefusedError when too many wait already."""
        if self._waiting >= WAITING_MAX:
            raise RefusedError.at("what_if", f"{WAITING_MAX} such questions are waiting already; ask again in a moment")
        self._waiting += 1
        try:
            async with self._lock:
                if params.beside and self._plan is not plan:
                    self._ways = await asyncio.to_thread(compare_ways, plan)
                    self._plan = plan
                ways = self._ways if params.beside else ()
                return await asyncio.to_thread(_answer, plan, params.changes, bring, ways, self._clock)
        finally:
            self._waiting -= 1


def explore(plan: Plan, params: WhatIfParams, clock: Clock) -> WhatIfAnswer:
    """Both answers, from a plan document alone."""
    ways = compare_ways(plan) if params.beside else ()

    def bring() -> Brought | None:
        file = params.till
        return None if file is None else bring_till(plan, file, None, clock.random_bytes(TOKEN_KEY_BYTES), K_LEAST)

    return _answer(plan, params.changes, bring, ways, clock)


def _answer(plan: Plan, changes: Changes, bring: Bring, ways: tuple[Way, ...], clock: Clock) -> WhatIfAnswer:
    began_s = clock.monotonic_s()
    brought = bring()
    if brought is None and changes == Changes():
        return WhatIfAnswer(what_if=None, ways=ways)
    found = ask_what_if(plan, changes, brought)
    told = None if brought is None else brought.told
    return WhatIfAnswer(what_if=found, ways=ways, till=told, took_ms=round((clock.monotonic_s() - began_s) * 1000))


async def what_if(node: Node, params: WhatIfParams) -> WhatIfAnswer:
    """Try the newest draft again with changes, all members guessed from what they spent."""
    run = find_run(node, params.call)
    plan, file, k_households = need_draft(run).plan, params.till, run.terms.k_households
    council, token_key = last_council(node), node.clock.random_bytes(TOKEN_KEY_BYTES)

    def bring() -> Brought | None:
        if file is None:
            return None
        asked = file if file.council else msgspec.structs.replace(file, council=node.origin)
        return bring_till(plan, asked, council, token_key, k_households)

    turn = node.parts.setdefault(PART, Turn(node.clock))
    assert isinstance(turn, Turn)
    return await turn.work(plan, params, bring)


OPERATIONS = (
    Operation("plan.what_if", WhatIfParams, what_if, "Try the newest draft again with changes.", writes=False),
)

"""Asking what would be if, of the newest draft at this node.

Invariant: one question is worked on at a time and few may wait, so that nobody's curiosity stops the node.
"""

import asyncio
from typing import Final

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.planning.exploring.beside import Way, compare_ways
from node.use_cases.planning.exploring.what_if import Changes, WhatIf, ask_what_if
from node.use_cases.planning.verbs import CallHex, find_run
from node.use_cases.planning.view import newest_draft
from protocol.core.errors import RefusedError
from protocol.planning.plan import Plan

PART: Final = "what_if_turn"
WAITING_MAX: Final = 4


class WhatIfParams(msgspec.Struct, kw_only=True):
    """Which call, what would be different, and whether other ways to share are to be set beside the plan."""

    call: CallHex = ""
    changes: Changes = Changes()
    beside: bool = False


class WhatIfAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What would come of the changes (None where there were none), and the other ways where they were asked for."""

    what_if: WhatIf | None
    ways: tuple[Way, ...]


class Turn:
    """Who is at work and who waits; the ways beside the newest plan that was asked about are kept."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._plan: Plan | None = None
        self._ways: tuple[Way, ...] = ()

    async def work(self, plan: Plan, params: WhatIfParams) -> WhatIfAnswer:
        """The answer, when it is this question's turn; RefusedError when too many wait already."""
        if self._waiting >= WAITING_MAX:
            raise RefusedError.at("what_if", f"{WAITING_MAX} such questions are waiting already; ask again in a moment")
        self._waiting += 1
        try:
            async with self._lock:
                if params.beside and self._plan is not plan:
                    self._ways = await asyncio.to_thread(compare_ways, plan)
                    self._plan = plan
                found = await asyncio.to_thread(_try_changes, plan, params.changes)
                return WhatIfAnswer(what_if=found, ways=self._ways if params.beside else ())
        finally:
            self._waiting -= 1


def explore(plan: Plan, params: WhatIfParams) -> WhatIfAnswer:
    """Both answers, from a plan document alone."""
    ways = compare_ways(plan) if params.beside else ()
    return WhatIfAnswer(what_if=_try_changes(plan, params.changes), ways=ways)


def _try_changes(plan: Plan, changes: Changes) -> WhatIf | None:
    return ask_what_if(plan, changes) if changes.floors or changes.capacities or changes.endowments else None


async def what_if(node: Node, params: WhatIfParams) -> WhatIfAnswer:
    """Try the newest draft again with changes, all members guessed from what they spent."""
    draft = newest_draft(find_run(node, params.call))
    if draft is None:
        raise RefusedError.at("plan", "there is no draft yet")
    turn = node.parts.setdefault(PART, Turn())
    assert isinstance(turn, Turn)
    return await turn.work(draft.plan, params)


OPERATIONS = (
    Operation("plan.what_if", WhatIfParams, what_if, "Try the newest draft again with changes.", writes=False),
)

"""A loop on which what is pure is computed once for the same inputs, however many members compute it.

Reduced: that all machines get the same from the same inputs is shown elsewhere (tests/protocol/planning); here it is
what lets thousands of seeds be lived through.
Invariant: two calls share an answer only where every input is equal.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

from node.simulation.world.virtual_time import THOUGHT_S, VirtualTimeLoop, settle
from protocol.planning.batches.reading import begin_batches
from protocol.planning.economy import Economy
from protocol.planning.floors import check_floors
from protocol.planning.plan import Plan, digest_plan, format_plan
from protocol.planning.rounds import close_round
from protocol.planning.state import State, format_state

PURE = (begin_batches, check_floors, close_round)

Result = TypeVar("Result")
Given = TypeVarTuple("Given")
Found = tuple[Any, BaseException | None]


class OnceLoop(VirtualTimeLoop):
    """Virtual time, with a memory for the public steps."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._known: dict[tuple[object, ...], Found] = {}

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Given]], Result], *args: *Given
    ) -> "asyncio.Future[Result]":
        # `asyncio.to_thread` hands over a partial of the context's `run`.
        call = func.args if isinstance(func, functools.partial) and not args else ()
        if not call or call[0] not in PURE:
            return super().run_in_executor(executor, func, *args)
        key = tuple(map(_identify, call))
        if key not in self._known:
            self._known[key] = _try(call[0], call[1:])
        done: asyncio.Future[Result] = self.create_future()
        self.call_later(self.chance.uniform(*THOUGHT_S), settle, done, *self._known[key])
        return done


def _try(func: Callable[..., Any], args: tuple[Any, ...]) -> Found:
    try:
        return func(*args), None
    except Exception as error:
        return None, error


def _identify(given: object) -> object:
    """What two equal inputs have in common, and no others."""
    if isinstance(given, Economy):
        return given.digest
    if isinstance(given, State):
        return format_state(given)
    if isinstance(given, Plan):
        return digest_plan(format_plan(given))
    if isinstance(given, Mapping):
        return tuple((name, _identify(value)) for name, value in sorted(given.items(), key=lambda item: str(item[0])))
    return given

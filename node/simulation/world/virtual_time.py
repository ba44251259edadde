"""A loop whose clock jumps: waits cost nothing, threads are not used, and a seed replays a whole region.

Invariant: time passes only when nothing is left to do at the present moment.
Invariant: nothing hangs on how fast this machine is: what a thread would do is done at once and told a moment later.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from random import Random
from typing import Any, TypeVar, TypeVarTuple, Unpack

from node.clock import Clock

EPOCH_MS = 1_790_000_000_000
THOUGHT_S = (0.001, 0.02)
"""How long what goes on in a thread takes, in virtual seconds."""

MOMENT_TURNS_MAX = 2_000
"""Turns of the loop at one moment of virtual time: whoever needs more goes round and round."""
TURNS_A_TICK = 16
TICK_S = 1e-6
"""Computing takes time too: a timer that goes off a rounding error too early comes right at last."""

Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class _JumpingSelector(selectors.DefaultSelector):
    """Where another loop would wait for the world, this one moves its clock."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Nothing outside is asked: no socket belongs to this loop, and whoever wakes it has called it already.
        self._turns += 1
        if self._turns > MOMENT_TURNS_MAX:
            self._turns = 0
            raise AssertionError("somebody goes round and round without waiting for anything")
        if self._turns % TURNS_A_TICK == 0:
            self._jump(TICK_S)
        if timeout == 0:
            return []
        if timeout is None:
            raise AssertionError("everybody waits, and nothing will ever happen")
        self._turns = 0
        self._jump(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time; `chance` says how long things take."""

    def __init__(self, seed: int) -> None:
        self._now_s = 0.0
        self.chance = Random(seed)
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        return self._now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Given]], Result], *args: *Given
    ) -> "asyncio.Future[Result]":
        """Run it now, say so later: others go on in between, as they would beside a thread."""
        done: asyncio.Future[Result] = self.create_future()
        try:
            self.call_later(self.chance.uniform(*THOUGHT_S), settle, done, func(*args), None)
        except Exception as error:
            self.call_later(self.chance.uniform(*THOUGHT_S), settle, done, None, error)
        return done

    def _jump(self, wait_s: float) -> None:
        self._now_s += wait_s


class SeededClock(Clock):
    """Time as the loop has it, `offset_ms` off where the machine's clock is wrong, and bytes drawn from a seed."""

    def __init__(self, seed: str, offset_ms: int = 0) -> None:
        self._chance = Random(seed)
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        return EPOCH_MS + self.offset_ms + int(asyncio.get_running_loop().time() * 1_000)

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def random_bytes(self, count: int) -> bytes:
        return self._chance.randbytes(count)


def run_in_virtual_time(work: Callable[[], Coroutine[Any, Any, Result]], seed: int = 0) -> Result:
    """Run `work` to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(seed)) as runner:
        # Not by the runner's own `run`, which looks each time at how the process takes signals.
        return runner.get_loop().run_until_complete(work())


async def pass_time(wait_s: float) -> None:
    """Let virtual time pass."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    handle = loop.call_later(wait_s, settle, passed, None, None)
    try:
        await passed
    finally:
        handle.cancel()


def settle(done: "asyncio.Future[Any]", outcome: Any, error: BaseException | None) -> None:
    """Say what came of something, unless nobody waits for it any more."""
    if done.done():
        return
    if error is None:
        done.set_result(outcome)
    else:
        done.set_exception(error)

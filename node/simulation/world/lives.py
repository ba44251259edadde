"""What runs from one start of a machine to its next end: every task knows its life, and none outlives it.

Invariant: no task of a life that is over goes on, and none begins.
"""

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import Any

LAST_TURNS_MAX = 100

LIFE: contextvars.ContextVar["Life | None"] = contextvars.ContextVar("life", default=None)


@dataclass(eq=False)
class Life:
    """From one boot to the next crash: the node with all its tasks, in the order in which they began."""

    tasks: dict["asyncio.Task[Any]", None] = field(default_factory=dict)
    is_over: bool = False

    def end(self) -> None:
        """Let nothing of this life go on."""
        self.is_over = True
        asyncio.get_running_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        # A turn later: what has not taken its first step yet takes it, and holds nothing that nobody awaits.
        for task in list(self.tasks):
            task.cancel()


def begin_life() -> tuple[Life, contextvars.Context]:
    """A new life, and the context in which its work is done."""
    life, context = Life(), contextvars.copy_context()
    context.run(LIFE.set, life)
    return life, context


async def let_end() -> None:
    """Let all that was cancelled come to its end, and what that began: bounded, so that nothing can go on for ever."""
    present = asyncio.current_task()
    for _ in range(LAST_TURNS_MAX):
        if asyncio.all_tasks() <= {present}:
            return
        await asyncio.sleep(0)


def keep_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop note which life every task belongs to."""

    def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
        task = asyncio.Task(work, loop=loop, **options)
        context = options.get("context")
        life = LIFE.get() if context is None else context.get(LIFE)
        if life is not None:
            life.tasks[task] = None
            task.add_done_callback(lambda done: life.tasks.pop(done, None))
            if life.is_over:
                loop.call_soon(task.cancel)
        return task

    loop.set_task_factory(make)

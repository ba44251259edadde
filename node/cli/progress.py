"""A bar on the terminal's error stream while something long is read or handed over; nothing anywhere else."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SAID = "{task.completed:,.0f} of {task.total:,.0f} {task.description}"

Watch = Callable[[int, int], None]
"""Called with (so many done, so many in all)."""


@contextlib.contextmanager
def show_progress(as_json: bool) -> Iterator[Callable[[str], Watch]]:
    """What takes the name of the things that are counted and gives what to call; until then there is no bar."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn(_SAID), TimeRemainingColumn())
    with contextlib.ExitStack() as stack:

        def begin(things: str) -> Watch:
            bar = Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal)
            stack.enter_context(bar)
            task = bar.add_task(things, total=0)
            return lambda done, total: bar.update(task, completed=done, total=total)

        yield begin

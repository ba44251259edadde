"""A bar on the terminal's error stream while a log is read or handed over; nothing anywhere else."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def show_progress(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """What to call with (records so far, records in all)."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f} records"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("log", total=0)
        yield lambda done, total: bar.update(task, completed=done, total=total)

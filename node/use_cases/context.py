"""What a use case may reach of the world: keys, clock, database, files, and word of what has changed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from node.clock import Clock
from node.config import Config
from node.use_cases.description import Page, Verb
from protocol.core.identity import HomeKeys
from storage.database import Database
from storage.disk import OWN_DISK, Disk
from storage.files import Files

LISTENERS_MAX = 64

Listener = Callable[[str, int, int], None]
"""Called on the loop with (origin, start, stop) after new entries of a log are on disk and indexed."""


def _get_logger() -> Any:
    # Loaded with the first node: whoever reads what an operation says of itself logs nothing.
    import structlog

    return structlog.get_logger()


@dataclass
class ChangeHub:
    """Tells whoever listens that a log has grown."""

    log: Any = field(default_factory=_get_logger)
    _listeners: list[Listener] = field(default_factory=list)

    def add_listener(self, listener: Listener) -> None:
        """Call `listener` after every change, until the node stops."""
        assert len(self._listeners) < LISTENERS_MAX
        self._listeners.append(listener)

    def publish(self, origin: str, start: int, stop: int) -> None:
        """Say that entries start..stop-1 of a log are there."""
        for listener in self._listeners:
            try:
                listener(origin, start, stop)
            except Exception:
                # One part's fault is no other's, and least of all that of whoever published.
                self.log.exception("listener.failed", origin=origin, start=start, stop=stop)


@dataclass
class Node:
    """One home at work. `origin` names its log, `keys` are unsealed in memory only."""

    config: Config
    clock: Clock
    keys: HomeKeys
    database: Database
    files: Files
    origin: str
    name: str
    disk: Disk = OWN_DISK
    changes: ChangeHub = field(default_factory=ChangeHub)
    log: Any = field(default_factory=_get_logger)
    parts: dict[str, Any] = field(default_factory=dict)
    """Long-running parts that the app started, by name: peering, planner, publisher. Only the loop's thread adds one:
    whoever lists them there would trip over it."""


class NoParams(msgspec.Struct):
    """The parameters of an operation that wants none."""


@dataclass(frozen=True)
class Operation(Verb):
    """One verb that page, API, CLI and simulator share, done at a node.

    The API answers every operation by its name, and people read those that have a `page` there.
    """

    run: Callable[[Node, Any], Awaitable[Any]]
    writes: bool = True
    page: Page | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.tell is not None or self.page is None, f"{self.name}: nothing to read"
        assert self.page is None or not self.writes, f"{self.name}: looking at a page changes nothing"


@dataclass(frozen=True)
class Desk:
    """Where somebody types: which home is meant (it need not be there), and what a long reading shows.

    `ask` has an operation done at that home's node, by name and plain parameters, and gives the plain answer. `read`
    gives the content of a file of at most so many bytes; RefusedError names it. `watch` takes what is counted, in the
    plural, and gives what to call with (so many done, so many in all).
    """

    home: Path
    clock: Clock
    ask: Callable[[str, dict[str, Any]], Any]
    read: Callable[[str, int], bytes]
    watch: Callable[[str], Callable[[int, int], None]]


@dataclass(frozen=True)
class DeskOperation(Verb):
    """One verb that the command itself carries out, with the files that it names; no API answers it."""

    run: Callable[[Desk, Any], Any]

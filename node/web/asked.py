"""What a page is filled from: the node, what the address says, and what took long to work out before.

Invariant: nothing of a request gets here but the words of its address; what is kept belongs to one server alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from node.use_cases.context import Node
from protocol.core.errors import RefusedError

Made = TypeVar("Made")


class Kept:
    """What took long to make, each under its name, until what it was made from has changed."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[object, Any]] = {}

    async def hold(self, name: str, seen: object, make: Callable[[], Awaitable[Made]]) -> Made:
        """What was made under this name when `seen` was the same, else what `make` gives now."""
        if name not in self._held or self._held[name][0] != seen:
            self._held[name] = (seen, await make())
        made: Made = self._held[name][1]
        return made


@dataclass(frozen=True)
class Asked:
    """One question to a page: `said` are the words of the address by name, those of its path before those after `?`.

    `refused` is why a form was not taken, for a page that would work something out and now need not.
    """

    node: Node
    said: Mapping[str, str] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)
    refused: RefusedError | None = None

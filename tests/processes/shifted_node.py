"""`rochdale run` with a clock that is wrong: the same node, handed another clock by whoever starts it."""

import asyncio
import sys
from pathlib import Path

from node.app import run_node
from node.clock import Clock
from node.use_cases.home import open_config


class WrongClock(Clock):
    """A machine whose clock was set wrong by so many days; its steady clock is not."""

    def __init__(self, days: int) -> None:
        self._days = days

    def now_ms(self) -> int:
        """Wall time as this machine believes it to be."""
        return super().now_ms() + self._days * 86_400_000


if __name__ == "__main__":
    asyncio.run(run_node(open_config(Path(sys.argv[1])), WrongClock(int(sys.argv[2])), as_json=True))

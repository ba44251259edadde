"""Roads between the members: every log reaches everybody in its order, late, in lumps, or not for a while.

Reduced: what gossip promises, in place of gossip itself: a member hears a log from whoever holds more of it.
Invariant: it is fair: what is lost is sent again while both ends are up, so every log arrives in the end.
"""

import asyncio
from collections.abc import Callable
from random import Random

from node.simulation.rounds.memory_node import MemoryLog
from node.simulation.rounds.scenario import Scenario
from node.simulation.world.virtual_time import pass_time

LEVEL_EVERY_S = (0.4, 1.2)

Receive = Callable[[int, MemoryLog, int], None]
"""(member, log, size): take this log up to that size."""


class Roads:
    """Who can hear whom, and how much of each log everybody holds (`held[member][author]`, as it is on its disk)."""

    def __init__(
        self, scenario: Scenario, logs: list[MemoryLog], is_up: Callable[[int], bool], receive: Receive
    ) -> None:
        self._scenario, self._logs, self._is_up, self._receive = scenario, logs, is_up, receive
        self._chance = Random(f"roads {scenario.seed}")  # noqa: S311
        self.held = [[0] * len(logs) for _ in logs]
        self.is_healed = False
        self.carried = 0

    def tell_all(self, author: int) -> None:
        """An author has something new: it sets out to everybody who can be reached now."""
        for member in range(len(self._logs)):
            if member != author:
                self._send(author, member, author)

    async def level_for_ever(self) -> None:
        """Now and then somebody compares with somebody else, and is brought what it lacks."""
        count = len(self._logs)
        while True:
            await pass_time(self._chance.uniform(*LEVEL_EVERY_S))
            for member in range(count):
                other = self._chance.randrange(count)
                if other == member or not self._is_open(other, member):
                    continue
                for author in range(count):
                    if author != member and self.held[other][author] > self.held[member][author]:
                        self._send(other, member, author)

    def _send(self, source: int, target: int, author: int) -> None:
        if not self._is_open(source, target) or (not self.is_healed and self._chance.random() < self._scenario.lost):
            return
        delay_s = self._chance.uniform(0.2, 2.0) * self._scenario.delay_s
        size = self.held[source][author]
        asyncio.get_running_loop().call_later(delay_s, self._arrive, source, target, author, size)

    def _arrive(self, source: int, target: int, author: int, size: int) -> None:
        if self._is_up(target) and size > self.held[target][author] and not self._is_parted(source, target):
            self.carried += 1
            self._receive(target, self._logs[author], size)

    def _is_open(self, source: int, target: int) -> bool:
        return self._is_up(source) and self._is_up(target) and not self._is_parted(source, target)

    def _is_parted(self, one: int, other: int) -> bool:
        now_s = asyncio.get_running_loop().time()
        return not self.is_healed and any(
            part.at_s <= now_s < part.heals_s and (one in part.side) != (other in part.side)
            for part in self._scenario.partitions
        )

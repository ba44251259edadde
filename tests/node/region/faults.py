"""In every round one node is late and one crashes, by turns: what a region must bear.

Invariant: at most one machine is late and one down at a time, and each comes back; so decisions can go on.
"""

import asyncio
import random

from node.simulation.world.virtual_time import pass_time
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork
from tests.node.region.village import COUNCILS

WATCH_S = 0.02
"""Shorter than anything is on its way, so that a machine is held back before its answer arrives."""
LATE_AT_MOST_S = 30.0
CRASH_AFTER_S = (0.5, 5.0)
DOWN_S = (0.1, 1.5)

Round = tuple[int, int]


class Faults:
    """Watches a plan's rounds and makes trouble in each."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._chance = random.Random(f"faults {network.seed}")
        self._order = list(network.machines)
        self._chance.shuffle(self._order)
        self.rounds = self.crashes = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._late: Machine | None = None

    def start(self) -> None:
        """Begin; the first round is that of the cards."""
        self._tasks.append(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        """Make no more trouble, and let everybody come back."""
        watch, *running = self._tasks
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await asyncio.gather(*running)
        self._hold(None)

    async def _watch(self) -> None:
        """The late one is held back until somebody has gone on without it, or for long enough."""
        loop, machines = asyncio.get_running_loop(), self._network.machines
        seen, until_s = (0, 0), 0.0
        while True:
            newest = max((round_of(machine) for machine in machines if machine.is_up), default=seen)
            if newest > seen:
                seen, until_s = newest, loop.time() + LATE_AT_MOST_S
                late = self._choose_late(newest)
                self._hold(late)
                others = [machine for machine in machines if machine is not late]
                crashing = min(others, key=lambda machine: machine.boots)
                self._tasks.append(asyncio.create_task(self._crash(crashing)))
                self.rounds += 1
            if loop.time() > until_s:
                self._hold(None)
            await pass_time(WATCH_S)

    def _choose_late(self, now: Round) -> Machine:
        """By turns; in a round of cards a council, as without its only ovens a village cannot plan."""
        reading, number = now
        machines = [one for one in self._order if number or one.name in COUNCILS]
        return machines[(reading + number) % len(machines)]

    def _hold(self, machine: Machine | None) -> None:
        if self._late is not None:
            self._network.release(self._late)
        self._late = machine
        if machine is not None:
            self._network.hold(machine, both_ways=self._chance.random() < 0.5)

    async def _crash(self, machine: Machine) -> None:
        """A power cut at some moment of the round, and another start soon after."""
        await pass_time(self._chance.uniform(*CRASH_AFTER_S))
        while not all(one.is_up for one in self._network.machines):
            await pass_time(WATCH_S)
        self.crashes += 1
        machine.crash()
        await pass_time(self._chance.uniform(*DOWN_S))
        await self._network.boot(machine)


def round_of(machine: Machine) -> Round:
    """(reading, round) that a machine is at; (0, 0) while it follows no call or has seen its end."""
    run = machine.run
    return (
        (0, 0) if run is None or run.slot is None or run.stage == "voting" else (run.reading.reading, run.slot.number)
    )

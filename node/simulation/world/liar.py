"""The one that breaks the rules: a home that runs twice and signs two branches, and lies on the wire.

Invariant: it has its own keys only; all it can do is what its keys, its peers' frames and its own bytes allow.
Spec: docs/spec/simulation.md
"""

from random import Random
from typing import Final

from node.simulation.world.machine import Machine
from node.simulation.world.roads import Wire
from node.simulation.world.scenario import Byzantine, Scenario

REMEMBERED_MAX: Final = 64
FLOOD_FRAMES: Final = 60
GREETINGS: Final = frozenset({b"\x01", b"\x0f"})


class Liar:
    """A home, its twin, and what they do to what they send."""

    def __init__(self, scenario: Scenario, machines: list[Machine]) -> None:
        assert scenario.byzantine is not None
        self.machines = machines
        self._ways: Byzantine = scenario.byzantine
        self._seed = scenario.seed
        self._count = scenario.nodes
        self._heard: list[bytes] = []

    def find(self, roads_machines: dict[str, Machine], caller: Machine, name: str) -> Machine | None:
        """Which of the two answers to this caller: each of the others meets one of them only."""
        if name != self.machines[0].place:
            called = roads_machines.get(name)
            if caller in self.machines and called is not None and self._side_of(called) is not caller:
                return None
            return called
        return self._side_of(caller)

    def make_wire(self, machine: Machine) -> Wire:
        """What becomes of the frames that one of the two sends."""
        chance = Random(f"lies {self._seed} {machine.name}")

        def send(raw: bytes) -> list[bytes]:
            if raw[:1] in GREETINGS:
                return [raw]
            self._heard = [*self._heard[-REMEMBERED_MAX + 1 :], raw]
            sent = [] if self._is_drawn(chance, self._ways.withhold_percent) else [raw]
            if self._is_drawn(chance, self._ways.forge_percent):
                sent = [_forge(raw, chance)]
            if self._is_drawn(chance, self._ways.replay_percent):
                sent.append(chance.choice(self._heard))
            if self._is_drawn(chance, self._ways.flood_percent):
                sent += [chance.choice(self._heard) for _ in range(FLOOD_FRAMES)]
            return sent

        return send

    def _side_of(self, other: Machine) -> Machine:
        number = int(other.place.removeprefix("coop"))
        return self.machines[self._ways.side_mask >> number & 1]

    @staticmethod
    def _is_drawn(chance: Random, percent: int) -> bool:
        return chance.randrange(100) < percent


def _forge(raw: bytes, chance: Random) -> bytes:
    """The same frame with one bit turned, or its end cut off."""
    if len(raw) > 2 and chance.random() < 0.2:
        return raw[: chance.randrange(1, len(raw))]
    changed = bytearray(raw)
    changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(changed)

"""The one that breaks the rules: a home that runs twice and signs two branches, and lies on the wire.

Invariant: it has its own keys only; all it can do is what its keys, its peers' frames and its own bytes allow.
Spec: docs/spec/simulation.md
"""

from collections.abc import Callable
from random import Random
from typing import Final

from node.simulation.world.machine import Machine
from node.simulation.world.roads import Wire
from node.simulation.world.scenario import Byzantine, Scenario

REMEMBERED_MAX: Final = 64
FLOOD_FRAMES: Final = 60
BUNDLE: Final = b"\x07"
BUNDLES_FORGED_PERCENT: Final = 50
"""Whole bundles are rare, and nothing but their root says what is in them."""
GREETINGS: Final = frozenset({b"\x01", b"\x0f"})


class Liar:
    """A home, its twin, and what they do to what they send."""

    def __init__(self, scenario: Scenario, machines: list[Machine], say: Callable[[str], None]) -> None:
        """`say` adds to the list of events."""
        assert scenario.byzantine is not None
        self.machines = machines
        self.is_staying = scenario.byzantine.is_staying
        self._say = say
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
            sent = [raw]
            if self._is_drawn(chance, "withhold", self._ways.withhold_percent, raw):
                sent = []
            forge_percent = self._ways.forge_percent
            if raw[:1] == BUNDLE and forge_percent:
                forge_percent = BUNDLES_FORGED_PERCENT
            if self._is_drawn(chance, "forge", forge_percent, raw):
                sent = [_forge(raw, chance)]
            if self._is_drawn(chance, "replay", self._ways.replay_percent, raw):
                sent.append(chance.choice(self._heard))
            if self._is_drawn(chance, "flood", self._ways.flood_percent, raw):
                sent += [chance.choice(self._heard) for _ in range(FLOOD_FRAMES)]
            return sent

        return send

    def _side_of(self, other: Machine) -> Machine:
        number = int(other.place.removeprefix("coop"))
        return self.machines[self._ways.side_mask >> number & 1]

    def _is_drawn(self, chance: Random, trick: str, percent: int, raw: bytes) -> bool:
        is_drawn = chance.randrange(100) < percent
        if is_drawn:
            self._say(f"lie {trick} {raw[:1].hex()}")
        return is_drawn


def _forge(raw: bytes, chance: Random) -> bytes:
    """The same frame with one bit turned, or its end cut off."""
    if len(raw) > 2 and chance.random() < 0.2:
        return raw[: chance.randrange(1, len(raw))]
    changed = bytearray(raw)
    changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(changed)

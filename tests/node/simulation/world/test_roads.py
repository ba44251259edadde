"""Roads keep what TLS promises: within one connection frames come in the order in which they were sent."""

import pytest

from node.simulation.world.lives import Life
from node.simulation.world.roads import End, Law, Roads, Station
from node.simulation.world.virtual_time import pass_time, run_in_virtual_time

PAIR = frozenset(("north", "south"))


class Place(Station):
    """A machine that lets everybody in."""

    def __init__(self, name: str) -> None:
        self.name = self.place = name
        self.life = Life()
        self.wire = lambda raw: [raw]
        self.sockets: list[End[Place]] = []

    @property
    def is_up(self) -> bool:
        return True

    async def welcome(self, caller: "Place", socket: "End[Place]") -> None:
        self.sockets.append(socket)


async def send_through_closures(closed_ms: tuple[int, ...]) -> list[bytes]:
    """Ten frames, one each 10 ms, on a road that takes each of them 35 ms and is closed in some of the steps."""
    roads: Roads[Place] = Roads(0, lambda source, target, raw: None)
    north, south = Place("north"), Place("south")
    roads.machines = {"north": north, "south": south}
    roads.build("north", "south", Law(latency_ms=(35, 35)), PAIR)
    near = await roads.dial(north, "south")
    (far,) = south.sockets
    for number in range(10):
        if number * 10 in closed_ms:
            roads.close(PAIR, "works")
        else:
            roads.open(PAIR, "works")
        await near.send_bytes(bytes([number]))
        await pass_time(0.01)
    roads.calm()
    return [(await far.receive()).data for _ in range(10)]


@pytest.mark.parametrize(
    "closed_ms",
    [(), (20, 30, 40, 50, 60), (30,), (50, 60, 80, 90), (10, 30, 50, 70, 90)],
    ids=["never", "while some are on their way", "for a moment", "twice", "again and again"],
)
def test_what_was_on_its_way_when_a_road_was_closed_comes_first(
    closed_ms: tuple[int, ...],
) -> None:
    assert run_in_virtual_time(lambda: send_through_closures(closed_ms)) == [bytes([number]) for number in range(10)]

"""Delivers frames between small homes: in any order of wires, in order on each, with cuts and repeats."""

from dataclasses import dataclass

from protocol.gossip import events
from tests.protocol.gossip.small_home import Line, SmallHome

STEPS_MAX = 20_000


@dataclass(eq=False)
class Wire:
    """A connection between two homes."""

    left: SmallHome
    right: SmallHome
    left_line: Line
    right_line: Line

    def is_idle(self) -> bool:
        return not self.left_line.outbox and not self.right_line.outbox

    def deliver(self, to_right: bool) -> None:
        """The oldest frame that waits on one side reaches the other."""
        source, home, line = (
            (self.left_line, self.right, self.right_line) if to_right else (self.right_line, self.left, self.left_line)
        )
        if source.outbox:
            home.tell(line, events.Received(source.outbox.pop(0)))

    def cut(self) -> None:
        """The connection breaks; what was under way is gone."""
        self.left.lose(self.left_line)
        self.right.lose(self.right_line)


class Network:
    """Homes and the wires between them, with one clock."""

    def __init__(self, homes: list[SmallHome]) -> None:
        self.homes = homes
        self.wires: list[Wire] = []

    def connect(self, left: SmallHome, right: SmallHome) -> Wire:
        wire = Wire(left, right, left.connect(right.origin), right.connect(left.origin))
        self.wires.append(wire)
        return wire

    def cut(self, wire: Wire) -> None:
        self.wires.remove(wire)
        wire.cut()

    def sweep(self) -> None:
        """Break the wires whose sessions have ended."""
        for wire in list(self.wires):
            if wire.left_line.closed or wire.right_line.closed:
                self.cut(wire)

    def advance(self, ms: int) -> None:
        """Let time pass and every timer that is due go off."""
        for home in self.homes:
            home.now_ms += ms
            for line in list(home.lines):
                if line.timer_ms is not None and line.timer_ms <= home.now_ms:
                    line.timer_ms = None
                    home.tell(line, events.Due())

    def settle(self) -> None:
        """Deliver all there is and let the batches go out, until nothing more is said."""
        for _ in range(STEPS_MAX):
            busy = [wire for wire in self.wires if not wire.is_idle()]
            for wire in busy:
                wire.deliver(True)
                wire.deliver(False)
            if not busy:
                self.advance(40)
                if all(wire.is_idle() for wire in self.wires):
                    return
        raise AssertionError("the homes never stop talking")


def make_homes(count: int) -> list[SmallHome]:
    """Homes that know each other's logs."""
    origins = [f"home{index}.example/log" for index in range(count)]
    return [SmallHome(origin, origins) for origin in origins]


def heads(home: SmallHome) -> dict[str, tuple[int, bytes]]:
    """Size and note of every log a home holds."""
    return {origin: (len(log.entries), log.note) for origin, log in home.logs.items()}

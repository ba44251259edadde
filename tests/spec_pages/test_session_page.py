"""What homes say on docs/spec/gossip/session.md is what sessions say, frame by frame and in that order."""

import re
from collections.abc import Iterator

from protocol.gossip import messages
from protocol.gossip.frames import parse_frame
from tests.protocol.gossip.small_home import SmallHome
from tests.protocol.gossip.wires import Network, Wire
from tests.spec_pages.examples import list_blocks

HOMES = ["home0.example/log", "home1.example/log", "home2.example/log"]
STEP_MS = 10
QUIET_STEPS = 20


def test_two_homes_meet_as_on_the_page() -> None:
    first, second, _ = homes = make_homes()
    first.publish(b"one", b"two", b"three")
    network = Network(homes)
    network.connect(first, second)
    told = [f"{'>' if source == 'home0' else '<'}  {line}" for _, source, _, line in carry(network)]
    shown, _ = list_blocks("session.md")
    assert [re.sub(r"^\d? +", "", line) for line in shown.splitlines()[2:]] == told


def test_a_log_grows_its_tree_as_on_the_page() -> None:
    """Marks of heads and notes are left out there; what comes later, or at once, says so."""
    first, second, third = homes = make_homes()
    network = Network(homes)
    network.connect(first, second)
    network.connect(second, third)
    list(carry(network))
    told = []
    for entry in (b"one", b"two"):
        first.publish(entry)
        before_ms = first.now_ms
        for at_ms, source, target, line in carry(network):
            short = re.sub(r", (root|cosigners) [0-9a-f]+|, signed note, entries|counter \d+, last; ", "", line)
            told.append((f"{source} > {target}  {short}", at_ms - before_ms))
            before_ms = at_ms
    _, shown = list_blocks("session.md")
    assert [read_line(line) for line in shown.splitlines()[2:] if line] == told


def read_line(line: str) -> tuple[str, int]:
    """A line of the page, and how many milliseconds after the one before it says it comes."""
    said, _, note = line.partition("(")
    return said.rstrip(), int(note.split()[0]) if "later" in note else 0


def make_homes() -> list[SmallHome]:
    """Three homes that know of one another."""
    return [SmallHome(name, HOMES) for name in HOMES]


def carry(network: Network) -> Iterator[tuple[int, str, str, str]]:
    """Delivers frames, the caller's first, until nobody has anything to say: (time, from, to, what)."""
    quiet = 0
    while quiet < QUIET_STEPS:
        said = [line for wire in network.wires for to_right in (True, False) for line in deliver(wire, to_right)]
        yield from said
        quiet = 0 if said else quiet + 1
        if not said:
            network.advance(STEP_MS)


def deliver(wire: Wire, to_right: bool) -> Iterator[tuple[int, str, str, str]]:
    source, target = (wire.left, wire.right) if to_right else (wire.right, wire.left)
    line = wire.left_line if to_right else wire.right_line
    if line.outbox:
        said = describe(parse_frame(line.outbox[0]))
        wire.deliver(to_right)
        yield source.now_ms, source.origin.split(".")[0], target.origin.split(".")[0], said


def describe(message: messages.Message) -> str:
    """A frame in the short form of the page."""
    match message:
        case messages.Hello():
            seen = f'seen_epoch: "{message.seen_epoch.decode()}", seen_change: {message.seen_change}'
            return (
                f'HELLO  {{protocol: {message.protocol}, origin: "{message.origin}", '
                f"epoch: {len(message.epoch)} bytes, {seen}}}"
            )
        case messages.Have():
            heads = [describe_head(mark) for mark in message.heads] or ["nothing"]
            return f"HAVE   counter {message.counter}, {'last' if message.is_last else 'more'}; {'; '.join(heads)}"
        case messages.Want():
            return f"WANT   {message.origin}, from {message.start}{', grafted' if message.is_grafted else ''}"
        case messages.Push():
            entries, links = count(message.count, "entry", "entries"), count(message.hops, "link", "links")
            return f"PUSH   {message.origin}, from {message.start}, {entries}, {links}, signed note, entries"
    return type(message).__name__.upper()


def describe_head(mark: messages.HeadMark) -> str:
    links = count(mark.hops, "link", "links")
    marks = f"root {mark.root_mark.hex()}, cosigners {mark.cosigners_mark.hex()}"
    return f"{mark.origin}, size {mark.size}, {marks}, {links}"


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

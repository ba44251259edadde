"""Many homes, any order of delivery, cuts and repeats: once the wires stand, all hold the same heads."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.gossip import events
from tests.protocol.gossip.small_home import SmallHome
from tests.protocol.gossip.wires import Network, heads, make_homes


def made(count: int, tag: str = "") -> list[bytes]:
    return [f"entry {tag} {index}".encode() for index in range(count)]


def pair() -> tuple[SmallHome, SmallHome, Network]:
    north, south = homes = make_homes(2)
    return north, south, Network(homes)


def test_level_nodes_say_hello_and_have_and_nothing_more() -> None:
    north, south, network = pair()
    north.publish(*made(3))
    wire = network.connect(north, south)
    network.settle()
    network.advance(3_000)
    network.settle()
    network.cut(wire)
    wire = network.connect(north, south)
    said = 0
    while not wire.is_idle():
        said += sum(map(len, wire.left_line.outbox[:1] + wire.right_line.outbox[:1]))
        wire.deliver(True)
        wire.deliver(False)
    assert heads(north) == heads(south)
    assert said < 400


def test_first_contact_levels_logs_of_every_length() -> None:
    for count in (1, 255, 256, 257, 512, 700, 1_500):
        north, south, network = pair()
        north.publish(*made(count))
        network.connect(north, south)
        network.settle()
        assert heads(south) == heads(north), f"{count} entries"


def test_a_gap_of_any_length_is_closed_from_where_it_begins() -> None:
    for held, gone in ((1, 1), (100, 200), (100, 600), (256, 300), (300, 256), (511, 1_000)):
        north, south, network = pair()
        wire = network.connect(north, south)
        north.publish(*made(held, "first"))
        network.settle()
        network.cut(wire)
        north.publish(*made(gone, "second"))
        network.connect(north, south)
        network.settle()
        assert heads(south) == heads(north), f"{held} held, {gone} missing"


def test_what_a_broken_transfer_brought_is_not_fetched_again() -> None:
    north, south, network = pair()
    north.publish(*made(256 * 40))
    wire = network.connect(north, south)
    while len(south.logs[north.origin].pending) < 20:
        wire.deliver(True)
        wire.deliver(False)
    held = set(south.logs[north.origin].pending)
    network.cut(wire)
    wire = network.connect(north, south)
    fetched: list[bytes] = []
    while not wire.is_idle():
        fetched += [raw for raw in wire.left_line.outbox[:1] if raw[0] == 0x07]
        wire.deliver(True)
        wire.deliver(False)
    assert heads(south) == heads(north)
    assert len(fetched) == 40 - len(held)


def test_a_push_reaches_a_live_peer_in_one_frame_and_is_not_announced_back() -> None:
    north, south, network = pair()
    wire = network.connect(north, south)
    network.settle()
    north.publish(b"news")
    assert [raw[0] for raw in wire.left_line.outbox] == [0x08]
    wire.deliver(True)
    assert heads(south) == heads(north)
    network.advance(100)
    assert wire.right_line.outbox == []


def test_heads_of_others_go_on_in_batches_to_those_who_lack_them() -> None:
    first, middle, last = homes = make_homes(3)
    network = Network(homes)
    network.connect(first, middle)
    wire = network.connect(middle, last)
    network.settle()
    for index in range(5):
        first.publish(b"news %d" % index)
    network.wires[0].deliver(True)
    while network.wires[0].left_line.outbox:
        network.wires[0].deliver(True)
    assert wire.left_line.outbox == []
    network.advance(40)
    assert [raw[0] for raw in wire.left_line.outbox] == [0x02]
    network.settle()
    assert heads(last) == heads(first)


def test_the_cursor_does_not_pass_what_is_still_being_fetched() -> None:
    north, south, network = pair()
    north.publish(*made(300))
    wire = network.connect(north, south)
    for _ in range(6):
        wire.deliver(True)
        wire.deliver(False)
        if south.transfers:
            break
    network.advance(3_000)
    assert north.origin in south.transfers
    assert north.origin not in south.cursors
    network.settle()
    network.advance(3_000)
    assert south.cursors[north.origin] == (north.frontier.epoch, north.frontier.counter)


def test_a_peer_that_moved_on_during_a_transfer_is_followed_to_its_new_head() -> None:
    north, south, network = pair()
    north.publish(*made(256 * 40, "first"))
    wire = network.connect(north, south)
    while not south.logs[north.origin].pending:
        wire.deliver(True)
        wire.deliver(False)
    # Too many for a push: south only hears that there is more, while it still waits for the last bundles.
    north.publish(*made(600, "second"))
    network.advance(40)
    network.settle()
    assert heads(south) == heads(north)
    assert len(south.logs[north.origin].entries) == 256 * 40 + 600


def test_a_peer_restored_from_a_backup_is_told_the_whole_frontier_again() -> None:
    north, south, network = pair()
    north.publish(*made(5))
    south.cursors[north.origin] = (b"an epoch of old.", 1)
    network.connect(north, south)
    network.settle()
    assert heads(south) == heads(north)


def test_two_peers_offer_the_same_log_and_it_is_fetched_once() -> None:
    homes = make_homes(3)
    network = Network(homes)
    homes[0].publish(*made(1_000))
    network.connect(homes[0], homes[1])
    network.settle()
    one, other = network.connect(homes[0], homes[2]), network.connect(homes[1], homes[2])
    bundles = 0
    while not (one.is_idle() and other.is_idle()):
        for wire in (one, other):
            bundles += sum(raw[0] == 0x07 for raw in wire.left_line.outbox[:1])
            wire.deliver(True)
            wire.deliver(False)
    assert heads(homes[2]) == heads(homes[0])
    assert bundles == 4


def test_when_the_one_that_gives_is_lost_another_takes_over() -> None:
    homes = make_homes(3)
    network = Network(homes)
    homes[0].publish(*made(1_000))
    network.connect(homes[0], homes[1])
    network.settle()
    one, _ = network.connect(homes[0], homes[2]), network.connect(homes[1], homes[2])
    for _ in range(8):
        for wire in network.wires:
            wire.deliver(True)
            wire.deliver(False)
        if homes[2].transfers:
            break
    network.cut(one)
    network.settle()
    assert heads(homes[2]) == heads(homes[0])


def test_a_cosignature_goes_to_all_and_not_back_to_where_it_came_from() -> None:
    first, middle, last = homes = make_homes(3)
    network = Network(homes)
    one, two = network.connect(first, middle), network.connect(middle, last)
    first.publish(b"entry")
    network.settle()
    first.cosign(first.origin, "witness")
    one.deliver(True)
    assert one.right_line.outbox == []
    assert [raw[0] for raw in two.left_line.outbox] == [0x09]
    network.settle()
    assert last.cosignatures == first.cosignatures


def test_cosignatures_that_were_missed_are_asked_for_at_the_next_meeting() -> None:
    north, south, network = pair()
    north.publish(*made(5))
    wire = network.connect(north, south)
    network.settle()
    network.advance(3_000)
    network.settle()
    network.cut(wire)
    north.cosign(north.origin, "witness-one")
    south.cosign(north.origin, "witness-two")
    network.connect(north, south)
    network.settle()
    assert north.cosignatures == south.cosignatures
    assert len(north.cosignatures) == 2


def test_a_file_comes_in_pieces_and_a_missing_one_is_missed() -> None:
    north, south, network = pair()
    content = bytes(range(256)) * 20
    name = hashlib.sha256(content).digest()
    south.files[name] = content
    wire = network.connect(north, south)
    network.settle()
    north.tell(wire.left_line, events.FileWanted(name))
    north.tell(wire.left_line, events.FileWanted(bytes(32)))
    network.settle()
    assert north.files[name] == content
    assert north.missed == [bytes(32)]


steps = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(1, 400)), min_size=5, max_size=60)


@settings(max_examples=40)
@given(st.integers(2, 5), steps)
def test_any_order_of_news_delivery_cuts_and_time_ends_in_the_same_heads(
    count: int, script: list[tuple[int, int, int]]
) -> None:
    homes = make_homes(count)
    network = Network(homes)
    for kind, which, amount in script:
        home, other = homes[which % count], homes[(which + 1 + amount) % count]
        wires = network.wires
        if kind in (0, 1):
            home.publish(*made(amount if kind else 1, f"{home.origin} {len(home.changes)}"))
        elif kind == 2 and home is not other and not any({one.left, one.right} == {home, other} for one in wires):
            network.connect(home, other)
        elif kind == 3 and wires:
            network.cut(wires[which % len(wires)])
        elif kind == 4:
            network.advance(amount * 10)
        elif wires:
            for _ in range(amount % 12):
                wires[which % len(wires)].deliver(amount % 2 == 0)
        network.sweep()
    for index in range(count - 1):
        pairs = [{one.left, one.right} for one in network.wires]
        if {homes[index], homes[index + 1]} not in pairs:
            network.connect(homes[index], homes[index + 1])
    network.settle()
    network.advance(3_000)
    network.settle()
    assert all(heads(home) == heads(homes[0]) for home in homes)
    assert all(len(home.logs[home.origin].entries) == len(homes[0].logs[home.origin].entries) for home in homes)
    assert all(not home.frontier.claims for home in homes)
    assert all(not line.closed for home in homes for line in home.lines)

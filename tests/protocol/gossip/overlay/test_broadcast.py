"""The trees along which entries run: each news at each standpoint, and what it comes to between small homes."""

from collections import Counter

import pytest

from protocol.gossip import events, limits
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.messages import Fork, Graft, Prune, Push
from protocol.gossip.overlay.broadcast import TABLE, Move, News, PushTrees, Standpoint
from protocol.log.bundle import format_bundle
from tests.protocol.gossip.small_home import Line, SmallHome, signed_head
from tests.protocol.gossip.wires import Network, Wire, heads, make_homes

US, LOG = "us.example/log", "author.example/log"
SESSION, RIVAL = 1, 2


def tree_at(standpoint: Standpoint) -> PushTrees:
    tree = PushTrees(US)
    if standpoint is Standpoint.PARENT:
        tree.judge(LOG, SESSION, News.PUSHED_NEW, 4)
    if standpoint is Standpoint.OTHER:
        tree.judge(LOG, RIVAL, News.PUSHED_NEW, 4)
    assert tree.standpoint(LOG, SESSION) is standpoint
    return tree


def test_the_table_names_every_news_at_every_standpoint() -> None:
    assert TABLE.keys() == set(News)
    assert all(row.keys() == set(Standpoint) for row in TABLE.values())


@pytest.mark.parametrize("standpoint", Standpoint, ids=lambda one: one.name)
@pytest.mark.parametrize("news", News, ids=lambda one: one.name)
def test_after_each_news_a_log_has_one_parent_at_most_and_the_one_before_is_told(
    news: News, standpoint: Standpoint
) -> None:
    tree, expected = tree_at(standpoint), TABLE[news][standpoint]
    move, past = tree.judge(LOG, SESSION, news, 2)
    takes = expected in (Move.GRAFT, Move.ADOPT)
    assert move is expected
    assert past == (RIVAL if takes and standpoint is Standpoint.OTHER else None)
    assert tree.parent(LOG) == (SESSION if takes else {"ORPHAN": None, "PARENT": 1, "OTHER": 2}[standpoint.name])
    if takes:
        assert tree.hops(LOG) == 3


def test_what_another_is_to_push_is_awaited_and_an_orphan_is_not() -> None:
    assert [tree_at(one).is_awaited(LOG, SESSION) for one in Standpoint] == [False, False, True]


def test_an_ended_session_is_nobodys_parent_and_gets_nothing() -> None:
    tree = PushTrees(US)
    tree.meet(SESSION, LOG)
    tree.meet(RIVAL, "other.example/log")
    tree.add_child("third.example/log", SESSION)
    assert (tree.parent(LOG), tree.hops(LOG), tree.hops(US)) == (SESSION, 1, 0)
    assert tree.is_child(US, SESSION) and tree.is_pushed("third.example/log")
    tree.forget(SESSION)
    assert tree.parent(LOG) is None and not tree.is_child(US, SESSION)
    assert tree.is_pushed(US) and not tree.is_pushed("third.example/log")


def test_links_are_counted_up_to_a_limit_and_our_own_log_has_no_parent() -> None:
    tree = PushTrees(US)
    tree.judge(LOG, SESSION, News.PUSHED_NEW, limits.HOPS_MAX)
    assert tree.hops(LOG) == limits.HOPS_MAX
    tree.judge(US, SESSION, News.TOLD_NEARER, 0)
    assert tree.parent(US) is None and tree.hops(US) == 0


class Tally:
    """Frames that wait on the wires of a network, by type, as they are delivered."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.said: Counter[str] = Counter()

    def settle(self) -> Counter[str]:
        """Deliver everything, in turn; what was said since the last time."""
        self.said.clear()
        for _ in range(20_000):
            busy = [wire for wire in self._network.wires if not wire.is_idle()]
            for wire in busy:
                for is_right, line in ((True, wire.left_line), (False, wire.right_line)):
                    self._deliver(wire, is_right, line)
            if not busy:
                self._network.advance(40)
                if not self._waits():
                    return self.said
        raise AssertionError("the homes never stop talking")

    def _deliver(self, wire: Wire, is_right: bool, line: Line) -> None:
        if line.outbox:
            self.said[type(parse_frame(line.outbox[0])).__name__] += 1
            wire.deliver(is_right)

    def _waits(self) -> bool:
        lines = [line for home in self._network.homes for line in home.lines]
        is_patient = any(line.session._fetcher.is_patient() for line in lines)
        return is_patient or not all(wire.is_idle() for wire in self._network.wires)


def linked(count: int, *pairs: tuple[int, int]) -> tuple[list[SmallHome], Network, Tally]:
    homes = make_homes(count)
    network = Network(homes)
    for left, right in pairs:
        network.connect(homes[left], homes[right])
    network.settle()
    return homes, network, Tally(network)


def everyone(count: int) -> list[tuple[int, int]]:
    return [(left, right) for left in range(count) for right in range(left + 1, count)]


def test_in_a_small_federation_the_author_pushes_to_everyone_and_nobody_else_does() -> None:
    homes, _, tally = linked(5, *everyone(5))
    for round_number in range(3):
        homes[0].publish(b"news %d" % round_number)
        said = tally.settle()
        assert (said["Push"], said["Want"], said["Graft"], said["Prune"]) == (4, 0, 0, 0)
        assert all(heads(home) == heads(homes[0]) for home in homes)


def test_news_runs_down_a_chain_as_pushes_once_the_way_is_known() -> None:
    homes, _, tally = linked(6, *[(index, index + 1) for index in range(5)])
    homes[0].publish(b"first")
    first = tally.settle()
    assert (first["Want"], first["Graft"], first["Push"]) == (4, 0, 5)
    homes[0].publish(b"second")
    second = tally.settle()
    assert (second["Push"], second["Have"], second["Want"]) == (5, 0, 0)
    assert [home.frontier.tree.hops(homes[0].origin) for home in homes] == [0, 1, 2, 3, 4, 5]
    assert all(heads(home) == heads(homes[0]) for home in homes)


def test_round_a_ring_each_home_gets_each_entry_once() -> None:
    count = 8
    homes, _, tally = linked(count, *[(index, (index + 1) % count) for index in range(count)])
    for round_number in range(4):
        homes[0].publish(b"news %d" % round_number)
        said = tally.settle()
    assert said["Push"] == count - 1
    assert all(heads(home) == heads(homes[0]) for home in homes)


def test_a_log_pushed_twice_is_pruned_where_the_way_is_longer() -> None:
    # 3 hangs on 2 at first, which is three links from 0; then it meets 0 itself.
    homes, network, tally = linked(4, (0, 1), (1, 2), (2, 3))
    homes[0].publish(b"first")
    tally.settle()
    assert homes[3].frontier.tree.hops(homes[0].origin) == 3
    network.connect(homes[0], homes[3])
    tally.settle()
    homes[0].publish(b"second")
    # Once as the nearer push comes, once more for the other one that was on its way already.
    assert tally.settle()["Prune"] == 2
    homes[0].publish(b"third")
    assert tally.settle()["Push"] == 3
    assert homes[3].frontier.tree.hops(homes[0].origin) == 1


def test_where_the_parent_is_lost_another_link_takes_over() -> None:
    homes, network, tally = linked(4, (0, 1), (0, 2), (1, 3), (2, 3))
    homes[0].publish(b"first")
    tally.settle()
    parent = homes[3].frontier.tree.parent(homes[0].origin)
    cut = next(wire for wire in network.wires if wire.right is homes[3] and wire.right_line.session.number == parent)
    network.cut(cut)
    homes[0].publish(b"second")
    assert tally.settle()["Want"] == 1
    assert heads(homes[3]) == heads(homes[0])
    homes[0].publish(b"third")
    assert tally.settle()["Want"] == 0
    assert heads(homes[3]) == heads(homes[0])


def test_a_parent_that_falls_silent_is_replaced_after_a_while_and_pruned() -> None:
    homes, network, _ = linked(4, (0, 1), (0, 2), (1, 3), (2, 3))
    homes[0].publish(b"first")
    network.settle()
    parent = homes[3].frontier.tree.parent(homes[0].origin)
    mute = next(wire for wire in network.wires if wire.right is homes[3] and wire.right_line.session.number == parent)
    homes[0].publish(b"second")
    for _ in range(8):
        for wire in network.wires:
            if wire is not mute:
                wire.deliver(True)
                wire.deliver(False)
        network.advance(limits.GRAFT_DELAY_MS // 2)
    assert heads(homes[3]) == heads(homes[0])
    assert homes[3].frontier.tree.parent(homes[0].origin) != parent
    assert format_frame(Prune(homes[0].origin)) in mute.right_line.outbox


def test_what_others_tell_of_is_not_asked_for_while_the_author_is_pushing_it() -> None:
    homes, network, _ = linked(3, *everyone(3))
    homes[0].publish(b"news")
    slow, quick, way = network.wires[1], network.wires[0], network.wires[2]
    assert slow.right is homes[2] and way.right is homes[2]
    quick.deliver(True)
    network.advance(limits.ANNOUNCE_DELAY_MS)
    way.deliver(True)
    assert way.right_line.outbox == []
    slow.deliver(True)
    network.settle()
    assert heads(homes[2]) == heads(homes[0])


def test_a_peer_that_is_pushed_a_log_gets_it_from_every_size_and_too_much_is_told_instead() -> None:
    homes, _, tally = linked(3, (0, 1), (1, 2))
    homes[0].publish(b"first")
    tally.settle()
    homes[0].publish(*[b"entry %d" % index for index in range(700)])
    said = tally.settle()
    assert said["Push"] == 0 and said["Bundle"] == 6
    assert heads(homes[2]) == heads(homes[0])
    homes[0].publish(b"last")
    assert tally.settle()["Push"] == 2


def test_a_liar_about_its_links_becomes_a_parent_and_withholding_only_delays() -> None:
    homes, network, tally = linked(4, (0, 1), (1, 2), (2, 3))
    homes[0].publish(b"first")
    tally.settle()
    liar = SmallHome("liar.example/log", [home.origin for home in homes])
    network.homes.append(liar)
    wire = network.connect(liar, homes[3])
    tally.settle()
    note, entries = homes[0].logs[homes[0].origin].note, homes[0].logs[homes[0].origin].entries
    push = Push(homes[0].origin, 0, 1, note, len(entries[0]).to_bytes(2, "big") + entries[0], 0)
    homes[3].tell(wire.right_line, events.Received(format_frame(push)))
    assert homes[3].frontier.tree.parent(homes[0].origin) == wire.right_line.session.number
    tally.settle()
    homes[0].publish(b"second")
    for _ in range(12):
        for other in network.wires:
            if other is not wire:
                other.deliver(True)
                other.deliver(False)
        network.advance(limits.GRAFT_DELAY_MS // 2)
    assert len(homes[3].logs[homes[0].origin].entries) == 2


def test_cosignatures_and_forks_reach_everyone_over_a_ring() -> None:
    count = 7
    homes, _, tally = linked(count, *[(index, (index + 1) % count) for index in range(count)])
    homes[0].publish(b"entry")
    tally.settle()
    homes[3].cosign(homes[0].origin, "witness")
    tally.settle()
    assert all(home.cosignatures == homes[3].cosignatures for home in homes)
    entries = [b"another version of the first entry"]
    forked = Push(homes[0].origin, 0, 1, signed_head(homes[0].origin, entries), format_bundle(entries))
    victim, line = homes[5], homes[5].lines[0]
    victim.tell(line, events.Received(format_frame(Fork(homes[0].origin, forked.note, b"", b""))))
    tally.settle()
    assert all(home.evidence == victim.evidence and len(home.evidence) == 1 for home in homes)


def test_a_graft_is_for_known_logs_only() -> None:
    homes, network, _ = linked(2, (0, 1))
    line = network.wires[0].left_line
    homes[0].tell(line, events.Received(format_frame(Graft("stranger.example/log"))))
    assert not homes[0].frontier.tree.is_pushed("stranger.example/log")
    assert line.session.strangers == 1

"""A session's timer: it goes off when something is due, and does not go round and round."""

from protocol.gossip import events, limits
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import Have, Hello
from protocol.gossip.session import Session

OWN, PEER, THIRD = "north.example/log", "east.example/log", "west.example/log"
TURNS_MAX = 10


def test_a_counter_that_is_due_while_heads_wait_for_their_batch_is_told_with_them() -> None:
    frontier = Frontier(OWN, b"n" * limits.EPOCH_BYTES)
    frontier.know(THIRD, LogHead(1, b"1" * 32))
    session = Session(1, PEER, (b"", 0), frontier)
    session.handle(events.Opened(), 0)
    hello = Hello(limits.PROTOCOL_VERSION, PEER, b"e" * limits.EPOCH_BYTES, b"", 0)
    session.handle(events.Received(format_frame(hello)), 0)
    session.handle(events.HeadsRead((), 0), 0)
    # A change without a new head, and just before its number is due a head that moves.
    frontier.counter = 1
    session.handle(events.CosignatureLearned(THIRD, b"", session.number), 0)
    due_ms = limits.CURSOR_SAVE_DELAY_MS
    frontier.counter = 2
    frontier.move(THIRD, 2, b"2" * 32)
    session.handle(events.HeadMoved(THIRD), due_ms - 1)
    sent, turns, timer_ms = list[object](), 0, due_ms
    while timer_ms <= due_ms + limits.ANNOUNCE_DELAY_MS and turns < TURNS_MAX:
        actions = session.handle(events.Due(), timer_ms)
        sent += [parse_frame(action.raw) for action in actions if isinstance(action, events.Send)]
        timer_ms = next(action.at_ms for action in actions if isinstance(action, events.SetTimer))
        turns += 1
    assert turns < TURNS_MAX
    assert [type(message) for message in sent] == [Have]

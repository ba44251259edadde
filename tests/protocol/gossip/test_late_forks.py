"""Two versions of a log that come to the same length while a session stands."""

import pytest

from protocol.gossip import events, limits
from protocol.gossip.frames import cut_have, format_frame
from protocol.gossip.frontier import NO_COSIGNERS, Frontier, LogHead
from protocol.gossip.messages import HeadMark, Hello
from protocol.gossip.session import Session

OWN, PEER, LIAR = "north.example/log", "east.example/log", "west.example/log"
OURS, THEIRS = b"a" * 32, b"b" * 32


@pytest.mark.parametrize(
    ("size", "root", "expected"),
    [
        (9, OURS, events.ServeNote(LIAR)),
        (9, THEIRS, None),
        (12, OURS, events.CheckPast(LIAR, 9, THEIRS[: limits.ROOT_MARK_BYTES])),
        (8, OURS, None),
    ],
    ids=["as long, another root", "as long, the same", "longer: looked up", "not as far yet"],
)
def test_a_head_that_was_ahead_is_compared_when_ours_has_reached_it(
    size: int, root: bytes, expected: events.Action | None
) -> None:
    frontier = Frontier(OWN, b"n" * limits.EPOCH_BYTES)
    frontier.know(LIAR, LogHead(7, b"7" * 32))
    session = Session(1, PEER, (b"", 0), frontier)
    session.handle(events.Opened(), 0)
    hello = Hello(limits.PROTOCOL_VERSION, PEER, b"e" * limits.EPOCH_BYTES, b"", 0)
    session.handle(events.Received(format_frame(hello)), 0)
    session.handle(events.HeadsRead((), 0), 0)
    mark = HeadMark(LIAR, 9, THEIRS[: limits.ROOT_MARK_BYTES], NO_COSIGNERS)
    (told,) = cut_have([mark], 1)
    session.handle(events.Received(told), 1)
    # By another session than this one.
    frontier.move(LIAR, size, root)
    actions = session.handle(events.HeadMoved(LIAR), 2)
    found = [one for one in actions if isinstance(one, events.ServeNote | events.CheckPast)]
    assert found == ([] if expected is None else [expected])

"""Which cursors of a peer are ours: those of this run, and of former runs as far as this home went through them."""

import pytest

from protocol.gossip import events, limits
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import Frontier
from protocol.gossip.messages import Hello
from protocol.gossip.session import Session

THIS_RUN, FORMER_RUN, LOST_RUN = (name.encode().ljust(limits.EPOCH_BYTES) for name in ("this", "former", "lost"))
PEER = "peer.example/log"


@pytest.mark.parametrize(
    ("epoch", "change", "since"),
    [(THIS_RUN, 5, 5), (THIS_RUN, 6, 0), (FORMER_RUN, 3, 3), (FORMER_RUN, 4, 0), (LOST_RUN, 2, 0)],
    ids=["this run", "beyond this run", "a former run", "beyond a former run", "a run that is not in our past"],
)
def test_a_number_is_taken_for_what_was_told_under_it_only_in_its_own_run(
    epoch: bytes, change: int, since: int
) -> None:
    frontier = Frontier("own.example/log", THIS_RUN)
    frontier.counter, frontier.past_epochs = 5, {FORMER_RUN: 3}
    session = Session(1, PEER, (b"", 0), frontier)
    session.handle(events.Opened(), 0)
    hello = Hello(limits.PROTOCOL_VERSION, PEER, bytes(limits.EPOCH_BYTES), epoch, change)
    assert events.ReadHeads(since) in session.handle(events.Received(format_frame(hello)), 1)

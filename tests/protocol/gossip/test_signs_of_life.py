"""A session's times: when it speaks of itself, how long it waits for what, and what it keeps of what it was told."""

import pytest

from protocol.gossip import events, limits
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import Ask, Fork, Have, Head, HeadMark, Hello, Message, Ping
from protocol.gossip.session import Session

START_MS = 1_000_000
"""Long after the clock of a session began: no time may be counted from 0."""
THIS_RUN, FORMER_RUN, LOST_RUN = (name.encode().ljust(limits.EPOCH_BYTES) for name in ("this", "former", "lost"))
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


def greeted(now_ms: int = START_MS) -> tuple[Session, Frontier]:
    """A session that stands since `now_ms`, and what its node holds: one log of a third with an entry."""
    frontier = Frontier(OWN, b"n" * limits.EPOCH_BYTES)
    frontier.know(THIRD, LogHead(1, b"1" * 32))
    session = Session(1, PEER, (b"", 0), frontier)
    session.handle(events.Opened(), now_ms)
    hello = Hello(limits.PROTOCOL_VERSION, PEER, b"e" * limits.EPOCH_BYTES, b"", 0)
    assert events.ReadHeads(0) in hear(session, hello, now_ms)
    return session, frontier


def hear(session: Session, message: Message, now_ms: int) -> list[events.Action]:
    return session.handle(events.Received(format_frame(message)), now_ms)


def ends(session: Session, now_ms: int) -> str:
    """With which reason the session ends at a time, empty where it goes on."""
    return "".join(action.reason for action in session.handle(events.Due(), now_ms) if isinstance(action, events.Close))


def saved(session: Session, now_ms: int) -> list[int]:
    return [action.change for action in session.handle(events.Due(), now_ms) if isinstance(action, events.SaveCursor)]


AHEAD = HeadMark(THIRD, 9, bytes(16), bytes(4))


def test_whoever_does_not_greet_is_left_as_long_after_the_call_as_the_limit_says() -> None:
    session = Session(1, PEER, (b"", 0), Frontier(OWN, b"n" * limits.EPOCH_BYTES))
    actions = session.handle(events.Opened(), START_MS)
    assert events.SetTimer(START_MS + limits.GREETING_WAIT_MS) in actions
    assert ends(session, START_MS + limits.GREETING_WAIT_MS - 1) == ""
    assert ends(session, START_MS + limits.GREETING_WAIT_MS) == "no hello in time"


def test_silence_is_counted_from_the_greeting_on() -> None:
    session = Session(1, PEER, (b"", 0), Frontier(OWN, b"n" * limits.EPOCH_BYTES))
    session.handle(events.Opened(), START_MS)
    greeted_ms = START_MS + limits.GREETING_WAIT_MS - 1
    hear(session, Hello(limits.PROTOCOL_VERSION, PEER, b"e" * limits.EPOCH_BYTES, b"", 0), greeted_ms)
    assert ends(session, greeted_ms + limits.SILENCE_MAX_MS - 1) == ""
    assert ends(session, greeted_ms + limits.SILENCE_MAX_MS) == "silent for too long"


def test_a_session_that_has_said_something_is_quiet_only_from_then_on() -> None:
    session, _ = greeted()
    said_ms = START_MS + limits.PING_AFTER_MS - 1
    assert next(type(action) for action in session.handle(events.LogAdded(PEER), said_ms)) is events.Send
    for at_ms, is_due in ((START_MS + limits.PING_AFTER_MS, False), (said_ms + limits.PING_AFTER_MS, True)):
        sent = [parse_frame(one.raw) for one in session.handle(events.Due(), at_ms) if isinstance(one, events.Send)]
        assert any(isinstance(message, Ping) for message in sent) is is_due


ANSWERS = {
    "a page of the head that was asked for": (
        events.Received(format_frame(Head(THIRD, 0, b"note", bytes(32), False))),
        True,
    ),
    "a word of our own disk": (events.TransferChecked(THIRD, 9, (0,)), True),
    "a list of heads": (events.Received(format_frame(Have((), 7, True))), False),
    "a sign of life": (events.Received(format_frame(Ping(7))), False),
}


@pytest.mark.parametrize(("event", "helps"), ANSWERS.values(), ids=ANSWERS)
def test_whoever_owes_an_answer_has_time_as_long_as_some_of_it_comes(event: events.Event, helps: bool) -> None:
    session, _ = greeted()
    hear(session, Have((AHEAD,), 7, True), START_MS)
    session.handle(event, START_MS + limits.STALL_MAX_MS - 1)
    assert (ends(session, START_MS + limits.STALL_MAX_MS) == "") is helps


def test_a_cursor_is_what_the_peer_told_and_nothing_is_kept_before_it_told_something() -> None:
    session, _ = greeted()
    assert not session.has_heard_all
    hear(session, Have((), 0, True), START_MS)
    assert session.has_heard_all
    assert saved(session, START_MS + 2 * limits.CURSOR_SAVE_DELAY_MS) == []
    hear(session, Ping(1), START_MS + 2 * limits.CURSOR_SAVE_DELAY_MS)
    assert saved(session, START_MS + 3 * limits.CURSOR_SAVE_DELAY_MS - 1) == []
    assert saved(session, START_MS + 3 * limits.CURSOR_SAVE_DELAY_MS) == [1]


def test_a_change_without_a_head_is_told_by_its_number_after_a_while() -> None:
    session, frontier = greeted()
    session.handle(events.HeadsRead((), 0), START_MS)
    frontier.counter = 1
    due_ms = START_MS + limits.CURSOR_SAVE_DELAY_MS
    armed = session.handle(events.CosignatureLearned(THIRD, b"", session.number), START_MS)
    assert events.SetTimer(due_ms) in armed
    for at_ms, told in ((due_ms - 1, []), (due_ms, [Ping(1)])):
        actions = session.handle(events.Due(), at_ms)
        assert [parse_frame(one.raw) for one in actions if isinstance(one, events.Send)] == told


def test_what_the_peer_holds_is_what_it_told_last() -> None:
    session, _ = greeted()
    hear(session, Have((AHEAD,), 7, True), START_MS)
    hear(session, Have((HeadMark(THIRD, 4, bytes(16), bytes(4)),), 8, True), START_MS)
    assert session.theirs == {THIRD: 4}


def test_half_a_list_is_not_all_and_a_smaller_counter_takes_nothing_back() -> None:
    session, _ = greeted()
    hear(session, Have((), 9, False), START_MS)
    assert not session.has_heard_all
    hear(session, Have((), 5, True), START_MS)
    hear(session, Ping(3), START_MS)
    assert saved(session, START_MS + limits.CURSOR_SAVE_DELAY_MS) == [5]


def test_a_cursor_of_the_same_run_stays_where_it_was() -> None:
    session = Session(1, PEER, (b"e" * limits.EPOCH_BYTES, 5), Frontier(OWN, b"n" * limits.EPOCH_BYTES))
    session.handle(events.Opened(), START_MS)
    hear(session, Hello(limits.PROTOCOL_VERSION, PEER, b"e" * limits.EPOCH_BYTES, b"", 0), START_MS)
    hear(session, Have((), 3, True), START_MS)
    assert saved(session, START_MS + 2 * limits.CURSOR_SAVE_DELAY_MS) == []
    hear(session, Ping(6), START_MS + 2 * limits.CURSOR_SAVE_DELAY_MS)
    assert saved(session, START_MS + 3 * limits.CURSOR_SAVE_DELAY_MS) == [6]


def test_no_cursor_passes_a_log_that_was_asked_for_before_the_peer_has_told_it() -> None:
    session, frontier = greeted()
    hear(session, Have((), 5, True), START_MS)
    frontier.know("new.example/log", LogHead(0, bytes(32)))
    asked = [
        one.raw for one in session.handle(events.LogAdded("new.example/log"), START_MS) if isinstance(one, events.Send)
    ]
    assert [parse_frame(raw) for raw in asked] == [Ask(("new.example/log",), cosignatures=False)]
    assert saved(session, START_MS + limits.CURSOR_SAVE_DELAY_MS) == []
    hear(session, Have((HeadMark("new.example/log", 0, bytes(16), bytes(4)),), 5, True), START_MS + 9_000)
    assert saved(session, START_MS + 9_000 + limits.CURSOR_SAVE_DELAY_MS) == [5]


def test_a_fork_is_told_to_a_peer_once_and_not_to_whom_it_came_from() -> None:
    session, _ = greeted()
    other = format_frame(Fork(THIRD, b"c", b"d", b""))
    news = [
        events.ForkKnown(THIRD, frame, source)
        for frame, source in ((b"first", 99), (b"first", 99), (other, session.number), (other, 99))
    ]
    sent = [[one.raw for one in session.handle(event, START_MS) if isinstance(one, events.Send)] for event in news]
    assert sent == [[b"first"], [], [], [other]]


@pytest.mark.parametrize(
    ("epoch", "change", "since"),
    [(THIS_RUN, 5, 5), (THIS_RUN, 6, 0), (FORMER_RUN, 3, 3), (FORMER_RUN, 4, 0), (LOST_RUN, 2, 0), (b"", 0, 0)],
    ids=["this run", "beyond this run", "a former run", "beyond a former run", "a run not in our past", "no cursor"],
)
def test_the_frontier_is_told_from_a_cursor_only_in_the_run_that_it_is_of(
    epoch: bytes, change: int, since: int
) -> None:
    frontier = Frontier(OWN, THIS_RUN)
    frontier.counter, frontier.past_epochs = 5, {FORMER_RUN: 3}
    session = Session(1, PEER, (b"", 0), frontier)
    session.handle(events.Opened(), START_MS)
    hello = Hello(limits.PROTOCOL_VERSION, PEER, b"e" * limits.EPOCH_BYTES, epoch, change)
    assert events.ReadHeads(since) in hear(session, hello, START_MS)

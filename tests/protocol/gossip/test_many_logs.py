"""A peer that has much to tell: so many logs are fetched at a time, so many lines kept, and our disk holds up none."""

import pytest

from protocol.core.note import Signature, format_signature
from protocol.gossip import events, limits
from protocol.gossip.events import Action, Event
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Frontier, LogHead, mark_cosigners
from protocol.gossip.messages import Ask, Bundle, Cosig, Have, Head, HeadMark, Hello, Message, Want
from protocol.gossip.session import Session

THEM = "them.example/log"
NAMES = [f"log{index}.example" for index in range(3 * limits.TRANSFERS_MAX)]


def greeted() -> Session:
    frontier = Frontier("us.example/log", b"our epoch 000001")
    for name in NAMES:
        frontier.know(name, LogHead(0, bytes(32)))
    session = Session(1, THEM, (b"", 0), frontier)
    hello = Hello(limits.PROTOCOL_VERSION, THEM, b"their epoch 0001", b"", 0)
    for event in (events.Opened(), received(hello)):
        session.handle(event, 0)
    return session


def received(message: Message) -> Event:
    return events.Received(format_frame(message))


def said(actions: list[Action]) -> list[Message]:
    return [parse_frame(action.raw) for action in actions if isinstance(action, events.Send)]


def hear_of_all(session: Session) -> list[Message]:
    marks = tuple(HeadMark(name, 5, bytes(limits.ROOT_MARK_BYTES), bytes(4)) for name in NAMES)
    return said(session.handle(received(Have(marks, 1, True)), 1))


def test_only_so_many_logs_are_fetched_at_a_time() -> None:
    answers = hear_of_all(greeted())
    assert answers == [Want(name, 0, is_grafted=True) for name in NAMES[: limits.TRANSFERS_MAX]]


def test_a_log_that_only_waits_for_our_disk_keeps_no_other_from_coming() -> None:
    session = greeted()
    hear_of_all(session)
    session.handle(received(Head(NAMES[0], 0, b"note", bytes(32), True)), 1)
    session.handle(events.TransferChecked(NAMES[0], 5, (0,)), 1)
    actions = session.handle(received(Bundle(NAMES[0], 0, 0, 1, b"raw")), 1)
    assert events.StoreBundle(NAMES[0], 0, b"raw") in actions
    assert said(actions)[-1] == Want(NAMES[limits.TRANSFERS_MAX], 0, is_grafted=True)


def test_cosignatures_that_come_before_their_head_are_kept_up_to_a_limit() -> None:
    session = greeted()
    kept = [session.handle(received(Cosig(NAMES[0], 4, b"%d" % index)), 1) for index in range(300)]
    session._frontier.move(NAMES[0], 4, bytes(32))
    released = session.handle(events.HeadMoved(NAMES[0]), 1)
    assert not any(isinstance(action, events.StoreCosignature) for actions in kept for action in actions)
    assert sum(isinstance(action, events.StoreCosignature) for action in released) == limits.COSIGNATURES_HELD_MAX < 300


WITNESSES = {"one.example/witness": 5, "two.example/witness": 3}


def asked_for_lines(witnesses: dict[str, int] = WITNESSES) -> Session:
    """A session whose peer holds the same head, and lines of these witnesses that we have not."""
    session = greeted()
    session._frontier.move(NAMES[0], 5, bytes(32))
    mark = HeadMark(NAMES[0], 5, bytes(limits.ROOT_MARK_BYTES), mark_cosigners(witnesses))
    assert said(session.handle(received(Have((mark,), 7, True)), 1)) == [Ask((NAMES[0],), cosignatures=True)]
    return session


def line_of(name: str, size: int) -> Event:
    return received(Cosig(NAMES[0], size, format_signature(Signature(name, bytes(4), bytes(72))).encode()))


def saved(session: Session, event: Event, now_ms: int) -> bool:
    return any(isinstance(action, events.SaveCursor) for action in session.handle(event, now_ms))


def test_no_cursor_passes_cosignatures_that_were_asked_for_and_did_not_come() -> None:
    session = asked_for_lines()
    assert not saved(session, line_of("one.example/witness", 5), 2)
    assert not saved(session, line_of("one.example/witness", 4), 2)
    assert not saved(session, events.Due(), 10_000)
    assert not saved(session, events.Lost("cut"), 10_001)


def test_the_cursor_is_saved_once_the_lines_give_the_mark_that_was_told() -> None:
    session = asked_for_lines()
    for name, size in WITNESSES.items():
        session.handle(line_of(name, size), 2)
    assert saved(session, events.Due(), 2 + limits.CURSOR_SAVE_DELAY_MS)


def test_a_session_that_ends_because_our_disk_took_nothing_keeps_no_cursor() -> None:
    for has_stored in (True, False):
        session = asked_for_lines()
        for name, size in WITNESSES.items():
            session.handle(line_of(name, size), 2)
        assert saved(session, events.Stop("our disk", has_stored), 3) == has_stored


def test_a_line_that_nobody_can_read_ends_no_wait() -> None:
    session = asked_for_lines()
    for raw in (b"no line", b"\xff"):
        actions = session.handle(received(Cosig(NAMES[0], 5, raw)), 2)
        assert events.StoreCosignature(NAMES[0], 5, raw) in actions
    assert not saved(session, events.Lost("cut"), 3)


def test_cosignatures_beyond_the_limit_are_told_again_in_the_next_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COSIGNATURES_HELD_MAX", 1)
    for count in (1, 2):
        session = greeted()
        session.handle(received(Have((), 7, True)), 1)
        for index in range(count):
            session.handle(line_of(f"witness{index}.example/witness", 4), 1)
        assert saved(session, events.Lost("cut"), 2) == (count == 1)


def test_cosignatures_beyond_the_limit_are_asked_for_again_once_their_head_is_here() -> None:
    session = greeted()
    for index in range(limits.COSIGNATURES_HELD_MAX + 1):
        session.handle(received(Cosig(NAMES[0], 4, b"%d" % index)), 1)
    session._frontier.move(NAMES[0], 3, bytes(32))
    assert said(session.handle(events.HeadMoved(NAMES[0]), 1)) == []
    session._frontier.move(NAMES[0], 4, bytes(32))
    assert said(session.handle(events.HeadMoved(NAMES[0]), 1)) == [Ask((NAMES[0],), cosignatures=True)]
    assert said(session.handle(events.HeadMoved(NAMES[0]), 1)) == []


def test_whose_lines_have_come_is_noted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COSIGNERS_NOTED_MAX", 1)
    for witnesses, is_saved in (({"one.example/witness": 5}, True), (WITNESSES, False)):
        session = asked_for_lines(witnesses)
        for name, size in witnesses.items():
            session.handle(line_of(name, size), 2)
        assert saved(session, events.Lost("cut"), 3) == is_saved

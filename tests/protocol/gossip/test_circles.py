"""What a peer may not have is to it as if it were not known here: every frame and all news about such a log."""

import pytest

from protocol.gossip import events
from protocol.gossip.events import Event
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Circle, LogHead
from protocol.gossip.messages import Ask, Fetch, Fork, Graft, Have, HeadMark, Message, Want
from protocol.gossip.session import Session, State
from tests.protocol.gossip.test_session_table import ROOT, THEM, US, done, session_in

CLOSED = "closed.example/log"
OTHERS = frozenset({CLOSED, US})

ASKED: dict[str, tuple[Message, str]] = {
    "want": (Want(CLOSED, 0), "Send"),
    "ask": (Ask((CLOSED,), False), "Send"),
    "ask for cosignatures": (Ask((CLOSED,), True), ""),
    "fetch": (Fetch(CLOSED, 5, 0, 1), "Send Close"),
    "a note": (Fork(CLOSED, b"a", b"", b""), ""),
    "evidence": (Fork(CLOSED, b"a", b"b", b""), ""),
    "a smaller head": (Have((HeadMark(CLOSED, 2, b"x" * 16, b"mark"),), 1, True), ""),
    "another root": (Have((HeadMark(CLOSED, 5, b"x" * 16, bytes(4)),), 1, True), ""),
}
HEARD: dict[str, Event] = {
    "a head that moved": events.HeadMoved(CLOSED, b"push frame"),
    "a cosignature": events.CosignatureLearned(CLOSED, b"cosig frame", 99),
    "a fork": events.ForkKnown(CLOSED, b"fork frame", 99),
    "its head among all": events.HeadsRead((HeadMark(CLOSED, 5, ROOT[:16], bytes(4)),), 3),
}


def closed_session(members: frozenset[str] = OTHERS) -> Session:
    session = session_in(State.LIVE)
    session._frontier.know(CLOSED, LogHead(5, ROOT))
    session._frontier.circles = (Circle(members, OTHERS),)
    return session


def said(session: Session, event: Event) -> list[Message]:
    actions = session.handle(event, 1)
    return [parse_frame(action.raw) for action in actions if isinstance(action, events.Send)]


@pytest.mark.parametrize("name", ASKED)
def test_a_peer_outside_the_circle_that_speaks_of_its_log_with(name: str) -> None:
    message, expected = ASKED[name]
    session = closed_session()
    assert done(session, events.Received(format_frame(message))) == expected
    # Nobody outside is served what is asked for; those inside are, by the very same words.
    assert done(closed_session(OTHERS | {THEM}), events.Received(format_frame(message))) != "" or name == "evidence"


@pytest.mark.parametrize("message", [Want(CLOSED, 0), Ask((CLOSED,), False)], ids=["want", "ask"])
def test_the_answer_is_that_of_an_unknown_log(message: Message) -> None:
    (answer,) = said(closed_session(), events.Received(format_frame(message)))
    assert isinstance(answer, Have) and [mark[:2] for mark in answer.heads] == [(CLOSED, 0)]
    assert answer.heads[0].root_mark == bytes(16)


@pytest.mark.parametrize("name", HEARD)
def test_nothing_is_told_outside_the_circle_of(name: str) -> None:
    session = closed_session()
    session._frontier.tree.add_child(CLOSED, session.number)
    for message in said(session, HEARD[name]):
        assert isinstance(message, Have) and message.heads == ()
    later = said(session, events.Due())
    assert not any(isinstance(message, Have) and message.heads for message in later)


def test_a_peer_outside_the_circle_is_pushed_nothing_however_it_asks() -> None:
    session = closed_session()
    assert done(session, events.Received(format_frame(Graft(CLOSED)))) == ""
    assert not session._frontier.tree.is_child(CLOSED, session.number)

"""A peer that has much to tell: so many logs are fetched at a time, so many lines kept, and our disk holds up none."""

from protocol.gossip import events, limits
from protocol.gossip.events import Action, Event
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import Bundle, Cosig, Have, Head, HeadMark, Hello, Message, Want
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

"""Every state with every event, and every state with every frame: what a session does, as a table."""

import pytest

from protocol.core.errors import MisuseError
from protocol.gossip import events, limits
from protocol.gossip.events import Event
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import (
    Ask,
    Bundle,
    Bye,
    Cosig,
    Fetch,
    FilePart,
    FileWant,
    Fork,
    ForwardJoin,
    Graft,
    Have,
    Head,
    HeadMark,
    Hello,
    Message,
    OpeningWant,
    Ping,
    Pong,
    Prune,
    Push,
    Reveal,
    Shuffle,
    Want,
)
from protocol.gossip.session import Session, State

US, THEM = "us.example/log", "them.example/log"
EPOCH = b"their epoch 0001"
OUR_EPOCH = b"our epoch 000001"
ROOT = bytes(range(32))
HASH = b"h" * 32
HELLO = Hello(limits.PROTOCOL_VERSION, THEM, EPOCH, b"", 0)

EVENTS: dict[str, Event] = {
    "opened": events.Opened(),
    "lost": events.Lost("cable"),
    "received a hello": events.Received(format_frame(HELLO)),
    "received a ping": events.Received(format_frame(Ping(7))),
    "received junk": events.Received(b"\xff\x00"),
    "heads read": events.HeadsRead((HeadMark(US, 3, ROOT[:16], bytes(4)),), 3),
    "own head moved": events.HeadMoved(US, b"push frame"),
    "head moved": events.HeadMoved(THEM),
    "transfer checked": events.TransferChecked(THEM, 5, (0,)),
    "cosignature learned": events.CosignatureLearned(THEM, b"cosig frame", 99),
    "fork known": events.ForkKnown(THEM, b"fork frame", 99),
    "log added": events.LogAdded(THEM),
    "claim freed": events.ClaimFreed(THEM),
    "outdone": events.Outdone(THEM, 1),
    "file wanted": events.FileWanted(HASH),
    "openings wanted": events.OpeningsWanted((HASH,)),
    "refused": events.Refused("wrong root"),
    "due": events.Due(),
    "stop": events.Stop("this node stops"),
}

# What is done, as the names of the actions in order; SetTimer is left out, "misuse" raises.
NOTHING = ""
BYE = "Send Close"
TABLE: dict[State, dict[str, str]] = {
    State.NEW: {
        "opened": "Send",
        "lost": NOTHING,
        "received a hello": "misuse",
        "received a ping": "misuse",
        "received junk": "misuse",
        "heads read": NOTHING,
        "own head moved": NOTHING,
        "head moved": NOTHING,
        "transfer checked": NOTHING,
        "cosignature learned": NOTHING,
        "fork known": NOTHING,
        "log added": NOTHING,
        "claim freed": NOTHING,
        "outdone": NOTHING,
        "file wanted": "MissFile",
        "openings wanted": NOTHING,
        "refused": NOTHING,
        "due": NOTHING,
        "stop": NOTHING,
    },
    State.GREETING: {
        "opened": "misuse",
        "lost": NOTHING,
        "received a hello": "ReadHeads ServeForks",
        "received a ping": BYE,
        "received junk": BYE,
        "heads read": NOTHING,
        "own head moved": NOTHING,
        "head moved": NOTHING,
        "transfer checked": NOTHING,
        "cosignature learned": NOTHING,
        "fork known": NOTHING,
        "log added": NOTHING,
        "claim freed": NOTHING,
        "outdone": NOTHING,
        "file wanted": "MissFile",
        "openings wanted": NOTHING,
        "refused": NOTHING,
        "due": NOTHING,
        "stop": BYE,
    },
    State.LIVE: {
        "opened": "misuse",
        "lost": NOTHING,
        "received a hello": BYE,
        "received a ping": "Send",
        "received junk": BYE,
        "heads read": "Send",
        "own head moved": "Send",
        "head moved": NOTHING,
        "transfer checked": NOTHING,
        "cosignature learned": "Send",
        "fork known": "Send",
        "log added": "Send",
        "claim freed": NOTHING,
        "outdone": "Send",
        "file wanted": "Send",
        "openings wanted": "Send",
        "refused": BYE,
        "due": NOTHING,
        "stop": BYE,
    },
    State.CLOSING: {
        "opened": "misuse",
        "lost": NOTHING,
        "received a hello": NOTHING,
        "received a ping": NOTHING,
        "received junk": NOTHING,
        "heads read": NOTHING,
        "own head moved": NOTHING,
        "head moved": NOTHING,
        "transfer checked": NOTHING,
        "cosignature learned": NOTHING,
        "fork known": NOTHING,
        "log added": NOTHING,
        "claim freed": NOTHING,
        "outdone": NOTHING,
        "file wanted": "MissFile",
        "openings wanted": NOTHING,
        "refused": NOTHING,
        "due": NOTHING,
        "stop": NOTHING,
    },
    State.CLOSED: {
        "opened": "misuse",
        "lost": NOTHING,
        "received a hello": NOTHING,
        "received a ping": NOTHING,
        "received junk": NOTHING,
        "heads read": NOTHING,
        "own head moved": NOTHING,
        "head moved": NOTHING,
        "transfer checked": NOTHING,
        "cosignature learned": NOTHING,
        "fork known": NOTHING,
        "log added": NOTHING,
        "claim freed": NOTHING,
        "outdone": NOTHING,
        "file wanted": "MissFile",
        "openings wanted": NOTHING,
        "refused": NOTHING,
        "due": NOTHING,
        "stop": NOTHING,
    },
}
NEXT_STATE = {
    (State.NEW, "opened"): State.GREETING,
    (State.NEW, "stop"): State.CLOSED,
    (State.GREETING, "received a hello"): State.LIVE,
    (State.GREETING, "received a ping"): State.CLOSING,
    (State.GREETING, "received junk"): State.CLOSING,
    (State.GREETING, "stop"): State.CLOSING,
    (State.LIVE, "received a hello"): State.CLOSING,
    (State.LIVE, "received junk"): State.CLOSING,
    (State.LIVE, "refused"): State.CLOSING,
    (State.LIVE, "stop"): State.CLOSING,
    **{(state, "lost"): State.CLOSED for state in State},
}


def note(origin: str, size: int) -> bytes:
    """How the note of a head begins."""
    return f"{origin}\n{size}\n".encode()


MESSAGES: dict[str, Message] = {
    "have": Have((HeadMark(US, 3, ROOT[:16], bytes(4)),), 1, True),
    "have more": Have((HeadMark(THEM, 9, ROOT[:16], bytes(4)),), 1, True),
    "have of another root": Have((HeadMark(US, 3, b"x" * 16, bytes(4)),), 1, True),
    "have less": Have((HeadMark(US, 2, b"x" * 16, bytes(4)),), 1, True),
    "have a stranger": Have((HeadMark("stranger.example", 9, ROOT[:16], bytes(4)),), 1, True),
    "have cosignatures": Have((HeadMark(US, 3, ROOT[:16], b"mark"),), 1, True),
    "want": Want(US, 1),
    "want what is not there": Want(US, 3),
    "want and graft": Want(US, 1, True),
    "ask": Ask((US,), False),
    "ask for cosignatures": Ask((US, "stranger.example"), True),
    "head": Head(THEM, 0, b"note", HASH, True),
    "fetch": Fetch(US, 3, 0, 1),
    "fetch beyond": Fetch(US, 4, 0, 1),
    "bundle": Bundle(THEM, 0, 0, 1, b"raw"),
    "push": Push(THEM, 0, 1, note(THEM, 1), b"raw"),
    "push with a gap": Push(THEM, 4, 1, note(THEM, 5), b"raw"),
    "push of a stranger": Push("stranger.example", 0, 1, note("stranger.example", 1), b"raw"),
    "push of our own log": Push(US, 3, 1, note(US, 4), b"raw"),
    "push over many links": Push(THEM, 0, 1, note(THEM, 1), b"raw", 9),
    "graft": Graft(THEM),
    "graft of a stranger": Graft("stranger.example"),
    "prune": Prune(US),
    "prune of a stranger": Prune("stranger.example"),
    "forward join": ForwardJoin(THEM, 3),
    "shuffle": Shuffle((THEM,), False),
    "cosig": Cosig(US, 3, b"line"),
    "cosig ahead": Cosig(US, 4, b"line"),
    "cosig of a stranger": Cosig("stranger.example", 1, b"line"),
    "fork": Fork(US, b"a", b"b", b""),
    "fork of a stranger": Fork("stranger.example", b"a", b"b", b""),
    "file want": FileWant(HASH, 0),
    "file": FilePart(HASH, 0, 3, b"abc"),
    "opening want": OpeningWant((HASH,)),
    "reveal": Reveal(b"opening"),
    "ping": Ping(4),
    "pong": Pong(),
    "bye": Bye("enough"),
    "hello": HELLO,
}
LIVE_FRAMES = {
    "have": NOTHING,
    "have more": "Send",
    "have of another root": "ServeNote",
    "have less": "CheckPast",
    "have a stranger": NOTHING,
    "have cosignatures": "Send",
    "want": "ServeLog",
    "want what is not there": "Send",
    "want and graft": "ServeLog",
    "ask": "Send",
    "ask for cosignatures": "ServeCosignatures",
    "head": NOTHING,
    "fetch": "ServeBundles",
    "fetch beyond": BYE,
    "bundle": NOTHING,
    "push": "StorePush",
    "push with a gap": "Send",
    "push of a stranger": NOTHING,
    "push of our own log": NOTHING,
    "push over many links": "StorePush",
    "graft": NOTHING,
    "graft of a stranger": NOTHING,
    "prune": NOTHING,
    "prune of a stranger": NOTHING,
    "forward join": "TakeMembership",
    "shuffle": "TakeMembership",
    "cosig": "StoreCosignature",
    "cosig ahead": NOTHING,
    "cosig of a stranger": NOTHING,
    "fork": "CheckFork",
    "fork of a stranger": NOTHING,
    "file want": "ServeFile",
    "file": NOTHING,
    "opening want": "ServeOpenings",
    "reveal": "StoreOpening",
    "ping": "Send",
    "pong": NOTHING,
    "bye": "Close",
    "hello": BYE,
}
GREETING_FRAMES = dict.fromkeys(MESSAGES, BYE) | {"hello": "ReadHeads ServeForks", "bye": "Close"}


def session_in(state: State) -> Session:
    frontier = Frontier(US, OUR_EPOCH)
    frontier.know(US, LogHead(3, ROOT))
    frontier.know(THEM, LogHead(0, bytes(32)))
    session = Session(1, THEM, (b"", 0), frontier)
    road = {
        State.NEW: [],
        State.GREETING: ["opened"],
        State.LIVE: ["opened", "received a hello"],
        State.CLOSING: ["opened", "stop"],
        State.CLOSED: ["lost"],
    }
    for name in road[state]:
        session.handle(EVENTS[name], 0)
    assert session.state is state
    return session


def done(session: Session, event: Event, now_ms: int = 1) -> str:
    actions = session.handle(event, now_ms)
    return " ".join(type(action).__name__ for action in actions if not isinstance(action, events.SetTimer))


def test_the_table_names_every_state_with_every_event() -> None:
    kinds = set(events.Event.__subclasses__())
    assert {type(event) for event in EVENTS.values()} == kinds
    assert all(row.keys() == EVENTS.keys() for row in TABLE.values())
    assert TABLE.keys() == set(State)
    assert {type(message) for message in MESSAGES.values()} == set(Message.__subclasses__())


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_each_event_in_each_state(state: State, name: str) -> None:
    session, expected = session_in(state), TABLE[state][name]
    if expected == "misuse":
        with pytest.raises(MisuseError):
            session.handle(EVENTS[name], 1)
        return
    assert done(session, EVENTS[name]) == expected
    assert session.state is NEXT_STATE.get((state, name), state)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_frame_in_a_live_session(name: str) -> None:
    session = session_in(State.LIVE)
    assert done(session, events.Received(format_frame(MESSAGES[name]))) == LIVE_FRAMES[name]
    ends = LIVE_FRAMES[name] in (BYE, "Close")
    assert session.state is (State.CLOSING if ends else State.LIVE)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_frame_before_the_greeting(name: str) -> None:
    session = session_in(State.GREETING)
    assert done(session, events.Received(format_frame(MESSAGES[name]))) == GREETING_FRAMES[name]


def test_a_goodbye_is_no_fault_and_its_reason_is_kept() -> None:
    actions = session_in(State.LIVE).handle(events.Received(format_frame(Bye("enough"))), 1)
    assert [action for action in actions if isinstance(action, events.Close)] == [
        events.Close("the peer said: enough", None)
    ]


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (Hello(99, THEM, EPOCH, b"", 0), "protocol"),
        (Hello(limits.PROTOCOL_VERSION, "other.example/log", EPOCH, b"", 0), "certificate"),
    ],
    ids=["another protocol", "another origin than the certificate's"],
)
def test_a_greeting_that_does_not_fit_is_answered_with_the_reason(hello: Hello, reason: str) -> None:
    session = session_in(State.GREETING)
    actions = session.handle(events.Received(format_frame(hello)), 1)
    goodbye = next(parse_frame(action.raw) for action in actions if isinstance(action, events.Send))
    assert isinstance(goodbye, Bye) and reason in goodbye.reason
    assert any(isinstance(action, events.Close) and action.fault for action in actions)


@pytest.mark.parametrize(
    ("state", "wait_ms", "reason"),
    [
        (State.GREETING, limits.GREETING_WAIT_MS, "no hello"),
        (State.LIVE, limits.SILENCE_MAX_MS, "silent"),
    ],
    ids=["a peer that never greets", "a peer that falls silent"],
)
def test_patience_ends(state: State, wait_ms: int, reason: str) -> None:
    session = session_in(state)
    assert "Close" not in done(session, events.Due(), wait_ms - 1)
    actions = session.handle(events.Due(), wait_ms + 1)
    assert any(isinstance(action, events.Close) and reason in action.reason for action in actions)


def test_a_peer_that_owes_an_answer_and_only_pings_is_left() -> None:
    session = session_in(State.LIVE)
    assert done(session, events.Received(format_frame(MESSAGES["have more"]))) == "Send"
    done(session, events.Received(format_frame(Ping(0))), limits.STALL_MAX_MS - 5)
    actions = session.handle(events.Due(), limits.STALL_MAX_MS + 5)
    assert any(isinstance(action, events.Close) and "did not come" in action.reason for action in actions)


def test_a_quiet_session_pings_and_a_timer_is_always_set() -> None:
    session = session_in(State.LIVE)
    actions = session.handle(events.Due(), limits.PING_AFTER_MS)
    sent = [parse_frame(action.raw) for action in actions if isinstance(action, events.Send)]
    assert sent == [Ping(0)]
    assert any(isinstance(action, events.SetTimer) for action in actions)

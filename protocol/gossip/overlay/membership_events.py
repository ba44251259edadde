"""What happens to a node's views, and what they want done: the two sides of the table of membership.

Invariant: membership learns of the world by these events alone and touches it by these actions alone.
Spec: docs/spec/gossip/membership.md
"""

from enum import Enum

import msgspec

from protocol.gossip.messages import Message
from protocol.gossip.overlay.views import Contact


class Urgency(Enum):
    """Why a node calls another: said with the call, so that a full node can judge it before a session begins."""

    JOINING = "joining"
    ALONE = "alone"
    SPARE = "spare"


class Event(msgspec.Struct, frozen=True):
    """Something happened."""


class RosterRead(Event, frozen=True):
    """The members of the federations we belong to, ourselves left out or not."""

    roster: dict[str, Contact]


class Due(Event, frozen=True):
    """The time that SetTimer named has come."""


class NodeEvent(Event, frozen=True):
    """Something happened between us and the node of this origin."""

    origin: str


class Calls(NodeEvent, frozen=True):
    """Another node calls: answered with Accept or Refuse."""

    urgency: Urgency


class Up(NodeEvent, frozen=True):
    """A session is live; `urgency` as it was said with the call."""

    urgency: Urgency
    is_called_by_us: bool


class Down(NodeEvent, frozen=True):
    """A session has ended; `is_parting`: with a word, the node is still there."""

    is_parting: bool


class CallFailed(NodeEvent, frozen=True):
    """Our call came to nothing; `is_refusal`: the node is there and has no room."""

    is_refusal: bool


class Heard(NodeEvent, frozen=True):
    """A neighbour has said something about membership."""

    message: Message


class Action(msgspec.Struct, frozen=True):
    """Something is to be done."""


class Call(Action, frozen=True):
    """Call a member, once; answer with Up or CallFailed."""

    origin: str
    urgency: Urgency


class Accept(Action, frozen=True):
    """Let the caller in."""

    origin: str


class Refuse(Action, frozen=True):
    """Tell the caller that there is no room."""

    origin: str


class HangUp(Action, frozen=True):
    """End the session with a neighbour, with this word."""

    origin: str
    reason: str


class Say(Action, frozen=True):
    """Say something to a neighbour."""

    origin: str
    message: Message


class SetTimer(Action, frozen=True):
    """Hand in Due at this time; replaces the timer before."""

    at_ms: int

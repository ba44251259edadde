"""What happens to a session, and what it wants done: the two sides of its state table.

Invariant: a session learns of the world by these events alone and touches it by these actions alone.
Spec: docs/spec/gossip/session.md
"""

import msgspec

from protocol.gossip.messages import HeadMark, Message
from protocol.gossip.peers import Fault


class Event(msgspec.Struct, frozen=True):
    """Something happened."""


class Opened(Event, frozen=True):
    """The transport stands and the peer's certificate is the pinned one."""


class Lost(Event, frozen=True):
    """The transport is gone."""

    reason: str


class Received(Event, frozen=True):
    """A whole frame has come."""

    raw: bytes


class HeadsRead(Event, frozen=True):
    """The heads that changed since the peer's cursor, as asked for by ReadHeads."""

    heads: tuple[HeadMark, ...]
    counter: int


class HeadMoved(Event, frozen=True):
    """A log's head has moved on disk and in the frontier. `push`: the frame for those to whom this log is pushed."""

    origin: str
    push: bytes = b""


class TransferChecked(Event, frozen=True):
    """The head that a peer sent is signed and its roots lead to it; these bundles are not stored yet, in order."""

    origin: str
    size: int
    missing: tuple[int, ...]


class CosignatureLearned(Event, frozen=True):
    """A cosignature was verified and stored; `frame` is to be handed on to all but `source`."""

    origin: str
    frame: bytes
    source: int


class ForkKnown(Event, frozen=True):
    """A fork of a log is proven and stored, the log stands still; `frame` is the evidence."""

    origin: str
    frame: bytes
    source: int


class LogAdded(Event, frozen=True):
    """A log has become known after this session greeted its peer, or more of what it is told of a log counts now."""

    origin: str


class ClaimFreed(Event, frozen=True):
    """Another session no longer fetches this log."""

    origin: str


class Outdone(Event, frozen=True):
    """Another session brings this log over fewer links or sooner: `session` need push it no longer."""

    origin: str
    session: int


class FileWanted(Event, frozen=True):
    """Somebody here wants a file of this SHA-256."""

    sha256: bytes


class OpeningsWanted(Event, frozen=True):
    """This home may read what these commitments hide, and has not got it; at most OPENINGS_WANTED_MAX."""

    commitments: tuple[bytes, ...]


class Refused(Event, frozen=True):
    """What the peer sent does not hold; `forked_origin` names the log when it may be of another branch."""

    reason: str
    forked_origin: str = ""
    fault: Fault = Fault.UNTRUE


class Due(Event, frozen=True):
    """The time that SetTimer named has come."""


class Stop(Event, frozen=True):
    """This node ends the session: it stops, the peer was removed, another connection is kept.

    `has_stored` is False where the disk did not take what the peer brought: it must be told of that again.
    """

    reason: str
    has_stored: bool = True


class Action(msgspec.Struct, frozen=True):
    """Something is to be done."""


class Send(Action, frozen=True):
    """Send a frame, before all bulk."""

    raw: bytes


class ReadHeads(Action, frozen=True):
    """Read the heads that changed since change `since` (0: all) and answer with HeadsRead."""

    since: int


class StorePush(Action, frozen=True):
    """Verify and store; answer with HeadMoved or Refused."""

    origin: str
    start: int
    count: int
    note: bytes
    entries: bytes


class BeginTransfer(Action, frozen=True):
    """Verify a head and its bundle roots from `first` on; answer with TransferChecked or Refused."""

    origin: str
    first: int
    note: bytes
    roots: bytes


class StoreBundle(Action, frozen=True):
    """Verify a whole bundle of a begun transfer and store it; HeadMoved follows when the head is reached."""

    origin: str
    number: int
    raw: bytes


class EndTransfer(Action, frozen=True):
    """Forget a begun transfer; stored bundles stay."""

    origin: str


class StoreCosignature(Action, frozen=True):
    """Verify and store a cosignature line; CosignatureLearned goes to all sessions when it was new."""

    origin: str
    size: int
    line: bytes


class CheckFork(Action, frozen=True):
    """Judge evidence; ForkKnown goes to all sessions when it is proven and new.

    `note_b` empty: judge the peer's head against ours; if it is the longer one, send ours back so that it can judge.
    """

    origin: str
    note_a: bytes
    note_b: bytes
    proof: bytes


class CheckPast(Action, frozen=True):
    """The peer holds less than we do: compare its root with ours at that size, and send our note if it differs."""

    origin: str
    size: int
    root_mark: bytes


class StoreFile(Action, frozen=True):
    """A file has come whole and hashes to its name."""

    sha256: bytes
    raw: bytes


class MissFile(Action, frozen=True):
    """The peer does not have the file, or cannot be asked."""

    sha256: bytes


class ServeLog(Action, frozen=True):
    """Send a push, or a head with bundle roots, that leads from `start` to our head, which came over `hops` links."""

    origin: str
    start: int
    hops: int


class ServeBundles(Action, frozen=True):
    """Send bundles first..first+count-1 of the tree of `size`, as bulk."""

    origin: str
    size: int
    first: int
    count: int


class ServeCosignatures(Action, frozen=True):
    """Send each cosigner's newest line for a log."""

    origin: str


class ServeForks(Action, frozen=True):
    """Send the evidence of these forks."""

    origins: tuple[str, ...]


class ServeNote(Action, frozen=True):
    """Send our head's whole note as a Fork frame: the peer's head of the same size differs."""

    origin: str


class ServeFile(Action, frozen=True):
    """Send the piece of a file that begins at `offset`."""

    sha256: bytes
    offset: int


class Outdo(Action, frozen=True):
    """Another session than this one is a log's parent from now on: hand Outdone to all, this one hears it."""

    origin: str
    session: int


class TakeMembership(Action, frozen=True):
    """The peer has said who else belongs to the federation (ForwardJoin, Shuffle)."""

    message: Message


class ServeOpenings(Action, frozen=True):
    """Send what these commitments hide, as far as we have it and the peer may read it."""

    commitments: tuple[bytes, ...]


class StoreOpening(Action, frozen=True):
    """Check an opening, and keep it where it opens what this home may read."""

    opening: bytes


class SaveCursor(Action, frozen=True):
    """Remember that all of the peer's changes up to `change` are taken in."""

    epoch: bytes
    change: int


class SetTimer(Action, frozen=True):
    """Send Due at this time of the session's clock; replaces the timer before."""

    at_ms: int


class Close(Action, frozen=True):
    """Close the transport once what was sent is through. `fault`: what the peer did wrong, if it did."""

    reason: str
    fault: Fault | None

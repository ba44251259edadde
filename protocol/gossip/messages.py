"""What two nodes say to each other: one struct for each frame of a session.

Invariant: an origin, a size and 16 bytes of root say all about a single-writer log; no set is ever reconciled.
Spec: docs/spec/gossip/session.md
"""

from typing import NamedTuple

import msgspec


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of all frames."""


class Hello(Message, frozen=True):
    """First frame of both sides: who I am, my change counter's epoch, and the last change of yours that I took in."""

    protocol: int
    origin: str
    epoch: bytes
    seen_epoch: bytes
    seen_change: int


class HeadMark(NamedTuple):
    """A head in short: 16 bytes of its root, 4 that stand for its cosignatures (zeros: not said), and over how many
    links it came to the one who tells of it."""

    origin: str
    size: int
    root_mark: bytes
    cosigners_mark: bytes
    hops: int = 0


class Have(Message, frozen=True):
    """Heads that I hold. `is_last`: with these you know all of my changes up to `counter`."""

    heads: tuple[HeadMark, ...]
    counter: int
    is_last: bool


class Want(Message, frozen=True):
    """Send me this log from entry `start` on; with `is_grafted` push me what follows too, as Graft asks."""

    origin: str
    start: int
    is_grafted: bool = False


class Ask(Message, frozen=True):
    """Tell me your heads of these logs, or the cosignatures that you hold under them."""

    origins: tuple[str, ...]
    cosignatures: bool


class Head(Message, frozen=True):
    """A signed head and the roots of its bundles from `first` on, 32 bytes each; more follow unless `is_last`."""

    origin: str
    first: int
    note: bytes
    roots: bytes
    is_last: bool


class Fetch(Message, frozen=True):
    """Send me bundles first..first+count-1 of the tree of `size`."""

    origin: str
    size: int
    first: int
    count: int


class Bundle(Message, frozen=True):
    """Part `part` of `parts` of a raw entry bundle."""

    origin: str
    number: int
    part: int
    parts: int
    raw: bytes


class Push(Message, frozen=True):
    """A new signed head with the `count` entries that lead to it, laid out as in an entry bundle.

    `origin` and `start` are not said twice: the note names the log and its size.
    `hops`: over how many links it came to the one who pushes it.
    """

    origin: str
    start: int
    count: int
    note: bytes
    entries: bytes
    hops: int = 0


class Graft(Message, frozen=True):
    """Push me what is new in this log from now on."""

    origin: str


class Prune(Message, frozen=True):
    """Push me this log no longer, I have it from another; a Have is enough."""

    origin: str


class ForwardJoin(Message, frozen=True):
    """A member has come and looks for neighbours: pass it on over so many links more."""

    origin: str
    links: int


class Shuffle(Message, frozen=True):
    """Members that I know to be there; tell me of yours, unless this is the reply."""

    origins: tuple[str, ...]
    is_reply: bool


class Cosig(Message, frozen=True):
    """One cosigner's signature line under the head of `size`."""

    origin: str
    size: int
    line: bytes


class Fork(Message, frozen=True):
    """Two signed heads of one log that do not fit together, and the proof or what both begin with (fork.py,
    branch_point.py of protocol/log). With `note_b` empty: my head, where yours differs; with the proof AFTER_END,
    a head that was signed after its log's end."""

    origin: str
    note_a: bytes
    note_b: bytes
    proof: bytes


class FileWant(Message, frozen=True):
    """Send me the file of this SHA-256 from `offset` on."""

    sha256: bytes
    offset: int


class FilePart(Message, frozen=True):
    """A piece of a file of `total` bytes; total 0 says that I do not have it."""

    sha256: bytes
    offset: int
    total: int
    raw: bytes


class OpeningWant(Message, frozen=True):
    """Open these commitments to me, as far as I may read them."""

    commitments: tuple[bytes, ...]


class Reveal(Message, frozen=True):
    """What a commitment hides, in the canonical bytes of an opening."""

    opening: bytes


class Ping(Message, frozen=True):
    """Are you there? You know all of my changes up to `counter`."""

    counter: int


class Pong(Message, frozen=True):
    """I am."""


class Bye(Message, frozen=True):
    """I close this session, and why."""

    reason: str

"""Being a witness: the only path that cosigns another log's head, and that takes in others' cosignatures.

Invariant: the witness signs the newest head only, never below or beside one it signed before, and only what this node
holds whole. What it signs is on disk before anyone sees it.
Spec: docs/spec/note-and-checkpoint.md
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from node.use_cases.context import Node
from node.use_cases.fork_watch import root_at
from protocol.core.errors import PeerError
from protocol.core.identity import SigningKey, generate
from protocol.core.note import parse_note, parse_signature
from protocol.log.checkpoint import Checkpoint, format_checkpoint
from protocol.log.cosignature import sign_cosignature, verify_cosignature
from protocol.log.quorum import Rule
from storage import cosignatures, gossip_marks, log_store
from storage.cosignatures import Cosignature

DEBOUNCE_S: Final = 0.15
"""How long a head may still be overtaken by the next one before it is cosigned."""

Learned = Callable[[Cosignature, int], None]
"""Called on the loop with a cosignature that is new here and on disk, and the number of the session it came by."""

OWN_SESSION: Final = 0
"""The session number of what this node says itself."""


class WitnessRoster(Protocol):
    """What the federation says about witnesses: the part of the roster that peering needs."""

    def witness_duties(self) -> Collection[str]:
        """Origins of the logs whose heads this node's witness is to cosign."""
        ...

    def witness_keys(self) -> Mapping[str, bytes]:
        """Name of each witness as its signature lines carry it -> its 32-byte Ed25519 key."""
        ...

    def witness_rule(self) -> Rule:
        """How many of the witnesses make a head witnessed."""
        ...


class NoRoster:
    """A node outside any federation: no duties, no witnesses."""

    def witness_duties(self) -> Collection[str]:
        return ()

    def witness_keys(self) -> Mapping[str, bytes]:
        return {}

    def witness_rule(self) -> Rule:
        return "half"


def witness_name(origin: str) -> str:
    """The key name under which the witness of a home signs: never the log's own."""
    return f"{origin}/witness"


def witness_roster(node: Node) -> WitnessRoster:
    """The node's roster, as the part `roster` keeps it."""
    found = node.parts.get("roster")
    return NoRoster() if found is None else found


class Cosigner:
    """Cosigns the heads that the roster gives this node's witness to watch."""

    def __init__(self, node: Node, learned: Learned, debounce_s: float = DEBOUNCE_S) -> None:
        self._node = node
        self._learned = learned
        self._debounce_s = debounce_s
        self._key = generate(node.keys.witness)
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note_moved(self, origin: str) -> None:
        """A replica's head has moved: cosign the newest in a moment, if that is our duty."""
        if origin == self._node.origin or origin in self._due:
            return
        if origin in witness_roster(self._node).witness_duties():
            loop = asyncio.get_running_loop()
            self._due[origin] = loop.call_later(self._debounce_s, self._start, origin)

    async def stop(self) -> None:
        """Cosign nothing more; what is being written is finished."""
        for handle in self._due.values():
            handle.cancel()
        self._due.clear()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cosign(self, origin: str) -> Cosignature | None:
        """Cosign the newest head of a log; None when there is nothing to sign or it must not be signed."""
        time_s = self._node.clock.now_ms() // 1_000
        name = witness_name(self._node.origin)
        made = await self._node.database.write(lambda db: _cosign_newest(db, origin, name, self._key, time_s))
        if made is not None:
            self._learned(made, OWN_SESSION)
        return made

    def _start(self, origin: str) -> None:
        self._due.pop(origin, None)
        task = asyncio.create_task(self._cosign_logged(origin))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cosign_logged(self, origin: str) -> None:
        try:
            await self.cosign(origin)
        except sqlite3.Error as error:
            # A full or failing disk: the head is cosigned when it moves next or the node starts again.
            self._node.log.error("cosign_not_stored", origin=origin, error=type(error).__name__)


async def admit_cosignature(node: Node, origin: str, size: int, line: bytes) -> Cosignature | None:
    """Check a witness's line under a head that we hold and keep it; None when it is known or by nobody we know.

    PeerError where it is malformed or wrong.
    """
    name, text = _read_signer(line)
    key = witness_roster(node).witness_keys().get(name)
    db = node.database.reader
    head = log_store.head(db, origin)
    if key is None or head is None or size > head.size:
        return None
    if any(known.cosigner == name for known in cosignatures.cosignatures(db, origin, size)):
        return None
    root = head.root if size == head.size else root_at(db, origin, size)
    time_s = verify_cosignature(format_checkpoint(Checkpoint(origin, size, root)), text, name, key)
    found = Cosignature(origin, size, name, line, time_s)
    return found if await node.database.write(lambda db: _keep(db, found)) else None


def _read_signer(line: bytes) -> tuple[str, str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise PeerError("cosignature: not UTF-8") from None
    return parse_signature(text).name, text


def _cosign_newest(db: sqlite3.Connection, origin: str, name: str, key: SigningKey, time_s: int) -> Cosignature | None:
    """The check and the write of what is signed are this one transaction."""
    head = log_store.head(db, origin)
    if head is None or head.size == 0 or any(row[0] == origin for row in cosignatures.forks(db)):
        return None
    last = cosignatures.cosigned(db, origin)
    if last is not None and (last[0] >= head.size or root_at(db, origin, last[0]) != last[1]):
        return None
    text, _ = parse_note(head.note)
    line = sign_cosignature(text, name, key, time_s)
    made = Cosignature(origin, head.size, name, line.encode(), time_s)
    cosignatures.set_cosigned(db, origin, head.size, head.root)
    _keep(db, made)
    return made


def _keep(db: sqlite3.Connection, found: Cosignature) -> bool:
    added = cosignatures.add_cosignature(db, found)
    if added:
        gossip_marks.mark_change(db, found.origin)
    return added

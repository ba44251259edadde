"""Being a witness or a mirror: the only path that cosigns another log's head, and that takes in others' cosignatures.

Invariant: the witness signs the newest head only, never below or beside one it signed before: of its own accord only
what this node holds whole, on request what is proven to extend the last. It is on disk before it is handed out.
Invariant: the last one also lies outside the home, so that a backup that is put back signs nothing beside it.
Spec: docs/spec/log/note-and-checkpoint.md, docs/spec/log/mirror.md, docs/spec/log/signed-head.md
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from node.use_cases.context import Node
from node.use_cases.fork_watch import known_root, root_at
from node.use_cases.own_log.own_head import head_folder
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.identity import generate
from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import Ed25519Verifier, format_note, parse_signature, verify_note
from protocol.log.checkpoint import Checkpoint, format_checkpoint
from protocol.log.cosignature import (
    CosignatureVerifier,
    add_signature,
    mirror_name,
    sign_cosignature,
    sign_mldsa44_cosignature,
    verify_cosignature,
    witness_name,
)
from protocol.log.mirror import mirror_prefix
from protocol.log.quorum import Rule
from protocol.log.witness import OK, UNPROCESSABLE, AddCheckpoint, CosignedHead, Verdict, judge_checkpoint
from storage.home.head_file import Mark
from storage.home.witness_marks import WitnessMarks
from storage.log import cosignatures, fork_cuts, log_store
from storage.log.cosignatures import Cosignature
from storage.peers import gossip_marks

DEBOUNCE_S: Final = 0.15
"""How long a head may still be overtaken by the next one before it is cosigned."""

TOGETHER_MAX: Final = 64
"""Logs that are signed at the same time, however many have moved."""

Learned = Callable[[Cosignature, int], None]
"""Called on the loop with a cosignature that is new here and on disk, and the number of the session it came by."""

OWN_SESSION: Final = 0
"""The session number of what this node says itself."""
SPEAKER_PART: Final = "speaker"


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


class Speaker(Protocol):
    """Who tells the peers what is new here: the running sessions."""

    def speaking(self) -> AbstractContextManager[None]:
        """Until this is left, no peer is told a change number that what is written within may take."""
        ...

    def hand_on(self, found: Cosignature, source: int) -> None:
        """A cosignature is new here and on disk; `source` is the number of the session that brought it."""
        ...


class _Nobody:
    def speaking(self) -> AbstractContextManager[None]:
        return nullcontext()

    def hand_on(self, found: Cosignature, source: int) -> None:
        """No sessions run."""


NOBODY: Final = _Nobody()


class _NoRoster:
    """A node outside any federation: no duties, no witnesses."""

    def witness_duties(self) -> Collection[str]:
        return ()

    def witness_keys(self) -> Mapping[str, bytes]:
        return {}

    def witness_rule(self) -> Rule:
        return "half"


def witness_roster(node: Node) -> WitnessRoster:
    """The node's roster, as the part `roster` keeps it."""
    found = node.parts.get("roster")
    return _NoRoster() if found is None else found


class Cosigner:
    """Signs the newest heads: as a witness those that the roster names, as a mirror every log that is held whole."""

    def __init__(self, node: Node, learned: Learned, debounce_s: float = DEBOUNCE_S) -> None:
        self._node = node
        self._learned = learned
        self._debounce_s = debounce_s
        self._due: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._signing: asyncio.Task[None] | None = None

    def note_moved(self, origin: str) -> None:
        """A replica's head has moved: sign the newest in a moment."""
        if origin != self._node.origin:
            self._due[origin] = None
            self._wait()

    def resume(self) -> None:
        """After a start: sign what the last run did not come to."""
        db = self._node.database.reader
        for head in log_store.heads(db):
            if head.size > cosignatures.mirrored_size(db, mirror_prefix(head.origin)):
                self.note_moved(head.origin)

    async def stop(self) -> None:
        """Cosign nothing more; what is being written is finished."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._signing is not None:
            await asyncio.gather(self._signing, return_exceptions=True)

    async def cosign(self, origin: str) -> Cosignature | None:
        """Sign the newest head of a log; the witness's line, None when it has nothing to sign or must not."""
        time_s, is_duty = _read_clock(self._node), origin in witness_roster(self._node).witness_duties()
        with _speaker(self._node).speaking():
            made = await self._node.database.write(lambda db: _sign_newest(db, self._node, origin, is_duty, time_s))
            if made is not None:
                self._learned(made, OWN_SESSION)
        return made

    def _wait(self) -> None:
        if self._timer is None and (self._signing is None or self._signing.done()):
            self._timer = asyncio.get_running_loop().call_later(self._debounce_s, self._start)

    def _start(self) -> None:
        self._timer = None
        self._signing = asyncio.create_task(self._sign_due())
        self._signing.add_done_callback(lambda _: self._wait() if self._due else None)

    async def _sign_due(self) -> None:
        """Sign what was due when this began, a few logs at a time: those that wait together share a commit."""
        waiting = list(self._due)
        for first in range(0, len(waiting), TOGETHER_MAX):
            some = [origin for origin in waiting[first : first + TOGETHER_MAX] if origin in self._due]
            for origin in some:
                del self._due[origin]
            await asyncio.gather(*map(self._cosign_logged, some))

    async def _cosign_logged(self, origin: str) -> None:
        try:
            await self.cosign(origin)
        except (sqlite3.Error, OSError, RefusedError) as error:
            # A full, failing or overloaded disk: the head is cosigned when it moves next or the node starts again.
            self._node.log.error("cosign_not_stored", origin=origin, error=type(error).__name__)


async def answer_checkpoint(node: Node, request: AddCheckpoint) -> Verdict:
    """What this node's witness answers to a log that asks for its cosignature; on disk before it is answered."""
    is_duty = request.checkpoint.origin in witness_roster(node).witness_duties()
    time_s = _read_clock(node)
    return await node.database.write(lambda db: _answer_request(db, node, request, is_duty, time_s))


async def admit_cosignature(
    node: Node, origin: str, size: int, line: bytes, source: int = OWN_SESSION
) -> Cosignature | None:
    """Check a witness's line under a head that we hold, keep it and have the peers told; None when it is known or by
    nobody we know.

    `source` is the number of the session that brought it. PeerError where it is malformed or wrong.
    """
    name, text = _read_signer(line)
    key = witness_roster(node).witness_keys().get(name)
    db = node.database.reader
    head = log_store.head(db, origin)
    if key is None or head is None or size > head.size:
        return None
    if any(known.cosigner == name for known in cosignatures.cosignatures(db, origin, size)):
        return None
    root = head.root if size == head.size else known_root(node, origin, size)
    head_text = format_checkpoint(Checkpoint(origin, size, root))
    time_s = verify_cosignature(head_text, text, CosignatureVerifier(name, key))
    found = Cosignature(origin, size, name, line, time_s)
    speaker = _speaker(node)
    with speaker.speaking():
        if not await node.database.write(lambda db: _keep(db, found)):
            return None
        speaker.hand_on(found, source)
    return found


def _speaker(node: Node) -> Speaker:
    speaker: Speaker = node.parts.get(SPEAKER_PART, NOBODY)
    return speaker


def _read_signer(line: bytes) -> tuple[str, str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise PeerError("cosignature: not UTF-8") from None
    return parse_signature(text).name, text


def _sign_newest(db: sqlite3.Connection, node: Node, origin: str, is_duty: bool, time_s: int) -> Cosignature | None:
    """The check and the write of what is signed are this one transaction; the witness's line, if it signs."""
    head = log_store.head(db, origin)
    if origin == node.origin or head is None or head.size == 0 or fork_cuts.stands_still(db, origin):
        return None
    checkpoint = Checkpoint(origin, head.size, head.root)
    # Heads come by session many times a second; the long signature is for those who ask for it.
    if cosignatures.mirrored_size(db, mirror_prefix(origin)) < head.size:
        sign_as_mirror(db, node, checkpoint, head.note, time_s, is_asked=False)
    last = find_last_signed(db, node, origin)
    if not is_duty or (last is not None and (last[0] >= head.size or root_at(db, origin, last[0]) != last[1])):
        return None
    (line,) = _sign_and_store(db, node, checkpoint, head.note, time_s, is_asked=False)
    made = Cosignature(origin, head.size, witness_name(node.origin), line.encode(), time_s)
    _keep(db, made)
    return made


def _answer_request(db: sqlite3.Connection, node: Node, request: AddCheckpoint, is_duty: bool, time_s: int) -> Verdict:
    """Judge a request and store what it makes us sign, in this one transaction."""
    head = request.checkpoint
    # A log of which two versions are known is as good as unknown: its heads are signed no more.
    log_key = log_store.log_key_of(db, head.origin) if is_duty and not fork_cuts.stands_still(db, head.origin) else None
    last = find_last_signed(db, node, head.origin)
    held = CosignedHead() if last is None else CosignedHead(*last)
    verdict = judge_checkpoint(request, list_verifiers(head.origin, log_key), held)
    if verdict.status != OK:
        return verdict
    replica = log_store.head(db, head.origin)
    if replica is not None and replica.size >= head.size and root_at(db, head.origin, head.size) != head.root:
        return Verdict(UNPROCESSABLE, "another root than that of the entries held here\n", is_evidence=True)
    return Verdict(OK, "".join(_sign_and_store(db, node, head, request.note, time_s, is_asked=True)))


def list_verifiers(origin: str, log_key: bytes | None) -> list[Ed25519Verifier]:
    """The keys that sign a log's heads, none for a log that is not known."""
    return [] if log_key is None else [Ed25519Verifier(origin, log_key)]


def _sign_and_store(
    db: sqlite3.Connection, node: Node, head: Checkpoint, note: bytes, time_s: int, *, is_asked: bool
) -> tuple[str, ...]:
    """The witness's lines under a head that was judged; the head is its last from now on, and shown to anyone."""
    seeds = (node.keys.witness, node.keys.witness_mldsa44)
    lines = _sign(head, witness_name(node.origin), seeds, time_s, is_asked=is_asked)
    text, of_the_log = verify_note(note, list_verifiers(head.origin, log_store.log_key_of(db, head.origin)))
    shown = format_note(text, of_the_log)
    for line in lines:
        shown = add_signature(shown, line)
    # Noted outside the home before anyone can see it: a backup that is put back must not sign beside it.
    _marks_of(node).note(head.origin, cosignatures.cosigned(db, head.origin), Mark(head.size, head.root))
    cosignatures.set_cosigned(db, head.origin, head.size, head.root)
    cosignatures.set_witnessed_note(db, mirror_prefix(head.origin), shown)
    return lines


def find_last_signed(db: sqlite3.Connection, node: Node, origin: str) -> tuple[int, bytes] | None:
    """(size, root) of the last head of a log that this node's witness has signed, also before a backup was put back."""
    return _marks_of(node).find_last(origin, cosignatures.cosigned(db, origin))


def _marks_of(node: Node) -> WitnessMarks:
    """What the witness has noted outside the home. It holds nothing itself, so each turn of the database's thread makes
    its own: the node's parts are the loop's."""
    return WitnessMarks(head_folder(node.config), node.origin, node.disk)


def sign_as_mirror(
    db: sqlite3.Connection, node: Node, head: Checkpoint, note: bytes, time_s: int, *, is_asked: bool
) -> tuple[str, ...]:
    """The mirror's lines under a pending head; it is the signed one from now on, in the caller's transaction.

    MisuseError where an entry below it is not on disk, or a later head is signed already.
    """
    prefix, replica = mirror_prefix(head.origin), log_store.head(db, head.origin)
    others = [one for one in cosignatures.pending_heads(db, prefix) if one.size != head.size]
    is_late = any(one.is_signed and one.size > head.size for one in others)
    is_held = replica is not None and replica.size >= head.size
    if is_late or replica is None or not is_held or _root_within(db, replica, head.size) != head.root:
        raise MisuseError(f"log {head.origin}: a head of {head.size} that the mirror must not sign")
    seeds = (node.keys.mirror, node.keys.mirror_mldsa44)
    lines = _sign(head, mirror_name(node.origin), seeds, time_s, is_asked=is_asked)
    for line in lines:
        note = add_signature(note, line)
    signed = cosignatures.PendingHead(head.size, head.root, note, is_signed=True)
    cosignatures.set_pending_heads(db, prefix, [*(one for one in others if not one.is_signed), signed])
    return lines


def _root_within(db: sqlite3.Connection, replica: log_store.Head, size: int) -> bytes:
    """The root of the first `size` entries that are held; that of all of them is at hand."""
    return replica.root if size == replica.size else root_at(db, replica.origin, size)


def _sign(head: Checkpoint, name: str, seeds: tuple[bytes, bytes], time_s: int, *, is_asked: bool) -> tuple[str, ...]:
    """The lines of an Ed25519 key and, for a log that asked, an ML-DSA-44 key of one name, in this order."""
    text = format_checkpoint(head)
    line = sign_cosignature(text, name, generate(seeds[0]), time_s)
    return (line, sign_mldsa44_cosignature(text, name, Mldsa44Key(seeds[1]), time_s)) if is_asked else (line,)


def _read_clock(node: Node) -> int:
    return node.clock.now_ms() // 1_000


def _keep(db: sqlite3.Connection, found: Cosignature) -> bool:
    added = cosignatures.add_cosignature(db, found)
    if added:
        gossip_marks.mark_change(db, found.origin)
    return added

"""A node's side of its sessions in memory: the same actions as the real exchange, over a dictionary.

It holds logs as lists of entries, verifies with the same pure rules, and hands frames to whoever delivers them, so a
test can delay, repeat and cut as it likes.
"""

from dataclasses import dataclass, field

from protocol.core.errors import PeerError
from protocol.core.identity import SigningKey, generate
from protocol.core.note import Signature, format_signature, parse_signature
from protocol.gossip import events
from protocol.gossip.events import Action, Event
from protocol.gossip.frames import cut_bundle, cut_head, format_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import Cosig, FilePart, Fork, Push
from protocol.gossip.peers import Fault
from protocol.gossip.session import Session
from protocol.gossip.transfer import Transfer
from protocol.log.bundle import bundle_root, count_bundles, format_bundle, parse_bundle
from protocol.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.fork import check_fork, prove_fork
from protocol.log.merkle import fold, leaf_hash, root_of

BUNDLE = 256


def log_key(origin: str) -> SigningKey:
    """The key of a log in tests, from its name."""
    return generate(origin.encode().ljust(32, b"\0")[:32])


def signed_head(origin: str, entries: list[bytes]) -> bytes:
    """The signed note over entries, whoever holds them: tests make forks with it."""
    root = root_of([leaf_hash(entry) for entry in entries])
    return sign_checkpoint(Checkpoint(origin, len(entries), root), log_key(origin))


@dataclass
class Log:
    """A log as a small home holds it."""

    entries: list[bytes] = field(default_factory=list)
    note: bytes = b""
    pending: dict[int, list[bytes]] = field(default_factory=dict)

    def roots(self, first: int, size: int) -> list[bytes]:
        numbers = range(first, count_bundles(size))
        return [bundle_root(self.entries[number * BUNDLE : min(size, (number + 1) * BUNDLE)]) for number in numbers]


@dataclass(eq=False)
class Line:
    """One session's side of a connection: frames that wait to be delivered, and what became of it."""

    session: Session
    outbox: list[bytes] = field(default_factory=list)
    timer_ms: int | None = None
    closed: str = ""
    fault: Fault | None = None


class SmallHome:
    """A node in memory."""

    def __init__(self, origin: str, known: list[str]) -> None:
        self.origin = origin
        self.logs = {name: Log() for name in known}
        self.files: dict[bytes, bytes] = {}
        self.missed: list[bytes] = []
        self.cosignatures: dict[tuple[str, bytes], tuple[int, bytes]] = {}
        self.evidence: list[Fork] = []
        self.cursors: dict[str, tuple[bytes, int]] = {}
        self.changes: list[str] = []
        self.frontier = Frontier(origin, origin.encode().ljust(16, b".")[:16])
        self.lines: list[Line] = []
        self.transfers: dict[str, Transfer] = {}
        self.sessions = 0
        self.now_ms = 0
        for name in known:
            self.frontier.know(name, LogHead(0, bytes(32)))

    def connect(self, peer: str) -> Line:
        self.sessions += 1
        session = Session(self.sessions, peer, self.cursors.get(peer, (b"", 0)), self.frontier)
        line = Line(session)
        self.lines.append(line)
        self.tell(line, events.Opened())
        return line

    def lose(self, line: Line) -> None:
        self.tell(line, events.Lost("cut"))
        if line in self.lines:
            self.lines.remove(line)
        for origin in self.frontier.release_all(line.session.number):
            self.broadcast(events.ClaimFreed(origin))

    def _push(self, origin: str, start: int) -> bytes:
        log, hops = self.logs[origin], self.frontier.tree.hops(origin)
        fresh = log.entries[start:]
        return format_frame(Push(origin, start, len(fresh), log.note, format_bundle(fresh), hops))

    def publish(self, *entries: bytes) -> None:
        log = self.logs[self.origin]
        start = len(log.entries)
        log.entries += entries
        log.note = signed_head(self.origin, log.entries)
        self._moved(self.origin, start)

    def cosign(self, origin: str, name: str) -> None:
        line = format_signature(Signature(name, bytes(4), bytes(72))).encode()
        self._learn(origin, len(self.logs[origin].entries), line, 0)

    def tell(self, line: Line, event: Event) -> None:
        for action in line.session.handle(event, self.now_ms):
            try:
                self.carry_out(line, action)
            except PeerError as error:
                self.tell(line, events.Refused(error.reason))

    def broadcast(self, event: Event) -> None:
        for line in list(self.lines):
            self.tell(line, event)

    def carry_out(self, line: Line, action: Action) -> None:
        match action:
            case events.Send():
                line.outbox.append(action.raw)
            case events.SetTimer():
                line.timer_ms = action.at_ms
            case events.Close():
                line.closed, line.fault = action.reason, action.fault
            case events.SaveCursor():
                self.cursors[line.session.peer_origin] = (action.epoch, action.change)
            case events.Outdo():
                self.broadcast(events.Outdone(action.origin, action.session))
            case events.ReadHeads():
                names = list(dict.fromkeys(self.changes[action.since :]))
                marks = tuple(self.frontier.mark(name, with_cosigners=True) for name in names)
                self.tell(line, events.HeadsRead(marks, len(self.changes)))
            case events.StorePush():
                self._store_push(action)
            case events.BeginTransfer():
                self._begin(line, action)
            case events.StoreBundle():
                self._store_bundle(action)
            case events.EndTransfer():
                self.transfers.pop(action.origin, None)
                for other in list(self.lines):
                    if other is not line:
                        self.tell(other, events.ClaimFreed(action.origin))
            case events.StoreCosignature():
                self._learn(action.origin, action.size, action.line, line.session.number)
            case events.CheckFork() | events.CheckPast() | events.ServeNote():
                self._watch_forks(line, action)
            case events.StoreFile():
                self.files[action.sha256] = action.raw
            case events.MissFile():
                self.missed.append(action.sha256)
            case _:
                line.outbox += self._serve(action)

    def _open(self, origin: str, note: bytes) -> Checkpoint:
        return open_checkpoint(note, log_key(origin).public, origin)

    def _moved(self, origin: str, start: int) -> None:
        log = self.logs[origin]
        is_pushed = self.frontier.tree.is_pushed(origin) and len(log.entries) - start <= BUNDLE
        push = self._push(origin, start) if is_pushed else b""
        self.changes.append(origin)
        self.frontier.counter = len(self.changes)
        self.frontier.move(origin, len(log.entries), self._open(origin, log.note).root)
        self.broadcast(events.HeadMoved(origin, push))

    def _store_push(self, action: events.StorePush) -> None:
        log, checkpoint = self.logs[action.origin], self._open(action.origin, action.note)
        entries = log.entries[: action.start] + parse_bundle(action.entries, action.count)
        if action.start > len(log.entries) or len(entries) != checkpoint.size:
            raise PeerError("a push that leaves a gap or says another size")
        if root_of([leaf_hash(entry) for entry in entries]) != checkpoint.root:
            raise PeerError("a push that does not lead to the signed root")
        if entries[: len(log.entries)] != log.entries[: len(entries)]:
            raise PeerError("a push of another branch")
        if len(entries) > len(log.entries):
            held = len(log.entries)
            log.entries, log.note = entries, action.note
            self._moved(action.origin, held)

    def _begin(self, line: Line, action: events.BeginTransfer) -> None:
        log, checkpoint = self.logs[action.origin], self._open(action.origin, action.note)
        if checkpoint.size <= len(log.entries):
            self.tell(line, events.TransferChecked(action.origin, checkpoint.size, ()))
            return
        held = log.roots(0, action.first * BUNDLE)
        transfer = Transfer(checkpoint, action.note, held, action.roots)
        self.transfers[action.origin] = transfer
        pending = {number: bundle_root(entries) for number, entries in log.pending.items()}
        missing = transfer.list_missing(pending)
        self.tell(line, events.TransferChecked(action.origin, checkpoint.size, missing))

    def _store_bundle(self, action: events.StoreBundle) -> None:
        transfer, log = self.transfers.get(action.origin), self.logs[action.origin]
        if transfer is None:
            return
        log.pending[action.number] = transfer.check_bundle(action.number, action.raw).entries
        numbers = range(transfer.first, count_bundles(transfer.checkpoint.size))
        if all(number in log.pending for number in numbers):
            grown = log.entries[: transfer.first * BUNDLE]
            for number in numbers:
                grown += log.pending.pop(number)
            if grown[: len(log.entries)] != log.entries:
                raise PeerError("bundles of another branch")
            held = len(log.entries)
            log.entries, log.note = grown, transfer.note
            self._moved(action.origin, held)

    def _learn(self, origin: str, size: int, line: bytes, source: int) -> None:
        if self.cosignatures.get((origin, line), (0, b""))[0] >= size:
            return
        self.cosignatures[origin, line] = (size, line)
        self.frontier.note_cosigner(origin, parse_signature(line.decode()).name, size)
        self.changes.append(origin)
        self.frontier.counter = len(self.changes)
        self.broadcast(events.CosignatureLearned(origin, format_frame(Cosig(origin, size, line)), source))

    def _root_at(self, origin: str, size: int) -> bytes:
        return fold(self.logs[origin].roots(0, size))

    def _read(self, origin: str, level: int, index: int) -> bytes:
        entries = self.logs[origin].entries[index << level : (index + 1) << level]
        return root_of([leaf_hash(entry) for entry in entries])

    def _watch_forks(self, line: Line, action: Action) -> None:
        match action:
            case events.ServeNote():
                line.outbox.append(format_frame(Fork(action.origin, self.logs[action.origin].note, b"", b"")))
            case events.CheckPast():
                if self._root_at(action.origin, action.size)[:16] != action.root_mark:
                    self._watch_forks(line, events.ServeNote(action.origin))
            case events.CheckFork() if action.note_b:
                found = Fork(action.origin, action.note_a, action.note_b, action.proof)
                check_fork(action.note_a, action.note_b, action.proof, log_key(action.origin).public, action.origin)
                self._keep(found)
            case events.CheckFork():
                theirs, log = self._open(action.origin, action.note_a), self.logs[action.origin]
                if theirs.size > len(log.entries):
                    self._watch_forks(line, events.ServeNote(action.origin))
                    return
                ours = self._open(action.origin, log.note)
                proof = prove_fork(theirs, ours, lambda level, index: self._read(action.origin, level, index))
                if proof is not None:
                    self._keep(Fork(action.origin, action.note_a, log.note, proof))

    def _keep(self, found: Fork) -> None:
        if found not in self.evidence:
            self.evidence.append(found)
            self.frontier.frozen.add(found.origin)
            self.broadcast(events.ForkKnown(found.origin, format_frame(found), 0))

    def _serve(self, action: Action) -> list[bytes]:
        match action:
            case events.ServeLog():
                return self._serve_log(self.logs[action.origin], action)
            case events.ServeBundles():
                log, frames = self.logs[action.origin], list[bytes]()
                for number in range(action.first, action.first + action.count):
                    part = log.entries[number * BUNDLE : min(action.size, (number + 1) * BUNDLE)]
                    frames += cut_bundle(action.origin, number, format_bundle(part))
                return frames
            case events.ServeCosignatures():
                held = ((name, found) for (name, _), found in self.cosignatures.items() if name == action.origin)
                return [format_frame(Cosig(name, *found)) for name, found in held]
            case events.ServeForks():
                return [format_frame(found) for found in self.evidence if found.origin in action.origins]
            case events.ServeFile():
                content = self.files.get(action.sha256, b"")
                piece = content[action.offset : action.offset + 1_000]
                return [format_frame(FilePart(action.sha256, action.offset, len(content), piece))]
        raise AssertionError(f"an action that nobody carries out: {action}")

    def _serve_log(self, log: Log, action: events.ServeLog) -> list[bytes]:
        rest = log.entries[action.start :]
        if len(rest) <= BUNDLE:
            return [self._push(action.origin, action.start)]
        first = action.start // BUNDLE
        return cut_head(action.origin, first, log.note, log.roots(first, len(log.entries)))

"""The node's side of all its sessions: events in, actions carried out, and the frontier kept level with the store.

Invariant: the frontier is a picture of the store, taken by change number; whatever moved a head, sessions hear of it.
Invariant: a session's actions are carried out in order; what must wait for the disk never lets more than the limit
of unverified bytes in.
Spec: docs/spec/session.md
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from node.peering.backlog import Backlog, Work
from node.peering.file_waits import FileWaits
from node.peering.fork_talk import ForkTalk
from node.peering.opening_asks import OpeningAsks
from node.peering.serving import format_push, serve
from node.use_cases.context import Node
from node.use_cases.cosign import Cosigner, admit_cosignature, witness_name, witness_roster
from node.use_cases.federation.circles import is_about_circles, mark_circles, read_circles
from node.use_cases.fork_watch import is_past_of_ours
from node.use_cases.receive import BranchError, Receiver
from protocol.core.errors import PeerError, RefusedError
from protocol.gossip import events
from protocol.gossip.events import Action, Event
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import Cosig, Message
from protocol.gossip.peers import Fault
from protocol.gossip.session import Session, State
from storage import gossip_marks, log_store, peer_state
from storage.cosignatures import Cosignature, newest_by_cosigner


class Link(Protocol):
    """One session's way to its peer: what the exchange wants of a transport."""

    session: Session

    def send(self, raw: bytes) -> None:
        """Send a frame before all bulk."""

    def send_bulk(self, frames: Iterator[bytes]) -> None:
        """Send frames in their turn, each read only when the one before is on its way."""

    def set_timer(self, at_ms: int) -> None:
        """Hand the session Due at this time of the monotonic clock."""

    def close(self, reason: str, fault: Fault | None) -> None:
        """Close the transport once what was sent is through; `fault` is held against the peer."""


class Exchange:
    """All sessions of one node and what they share."""

    def __init__(self, node: Node) -> None:
        db = node.database.reader
        epoch, counter = log_store.change_counter(db)
        self.node = node
        self.frontier = Frontier(node.origin, epoch)
        self.links: dict[int, Link] = {}
        self.receiver = Receiver(node)
        self.cosigner = Cosigner(node, self._hand_on_cosignature)
        self._sessions = 0
        self._backlog = Backlog()
        self._are_circles_unmarked = False
        self._watchers: list[Callable[[], None]] = []
        self.hear_views: Callable[[str, Message], None] = lambda _, __: None
        """Called with what a peer says of others in a large federation."""
        self._files = FileWaits(node, self._ask_for_file)
        for head in log_store.heads(db):
            self._know(head.origin, LogHead(head.size, head.root))
        self.frontier.counter = counter
        self.openings = OpeningAsks(node, self.frontier)
        self._forks = ForkTalk(node, self.frontier, self._broadcast)
        self.frontier.circles = read_circles(node)

    def start(self) -> None:
        """Hear of what this node publishes, and finish what the last run began."""
        self.node.changes.add_listener(self._hear)
        self._backlog.spawn(self._mark_circles())
        self.receiver.resume()
        self.tick()

    async def stop(self) -> None:
        """Let what is being stored come to its end."""
        await self.cosigner.stop()
        await self._backlog.end()
        await self.receiver.stop()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever a session has heard of something: for whoever shows how it stands."""
        self._watchers.append(watcher)

    def tell_watchers(self) -> None:
        """Something is to be shown anew."""
        for watcher in self._watchers:
            watcher()

    def new_session(self, peer: peer_state.Peer) -> Session:
        """A session with a pinned peer, from the cursor we hold of it."""
        self._sessions += 1
        return Session(self._sessions, peer.origin, (peer.cursor_epoch, peer.cursor_change), self.frontier)

    def open(self, link: Link) -> None:
        """The link's transport stands."""
        self.links[link.session.number] = link
        self.tell(link, events.Opened())

    async def receive(self, link: Link, raw: bytes) -> None:
        """A frame has come; returns when the next one may be read."""
        for action, work in self._handle(link, events.Received(raw)):
            if isinstance(action, events.BeginTransfer | events.StoreBundle):
                # What follows is judged by what this one finds; only the disk is not waited for.
                await self._guard(link, work)
            else:
                await self._backlog.add(link.session.number, self._guard(link, work), len(raw))

    def lose(self, link: Link, reason: str) -> None:
        """The link's transport is gone."""
        self.tell(link, events.Lost(reason))
        self.links.pop(link.session.number, None)
        for origin in self.frontier.release_all(link.session.number):
            self._broadcast(events.ClaimFreed(origin))

    def tell(self, link: Link, event: Event) -> None:
        """Hand an event to a session and carry out what it wants; never raises."""
        for _, work in self._handle(link, event):
            self._backlog.spawn(self._guard(link, work))

    def sync(self) -> None:
        """Tell all sessions what has changed in the store since the last time; cheap when nothing has."""
        db = self.node.database.reader
        _, counter = log_store.change_counter(db)
        if counter == self.frontier.counter:
            return
        changed = log_store.heads_since(db, self.frontier.counter)
        numbered = sum(head.change <= counter for head in changed)
        # A number that is no log's newest change may be that of a log that was added.
        if numbered < counter - self.frontier.counter and gossip_marks.count_logs(db) != len(self.frontier.heads):
            self._know_new_logs(db)
        moved = [
            (head, present.size)
            for head in changed
            if (present := self.frontier.heads.get(head.origin)) is not None and head.size > present.size
        ]
        for head, size in moved:
            self._renew_circles(head.origin, size, head.size)
        for head, size in moved:
            self._move(db, head, size)
        self.frontier.counter = counter

    def _hear(self, origin: str, start: int, stop: int) -> None:
        # First who may have which log, then the logs; where the head has still to move, both are one.
        if origin not in self.frontier.heads or stop <= self.frontier.size(origin):
            self._renew_circles(origin, start, stop)
        self.sync()
        self.openings.hear(origin, start, stop)
        self.cosigner.note_moved(origin)

    def _renew_circles(self, origin: str, start: int, stop: int) -> None:
        """Somebody may have joined or left a federation by these entries."""
        if is_about_circles(self.node, origin, start, stop):
            before, self.frontier.circles = self.frontier.circles, read_circles(self.node)
            if before != self.frontier.circles:
                self._backlog.spawn(self._mark_circles())

    async def _mark_circles(self) -> None:
        """Tell those who may have a federation's logs now, and number it for those who are not connected."""
        self._are_circles_unmarked = False
        try:
            moved = await mark_circles(self.node, self.frontier.circles)
        except (sqlite3.Error, RefusedError) as error:
            # A full or failing disk: tried again with the next tick.
            self.node.log.error("circles_not_marked", error=type(error).__name__)
            self._are_circles_unmarked = True
            return
        self.sync()
        for origin in moved:
            self._broadcast(events.HeadMoved(origin))

    def take_own(self, is_taken: bool) -> None:
        """Whether entries of our own log are taken from others."""
        self.frontier.takes_own = is_taken
        self._broadcast(events.ClaimFreed(self.node.origin))

    def tick(self) -> None:
        """Once in a while: notice what nobody told us of, and what our witness has still to sign."""
        self.sync()
        self.receiver.go_on()
        if self._are_circles_unmarked:
            self._backlog.spawn(self._mark_circles())
        self._forks.stand_still()
        if self.node.database.trouble:
            self._backlog.spawn(self._try_disk())
        for number, wanted in self.openings.draw([link.session for link in self.links.values()]):
            self.tell(self.links[number], wanted)
        name = witness_name(self.node.origin)
        for origin in sorted(witness_roster(self.node).witness_duties()):
            signed = self.frontier.cosigners.get(origin, {}).get(name, 0)
            if signed < self.frontier.size(origin) and origin not in self.frontier.frozen:
                self.cosigner.note_moved(origin)

    async def fetch_file(self, sha256: bytes) -> bool:
        """Have a file from whichever peer has it; False when none of those now connected does."""
        return await self._files.fetch(sha256)

    def _ask_for_file(self, sha256: bytes, asked: set[int]) -> bool:
        """Ask one live session that was not asked before; False when there is none."""
        live = (link for link in self.links.values() if link.session.state is State.LIVE)
        link = next((link for link in live if link.session.number not in asked), None)
        if link is None:
            return False
        asked.add(link.session.number)
        self.tell(link, events.FileWanted(sha256))
        return True

    def _now_ms(self) -> int:
        return int(self.node.clock.monotonic_s() * 1_000)

    def _know(self, origin: str, head: LogHead) -> None:
        self.frontier.know(origin, head)
        for cosigner, found in newest_by_cosigner(self.node.database.reader, origin).items():
            self.frontier.note_cosigner(origin, cosigner, found.size)

    def _know_new_logs(self, db: sqlite3.Connection) -> None:
        fresh = [head for head in log_store.heads(db) if head.origin not in self.frontier.heads]
        for head in fresh:
            self._know(head.origin, LogHead(head.size, head.root))
            self._broadcast(events.LogAdded(head.origin))
        if fresh:
            self._backlog.spawn(self._reset_cursors())

    def _move(self, db: sqlite3.Connection, head: log_store.Head, old_size: int) -> None:
        is_pushed, hops = self.frontier.tree.is_pushed(head.origin), self.frontier.tree.hops(head.origin)
        push = format_push(db, head, old_size, hops) if is_pushed else b""
        self.frontier.move(head.origin, head.size, head.root)
        self._broadcast(events.HeadMoved(head.origin, push))
        # What comes in bulk is signed once it is indexed, which is when no more of it comes.
        if not self.receiver.is_to_index(head.origin):
            self.cosigner.note_moved(head.origin)

    def _broadcast(self, event: Event) -> None:
        for link in list(self.links.values()):
            self.tell(link, event)

    def _handle(self, link: Link, event: Event) -> list[tuple[Action, Work]]:
        """Do at once what can be done at once; the rest comes back as work to be awaited, in order."""
        waiting: list[tuple[Action, Work]] = []
        try:
            for action in link.session.handle(event, self._now_ms()):
                work = self._carry_out(link, action)
                if work is not None:
                    waiting.append((action, work))
        except Exception as error:
            # A fault of our own in one session must not reach whoever published, nor the other sessions.
            self.node.log.error("session_failed", error=repr(error))
            link.close("an error of this node", None)
        self.tell_watchers()
        return waiting

    async def _guard(self, link: Link, work: Work) -> None:
        """Carry out a piece of work; what goes wrong ends the session, and only a peer's fault is held against it."""
        try:
            await work
        except BranchError as error:
            # Where we hold nothing of a log, there is no other version of it that this could be.
            fault = Fault.DOUBTFUL if self.frontier.size(error.origin) else Fault.UNTRUE
            self.tell(link, events.Refused(error.reason, error.origin, fault))
        except PeerError as error:
            self.tell(link, events.Refused(error.reason))
        except (sqlite3.Error, OSError, RefusedError) as error:
            self.node.log.error("not_stored", error=type(error).__name__)
            self.tell(link, events.Stop("this node cannot store at the moment"))

    def _carry_out(self, link: Link, action: Action) -> Work | None:
        """Do what can be done at once; what waits for the disk comes back as work to be awaited."""
        at_once = _AT_ONCE.get(type(action))
        if at_once is not None:
            at_once(self, link, action)
            return None
        return _WORK[type(action)](self, link, action)

    def _serve(self, link: Link, action: Action) -> None:
        link.send_bulk(serve(self.node, action, link.session.peer_origin, self.frontier.circles))

    def _send_note(self, link: Link, action: events.ServeNote) -> None:
        # Before a goodbye, so it must not wait behind bulk.
        for raw in serve(self.node, action):
            link.send(raw)

    def _end_transfer(self, link: Link, action: events.EndTransfer) -> None:
        self.receiver.end_transfer(action.origin)
        for other in list(self.links.values()):
            if other is not link:
                self.tell(other, events.ClaimFreed(action.origin))

    def _read_heads(self, link: Link, action: events.ReadHeads) -> None:
        self.sync()
        changed = log_store.heads_since(self.node.database.reader, action.since)
        marks = [self.frontier.mark(head.origin, with_cosigners=True) for head in changed]
        self.tell(link, events.HeadsRead(tuple(marks), self.frontier.counter))

    def _check_past(self, link: Link, action: events.CheckPast) -> None:
        if not is_past_of_ours(self.node.database.reader, action.origin, action.size, action.root_mark):
            self._send_note(link, events.ServeNote(action.origin))

    def _miss_file(self, link: Link, action: events.MissFile) -> None:
        self._files.settle(action.sha256, False)

    async def _store_push(self, link: Link, action: events.StorePush) -> None:
        await self.receiver.admit_push(action.origin, action.start, action.count, action.note, action.entries)
        self.sync()

    async def _begin_transfer(self, link: Link, action: events.BeginTransfer) -> None:
        size, missing = await self.receiver.begin_transfer(action.origin, action.first, action.note, action.roots)
        self.tell(link, events.TransferChecked(action.origin, size, missing))
        if not missing:
            self.sync()

    async def _store_bundle(self, link: Link, action: events.StoreBundle) -> None:
        write = self.receiver.take_bundle(action.origin, action.number, action.raw)
        if write is not None:
            work = self._guard(link, self._end_write(write.done))
            await self._backlog.add(link.session.number, work, write.raw_bytes)

    async def _end_write(self, done: asyncio.Task[None]) -> None:
        await done
        self.sync()

    async def _store_cosignature(self, link: Link, action: events.StoreCosignature) -> None:
        try:
            found = await admit_cosignature(self.node, action.origin, action.size, action.line)
        except PeerError as error:
            # It may be right under another version of this log: then our head shows it.
            raise BranchError(action.origin, error.reason) from None
        if found is not None:
            self._hand_on_cosignature(found, link.session.number)

    async def _check_fork(self, link: Link, action: events.CheckFork) -> None:
        for raw in await self._forks.check(action):
            link.send(raw)

    async def _store_file(self, link: Link, action: events.StoreFile) -> None:
        await self._files.store(action.sha256, action.raw)

    async def _store_opening(self, link: Link, action: events.StoreOpening) -> None:
        await self.openings.admit(action.opening)

    async def _save_cursor(self, link: Link, action: events.SaveCursor) -> None:
        origin = link.session.peer_origin
        await self.node.database.write(lambda db: peer_state.set_cursor(db, origin, action.epoch, action.change))

    async def _try_disk(self) -> None:
        """A disk that was full may have room again; nobody need come by for this node to notice."""
        with contextlib.suppress(sqlite3.Error, OSError, RefusedError):
            await self.node.database.write(gossip_marks.touch)

    async def _reset_cursors(self) -> None:
        await self.node.database.write(gossip_marks.reset_cursors)

    def _hand_on_cosignature(self, found: Cosignature, source: int) -> None:
        self.frontier.note_cosigner(found.origin, found.cosigner, found.size)
        frame = format_frame(Cosig(found.origin, found.size, found.line))
        self._broadcast(events.CosignatureLearned(found.origin, frame, source))
        self.sync()


_AT_ONCE: dict[type[Action], Callable[[Exchange, Link, Any], None]] = {
    events.Send: lambda _, link, action: link.send(action.raw),
    events.ReadHeads: Exchange._read_heads,
    events.EndTransfer: Exchange._end_transfer,
    events.CheckPast: Exchange._check_past,
    events.TakeMembership: lambda exchange, link, action: exchange.hear_views(link.session.peer_origin, action.message),
    events.Outdo: lambda exchange, _, action: exchange._broadcast(events.Outdone(action.origin, action.session)),
    events.MissFile: Exchange._miss_file,
    events.ServeLog: Exchange._serve,
    events.ServeBundles: Exchange._serve,
    events.ServeCosignatures: Exchange._serve,
    events.ServeForks: Exchange._serve,
    events.ServeFile: Exchange._serve,
    events.ServeOpenings: Exchange._serve,
    events.ServeNote: Exchange._send_note,
    events.SetTimer: lambda _, link, action: link.set_timer(action.at_ms),
    events.Close: lambda _, link, action: link.close(action.reason, action.fault),
}
_WORK: dict[type[Action], Callable[[Exchange, Link, Any], Work]] = {
    events.StorePush: Exchange._store_push,
    events.BeginTransfer: Exchange._begin_transfer,
    events.StoreBundle: Exchange._store_bundle,
    events.StoreCosignature: Exchange._store_cosignature,
    events.CheckFork: Exchange._check_fork,
    events.StoreFile: Exchange._store_file,
    events.StoreOpening: Exchange._store_opening,
    events.SaveCursor: Exchange._save_cursor,
}

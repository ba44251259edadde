"""From our store to the peers: the frontier is kept level with the store, and the sessions hear of what has moved.

Invariant: the frontier is a picture of the store, taken by change number; whatever moved a head, sessions hear of it.
Invariant: who may have a log is settled before its entries are sent on.
Spec: docs/spec/gossip/session.md
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from node.peering.backlog import Backlog
from node.peering.roads.new_witnesses import NewWitnesses
from node.peering.roads.sessions import Link, Sessions
from node.peering.serving import format_push, serve
from node.use_cases.context import Node
from node.use_cases.cosign import SPEAKER_PART, Cosigner, witness_roster
from node.use_cases.federation.circles import is_about_circles, mark_circles, read_circles
from node.use_cases.fork_watch import is_past_of_ours
from node.use_cases.receive import Receiver
from protocol.core.errors import RefusedError
from protocol.gossip import events
from protocol.gossip.events import Action
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.limits import EPOCH_BYTES
from protocol.gossip.messages import Cosig
from protocol.log.cosignature import witness_name
from storage.log import log_store
from storage.log.cosignatures import Cosignature, newest_by_cosigner
from storage.peers import gossip_marks


class Telling:
    """What this node's sessions say of its logs."""

    def __init__(self, node: Node, receiver: Receiver, backlog: Backlog, sessions: Sessions) -> None:
        db = node.database.reader
        _, counter = log_store.change_counter(db)
        self.frontier = Frontier(node.origin, node.clock.random_bytes(EPOCH_BYTES))
        self.frontier.past_epochs = gossip_marks.past_epochs(db)
        self.cosigner = Cosigner(node, self.hand_on)
        node.parts[SPEAKER_PART] = self
        self._new_witnesses = NewWitnesses(node, self.frontier, backlog, sessions)
        self._node = node
        self._receiver = receiver
        self._backlog = backlog
        self._sessions = sessions
        self._are_circles_unmarked = False
        self._began_at = self._synced = counter
        self._unsaid: dict[object, int] = {}
        """Up to which change number may be told while each of these changes is on its way to the disk and the peers."""
        self._is_epoch_unnoted = False
        for head in log_store.heads(db):
            self._know(head)
        self.frontier.counter = counter
        self.frontier.circles = read_circles(node)

    def start(self) -> None:
        """Note that a run has begun, and finish what the last one began."""
        self._backlog.spawn(self._note_epoch())
        self._backlog.spawn(self._mark_circles())

    def go_on(self) -> None:
        """Once in a while: number what a full disk has not let us, and notice what our witness has still to sign."""
        if self._is_epoch_unnoted:
            self._backlog.spawn(self._note_epoch())
        if self._are_circles_unmarked:
            self._backlog.spawn(self._mark_circles())
        self._new_witnesses.look()
        name = witness_name(self._node.origin)
        for origin in sorted(witness_roster(self._node).witness_duties()):
            signed = self.frontier.cosigners.get(origin, {}).get(name, 0)
            if signed < self.frontier.size(origin) and origin not in self.frontier.frozen:
                self.cosigner.note_moved(origin)

    def hear(self, origin: str, start: int, stop: int) -> None:
        """New entries of a log are on disk and indexed."""
        # First who may have which log, then the logs; where the head has still to move, both are one.
        if origin not in self.frontier.heads or stop <= self.frontier.size(origin):
            self._renew_circles(origin, start, stop)
        self.sync()
        self.cosigner.note_moved(origin)

    def sync(self) -> None:
        """Tell all sessions what has changed in the store since the last time; cheap when nothing has."""
        db = self._node.database.reader
        _, counter = log_store.change_counter(db)
        if counter == self._synced:
            return
        changed = log_store.heads_since(db, self._synced)
        numbered = sum(head.change <= counter for head in changed)
        # A number that is no log's newest change may be that of a log that was added.
        if numbered < counter - self._synced and gossip_marks.count_logs(db) != len(self.frontier.heads):
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
        self._synced = counter
        self._count()

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """What is written within is told within: until then no peer hears a number that it may take."""
        change = object()
        self._unsaid[change] = self.frontier.counter
        try:
            yield
        finally:
            del self._unsaid[change]
            self._count()

    def _count(self) -> None:
        self.frontier.counter = min(self._synced, *self._unsaid.values()) if self._unsaid else self._synced

    def hand_on(self, found: Cosignature, source: int) -> None:
        """A cosignature is new here and on disk; `source` is the number of the session that brought it."""
        self.frontier.note_cosigner(found.origin, found.cosigner, found.size)
        frame = format_frame(Cosig(found.origin, found.size, found.line))
        self._sessions.broadcast(events.CosignatureLearned(found.origin, frame, source))
        self.sync()

    def read_heads(self, link: Link, action: events.ReadHeads) -> None:
        """Tell a session all heads that have changed since its peer's cursor."""
        self.sync()
        changed = log_store.heads_since(self._node.database.reader, action.since)
        marks = [self.frontier.mark(head.origin, with_cosigners=True) for head in changed]
        self._sessions.tell(link, events.HeadsRead(tuple(marks), self.frontier.counter))

    def serve(self, link: Link, action: Action) -> None:
        """Answer what a peer asks of the store, as fast as it takes it."""
        link.send_bulk(serve(self._node, action, link.session.peer_origin, self.frontier.circles))

    def send_note(self, link: Link, action: events.ServeNote) -> None:
        """Send our signed head of a log: before a goodbye, so it must not wait behind bulk."""
        for raw in serve(self._node, action):
            link.send(raw)

    def check_past(self, link: Link, action: events.CheckPast) -> None:
        """A peer's head that our log has not gone through is answered with ours."""
        if not is_past_of_ours(self._node.database.reader, action.origin, action.size, action.root_mark):
            self.send_note(link, events.ServeNote(action.origin))

    def _know(self, head: log_store.Head) -> None:
        self.frontier.know(head.origin, LogHead(head.size, head.root))
        for cosigner, found in newest_by_cosigner(self._node.database.reader, head.origin).items():
            self.frontier.note_cosigner(head.origin, cosigner, found.size)

    def _know_new_logs(self, db: sqlite3.Connection) -> None:
        fresh = [head for head in log_store.heads(db) if head.origin not in self.frontier.heads]
        for head in fresh:
            self._know(head)
            self._sessions.broadcast(events.LogAdded(head.origin))
        if fresh:
            self._backlog.spawn(self._reset_cursors())

    async def _reset_cursors(self) -> None:
        await self._node.database.write(gossip_marks.reset_cursors)

    def _move(self, db: sqlite3.Connection, head: log_store.Head, old_size: int) -> None:
        is_pushed, hops = self.frontier.tree.is_pushed(head.origin), self.frontier.tree.hops(head.origin)
        push = format_push(db, head, old_size, hops) if is_pushed else b""
        self.frontier.move(head.origin, head.size, head.root)
        self._sessions.broadcast(events.HeadMoved(head.origin, push))
        # What comes in bulk is signed once it is indexed, which is when no more of it comes.
        if not self._receiver.is_to_index(head.origin):
            self.cosigner.note_moved(head.origin)

    def _renew_circles(self, origin: str, start: int, stop: int) -> None:
        """Somebody may have joined or left a federation by these entries."""
        if is_about_circles(self._node, origin, start, stop):
            before, self.frontier.circles = self.frontier.circles, read_circles(self._node)
            if before != self.frontier.circles:
                self._backlog.spawn(self._mark_circles())

    async def _note_epoch(self) -> None:
        """Have the next run know this one's epoch; where it does not, peers are told everything again."""
        self._is_epoch_unnoted = False
        epoch, value = self.frontier.epoch, self._began_at
        try:
            await self._node.database.write(lambda db: gossip_marks.begin_epoch(db, epoch, value))
        except (sqlite3.Error, RefusedError) as error:
            # A full or failing disk: tried again with the next tick.
            self._node.log.error("epoch_not_noted", error=type(error).__name__)
            self._is_epoch_unnoted = True

    async def _mark_circles(self) -> None:
        """Tell those who may have a federation's logs now, and number it for those who are not connected."""
        self._are_circles_unmarked = False
        try:
            with self.speaking():
                moved = await mark_circles(self._node, self.frontier.circles)
                self.sync()
                for origin in moved:
                    self._sessions.broadcast(events.HeadMoved(origin))
        except (sqlite3.Error, RefusedError) as error:
            # A full or failing disk: tried again with the next tick.
            self._node.log.error("circles_not_marked", error=type(error).__name__)
            self._are_circles_unmarked = True

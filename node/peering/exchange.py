"""All of a node's sessions: events in, actions carried out, along the road to the peers or the road to the store.

Invariant: a session's actions are carried out in order; what must wait for the disk never lets more than the limit
of unverified bytes in.
Spec: docs/spec/gossip/session.md
"""

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from node.peering.backlog import Backlog, Work
from node.peering.roads.sessions import Link
from node.peering.roads.taking import Taking
from node.peering.roads.telling import Telling
from node.use_cases.context import Node
from node.use_cases.receive import Receiver
from protocol.core.errors import RefusedError
from protocol.gossip import events
from protocol.gossip.events import Action, Event
from protocol.gossip.messages import Message
from protocol.gossip.session import Session, State
from storage.peers import gossip_marks, peer_state


class Exchange:
    """All sessions of one node and what they share."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.links: dict[int, Link] = {}
        self.receiver = Receiver(node)
        self._sessions = 0
        self._backlog = Backlog()
        self._watchers: list[Callable[[], None]] = []
        self.hear_views: Callable[[str, Message], None] = lambda _, __: None
        """Called with what a peer says of others in a large federation."""
        self._telling = Telling(node, self.receiver, self._backlog, self)
        self._taking = Taking(node, self.receiver, self._telling, self._backlog, self, self._ask_for_file)
        self.frontier = self._telling.frontier
        self.cosigner = self._telling.cosigner
        self.openings = self._taking.openings

    def start(self) -> None:
        """Hear of what this node publishes, and finish what the last run began."""
        self.node.changes.add_listener(self._hear)
        self._telling.start()
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
                await work
            else:
                await self._backlog.add(link.session.number, work, len(raw))

    def lose(self, link: Link, reason: str) -> None:
        """The link's transport is gone."""
        self.tell(link, events.Lost(reason))
        self.links.pop(link.session.number, None)
        for origin in self.frontier.release_all(link.session.number):
            self.broadcast(events.ClaimFreed(origin))

    def tell(self, link: Link, event: Event) -> None:
        """Hand an event to a session and carry out what it wants; never raises."""
        for _, work in self._handle(link, event):
            self._backlog.spawn(work)

    def broadcast(self, event: Event) -> None:
        """The same with every session."""
        for link in list(self.links.values()):
            self.tell(link, event)

    def sync(self) -> None:
        """Tell all sessions what has changed in the store since the last time; cheap when nothing has."""
        self._telling.sync()

    def take_own(self, is_taken: bool) -> None:
        """Whether entries of our own log are taken from others."""
        self.frontier.takes_own = is_taken
        self.broadcast(events.ClaimFreed(self.node.origin))

    def tick(self) -> None:
        """Once in a while: notice what nobody told us of, and go on with what was left."""
        self.sync()
        self.receiver.go_on()
        self._taking.forks.stand_still()
        if self.node.database.trouble:
            self._backlog.spawn(self._try_disk())
        for number, wanted in self.openings.draw([link.session for link in self.links.values()]):
            self.tell(self.links[number], wanted)
        self._telling.go_on()

    async def fetch_file(self, sha256: bytes) -> bool:
        """Have a file from whichever peer has it; False when none of those now connected does."""
        return await self._taking.files.fetch(sha256)

    def _hear(self, origin: str, start: int, stop: int) -> None:
        self._telling.hear(origin, start, stop)
        self.openings.hear(origin, start, stop)

    def _ask_for_file(self, sha256: bytes, asked: set[int]) -> bool:
        """Ask one live session that was not asked before; False when there is none."""
        live = (link for link in self.links.values() if link.session.state is State.LIVE)
        link = next((link for link in live if link.session.number not in asked), None)
        if link is None:
            return False
        asked.add(link.session.number)
        self.tell(link, events.FileWanted(sha256))
        return True

    def _handle(self, link: Link, event: Event) -> list[tuple[Action, Work]]:
        """Do at once what can be done at once; the rest comes back as work to be awaited, in order."""
        waiting: list[tuple[Action, Work]] = []
        try:
            for action in link.session.handle(event, int(self.node.clock.monotonic_s() * 1_000)):
                at_once = _AT_ONCE.get(type(action))
                if at_once is None:
                    waiting.append((action, self._taking.begin(link, action)))
                else:
                    at_once(self, link, action)
        except Exception as error:
            # A fault of our own in one session must not reach whoever published, nor the other sessions.
            self.node.log.error("session_failed", error=repr(error))
            link.close("an error of this node", None)
        self.tell_watchers()
        return waiting

    def _end_transfer(self, link: Link, action: events.EndTransfer) -> None:
        self.receiver.end_transfer(action.origin)
        for other in list(self.links.values()):
            if other is not link:
                self.tell(other, events.ClaimFreed(action.origin))

    async def _try_disk(self) -> None:
        """A disk that was full may have room again; nobody need come by for this node to notice."""
        with contextlib.suppress(sqlite3.Error, OSError, RefusedError):
            await self.node.database.write(gossip_marks.touch)


Carry = Callable[[Exchange, Link, Any], None]

_SERVES: Final = (
    events.ServeLog,
    events.ServeBundles,
    events.ServeCosignatures,
    events.ServeForks,
    events.ServeFile,
    events.ServeOpenings,
)
_AT_ONCE: Final[dict[type[Action], Carry]] = {
    **dict.fromkeys(_SERVES, lambda exchange, link, action: exchange._telling.serve(link, action)),
    events.Send: lambda _, link, action: link.send(action.raw),
    events.ServeNote: lambda exchange, link, action: exchange._telling.send_note(link, action),
    events.ReadHeads: lambda exchange, link, action: exchange._telling.read_heads(link, action),
    events.CheckPast: lambda exchange, link, action: exchange._telling.check_past(link, action),
    events.EndTransfer: Exchange._end_transfer,
    events.TakeMembership: lambda exchange, link, action: exchange.hear_views(link.session.peer_origin, action.message),
    events.Outdo: lambda exchange, _, action: exchange.broadcast(events.Outdone(action.origin, action.session)),
    events.MissFile: lambda exchange, _, action: exchange._taking.files.settle(action.sha256, False),
    events.SetTimer: lambda _, link, action: link.set_timer(action.at_ms),
    events.Close: lambda _, link, action: link.close(action.reason, action.fault),
}
"""What is done without waiting; every other action is work of the road to the store."""

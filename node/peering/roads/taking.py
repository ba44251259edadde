"""From the peers to our store: what sessions have heard is checked, stored and handed on, and faults find their owner.

Invariant: what goes wrong ends the session that brought it, and only a peer's fault is held against the peer.
Spec: docs/spec/gossip/session.md
"""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from node.peering.backlog import Backlog, Work
from node.peering.file_waits import FileWaits
from node.peering.fork_talk import ForkTalk
from node.peering.opening_asks import OpeningAsks
from node.peering.roads.sessions import Link, Sessions
from node.peering.roads.telling import Telling
from node.use_cases.context import Node
from node.use_cases.cosign import admit_cosignature
from node.use_cases.receive import BranchError, Receiver
from protocol.core.errors import PeerError, RefusedError
from protocol.gossip import events
from protocol.gossip.events import Action
from protocol.gossip.peers import Fault
from storage.log import fork_cuts
from storage.peers import peer_state

AskNext = Callable[[bytes, set[int]], bool]
"""Ask one more session for a file; False when there is none that was not asked."""


class Taking:
    """What this node takes in from its sessions."""

    def __init__(
        self, node: Node, receiver: Receiver, telling: Telling, backlog: Backlog, sessions: Sessions, ask_next: AskNext
    ) -> None:
        self.files = FileWaits(node, ask_next)
        self.openings = OpeningAsks(node, telling.frontier)
        self.forks = ForkTalk(node, telling.frontier, sessions.broadcast)
        self._node = node
        self._receiver = receiver
        self._telling = telling
        self._backlog = backlog
        self._sessions = sessions

    def begin(self, link: Link, action: Action) -> Work:
        """The work that an action asks for, to be awaited; it never raises."""
        return self._guard(link, _WORK[type(action)](self, link, action))

    async def _guard(self, link: Link, work: Work) -> None:
        try:
            await work
        except BranchError as error:
            # Where we hold nothing of a log, there is no other version of it that this could be.
            fault = Fault.DOUBTFUL if self._telling.frontier.size(error.origin) else Fault.UNTRUE
            self._sessions.tell(link, events.Refused(error.reason, error.origin, fault))
        except PeerError as error:
            self._sessions.tell(link, events.Refused(error.reason))
        except (sqlite3.Error, OSError, RefusedError) as error:
            self._node.log.error("not_stored", error=type(error).__name__)
            self._sessions.tell(link, events.Stop("this node cannot store at the moment", has_stored=False))

    async def _store_push(self, link: Link, action: events.StorePush) -> None:
        await self._receiver.admit_push(action.origin, action.start, action.count, action.note, action.entries)
        self._telling.sync()

    async def _begin_transfer(self, link: Link, action: events.BeginTransfer) -> None:
        size, missing = await self._receiver.begin_transfer(action.origin, action.first, action.note, action.roots)
        self._sessions.tell(link, events.TransferChecked(action.origin, size, missing))
        if not missing:
            self._telling.sync()

    async def _store_bundle(self, link: Link, action: events.StoreBundle) -> None:
        write = self._receiver.take_bundle(action.origin, action.number, action.raw)
        if write is not None:
            work = self._guard(link, self._end_write(write.done))
            await self._backlog.add(link.session.number, work, write.raw_bytes)

    async def _end_write(self, done: asyncio.Task[None]) -> None:
        await done
        self._telling.sync()

    async def _store_cosignature(self, link: Link, action: events.StoreCosignature) -> None:
        try:
            await admit_cosignature(self._node, action.origin, action.size, action.line, link.session.number)
        except PeerError as error:
            if fork_cuts.stands_still(self._node.database.reader, action.origin):
                # Both versions are known, and under the other one it may be right: nothing more to be shown.
                return
            # It may be right under another version of this log: then our head shows it.
            raise BranchError(action.origin, error.reason) from None

    async def _check_fork(self, link: Link, action: events.CheckFork) -> None:
        for raw in await self.forks.check(action):
            link.send(raw)

    async def _store_file(self, link: Link, action: events.StoreFile) -> None:
        await self.files.store(action.sha256, action.raw)

    async def _store_opening(self, link: Link, action: events.StoreOpening) -> None:
        await self.openings.admit(action.opening)

    async def _save_cursor(self, link: Link, action: events.SaveCursor) -> None:
        origin = link.session.peer_origin
        await self._node.database.write(lambda db: peer_state.set_cursor(db, origin, action.epoch, action.change))


_WORK: Final[dict[type[Action], Callable[[Taking, Link, Any], Work]]] = {
    events.StorePush: Taking._store_push,
    events.BeginTransfer: Taking._begin_transfer,
    events.StoreBundle: Taking._store_bundle,
    events.StoreCosignature: Taking._store_cosignature,
    events.CheckFork: Taking._check_fork,
    events.StoreFile: Taking._store_file,
    events.StoreOpening: Taking._store_opening,
    events.SaveCursor: Taking._save_cursor,
}

"""All of a node's sessions with its peers: who is called, who may come in, which of two connections is kept.

Invariant: a session exists only with a peer whose certificate is pinned under the origin it names.
Invariant: stopping says goodbye and ends within ten seconds.
Spec: docs/spec/gossip/session.md
"""

import asyncio
import contextlib
import sqlite3
import ssl
from functools import cached_property
from typing import Any, Final

from aiohttp import web

from node.peering.connection import Connection, Socket
from node.peering.contexts import Identity
from node.peering.dialer import Dialer, NotNowError, TurnedAwayError, certificate_of, wait_unless
from node.peering.exchange import Exchange
from node.peering.listener import Listener
from node.peering.nearby import Nearby
from node.peering.overlay.neighbours import Neighbours
from node.peering.standings import Standings, describe_peer
from node.use_cases.context import Node
from node.use_cases.own_log.own_head import own_head_of
from node.use_cases.peers import PeeringReport, PeerLine
from protocol.core.errors import PeerError, RefusedError
from protocol.core.quantities import divide_up
from protocol.gossip import limits
from protocol.gossip.peers import Fault, is_replaced, next_wait_ms
from storage.peers import peer_state
from storage.peers.peer_state import Peer

DIALLED_MAX: Final = 64
"""Peers that are called of ourselves; others may come in."""
TICK_S: Final = 1.0
DRAIN_WAIT_S: Final = 8.0
FILE_WAIT_S: Final = 5.0
"""How long a wanted file waits for peers that are not connected at the moment."""
FILE_RETRY_S: Final = 0.1


class Peering:
    """The node's peers, listening and calling."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.exchange = Exchange(node)
        self._standings = Standings(node)
        self.nearby = Nearby()
        """Where peers in the local network say they are: tried where the pinned address does not answer."""
        self._neighbours = Neighbours(node, self)
        self.exchange.hear_views = self._neighbours.hear
        self._peers: dict[str, Peer] = {}
        self._links: dict[str, Connection] = {}
        self._errors: dict[str, str] = {}
        self._callers: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None
        self._dialer: Dialer | None = None
        self._is_stopping = False
        self._listener = self._make_listener()

    @property
    def port(self) -> int:
        """The port we listen on."""
        return self._listener.port

    async def start(self) -> None:
        """Listen, and call every peer that has an address."""
        self._dialer = self._make_dialer()
        self.exchange.start()
        self.exchange.cosigner.resume()
        await self._listener.start()
        self.refresh()
        self._keep(self._tick_for_ever())

    async def stop(self) -> None:
        """Say goodbye to all, let what is being stored come to its end, close."""
        self._is_stopping = True
        self._neighbours.stop()
        links = list(self._links.values())
        for link in links:
            link.stop("this node stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_WAIT_S):
                await asyncio.gather(*(link.ended.wait() for link in links))
                await self.exchange.stop()
        waiting = [*self._tasks, *self._callers.values()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await self._listener.stop()
        if self._dialer is not None:
            await self._dialer.stop()

    def refresh(self) -> None:
        """Take in which peers are pinned now: call new ones, hang up on removed ones."""
        known = {peer.origin: peer for peer in peer_state.peers(self._node.database.reader)}
        if {peer.tls_certificate for peer in known.values()} != {one.tls_certificate for one in self._peers.values()}:
            self._context = None
        for origin in self._peers.keys() - known.keys():
            self._forget(origin)
        self._peers = known
        self._neighbours.read_roster(known)
        for origin, peer in known.items():
            is_called = self._pick_address(peer, 0) and not self._neighbours.manages(origin)
            if is_called and origin not in self._callers and len(self._callers) < DIALLED_MAX:
                self._news[origin] = asyncio.Event()
                self._callers[origin] = asyncio.create_task(self._call_for_ever(origin))
            elif origin in self._news:
                self._news[origin].set()
        self.exchange.tick()

    def sync(self) -> None:
        """Tell peers at once what has changed in the store."""
        self.exchange.sync()

    async def fetch_file(self, sha256: bytes) -> bool:
        """Have a file by its hash from whichever peer has it; False when nobody who can be asked in time does."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + FILE_WAIT_S
        while not await self.exchange.fetch_file(sha256):
            expected = [origin for origin in self._peers if self._neighbours.expects(origin)]
            everyone_asked = all(origin in self._links and self._links[origin].is_live for origin in expected)
            if everyone_asked or loop.time() > until_s:
                return False
            await asyncio.sleep(FILE_RETRY_S)
        return True

    def call_as(self, origin: str, reason: str) -> None:
        """Call a peer once, as the views of a large federation want it."""
        if not self._is_stopping:
            self._keep(self._call_once(origin, reason))

    def hang_up(self, origin: str, reason: str) -> None:
        """End the session with a peer, if there is one."""
        if origin in self._links:
            self._links[origin].stop(reason)

    def say(self, origin: str, raw: bytes) -> None:
        """Send a frame to a peer, if there is a session."""
        link = self._links.get(origin)
        if link is not None and link.is_live:
            link.send(raw)

    def list_connected(self) -> list[str]:
        """With whom a session stands."""
        return list(self._links)

    def answers(self) -> dict[str, int]:
        """Those peers now connected that have told all they hold -> how much of our own log that is."""
        own = self._node.origin
        live = {origin: link.session for origin, link in self._links.items() if link.is_live}
        return {origin: one.theirs.get(own, 0) for origin, one in live.items() if one.has_heard_all}

    def take_own(self, is_taken: bool) -> None:
        """Take entries of our own log from others, or no longer."""
        self.exchange.take_own(is_taken)

    def status(self) -> list[PeerLine]:
        """How it stands with each pinned peer, by origin."""
        return [self._describe(peer) for _, peer in sorted(self._peers.items())]

    def describe(self) -> PeeringReport:
        """The same for the status of the whole node."""
        found = tuple(self.status())
        return PeeringReport(self.port, sum(peer.state == "connected" for peer in found), found)

    def _describe(self, peer: Peer) -> PeerLine:
        error = self._errors.get(peer.origin, peer.last_error)
        absence = self._name_absence(peer.origin)
        return describe_peer(peer, self._links.get(peer.origin), self.exchange.frontier, absence, error)

    def _name_absence(self, origin: str) -> str:
        if self._standings.wait_ms(origin):
            return "sent away"
        return "not connected" if self._neighbours.expects(origin) else "over others"

    @cached_property
    def _identity(self) -> Identity:
        return Identity(self._node.keys.tls, self._node.clock)

    def _make_dialer(self) -> Dialer:
        """How peers are called: a simulated world has roads of its own."""
        return Dialer(self._identity)

    def _make_listener(self) -> Listener:
        """The door that peers come in by."""
        config = self._node.config
        return Listener(config.peer_host, config.peer_port, self._admit, lambda: self._server_context())

    def _server_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._identity.server_context(peer.tls_certificate for peer in self._peers.values())
        return self._context

    def _forget(self, origin: str) -> None:
        caller = self._callers.pop(origin, None)
        if caller is not None:
            caller.cancel()
        self._news.pop(origin, None)
        self._errors.pop(origin, None)
        self._standings.forget(origin)
        link = self._links.get(origin)
        if link is not None:
            link.stop("this peer was removed")

    async def _admit(self, request: web.Request) -> web.StreamResponse:
        """The other side has called: who it is says its certificate."""
        transport = request.transport
        reason = request.query.get("as", "")
        peer = self._judge_caller(None if transport is None else certificate_of(transport), reason)
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=limits.FRAME_BYTES_MAX, timeout=limits.CLOSING_WAIT_MS / 1_000
        )
        await socket.prepare(request)
        await self._talk(peer, socket, dialled_by_us=False, reason=reason)
        return socket

    def _judge_caller(self, shown: bytes | None, reason: str = "") -> Peer:
        """The peer that has shown this certificate; an HTTP error where it is not to come in.

        `reason`: why it calls, where the federation is large.
        """
        peer = next((one for one in self._peers.values() if one.tls_certificate == shown), None)
        if peer is None or self._is_stopping:
            raise web.HTTPForbidden(text="not a pinned peer")
        away_ms = self._standings.wait_ms(peer.origin)
        if away_ms:
            wait_s = divide_up(away_ms, 1_000)
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(wait_s)}, text="sent away for a while")
        if not self._may_replace(peer, dialled_by_us=False):
            raise web.HTTPConflict(text="another connection is kept")
        if not self._neighbours.lets_in(peer.origin, reason):
            raise web.HTTPServiceUnavailable(text="has sessions enough at the moment")
        return peer

    def _may_replace(self, peer: Peer, dialled_by_us: bool) -> bool:
        link = self._links.get(peer.origin)
        if link is None:
            return True
        age_ms = int((self._node.clock.monotonic_s() - link.opened_s) * 1_000)
        return is_replaced(self._node.origin, peer.origin, link.dialled_by_us, dialled_by_us, age_ms)

    async def _talk(self, peer: Peer, socket: Socket, dialled_by_us: bool, reason: str = "") -> bool:
        """One session from greeting to end; False where the peer broke the rules in it."""
        if not self._may_replace(peer, dialled_by_us):
            await socket.close()
            self._neighbours.note_failed(peer.origin, reason, is_refusal=True)
            return True
        # The cursor may have moved since the list of peers was read.
        known = peer_state.peer(self._node.database.reader, peer.origin)
        if known is None or known.tls_certificate != peer.tls_certificate:
            await socket.close()
            return False
        if not self._note_told(peer):
            await socket.close()
            self._neighbours.note_failed(peer.origin, reason, is_refusal=True)
            return True
        link = Connection(self.exchange, socket, known, dialled_by_us)
        old = self._links.get(peer.origin)
        self._links[peer.origin] = link
        if old is not None:
            old.stop("another connection is kept")
        self._neighbours.note_up(peer.origin, reason, dialled_by_us)
        self._node.log.info("peer_connected", peer=peer.origin, dialled_by_us=dialled_by_us)
        self._errors.pop(peer.origin, None)
        try:
            await link.run()
        finally:
            self._note_ended(peer, link)
        return link.fault is None

    def _note_told(self, peer: Peer) -> bool:
        """From here on this peer may hold our heads, and whoever restores this home must hear of it: or no session."""
        try:
            own_head_of(self._node).add_told(frozenset({peer.origin}))
        except OSError as failure:
            self._node.log.error("told_not_stored", peer=peer.origin, error=type(failure).__name__)
            return False
        return True

    def _note_ended(self, peer: Peer, link: Connection) -> None:
        if self._links.get(peer.origin) is link:
            del self._links[peer.origin]
            if not self._is_stopping:
                self._neighbours.note_down(peer.origin, link.is_parting)
        self._node.log.info("peer_left", peer=peer.origin, reason=link.reason, fault=link.fault and link.fault.name)
        if link.reason and peer.origin in self._peers:
            self._errors[peer.origin] = link.reason
        if peer.origin in self._news:
            self._news[peer.origin].set()
        if not self._is_stopping:
            self._keep(self._note_contact(peer.origin, link.reason if link.fault else "", link.fault))

    async def _note_contact(self, origin: str, error: str, fault: Fault | None) -> None:
        now_ms = self._node.clock.now_ms()
        try:
            if fault is not None and origin in self._peers:
                await self._standings.note(origin, fault)
            await self._node.database.write(lambda db: peer_state.note_contact(db, origin, now_ms, error))
        except (sqlite3.Error, RefusedError) as failure:
            # A full disk, say: it counts in this run all the same.
            self._node.log.error("contact_not_stored", error=type(failure).__name__)
        self.exchange.tell_watchers()

    async def _call_for_ever(self, origin: str) -> None:
        failures = 0
        while not self._is_stopping and not self._neighbours.manages(origin):
            peer, news = self._peers[origin], self._news[origin]
            if origin in self._links:
                await self._links[origin].ended.wait()
                # Whoever lost the connection first calls first; chance keeps both from calling at once.
                failures = 0
            elif (url := self._pick_address(peer, failures)) and not self._standings.call_wait_ms(origin):
                failures = 0 if await self._call_guarded(peer._replace(url=url)) else failures + 1
            wait_ms = next_wait_ms(failures, self._node.clock.random_bytes(2))
            wait_ms = max(wait_ms, self._standings.call_wait_ms(origin))
            if origin not in self._links:
                news.clear()
                await wait_unless(news, wait_ms / 1_000)
        if not self._is_stopping:
            # The federation has grown large: from here on the views say who is called.
            self._callers.pop(origin, None)
            self._news.pop(origin, None)

    def _pick_address(self, peer: Peer, failures: int) -> str:
        """The pinned address, and in turn with it the one that somebody with this certificate says it has nearby."""
        known = [url for url in (peer.url, self.nearby.url_of(peer.tls_certificate)) if url]
        return known[failures % len(known)] if known else ""

    async def _call_guarded(self, peer: Peer, reason: str = "") -> bool:
        """A caller outlives whatever goes wrong in one call."""
        try:
            return await self._call(peer, reason)
        except Exception as error:
            self._node.log.error("call_failed", peer=peer.origin, error=repr(error))
            return False

    async def _call_once(self, origin: str, reason: str) -> None:
        peer = self._peers.get(origin)
        if peer is None or origin in self._links or self._standings.call_wait_ms(origin):
            self._neighbours.note_failed(origin, reason, is_refusal=peer is not None)
        else:
            await self._call_guarded(peer, reason)

    async def _call(self, peer: Peer, reason: str = "") -> bool:
        """Call once and talk to the end; False where there was no session or the peer broke the rules in it."""
        assert self._dialer is not None
        try:
            socket: Socket = await self._dialer.dial(peer, reason)
        except PeerError as error:
            self._neighbours.note_failed(peer.origin, reason, isinstance(error, NotNowError))
            if isinstance(error, TurnedAwayError):
                self._standings.note_turned_away(peer.origin, error.wait_s)
            if peer.origin not in self._links and self._neighbours.expects(peer.origin):
                self._errors[peer.origin] = error.reason
                self.exchange.tell_watchers()
            return False
        return await self._talk(peer, socket, dialled_by_us=True, reason=reason)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.exchange.tick()
                if self._neighbours.read_roster(self._peers):
                    self.refresh()
                self._neighbours.visit(self.exchange.openings.owners())
            except sqlite3.Error as error:
                self._node.log.error("tick_failed", error=repr(error))

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""One WebSocket with a pinned peer: frames in, frames out, a timer, and an end that does not hang.

Invariant: what waits to be sent is bounded; a peer that does not read is dropped.
Invariant: frames are binary, uncompressed and within the limit; anything else ends the connection.
Spec: docs/spec/gossip/session.md
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType

from node.peering.exchange import Exchange
from protocol.gossip import events, limits
from protocol.gossip.frames import ENTRY_CODES
from protocol.gossip.peers import Fault, spend_frame
from protocol.gossip.session import Session, State
from storage.peers.peer_state import Peer

SEND_BYTES_MAX = 8 * 1024 * 1024
BULK_JOBS_MAX = 256
CLOSE_WAIT_S = limits.CLOSING_WAIT_MS / 1_000
LOST = "the connection was lost"


class Socket(Protocol):
    """What a session wants of a WebSocket, called or answered."""

    async def receive(self) -> WSMessage:
        """The next message, or word of the end."""
        ...

    async def send_bytes(self, data: bytes) -> None:
        """Send a message; waits while the other side takes nothing."""
        ...

    async def close(self) -> bool:
        """Say goodbye and close."""
        ...


@dataclass
class _Traffic:
    """What went over one connection, frame bytes without those of WebSocket and TLS."""

    bytes_in: int = 0
    bytes_out: int = 0


class Connection:
    """The transport of one session (exchange.Link)."""

    def __init__(self, exchange: Exchange, socket: Socket, peer: Peer, dialled_by_us: bool) -> None:
        self.session: Session = exchange.new_session(peer)
        self.peer = peer
        self.dialled_by_us = dialled_by_us
        self.since_ms = exchange.node.clock.now_ms()
        self.opened_s = exchange.node.clock.monotonic_s()
        self.traffic = _Traffic()
        self.reason = ""
        self.fault: Fault | None = None
        self._exchange = exchange
        self._socket = socket
        self._urgent: deque[bytes] = deque()
        self._urgent_bytes = 0
        self._bulk: deque[Iterator[bytes]] = deque()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._free_us = 0
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Talk until either side ends it; `reason` then says why."""
        writer = asyncio.create_task(self._write())
        self._reading = asyncio.create_task(self._read())
        try:
            self._exchange.open(self)
            await asyncio.wait({self._reading})
            if not self._reading.cancelled() and self._reading.exception() is not None:
                self._note_failure(self._reading.exception())
        finally:
            self._reading.cancel()
            self._exchange.lose(self, self.reason)
            await self._end(writer)
            self.ended.set()

    def send(self, raw: bytes) -> None:
        """Send a frame before all bulk; a peer that lets too much pile up is dropped."""
        if self._is_closing:
            return
        self._urgent.append(raw)
        self._urgent_bytes += len(raw)
        self._wake.set()
        if self._urgent_bytes > SEND_BYTES_MAX:
            self._drop("does not take what is sent to it")

    def send_bulk(self, frames: Iterator[bytes]) -> None:
        """Send frames in their turn; more requests than the limit drop the peer."""
        if self._is_closing:
            return
        self._bulk.append(frames)
        self._wake.set()
        if len(self._bulk) > BULK_JOBS_MAX:
            self._drop("asks for more than it takes")

    def set_timer(self, at_ms: int) -> None:
        """Hand the session Due at this time."""
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max(0.0, at_ms / 1_000 - self._exchange.node.clock.monotonic_s())
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def close(self, reason: str, fault: Fault | None) -> None:
        """Send what is urgent, then close; the wait for it is bounded."""
        if self._is_closing:
            return
        self.reason = self.reason or reason
        self.fault = fault
        self._is_closing = True
        self._bulk.clear()
        self._wake.set()
        self._deadline = asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._abort)

    def stop(self, reason: str) -> None:
        """End the session from our side."""
        self._exchange.tell(self, events.Stop(reason))

    @property
    def is_live(self) -> bool:
        """Whether both sides have greeted and neither has said goodbye."""
        return self.session.state is State.LIVE

    @property
    def now_ms(self) -> int:
        """What the clock says."""
        return self._exchange.node.clock.now_ms()

    @property
    def is_parting(self) -> bool:
        """Whether it ended with a word, so that the peer is still there."""
        return self.fault is None and self.reason != LOST

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                self.traffic.bytes_in += len(message.data)
                await self._exchange.receive(self, message.data)
                if message.data[:1] not in ENTRY_CODES:
                    await self._slow_down()
            elif message.type is WSMsgType.TEXT:
                self._exchange.tell(self, events.Refused("frame: text, where only bytes are spoken", fault=Fault.FORM))
            else:
                self._note_end(message.data)
                return

    async def _slow_down(self) -> None:
        """Whoever sends more than anybody needs is read more slowly; the rest waits in its own buffers."""
        now_us = int(self._exchange.node.clock.monotonic_s() * 1_000_000)
        self._free_us, wait_us = spend_frame(self._free_us, now_us)
        if wait_us:
            await asyncio.sleep(wait_us / 1_000_000)

    def _note_end(self, cause: object) -> None:
        if self.reason:
            return
        if isinstance(cause, WebSocketError):
            self.fault = Fault.FORM
            is_oversized = cause.code == WSCloseCode.MESSAGE_TOO_BIG
            self.reason = "sent a frame beyond the limit" if is_oversized else "broke the rules of WebSocket"
        else:
            self.reason = LOST

    async def _write(self) -> None:
        try:
            while True:
                raw = self._next_frame()
                if raw is not None:
                    self.traffic.bytes_out += len(raw)
                    await self._socket.send_bytes(raw)
                elif self._is_closing:
                    break
                else:
                    self._wake.clear()
                    await self._wake.wait()
            await self._socket.close()
        except (ConnectionError, RuntimeError):
            # Closed under us: the reader has noticed, or notices when it is cancelled.
            self._abort()
        except Exception as error:
            self._note_failure(error)
            self._abort()

    def _next_frame(self) -> bytes | None:
        if self._urgent:
            raw = self._urgent.popleft()
            self._urgent_bytes -= len(raw)
            return raw
        while self._bulk:
            raw_or_end = next(self._bulk[0], None)
            if raw_or_end is not None:
                return raw_or_end
            self._bulk.popleft()
        return None

    def _ring(self) -> None:
        self._timer = None
        self._exchange.tell(self, events.Due())

    def _drop(self, reason: str) -> None:
        self.reason, self.fault, self._is_closing = reason, Fault.FLOOD, True
        self._abort()

    def _abort(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _note_failure(self, error: BaseException | None) -> None:
        """A fault of our own must be seen, and must not take the node with it."""
        self.reason = self.reason or "an error of this node"
        self._exchange.node.log.error("session_failed", error=repr(error))

    async def _end(self, writer: "asyncio.Task[None]") -> None:
        if self._is_closing:
            await asyncio.wait({writer}, timeout=CLOSE_WAIT_S)
        writer.cancel()
        for handle in (self._timer, self._deadline):
            if handle is not None:
                handle.cancel()
        with contextlib.suppress(TimeoutError, ConnectionError, RuntimeError):
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._socket.close()

"""The door for peers: a socket of our own, caps before any byte is read, deadlines on handshake and header.

Invariant: an address holds at most so many connections, the node at most so many in all, counted from the accept.
Invariant: a caller takes the place of one that has not greeted yet, never of a session: idle sockets lock nobody out.
Invariant: what has not become a session in time is aborted.
Spec: docs/spec/gossip/session.md
"""

import asyncio
import contextlib
import socket
import ssl
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

from aiohttp import web

from protocol.gossip import limits

HANDSHAKE_WAIT_S: Final = 5.0
HEADER_WAIT_S: Final = 5.0
ACCEPT_AGAIN_S: Final = 0.05
PARTING_WAIT_S: Final = limits.CLOSING_WAIT_MS / 1_000
"""How long a caller may take to answer the goodbye of TLS."""
PER_ADDRESS_MAX: Final = 64
CONNECTIONS_MAX: Final = 512
BACKLOG: Final = 128
HANDSHAKES_MAX: Final = 64
"""TLS handshakes at a time: each holds some 400 KiB."""
HEADER_LINE_BYTES_MAX: Final = 4_096
ROUTE: Final = "/rochdale/session"

Admit = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listener:
    """Accepts peers' connections and hands each request for a session on."""

    def __init__(self, host: str, port: int, admit: Admit, context: Callable[[], ssl.SSLContext]) -> None:
        """`context` gives the TLS context of the moment, so that pins may change while we listen."""
        self._host, self._port = host, port
        self._context = context
        self._admit = admit
        self._socket: socket.socket | None = None
        self._per_address: Counter[str] = Counter()
        self._waiting: dict[asyncio.Task[None], str] = {}
        """Connections that are no session yet, the longest waiting first, with their address."""
        self._shaking: dict[asyncio.Task[None], None] = {}
        self._put_out_early: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._upgraded: dict[int, asyncio.Future[asyncio.Future[None]]] = {}
        self._parting: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        """Connections to which goodbye was said, until the other side has said it too."""
        app = web.Application()
        app.router.add_get(ROUTE, self._handle)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            max_line_size=HEADER_LINE_BYTES_MAX,
            max_field_size=HEADER_LINE_BYTES_MAX,
            keepalive_timeout=HEADER_WAIT_S,
            shutdown_timeout=PARTING_WAIT_S,
        )

    @property
    def port(self) -> int:
        """The port we listen on; 0 while we do not."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Begin to accept; OSError where the port is taken."""
        await self._runner.setup()
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self._port), family=family, backlog=BACKLOG)
        listening.setblocking(False)
        self._socket = listening
        self._keep(self._accept_all(listening))

    async def stop(self) -> None:
        """Accept no more; sessions are ended by whoever holds them."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in self._parting:
            transport.abort()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        await self._runner.cleanup()

    def _keep(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept_all(self, listening: socket.socket) -> None:
        while True:
            # Nothing is awaited between the accept and the record of it: no cancellation can lose a socket there.
            await _wait_until_readable(listening)
            try:
                accepted, address = listening.accept()
            except OSError:
                # Out of file descriptors, or the caller gave up: the next one may fare better.
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            accepted.setblocking(False)
            host = str(address[0])
            if not self._has_room(host):
                accepted.close()
                continue
            self._take_in(accepted, host)

    def _take_in(self, accepted: socket.socket, host: str) -> None:
        self._per_address[host] += 1
        task = self._keep(self._serve(accepted))
        self._waiting[task] = host
        task.add_done_callback(partial(self._release, host, accepted))

    def _has_room(self, host: str) -> bool:
        """Whether one more may come in from this address; somebody who still waits may have to go for it."""
        if self._per_address[host] >= PER_ADDRESS_MAX:
            return self._put_out(task for task, waiting in self._waiting.items() if waiting == host)
        if self._per_address.total() >= CONNECTIONS_MAX:
            return self._put_out(iter(self._waiting))
        return True

    def _put_out(self, waiting: Iterator["asyncio.Task[None]"]) -> bool:
        longest = next(waiting, None)
        if longest is None or longest not in self._waiting:
            return False
        host = self._waiting.pop(longest)
        self._count_out(host)
        self._put_out_early.add(longest)
        longest.cancel()
        return True

    def _release(self, host: str, accepted: socket.socket, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            # Perhaps before its first step, so that nobody else has the socket to close.
            accepted.close()
        self._waiting.pop(task, None)
        self._shaking.pop(task, None)
        if task in self._put_out_early:
            self._put_out_early.remove(task)
        else:
            self._count_out(host)

    def _count_out(self, host: str) -> None:
        self._per_address[host] -= 1
        if not self._per_address[host]:
            del self._per_address[host]

    async def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            await self._wait_for_a_byte(accepted)
            await self._talk(await self._shake_hands(accepted))

    async def _wait_for_a_byte(self, accepted: socket.socket) -> None:
        """What TLS needs for a connection is a hundred times what a socket does: an idle one does not get it."""
        try:
            async with asyncio.timeout(HANDSHAKE_WAIT_S):
                await _wait_until_readable(accepted)
        except BaseException:
            accepted.close()
            raise
        if not accepted.recv(1, socket.MSG_PEEK):
            accepted.close()
            raise ConnectionResetError("gone without a word")
        self._begin_handshake()

    def _begin_handshake(self) -> None:
        """One more handshake; where that is one too many, the oldest is put out."""
        task = asyncio.current_task()
        assert task is not None
        self._shaking[task] = None
        if len(self._shaking) > HANDSHAKES_MAX:
            oldest = next(iter(self._shaking))
            del self._shaking[oldest]
            self._put_out(iter((oldest,)))

    async def _shake_hands(self, accepted: socket.socket) -> asyncio.Transport:
        server = self._runner.server
        assert server is not None
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                server,
                accepted,
                ssl=self._context(),
                ssl_handshake_timeout=HANDSHAKE_WAIT_S,
                ssl_shutdown_timeout=PARTING_WAIT_S,
            )
        except BaseException:
            accepted.close()
            raise
        return transport

    async def _talk(self, transport: asyncio.Transport) -> None:
        """The header of one request, which must come in time, then the session."""
        upgraded = self._upgraded[id(transport)] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(HEADER_WAIT_S):
                ended = await upgraded
            task = asyncio.current_task()
            assert task is not None
            self._waiting.pop(task, None)
            self._shaking.pop(task, None)
            await ended
            self._parting.add(transport)
            transport.close()
        except BaseException:
            transport.abort()
            raise
        finally:
            del self._upgraded[id(transport)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        upgraded = self._upgraded.get(id(request.transport))
        ended: asyncio.Future[None] = loop.create_future()
        if upgraded is None or upgraded.done():
            raise web.HTTPConflict(text="one session for each connection")
        upgraded.set_result(ended)
        try:
            response = await self._admit(request)
            response.force_close()
            return response
        finally:
            ended.set_result(None)


async def _wait_until_readable(watched: socket.socket) -> None:
    """Until there is something to read or to accept; takes none of it."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(watched, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(watched)

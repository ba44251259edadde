"""A bad network between real processes: TCP links that are slow, lossy, cut, or dead without a word.

Invariant: bytes arrive in order or not at all; what a link does follows from its state and its seed.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

CHUNK_BYTES = 64 * 1024
RETRANSMIT_S = 0.2
"""How long a lost packet holds up what comes after it."""
CALL_WAIT_S = 10.0
TURNS_TO_BEGIN = 8


@dataclass(frozen=True)
class Weather:
    """How a link treats each chunk: `delay_s` on the way; `loss` is how often it is held up as by a lost packet."""

    delay_s: float = 0.0
    loss: float = 0.0


FAIR = Weather()


@dataclass(eq=False)
class _Way:
    """One direction of one connection."""

    writer: asyncio.StreamWriter
    due_s: float = 0.0
    is_stranded: bool = False


@dataclass(eq=False)
class ChaosLink:
    """A port on this machine that leads to another one, through whatever weather there is."""

    network: "ChaosNetwork"
    target_port: int
    chance: random.Random
    port: int = 0
    weather: Weather = FAIR
    is_cut: bool = False
    carried: int = 0
    _ways: set[_Way] = field(default_factory=set)

    def cut(self) -> None:
        """Reset what stands and refuse what comes."""
        self.network.call(self._cut)

    def heal(self) -> None:
        """Let new connections through, in fair weather."""
        self.network.call(lambda: self._change(False, FAIR))

    def trouble(self, weather: Weather) -> None:
        """Change the weather for what is sent from now on."""
        self.network.call(lambda: self._change(self.is_cut, weather))

    def strand(self) -> None:
        """Leave both ends of what stands in the belief that it stands: nothing goes through any more, not even an end.
        New connections pass."""
        self.network.call(self._strand)

    def _cut(self) -> None:
        self.is_cut = True
        for way in list(self._ways):
            way.writer.transport.abort()

    def _change(self, is_cut: bool, weather: Weather) -> None:
        self.is_cut, self.weather = is_cut, weather

    def _strand(self) -> None:
        for way in self._ways:
            way.is_stranded = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until both ways have ended."""
        if self.is_cut:
            writer.transport.abort()
            return
        try:
            onward = await asyncio.open_connection("127.0.0.1", self.target_port)
        except BaseException as error:
            writer.transport.abort()
            if isinstance(error, OSError):
                return
            raise
        there, back = _Way(onward[1]), _Way(writer)
        self._ways |= {there, back}
        try:
            await asyncio.gather(self._carry(reader, there), self._carry(onward[0], back))
        finally:
            self._ways -= {there, back}
            for way in (there, back):
                way.writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, way: _Way) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                raw = await reader.read(CHUNK_BYTES)
                await way.writer.drain()
            except ConnectionError:
                raw = b""
            if way.is_stranded:
                if not raw:
                    # Nobody at the other end hears of it.
                    await loop.create_future()
                continue
            if not raw:
                loop.call_at(max(way.due_s, loop.time()), way.writer.transport.close)
                return
            self.carried += len(raw)
            is_lost = self.chance.random() < self.weather.loss
            due_s = loop.time() + self.weather.delay_s + (RETRANSMIT_S if is_lost else 0.0)
            if not self.weather.delay_s and due_s >= way.due_s and not is_lost:
                way.writer.write(raw)
                continue
            # Strictly later than what went before, so that it keeps its place.
            way.due_s = max(due_s, way.due_s + 1e-6)
            loop.call_at(way.due_s, way.writer.write, raw)


class ChaosNetwork:
    """All links of a test, on a thread of their own."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._links: list[ChaosLink] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-network", daemon=True)

    def __enter__(self) -> "ChaosNetwork":
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(CALL_WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_WAIT_S)
        self._loop.close()

    def lead_to(self, target_port: int) -> ChaosLink:
        """A link whose port leads to `target_port`."""
        link = ChaosLink(self, target_port, random.Random(f"{self._seed}-{len(self._links)}"))
        self._links.append(link)
        asyncio.run_coroutine_threadsafe(self._listen(link), self._loop).result(CALL_WAIT_S)
        return link

    def call(self, change: Callable[[], None]) -> None:
        """Do something on the network's thread, and wait until it is done."""

        async def run() -> None:
            change()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(CALL_WAIT_S)

    async def _listen(self, link: ChaosLink) -> None:
        server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
        self._servers.append(server)
        link.port = server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        # What was accepted a moment ago begins first: only a task that has begun can close its socket.
        for _ in range(TURNS_TO_BEGIN):
            await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

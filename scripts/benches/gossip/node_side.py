"""One node of the two that are measured: its home, its store, its peering, and a few words that drive it.

    python -m scripts.benches.gossip.node_side HOME PORT

Reads lines of words, answers each with one JSON object a line. Times are of the machine's monotonic clock, which both
processes read alike.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from node.peering.peering import Peering
from node.use_cases.context import Node
from node.use_cases.peers import AddPeer, add_peer
from node.use_cases.publish import publish
from protocol.federation.grants import KeyGrant
from protocol.federation.peer_card import PeerCard, format_card
from protocol.gossip.events import Stop
from scripts.benches.gossip.homes import open_home
from scripts.benches.gossip.made_up_logs import extend_logs, origin_of
from storage.peers import peer_state


class Side:
    """A node and what is watched of it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._changed = asyncio.Event()
        self._seen_ns: list[tuple[int, int]] = []
        self._known = {peer.origin for peer in peer_state.peers(node.database.reader)}
        # Before the peering: a page shows a record while the sessions are still telling others of it.
        node.changes.add_listener(self._note_change)
        self._peering = Peering(node)
        node.parts["peering"] = self._peering
        self._peering.exchange.watch(self._changed.set)

    async def start(self) -> dict[str, Any]:
        """Listen and call."""
        await self._peering.start()
        return {"started": self._peering.port}

    async def fetch(self, logs: str, size: str) -> dict[str, Any]:
        """Start, and wait until so many logs are held to this size: seconds from the call to the last on disk."""
        _forget_peak()
        rss_kib, used_s, begun_ns = _memory("VmRSS"), _used_s(), time.monotonic_ns()
        await self._peering.start()
        await self._wait_for_logs(int(logs), int(size))
        spent_s = (time.monotonic_ns() - begun_ns) / 1e9
        return {"fetched_s": spent_s, "used_s": _used_s() - used_s, "grown_kib": _memory("VmHWM") - rss_kib}

    async def reach(self, logs: str, size: str) -> dict[str, Any]:
        """Wait until so many logs are held to this size."""
        await self._wait_for_logs(int(logs), int(size))
        return {"reached_ns": time.monotonic_ns()}

    async def index(self, count: str) -> dict[str, Any]:
        """Wait until so many entries are indexed: seconds since this was asked."""
        begun_ns = time.monotonic_ns()
        rss_kib = _memory("VmRSS")
        sql = "SELECT coalesce(sum(next), 0) FROM index_cursor"
        await self._wait_until(lambda: self._node.database.reader.execute(sql).fetchone()[0] >= int(count))
        return {"indexed_s": (time.monotonic_ns() - begun_ns) / 1e9, "grown_kib": _memory("VmHWM") - rss_kib}

    async def publish(self, count: str, gap_ms: str) -> dict[str, Any]:
        """Publish records one by one with a pause after each: (index, time before) of all."""
        times = []
        for _ in range(int(count)):
            begun_ns = time.monotonic_ns()
            grant = KeyGrant(key=os.urandom(32), role="approver", holder="made-up member", ends=False)
            times.append(((await publish(self._node, "key.grant", grant)).index, begun_ns))
            await asyncio.sleep(int(gap_ms) / 1_000)
        return {"published": times}

    async def seen(self) -> dict[str, Any]:
        """(index, time) of the entries of its peer's own log, each when it was on disk and indexed here."""
        return {"seen": self._seen_ns}

    async def extend(self, logs: str, start: str) -> dict[str, Any]:
        """Hold one entry more of so many made-up logs: the bytes of their entries and signed heads."""
        origins = [origin_of(number) for number in range(int(logs))]
        return {"extended_bytes": await asyncio.to_thread(extend_logs, self._node.database, origins, int(start), 1)}

    async def usage(self) -> dict[str, Any]:
        """What this process has used, and what went over its session."""
        peers = self._peering.status()
        traffic = [sum(peer.bytes_in for peer in peers), sum(peer.bytes_out for peer in peers)]
        return {"cpu_s": _used_s(), "traffic": traffic, "port": self._peering.port}

    async def greet(self, logs: str, size: str) -> dict[str, Any]:
        """Start and meet the peer for the first time."""
        begun_ns = time.monotonic_ns()
        await self._peering.start()
        return await self._time_meeting(begun_ns, int(logs), int(size))

    async def leave(self) -> dict[str, Any]:
        """Hang up, and call no more."""
        await self._call_at("")
        for link in list(self._peering.exchange.links.values()):
            self._peering.exchange.tell(link, Stop("the bench hangs up"))
        await self._wait_until(lambda: not self._peering.exchange.links)
        return {"left": True}

    async def meet(self, url: str, logs: str, size: str) -> dict[str, Any]:
        """Call again: milliseconds until the peer has told all, and until so many logs are held to this size."""
        # The address is stored first, so that calling alone is timed.
        del self._node.parts["peering"]
        await self._call_at(url)
        self._node.parts["peering"] = self._peering
        begun_ns = time.monotonic_ns()
        self._peering.refresh()
        return await self._time_meeting(begun_ns, int(logs), int(size))

    async def stop(self) -> None:
        """Say goodbye and close."""
        await self._peering.stop()
        self._node.database.close()

    async def _call_at(self, url: str) -> None:
        """Have our one peer be called at this address, or never."""
        (known,) = peer_state.peers(self._node.database.reader)
        fields = {name: getattr(known, name) for name in PeerCard.__struct_fields__}
        await add_peer(self._node, AddPeer(card=format_card(PeerCard(**fields)), url=url))

    async def _time_meeting(self, begun_ns: int, logs: int, size: int) -> dict[str, Any]:
        (known,) = peer_state.peers(self._node.database.reader)
        await self._wait_until(lambda: known.origin in self._peering.answers())
        told_ns = time.monotonic_ns()
        await self._wait_for_logs(logs, size)
        return {"told_ms": (told_ns - begun_ns) / 1e6, "level_ms": (time.monotonic_ns() - begun_ns) / 1e6}

    async def _wait_for_logs(self, count: int, size: int) -> None:
        waiting = [origin_of(number) for number in range(count)]
        frontier = self._peering.exchange.frontier

        def are_held() -> bool:
            while waiting and frontier.size(waiting[-1]) >= size:
                waiting.pop()
            return not waiting

        await self._wait_until(are_held)

    async def _wait_until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    def _note_change(self, origin: str, start: int, stop: int) -> None:
        now_ns = time.monotonic_ns()
        if origin in self._known:
            self._seen_ns += [(index, now_ns) for index in range(start, stop)]
        self._changed.set()


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory(name: str) -> int:
    """KiB of VmRSS (now) or VmHWM (at its peak)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _forget_peak() -> None:
    """Have the kernel count this process's peak from now on."""
    Path("/proc/self/clear_refs").write_text("5")


async def main(home: Path, port: int) -> None:
    """Drive one node by the words that come in, until they end."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    side = Side(open_home(home, port))
    verbs: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
        "start": side.start,
        "fetch": side.fetch,
        "reach": side.reach,
        "index": side.index,
        "publish": side.publish,
        "seen": side.seen,
        "extend": side.extend,
        "usage": side.usage,
        "greet": side.greet,
        "leave": side.leave,
        "meet": side.meet,
    }
    say({"ready": True})
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            verb, *words = line.split()
            say(await verbs[verb](*words))
    finally:
        await side.stop()


def say(answer: dict[str, Any]) -> None:
    """One JSON object on a line of its own."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

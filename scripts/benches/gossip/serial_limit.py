"""What replication could reach at most on one core: its parts, each alone, added up as if done one after another.

Invariant: the parts are written plainly here and share nothing with the node but the TLS it speaks.
"""

import asyncio
import hashlib
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
from aiohttp import web

from node.clock import Clock
from node.peering.contexts import Identity
from protocol.core.identity import SEED_BYTES
from scripts.benches.gossip.children import Child
from scripts.benches.gossip.homes import HOST
from scripts.benches.gossip.made_up_logs import make_entry

ENTRIES: Final = 50_000
BUNDLE: Final = 256
BUNDLES_A_COMMIT: Final = 16
REPEATS: Final = 5
CALLED_SEED: Final = bytes(SEED_BYTES)
CALLING_SEED: Final = b"\1" * SEED_BYTES
FRAMES: Final = 400


class Parts(NamedTuple):
    """Microseconds that one record takes in each part, at its best."""

    socket_us: float
    split_us: float
    hash_us: float
    sqlite_us: float

    @property
    def records_s(self) -> float:
        """Records a second when the parts come one after another."""
        return 1e6 / sum(self)


def measure_parts(folder: Path) -> Parts:
    """Each part alone, over the same made-up records."""
    entries = [make_entry(index) for index in range(ENTRIES)]
    blobs = [_join(entries[start : start + BUNDLE]) for start in range(0, ENTRIES, BUNDLE)]
    split_us = _take_best(lambda: [_split(blob) for blob in blobs])
    hash_us = _take_best(lambda: [_hash(entries[start : start + BUNDLE]) for start in range(0, ENTRIES, BUNDLE)])
    sqlite_us = _take_best(lambda: _store(folder, blobs))
    return Parts(asyncio.run(_measure_socket(len(blobs[0]))), split_us, hash_us, sqlite_us)


def take_fastest(rounds: Sequence[Parts]) -> Parts:
    """Of several rounds, each part where it was fastest."""
    return Parts(*(min(part) for part in zip(*rounds, strict=True)))


def _take_best(work: Callable[[], object]) -> float:
    """Microseconds a record, of several runs the fastest."""
    spent = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return min(spent) / ENTRIES * 1e6


def _join(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def _split(blob: bytes) -> list[bytes]:
    found, place, end = [], 0, len(blob)
    while place < end:
        stop = place + 2 + (blob[place] << 8 | blob[place + 1])
        found.append(blob[place + 2 : stop])
        place = stop
    return found


def _hash(entries: Sequence[bytes]) -> bytes:
    row = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    while len(row) > 1:
        pairs = [hashlib.sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]


def _store(folder: Path, blobs: Sequence[bytes]) -> None:
    """The bundles as rows, 16 to a durable commit."""
    path = folder / "limit.sqlite"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE bundle (log INTEGER, number INTEGER, blob BLOB, PRIMARY KEY (log, number))")
    rows = [(1, number, blob) for number, blob in enumerate(blobs)]
    for start in range(0, len(rows), BUNDLES_A_COMMIT):
        db.execute("BEGIN")
        db.executemany("INSERT INTO bundle VALUES (?, ?, ?)", rows[start : start + BUNDLES_A_COMMIT])
        db.execute("COMMIT")
    db.close()
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


async def _measure_socket(frame_bytes: int) -> float:
    """Microseconds a record for taking frames of one bundle from a WebSocket over the peers' own TLS."""
    context = Identity(CALLING_SEED, Clock()).client_context(Identity(CALLED_SEED, Clock()).certificate)
    with Child([sys.executable, "-m", __spec__.name, str(frame_bytes)]) as server:
        port = server.wait_for("port")["port"]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"https://{HOST}:{port}/", ssl=context, compress=0, max_msg_size=0) as socket,
        ):
            spent = []
            for _ in range(REPEATS):
                begun = time.perf_counter()
                await socket.send_bytes(b"go")
                for _ in range(FRAMES):
                    await socket.receive_bytes()
                spent.append(time.perf_counter() - begun)
    return min(spent) / (FRAMES * BUNDLE) * 1e6


async def _serve_frames(frame_bytes: int) -> None:
    """The other side: for each message that comes, so many frames go."""
    context = Identity(CALLED_SEED, Clock()).server_context([Identity(CALLING_SEED, Clock()).certificate])
    frame = bytes(frame_bytes)

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for _ in socket:
            for _ in range(FRAMES):
                await socket.send_bytes(frame)
        return socket

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=context)
    await site.start()
    print(f'{{"port": {runner.addresses[0][1]}}}', flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_frames(int(sys.argv[1])))

"""Two nodes as processes: one hands its log to the other's mirror, whose power is cut within an upload."""

import asyncio
import contextlib
import hashlib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.context import NoParams
from node.use_cases.home import init_home, open_node
from node.use_cases.own_log.own_head import own_head_of
from node.use_cases.peers import AddPeer, add_peer, make_card
from protocol.core.identity import generate, public_keys
from protocol.core.note import COSIGNATURE_V1, Ed25519Verifier, format_vkey, verify_note
from protocol.log.cosignature import mirror_name
from protocol.log.mirror import EntriesHeader, format_entries_header, parse_mirror_info
from storage.home.head_file import Mark
from storage.log import log_store
from tests.node.running_node import RunningNode
from tests.node.use_cases.log.grown_home import fill

SIZE = 9_000
CUT_AFTER_BYTES = 60_000
WAIT_S = 60.0


class Relay:
    """Passes uploads on to the mirror; the first one no further than so many bytes."""

    def __init__(self, port: int) -> None:
        self.port, self.passed = port, 0
        self.is_held, self.is_free = asyncio.Event(), asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            # Also where nobody is there or the relay is ended midway: nothing of a connection outlives the test.
            held.callback(writer.transport.abort)
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
            held.callback(back.transport.abort)
            await asyncio.gather(self._pass(reader, back, is_counted=True), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_counted: bool = False) -> None:
        with contextlib.suppress(OSError):
            while raw := await reader.read(16_384):
                writer.write(raw)
                await writer.drain()
                self.passed += len(raw) * is_counted
                if self.passed > CUT_AFTER_BYTES and not self.is_free.is_set():
                    self.is_held.set()
                    await self.is_free.wait()
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()


async def make_homes(folder: Path) -> tuple[str, str, bytes]:
    """North with a long log, and South, who knows its key from its card and never calls it.

    North's origin, South's mirror key, North's log key.
    """
    configs = [Config(home=folder / name, name=name) for name in ("north", "south")]
    for config in configs:
        await init_home(config, Clock())
    north, south = (open_node(config, Clock()) for config in configs)
    own = own_head_of(north)
    fill(north, SIZE)
    head = log_store.head(north.database.reader, north.origin)
    assert head is not None
    own.release(Mark(head.size, head.root))
    card = await make_card(north, NoParams())
    await add_peer(south, AddPeer(card=card.card, url=""))
    vkey = format_vkey(mirror_name(south.origin), COSIGNATURE_V1, public_keys(south.keys).mirror)
    for node in (north, south):
        node.database.close()
    return north.origin, vkey, generate(north.keys.log).public


@pytest.mark.slow
async def test_an_upload_whose_mirror_is_cut_off_goes_on_with_its_next_run(tmp_path: Path) -> None:
    origin, vkey, log_key = await make_homes(tmp_path)
    with RunningNode(tmp_path / "north") as north:
        south = RunningNode(tmp_path / "south")
        try:
            relay = Relay(port_of(south))
            async with await asyncio.start_server(relay, "127.0.0.1", 0) as server, asyncio.timeout(WAIT_S):
                url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mirror"
                pushing = asyncio.create_task(asyncio.to_thread(north.ask, "log.push", {"url": url, "keys": [vkey]}))
                await relay.is_held.wait()
                # What came is kept as it comes, also of an upload that hangs.
                while (next_entry := await asyncio.to_thread(ask_next, south, origin)) == 0:
                    pass
                south.kill()
                relay.is_free.set()
                with pytest.raises(urllib.error.HTTPError) as broken:
                    await pushing
                assert (broken.value.code, b"broke off" in broken.value.read()) == (502, True)
                broken.value.close()
                south = RunningNode(tmp_path / "south")
                assert await asyncio.to_thread(ask_next, south, origin) >= next_entry
                relay.port, relay.passed = port_of(south), 0
                done = await asyncio.to_thread(north.ask, "log.push", {"url": url, "keys": [vkey]})
            assert (done["is_done"], done["size"]) == (True, SIZE)
            assert 0 < relay.passed < SIZE * len(b"entry 10000xx"), "it began anew"
            shown = read_head(south, origin)
            names = [one.name for one in verify_note(shown, [Ed25519Verifier(origin, log_key)])[1]]
            assert names == [origin] and vkey.split("+")[0].encode() in shown
        finally:
            south.end()


def port_of(node: RunningNode) -> int:
    return int(node.said["pages"].rsplit(":", 1)[1].strip("/"))


def ask_next(node: RunningNode, origin: str) -> int:
    """The next entry that the mirror wants: it says so to an upload of nothing."""
    body = format_entries_header(EntriesHeader(origin, SIZE, SIZE))
    try:
        urllib.request.urlopen(f"{node.said['pages']}mirror/add-entries", data=body, timeout=WAIT_S)
    except urllib.error.HTTPError as error:
        with error:
            return parse_mirror_info(error.read()).next_entry
    raise AssertionError("it has all")


def read_head(node: RunningNode, origin: str) -> bytes:
    """The head that the mirror shows to anyone."""
    prefix = hashlib.sha256(origin.encode()).hexdigest()
    with urllib.request.urlopen(f"{node.said['pages']}mirror/{prefix}/checkpoint", timeout=WAIT_S) as answer:
        return bytes(answer.read())

"""Three real nodes under traffic that means no good: they stay on the air, within their memory, and say what it was."""

import asyncio
import gzip
import http.client
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from node.clock import Clock
from node.config import Config
from node.peering.listener import ROUTE
from node.use_cases.context import NoParams
from node.use_cases.home import init_home, open_node
from node.use_cases.peers import make_card
from protocol.federation.peer_card import parse_card
from protocol.gossip.messages import Ping, Pong, Want
from tests.node.homes import WAIT_S
from tests.node.peering.raw_peer import RawPeer, identity_of
from tests.node.running_node import until
from tests.processes.trio import Member, Trio, check_said, read_status

pytestmark = pytest.mark.slow
IDLE_SOCKETS = 2_000
ADDRESSES = 50
SLOW_CALLERS = 60
CHUNK_BYTES = 65_536
TURNS_TO_CLOSE = 5
TLS_HELLO = b"\x16\x03\x01\x00\xff\x01\x00\x00"
BOMB_BYTES = 96 * 1024 * 1024
GROWTH_KIB_MAX = 48 * 1024
PINGS = 25_000
QUESTIONS = 2_000
GIANT_LENGTHS = {
    "a map of 4 billion keys": b"\x01\xdf\xff\xff\xff\xff",
    "a list of 4 billion": b"\x04\x82\xa7origins\xdd\xff\xff\xff\xff",
    "4 GiB of bytes": b"\x0b\x82\xa6offset\x00\xa6sha256\xc6\xff\xff\xff\xff",
    "lists in lists without end": b"\x04" + b"\x91" * 200_000,
}


@contextmanager
def steady(trio: Trio, name: str) -> Iterator[Member]:
    """A node that is to hold out: afterwards all are level with what was published meanwhile, memory bounded."""
    member = trio[name]
    others = [one for one in trio.members.values() if one is not member]
    until(lambda: all(member.is_connected(one) for one in others), f"{name} connected to both")
    before_kib = member.memory_peak_kib()
    yield member
    for one in trio.members.values():
        one.publish(f"after-{len(one.acknowledged)}")
    trio.check_level()
    assert member.memory_peak_kib() < before_kib + GROWTH_KIB_MAX


def test_two_thousand_idle_sockets_lock_no_peer_out(trio: Trio, capsys: pytest.CaptureFixture[str]) -> None:
    with steady(trio, "birch") as birch, ExitStack() as held:
        for number in range(IDLE_SOCKETS):
            one = held.enter_context(socket.socket())
            one.bind((f"127.0.1.{1 + number % ADDRESSES}", 0))
            one.connect(("127.0.0.1", birch.peer_port))
        # A peer that comes anew gets in all the same, and pages are served.
        trio["ash"].node.stop()
        trio["ash"].start()
        check_said(birch, capsys, "2 peers connected")


def test_callers_who_send_their_header_letter_by_letter_hold_nothing_up(
    trio: Trio, capsys: pytest.CaptureFixture[str]
) -> None:
    with steady(trio, "birch") as birch, ExitStack() as held:
        pages = birch.node.said["pages"].removeprefix("http://").rstrip("/").split(":")
        slow = [held.enter_context(socket.create_connection((pages[0], int(pages[1])))) for _ in range(SLOW_CALLERS)]
        slow += [
            held.enter_context(socket.create_connection(("127.0.0.1", birch.peer_port))) for _ in range(SLOW_CALLERS)
        ]
        for http_letter, tls_letter in zip(b"GET / HT", TLS_HELLO, strict=True):
            for number, one in enumerate(slow):
                # Those that were hung up on have been dealt with.
                with suppress(OSError):
                    one.send(bytes([http_letter if number < SLOW_CALLERS else tls_letter]))
            assert "2 peers connected" in read_status(birch, capsys)
        until(lambda: all(_is_hung_up(one) for one in slow[SLOW_CALLERS:]), "an end of the slow handshakes")


def _is_hung_up(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class Stranger:
    """A home that does not run, pinned by a node of the trio: a test speaks in its name."""

    def __init__(self, folder: Path, name: str, target: Member) -> None:
        config = Config(home=folder / name, name=name)
        asyncio.run(init_home(config, Clock()))
        node = open_node(config, Clock())
        card = asyncio.run(make_card(node, NoParams())).card
        self.origin, self.identity = node.origin, identity_of(node)
        node.database.close()
        target.node.ask("peer.add", {"card": card, "url": ""})
        self._certificate = parse_card(target.node.ask("peer.card", {})["card"]).tls_certificate
        self._port = target.peer_port

    @property
    def context(self) -> ssl.SSLContext:
        return self.identity.client_context(self._certificate)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[RawPeer]:
        """A session up to the greeting."""
        async with aiohttp.ClientSession() as session:
            address = f"https://127.0.0.1:{self._port}{ROUTE}"
            socket = await session.ws_connect(address, ssl=self.context, compress=0, max_msg_size=0)
            peer = RawPeer(socket)
            transport = socket._writer.transport
            try:
                await peer.greet(self.origin)
                yield peer
            finally:
                await socket.close()
                # The loop ends with the test: nothing of the connection may outlive it.
                transport.abort()
                for _ in range(TURNS_TO_CLOSE):
                    await asyncio.sleep(0)

    def throw(self, frame: bytes) -> None:
        """Open a WebSocket byte by byte, send this and read until the other side hangs up."""
        with (
            socket.create_connection(("127.0.0.1", self._port), WAIT_S) as plain,
            self.context.wrap_socket(plain) as secured,
        ):
            secured.sendall(
                f"GET {ROUTE} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
            )
            head = secured.recv(CHUNK_BYTES)
            assert b" 101 " in head and b"deflate" not in head
            with suppress(ConnectionError, ssl.SSLError):
                secured.sendall(frame)
                while secured.recv(CHUNK_BYTES):
                    pass


def mask_frame(first: int, raw: bytes, length: int | None = None) -> bytes:
    """A client's frame with a mask of zeros; `length` is what it says of itself."""
    return struct.pack(">BBQI", first, 0x80 | 127, len(raw) if length is None else length, 0) + raw


def test_bombs_that_unpack_to_far_more_than_they_weigh_do_not_go_off(
    trio: Trio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with steady(trio, "birch") as birch:
        mallory = Stranger(tmp_path, "mallory", birch)

        packed = zlib.compress(bytes(BOMB_BYTES), 9)[2:-4]
        mallory.throw(mask_frame(0xC2, packed))
        mallory.throw(mask_frame(0x82, b"", 1 << 62))
        for path in ("/witness/add-checkpoint", "/api/v1/status"):
            assert post_packed(birch, path, gzip.compress(bytes(BOMB_BYTES), 9)) >= 400
        check_said(birch, capsys, "mallory: not connected")
    # The last one only says how large it is.
    assert trio["birch"].peer_of(mallory.origin)["last_error"] == "sent a frame beyond the limit"


def post_packed(member: Member, path: str, body: bytes) -> int:
    """The status of a posted body that says it is gzip."""
    host = member.node.said["pages"].removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=WAIT_S)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    except ConnectionError:
        # Hung up on before all was sent.
        return 499
    finally:
        connection.close()


def test_whoever_says_giant_lengths_again_and_again_is_told_so_and_sent_away(
    trio: Trio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with steady(trio, "birch") as birch:
        liar = Stranger(tmp_path, "liar", birch)

        async def say_all() -> list[str]:
            reasons = []
            for raw in GIANT_LENGTHS.values():
                async with liar.connect() as peer:
                    await peer.socket.send_bytes(raw)
                    reasons.append(await peer.hear_reason())
            return reasons

        reasons = asyncio.run(say_all())
        assert all("frame" in reason for reason in reasons), reasons
        check_said(birch, capsys, "liar: sent away")


def test_a_peer_that_floods_is_read_at_its_pace_and_hung_up_on_when_it_asks_too_much(
    trio: Trio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ash, birch = trio["ash"], trio["birch"]
    with steady(trio, "birch"):
        flooder = Stranger(tmp_path, "flooder", birch)

        async def ping() -> None:
            async with flooder.connect() as peer:
                for counter in range(PINGS):
                    await peer.say(Ping(counter))
                # Meanwhile the others are served as ever.
                await asyncio.to_thread(check_pushed, ash, birch)
                await peer.hear(Pong)

        async def ask() -> str:
            async with flooder.connect() as peer:
                for _ in range(QUESTIONS):
                    await peer.say(Want(birch.origin, 0))
                return await peer.hear_reason()

        asyncio.run(ping())
        asyncio.run(ask())
        until(lambda: birch.peer_of(flooder.origin)["state"] == "not connected", "an end of it")
        assert "asks for more than it takes" in birch.peer_of(flooder.origin)["last_error"]
        assert "flooder: not connected, asks for more than it takes" in read_status(birch, capsys)


def check_pushed(ash: Member, birch: Member) -> None:
    ash.publish(f"in-the-flood-{len(ash.acknowledged)}")
    until(lambda: ash.sizes()[ash.origin] == birch.sizes()[ash.origin], "a push in the flood")

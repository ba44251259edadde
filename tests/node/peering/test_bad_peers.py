"""What a peer may not do: refused with a clear reason, nothing half-stored, and the node goes on."""

import asyncio
import hashlib
import os
import socket
import ssl
from functools import partial

import aiohttp
import pytest

from node.clock import Clock
from node.peering import listener
from node.peering.contexts import Identity
from node.use_cases.fork_watch import list_evidence
from node.use_cases.peers import own_card
from protocol.core.identity import generate
from protocol.gossip import limits
from protocol.gossip.frames import cut_bundle, cut_head, format_frame
from protocol.gossip.messages import Cosig, Fetch, Fork, Have, HeadMark, Hello, Message, Ping, Pong, Push, Want
from protocol.log.bundle import bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from protocol.log.cosignature import sign_cosignature, witness_name
from protocol.log.merkle import leaf_hash, root_of
from storage.log import log_store
from storage.log.cosignatures import newest_by_cosigner
from tests.node.homes import WAIT_S, Rosters, until
from tests.node.peering.raw_peer import RawPeer, call, identity_of
from tests.node.peering.scene import ENTRIES, Scene

NOTHING: tuple[int, list[bytes], dict[int, bytes]] = (0, [], {})


async def test_a_stranger_s_certificate_does_not_pass_the_handshake(scene: Scene) -> None:
    stranger = Identity(bytes(range(32)), Clock())
    with pytest.raises((aiohttp.ClientError, OSError)):
        await call(scene.session, scene.node, stranger)
    assert scene.node.parts["peering"].status()[0].state == "not connected"


async def test_no_certificate_does_not_pass_the_handshake(scene: Scene) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.raises((aiohttp.ClientError, OSError)):
        await scene.session.get(f"https://127.0.0.1:{scene.node.parts['peering'].port}{listener.ROUTE}", ssl=context)
    assert scene.node.parts["peering"].status()[0].state == "not connected"


async def test_an_older_tls_is_not_spoken(scene: Scene) -> None:
    context = identity_of(scene.other).client_context(own_card(scene.node).tls_certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((aiohttp.ClientError, OSError)):
        await scene.session.get(f"https://127.0.0.1:{scene.node.parts['peering'].port}{listener.ROUTE}", ssl=context)
    assert scene.node.parts["peering"].status()[0].state == "not connected"


async def test_a_pinned_peer_that_greets_as_somebody_else_is_sent_away(scene: Scene) -> None:
    peer = await call(scene.session, scene.node, identity_of(scene.other))
    await peer.greet(scene.node.origin)
    assert "does not go with the certificate" in await peer.hear_reason()


async def test_a_good_push_is_stored_and_the_same_again_changes_nothing(scene: Scene) -> None:
    peer = await scene.greet()
    for _ in range(3):
        await peer.say(scene.push(ENTRIES[:5]))
    await peer.say(Ping(0))
    await peer.hear(Pong)
    await peer.say(scene.push(ENTRIES[:9], start=3))
    await until([scene.node], lambda: scene.stored()[0] == 9)
    await peer.say(Want(scene.origin, 0))
    answer = await peer.hear(Push)
    assert isinstance(answer, Push) and answer.entries == format_bundle(ENTRIES[:9])
    assert scene.stored() == (9, ENTRIES[:9], {})


def bad_pushes(scene: Scene) -> dict[str, tuple[Push, str]]:
    other_key = sign_checkpoint(Checkpoint(scene.origin, 5, bytes(32)), generate(bytes(32)))
    flipped = scene.push(ENTRIES[:5])
    return {
        "a wrong root": (scene.push(ENTRIES[:5], note=scene.note(ENTRIES[1:6])), "does not lead to the signed root"),
        "another key": (scene.push(ENTRIES[:5], note=other_key), "not signed by any key that is known"),
        "an entry too many": (
            Push(scene.origin, 0, 5, scene.note(ENTRIES[:5]), format_bundle(ENTRIES[:6])),
            "6 entries where 5 were promised",
        ),
        "a flipped byte": (
            Push(scene.origin, 0, 5, flipped.note, flipped.entries[:-1] + b"x"),
            "does not lead to the signed root",
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "a wrong root",
        "another key",
        "an entry too many",
        "a flipped byte",
    ],
)
async def test_a_push_with(scene: Scene, name: str) -> None:
    push, reason = bad_pushes(scene)[name]
    peer = await scene.greet()
    await peer.say(push)
    assert reason in await peer.hear_reason()
    assert scene.stored() == NOTHING


async def begin_transfer(scene: Scene) -> RawPeer:
    peer = await scene.greet()
    await peer.say(Have((HeadMark(scene.origin, 600, bytes(16), bytes(4)),), 1, True))
    await peer.hear(Want)
    return peer


def roots() -> list[bytes]:
    return [bundle_root(ENTRIES[start : start + 256]) for start in range(0, 600, 256)]


async def send_all(peer: RawPeer, frames: list[bytes]) -> None:
    for frame in frames:
        await peer.socket.send_bytes(frame)


async def test_a_head_with_a_wrong_bundle_root_is_refused_before_any_bundle_is_asked_for(scene: Scene) -> None:
    peer = await begin_transfer(scene)
    wrong = [roots()[0], hashlib.sha256(b"wrong").digest(), roots()[2]]
    await send_all(peer, cut_head(scene.origin, 0, scene.note(ENTRIES), wrong))
    assert "do not lead to the signed root" in await peer.hear_reason()
    assert not any(isinstance(message, Fetch) for message in peer.heard)
    assert scene.stored() == NOTHING


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_flipped_byte_in_any_bundle_is_refused_and_the_head_does_not_move(scene: Scene, number: int) -> None:
    peer = await begin_transfer(scene)
    await send_all(peer, cut_head(scene.origin, 0, scene.note(ENTRIES), roots()))
    await peer.hear(Fetch)
    for index in range(3):
        raw = bytearray(format_bundle(ENTRIES[index * 256 : (index + 1) * 256]))
        raw[5] ^= index == number
        await send_all(peer, cut_bundle(scene.origin, index, bytes(raw)))
    assert "promised root" in await peer.hear_reason()
    assert scene.stored()[:2] == (0, [])


async def test_a_whole_transfer_by_hand_is_stored(scene: Scene) -> None:
    peer = await begin_transfer(scene)
    await send_all(peer, cut_head(scene.origin, 0, scene.note(ENTRIES), roots()))
    await peer.hear(Fetch)
    for index in (2, 0, 1):
        raw = format_bundle(ENTRIES[index * 256 : (index + 1) * 256])
        await send_all(peer, cut_bundle(scene.origin, index, raw))
    await until([scene.node], lambda: scene.stored()[0] == 600)
    assert scene.stored() == (600, ENTRIES, {})


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\x7f", "unknown type"),
        (b"\x08\x05ab", "truncated"),
        (format_frame(Hello(1, "again.example", bytes(16), b"", 0)), "a Hello frame while"),
        (format_frame(Fetch("no.example", 5, 0, 1)), "beyond the end"),
    ],
    ids=["of an unknown type", "that is truncated", "of greeting twice", "for bundles that are not there"],
)
async def test_a_frame(scene: Scene, frame: bytes, reason: str) -> None:
    peer = await scene.greet()
    await peer.socket.send_bytes(frame)
    assert reason in await peer.hear_reason()


async def test_an_oversized_frame_ends_the_session_unread(scene: Scene) -> None:
    peer = await scene.greet()
    await peer.socket.send_bytes(bytes(limits.FRAME_BYTES_MAX + 1))
    await peer.hear_reason()
    await until([scene.node], lambda: scene.node.parts["peering"].status()[0].state == "not connected")
    assert scene.node.parts["peering"].status()[0].last_error == "sent a frame beyond the limit"


async def test_text_is_not_spoken(scene: Scene) -> None:
    peer = await scene.greet()
    await peer.socket.send_str("hello")
    assert "text" in await peer.hear_reason()


@pytest.mark.parametrize(
    "message",
    [
        Have((HeadMark("stranger.example/log", 9, bytes(16), bytes(4)),), 1, True),
        Push("stranger.example/log", 0, 1, b"stranger.example/log\n1\n", b"\x00\x01x"),
    ],
    ids=["head", "push"],
)
async def test_a_stranger_s_log_is_passed_over_and_counted(scene: Scene, message: Message) -> None:
    peer = await scene.greet()
    await peer.say(message)
    await peer.say(Ping(0))
    await peer.hear(Pong)
    (status,) = scene.node.parts["peering"].status()
    assert (status.state, status.strangers) == ("connected", 1)
    assert "stranger.example/log" not in log_store.log_keys(scene.node.database.reader)


async def test_a_second_branch_is_kept_as_evidence_and_the_log_stands_still(scene: Scene) -> None:
    peer = await scene.greet()
    await peer.say(scene.push(ENTRIES[:5]))
    await until([scene.node], lambda: scene.stored()[0] == 5)
    other = [*ENTRIES[:3], b"another", b"branch"]
    await peer.say(scene.push(other))
    assert "parts from what we hold" in await peer.hear_reason()
    assert peer.heard_notes() == [scene.note(ENTRIES[:5])]
    assert scene.stored()[1] == ENTRIES[:5]


async def test_a_line_under_the_other_version_of_a_forked_log_is_passed_over(scene: Scene) -> None:
    name = witness_name(scene.origin)
    key = generate(scene.other.keys.witness)
    scene.node.parts["roster"] = Rosters(scene.node.origin, {name: key.public}, [])

    def line(entries: list[bytes]) -> Cosig:
        root = root_of([leaf_hash(entry) for entry in entries])
        text = format_checkpoint(Checkpoint(scene.origin, len(entries), root))
        return Cosig(scene.origin, len(entries), sign_cosignature(text, name, key, 1_700_000_000).encode())

    peer = await scene.greet()
    await peer.say(scene.push(ENTRIES[:5]))
    await until([scene.node], lambda: scene.stored()[0] == 5)
    other = [*ENTRIES[:3], b"another", b"branch"]
    await peer.say(line(other))
    assert "cosignature" in await peer.hear_reason()
    peer = await scene.greet()
    await peer.say(Fork(scene.origin, scene.note(other), b"", b""))
    await peer.hear(Fork)
    await until([scene.node], lambda: bool(list_evidence(scene.node.database.reader)))
    await peer.say(line(other))
    await peer.say(line(ENTRIES[:5]))
    held = partial(newest_by_cosigner, scene.node.database.reader, scene.origin)
    await until([scene.node], lambda: name in held())
    assert held()[name].line == line(ENTRIES[:5]).line
    await peer.say(Ping(1))
    await peer.hear(Pong)


async def test_who_says_nothing_after_the_handshake_is_put_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEADER_WAIT_S", 0.05)
    context = identity_of(scene.other).client_context(own_card(scene.node).tls_certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.node.parts["peering"].port, ssl=context)
    writer.write(b"GET /rochdale/session HTTP/1.1\r\nHost: half a hea")
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(ConnectionError):
            assert await reader.read() == b""
            raise ConnectionResetError
    writer.close()


async def test_one_address_gets_only_so_many_and_the_idlest_goes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "PER_ADDRESS_MAX", 2)
    loop = asyncio.get_running_loop()
    address = ("127.0.0.1", scene.node.parts["peering"].port)
    sockets = [socket.socket() for _ in range(3)]
    try:
        for one in sockets:
            one.setblocking(False)
            await loop.sock_connect(one, address)
        async with asyncio.timeout(WAIT_S):
            # The third takes the place of the first, which has not even begun its handshake.
            assert await loop.sock_recv(sockets[0], 1) == b""
    finally:
        for one in sockets:
            one.close()


async def test_sessions_keep_their_places_and_idle_sockets_do_not_lock_a_peer_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 3)
    address = ("127.0.0.1", scene.node.parts["peering"].port)
    idle = [await asyncio.open_connection(*address) for _ in range(9)]
    peer = await scene.greet()
    idle += [await asyncio.open_connection(*address) for _ in range(9)]
    await peer.say(Ping(0))
    assert isinstance(await peer.hear(Pong), Pong)
    for _, writer in idle:
        writer.close()


async def test_who_never_answers_the_goodbye_of_tls_holds_no_socket_of_a_node_that_has_stopped(scene: Scene) -> None:
    context = identity_of(scene.other).client_context(own_card(scene.node).tls_certificate)
    peering = scene.node.parts["peering"]
    bare = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", peering.port), WAIT_S)
    with bare, socket.socket(fileno=os.dup(bare.fileno())) as wire:
        tls = await asyncio.to_thread(context.wrap_socket, bare, server_hostname="127.0.0.1")
        with tls:
            tls.sendall(f"GET {listener.ROUTE} HTTP/1.1\r\nHost: north\r\n\r\n".encode())
            assert b" 400 " in await asyncio.to_thread(tls.recv, 1_024)
            await peering.stop()
            # All that is left to be read is ciphertext; then the connection must be over.
            wire.settimeout(limits.CLOSING_WAIT_MS / 1_000)
            while await asyncio.to_thread(wire.recv, 1_024):
                pass

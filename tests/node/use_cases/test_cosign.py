"""A witness signs the newest head only, never below or beside one it signed; and believes no one unchecked."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.use_cases.context import Node, NoParams
from node.use_cases.cosign import TOGETHER_MAX, Cosigner, admit_cosignature, find_last_signed
from node.use_cases.fork_watch import ROOTS_PART, admit_evidence, judge_note, known_root, list_evidence
from node.use_cases.peers import LanReport
from node.use_cases.receive import Receiver
from node.use_cases.status import show_status
from protocol.core.errors import PeerError
from protocol.core.identity import generate, public_keys
from protocol.core.note import parse_note
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from protocol.log.cosignature import CosignatureVerifier, sign_cosignature, verify_cosignature, witness_name
from protocol.log.merkle import leaf_hash, root_of
from storage import database
from storage.log import cosignatures, log_store
from storage.log.cosignatures import Cosignature
from tests.node.homes import WAIT_S, Rosters, make_node

ORIGIN = "south.example/log"
KEY = generate(bytes(range(32)))
WITNESS = generate(bytes(range(1, 33)))
WITNESS_NAME = "east.example/log/witness"
ENTRIES = [b"entry %d" % index for index in range(900)]


class Scene:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.learned: list[Cosignature] = []
        self.cosigner = Cosigner(node, lambda found, _source: self.learned.append(found))

    async def push(self, entries: list[bytes], start: int = 0) -> None:
        for first in range(start, len(entries), 256):
            part = entries[first : first + 256]
            stop = first + len(part)
            raw = format_bundle(part)
            await Receiver(self.node).admit_push(ORIGIN, first, len(part), note(entries[:stop]), raw)


def checkpoint(entries: list[bytes]) -> Checkpoint:
    return Checkpoint(ORIGIN, len(entries), root_of([leaf_hash(entry) for entry in entries]))


def note(entries: list[bytes]) -> bytes:
    return sign_checkpoint(checkpoint(entries), KEY)


def line(entries: list[bytes], key: object = None) -> bytes:
    signing = WITNESS if key is None else generate(bytes(range(2, 34)))
    return sign_cosignature(format_checkpoint(checkpoint(entries)), WITNESS_NAME, signing, 1_700_000_000).encode()


def add_made_up(db: sqlite3.Connection, origins: list[str]) -> None:
    for origin in origins:
        log_store.add_log(db, origin, KEY.public)
        log_store.append(db, origin, [origin.encode()], lambda head: sign_checkpoint(head, KEY))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    node = await make_node(tmp_path, "north")
    await node.database.write(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    node.parts["roster"] = Rosters(node.origin, {WITNESS_NAME: WITNESS.public}, [ORIGIN])
    yield Scene(node)
    node.database.close()


async def test_the_newest_head_is_cosigned_and_on_disk_before_it_is_told(scene: Scene) -> None:
    await scene.push(ENTRIES[:5])
    made = await scene.cosigner.cosign(ORIGIN)
    assert made is not None and scene.learned == [made]
    assert cosignatures.cosigned(scene.node.database.reader, ORIGIN) == (5, checkpoint(ENTRIES[:5]).root)
    assert cosignatures.newest_by_cosigner(scene.node.database.reader, ORIGIN) == {made.cosigner: made}
    text, _ = parse_note(note(ENTRIES[:5]))
    name, key = witness_name(scene.node.origin), public_keys(scene.node.keys).witness
    assert verify_cosignature(text, made.line.decode(), CosignatureVerifier(name, key)) == made.time_s


async def test_nothing_is_signed_twice_and_nothing_of_an_empty_or_unknown_log(scene: Scene) -> None:
    assert await scene.cosigner.cosign(ORIGIN) is None
    assert await scene.cosigner.cosign("else.example/log") is None
    await scene.push(ENTRIES[:5])
    assert await scene.cosigner.cosign(ORIGIN) is not None
    assert await scene.cosigner.cosign(ORIGIN) is None
    await scene.push(ENTRIES[:300], start=5)
    made = await scene.cosigner.cosign(ORIGIN)
    assert made is not None and made.size == 300


async def test_however_many_logs_move_at_once_all_are_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "QUEUE_CHANGES_MAX", 2 * TOGETHER_MAX)
    node = await make_node(tmp_path, "north")
    origins = [f"log{number:03}.example" for number in range(5 * TOGETHER_MAX)]
    await node.database.write(lambda db: add_made_up(db, origins))
    node.parts["roster"] = Rosters(node.origin, {}, origins)
    learned: list[Cosignature] = []
    all_signed = asyncio.Event()

    def learn(found: Cosignature, _source: int) -> None:
        learned.append(found)
        if len(learned) == len(origins):
            all_signed.set()

    cosigner = Cosigner(node, learn, debounce_s=0)
    cosigner.resume()
    async with asyncio.timeout(WAIT_S):
        await all_signed.wait()
    await cosigner.stop()
    node.database.close()
    assert sorted(found.origin for found in learned) == origins


async def test_a_status_is_told_while_the_writer_turns_to_its_first_cosignature(scene: Scene) -> None:
    node = scene.node

    class Slow:
        """A part that is asked how it stands just as the database's thread begins to sign."""

        def describe(self) -> LanReport:
            last = node.database.write_and_wait(lambda db: find_last_signed(db, node, ORIGIN))
            return LanReport(str(last), ())

    node.parts["lan"] = Slow()
    assert (await show_status(node, NoParams())).parts.lan == LanReport("None", ())


async def test_a_head_below_one_that_was_signed_is_not_signed(scene: Scene) -> None:
    await scene.push(ENTRIES[:5])
    await scene.node.database.write(lambda db: cosignatures.set_cosigned(db, ORIGIN, 9, bytes(32)))
    assert await scene.cosigner.cosign(ORIGIN) is None


async def test_a_head_that_does_not_extend_the_one_that_was_signed_is_not_signed(scene: Scene) -> None:
    await scene.push(ENTRIES[:300])
    await scene.node.database.write(lambda db: cosignatures.set_cosigned(db, ORIGIN, 5, bytes(32)))
    assert await scene.cosigner.cosign(ORIGIN) is None
    assert scene.learned == []


async def test_a_forked_log_is_not_signed(scene: Scene) -> None:
    await scene.push(ENTRIES[:5])
    evidence, _ = await judge_note(scene.node, ORIGIN, note([*ENTRIES[:4], b"other"]))
    assert evidence is not None
    assert await scene.cosigner.cosign(ORIGIN) is None


@pytest.mark.parametrize("size", [1, 3, 300, 899])
async def test_a_shorter_head_of_another_branch_is_proven_from_the_store(scene: Scene, size: int) -> None:
    await scene.push(ENTRIES)
    evidence, send_back = await judge_note(scene.node, ORIGIN, note([*ENTRIES[: size - 1], b"other"]))
    assert evidence is not None and not send_back
    assert await admit_evidence(scene.node, evidence) is None
    assert list_evidence(scene.node.database.reader) == [
        evidence._replace(note_a=min(evidence[1:3]), note_b=max(evidence[1:3]))
    ]


async def test_an_honest_shorter_or_longer_head_is_no_fork(scene: Scene) -> None:
    await scene.push(ENTRIES[:100])
    assert await judge_note(scene.node, ORIGIN, note(ENTRIES[:60])) == (None, False)
    assert await judge_note(scene.node, ORIGIN, note(ENTRIES[:100])) == (None, False)
    assert await judge_note(scene.node, ORIGIN, note(ENTRIES[:200])) == (None, True)


@pytest.mark.parametrize("size", [100, 300, 200], ids=["at an older head", "at the newest head", "within a bundle"])
async def test_a_witness_s_line_is_checked_and_kept(scene: Scene, size: int) -> None:
    await scene.push(ENTRIES[:256])
    await scene.push(ENTRIES[:300], start=256)
    found = await admit_cosignature(scene.node, ORIGIN, size, line(ENTRIES[:size]))
    assert found is not None and (found.cosigner, found.time_s) == (WITNESS_NAME, 1_700_000_000)
    assert cosignatures.cosignatures(scene.node.database.reader, ORIGIN, size) == [found]
    assert await admit_cosignature(scene.node, ORIGIN, size, line(ENTRIES[:size])) is None


async def test_however_many_witness_an_overtaken_head_its_root_is_worked_out_once(scene: Scene) -> None:
    await scene.push(ENTRIES[:300])
    witnesses = {f"{place}.example/log/witness": generate(bytes([place]) * 32) for place in range(5)}
    scene.node.parts["roster"] = Rosters(scene.node.origin, {name: key.public for name, key in witnesses.items()}, [])
    for name, key in witnesses.items():
        raw = sign_cosignature(format_checkpoint(checkpoint(ENTRIES[:270])), name, key, 1_700_000_000).encode()
        assert await admit_cosignature(scene.node, ORIGIN, 270, raw)
    assert scene.node.parts[ROOTS_PART].cache_info().misses == 1
    await scene.push(ENTRIES[:310], start=300)
    assert known_root(scene.node, ORIGIN, 300) == checkpoint(ENTRIES[:300]).root


@pytest.mark.parametrize(
    ("size", "raw"),
    [
        (100, line(ENTRIES[:99])),
        (100, line(ENTRIES[:100], key="another")),
        (100, line(ENTRIES[:100])[:-5] + b"AAAA\n"),
        (100, b"no line at all"),
        (100, b"\xff\xfe"),
    ],
    ids=["under another head", "by another key", "with other bytes", "malformed", "not text"],
)
async def test_a_wrong_line_is_a_peer_s_fault(scene: Scene, size: int, raw: bytes) -> None:
    await scene.push(ENTRIES[:100])
    with pytest.raises(PeerError):
        await admit_cosignature(scene.node, ORIGIN, size, raw)
    assert cosignatures.newest_by_cosigner(scene.node.database.reader, ORIGIN) == {}


async def test_a_witness_that_the_roster_does_not_name_is_passed_over(scene: Scene) -> None:
    await scene.push(ENTRIES[:100])
    scene.node.parts["roster"] = Rosters(scene.node.origin, {}, [])
    assert await admit_cosignature(scene.node, ORIGIN, 100, line(ENTRIES[:100])) is None

"""A log's outside: its head, proofs of its records, its static files, and a replica made from these alone."""

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from node.config import Config
from node.use_cases.context import Node
from node.use_cases.log.auditing import audit_files, audit_proof, policy_of_key
from node.use_cases.log.export import ExportParams, export_log
from node.use_cases.log.files import OWN_LOG, FolderFiles, read_log_file
from node.use_cases.log.heads import LogName, show_head
from node.use_cases.log.importing import ImportParams, import_log
from node.use_cases.log.proofs import ProveParams, prove_record
from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import generate
from protocol.core.note import COSIGNATURE_V1, ED25519, format_vkey, parse_note, parse_vkey
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.cosignature import sign_cosignature
from protocol.log.fork import check_evidence, parse_evidence
from storage.database import Database
from storage.log import log_store, record_index
from storage.log.cosignatures import Cosignature, add_cosignature, cosignatures, forks
from tests.node.homes import Rosters
from tests.node.use_cases.log.grown_home import fill, vkey_of
from tests.node.use_cases.two_homes import open_home

WITNESS = generate(b"w" * 32)
SIZE = 700


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_home(tmp_path, "north")
    fill(node, SIZE)
    yield node
    node.database.close()


@pytest.fixture
async def south(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_home(tmp_path, "south")
    yield node
    node.database.close()


def paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def export(node: Node, folder: Path) -> tuple[int, int]:
    done = await export_log(node, ExportParams(folder=str(folder)))
    return done.old_size, done.files


def audit(node: Node, folder: Path, since: bytes | None = None) -> list[str]:
    key = parse_vkey(vkey_of(node))
    report = audit_files(FolderFiles(folder), policy_of_key(key), key, since)
    return [str(finding) for finding in report.findings]


async def test_a_head_carries_the_cosignatures_that_are_known(north: Node) -> None:
    head = log_store.head(north.database.reader, north.origin)
    assert head is not None
    line = sign_cosignature(parse_note(head.note)[0], "south/witness", WITNESS, 5)
    found = Cosignature(north.origin, head.size, "south/witness", line.encode(), 5)
    north.database.write_and_wait(lambda db: add_cosignature(db, found))
    shown = await show_head(north, LogName())
    assert (shown.size, shown.cosigners, shown.key) == (SIZE, ("south/witness",), vkey_of(north))
    assert shown.note.endswith(line)
    assert await read_log_file(north, OWN_LOG, "checkpoint") == shown.note.encode()


@pytest.mark.parametrize("index", [0, 255, 256, SIZE - 1])
async def test_a_proof_convinces_a_stranger_who_has_the_key(north: Node, index: int) -> None:
    made = await prove_record(north, ProveParams(index=index))
    key = parse_vkey(vkey_of(north))
    found = audit_proof(made.proof.encode(), policy_of_key(key), key)
    assert (found.origin, found.index, found.size, found.leaf) == (north.origin, index, SIZE, made.leaf)
    with pytest.raises(PeerError, match="does not lead to the root"):
        audit_proof(made.proof.encode(), policy_of_key(key), key, b"another record")


async def test_a_proof_is_made_even_where_the_kept_tiles_are_damaged(north: Node) -> None:
    fill(north, 65_536 + 1)
    await prove_record(north, ProveParams(index=0))
    north.database.write_and_wait(lambda db: db.execute("UPDATE tile SET hashes = zeroblob(32)").rowcount)
    made = await prove_record(north, ProveParams(index=65_536))
    assert made.size == 65_537


async def test_no_proof_beyond_the_end_or_of_a_log_that_is_not_here(north: Node) -> None:
    with pytest.raises(RefusedError, match="this head has 700 records, numbered from 0"):
        await prove_record(north, ProveParams(index=SIZE))
    with pytest.raises(RefusedError, match="no log of that name"):
        await prove_record(north, ProveParams(index=0, origin="east.example/log"))


async def test_an_exported_log_is_whole_and_a_second_export_writes_only_what_is_new(
    north: Node, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    assert await export(north, folder) == (0, 8)
    assert audit(north, folder) == []
    assert await export(north, folder) == (SIZE, 1)
    fill(north, SIZE + 1)
    assert await export(north, folder) == (SIZE, 3)
    assert "tile/0/002.p/188" in paths(folder)
    fill(north, 768)
    assert await export(north, folder) == (SIZE + 1, 4)
    assert audit(north, folder) == []
    # The partial files of bundles that have filled up are gone.
    expected = [f"tile/{level}/00{number}" for level in ("0", "entries") for number in range(3)]
    assert paths(folder) == sorted(["checkpoint", "tile/1/000.p/2", "tile/1/000.p/3", *expected])


async def test_what_the_node_serves_is_byte_for_byte_what_it_exports(north: Node, tmp_path: Path) -> None:
    await export(north, tmp_path / "out")
    name = hashlib.sha256(north.origin.encode()).hexdigest()
    for path in paths(tmp_path / "out"):
        served = await read_log_file(north, OWN_LOG, path)
        assert served == (tmp_path / "out" / path).read_bytes() == await read_log_file(north, name, path)
    for path in ("tile/0/003", "tile/0/002.p/189", "tile/2/000", "tile/entries/9", "tile/0/../../x", "", "node.sqlite"):
        assert await read_log_file(north, OWN_LOG, path) is None
    assert await read_log_file(north, "0" * 64, "checkpoint") is None


async def test_a_folder_of_something_else_is_left_alone(north: Node, south: Node, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter").write_text("dear")
    with pytest.raises(RefusedError, match="holds other things"):
        await export(north, tmp_path / "papers")
    with pytest.raises(RefusedError, match="this is a file"):
        await export(north, tmp_path / "papers" / "letter")
    await export(south, tmp_path / "out")
    with pytest.raises(RefusedError, match="a head that is not this log's"):
        await export(north, tmp_path / "out")
    with pytest.raises(RefusedError, match="must be a whole path"):
        await export_log(north, ExportParams(folder="out"))


async def test_a_folder_that_cannot_be_made_is_refused_in_words(north: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "our-log"
    with pytest.raises(RefusedError, match="our-log: Not a directory"):
        await export_log(north, ExportParams(folder=str(folder)))


async def test_an_export_never_goes_back_or_over_to_another_version(north: Node, tmp_path: Path) -> None:
    key = generate(north.keys.log)
    checkpoint = Checkpoint(north.origin, SIZE + 5, b"r" * 32)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint").write_bytes(sign_checkpoint(checkpoint, key))
    with pytest.raises(RefusedError, match="holds 705 entries of this log, the node only 700"):
        await export(north, tmp_path / "out")
    other = Checkpoint(north.origin, SIZE - 5, b"r" * 32)
    (tmp_path / "out" / "checkpoint").write_bytes(sign_checkpoint(other, key))
    with pytest.raises(RefusedError, match="another version of this log"):
        await export(north, tmp_path / "out")


async def test_an_imported_log_is_held_like_any_replica(north: Node, south: Node, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for size, old_size in ((SIZE, 0), (SIZE, SIZE), (SIZE + 300, SIZE)):
        fill(north, size)
        await export(north, folder)
        done = await import_log(south, ImportParams(folder=str(folder), key=vkey_of(north)))
        assert (done.origin, done.size, done.old_size) == (north.origin, size, old_size)
    ours, theirs = (log_store.head(node.database.reader, north.origin) for node in (south, north))
    assert ours is not None and theirs is not None and (ours.size, ours.root) == (theirs.size, theirs.root)
    assert log_store.entries(south.database.reader, north.origin, 0, 2_000) == log_store.entries(
        north.database.reader, north.origin, 0, 2_000
    )
    assert len(record_index.rows(south.database.reader, north.origin)) == SIZE + 300


async def test_cosignatures_of_known_witnesses_come_with_an_imported_log(
    north: Node, south: Node, tmp_path: Path
) -> None:
    head = log_store.head(north.database.reader, north.origin)
    assert head is not None
    for name, key in (("east/witness", WITNESS), ("nobody/witness", generate(b"n" * 32))):
        line = sign_cosignature(parse_note(head.note)[0], name, key, 5)
        found = Cosignature(north.origin, SIZE, name, line.encode(), 5)
        north.database.write_and_wait(partial(add_cosignature, cosignature=found))
    south.parts["roster"] = Rosters(south.origin, {"east/witness": WITNESS.public}, ())
    await export(north, tmp_path / "out")
    await import_log(south, ImportParams(folder=str(tmp_path / "out"), key=vkey_of(north)))
    kept = cosignatures(south.database.reader, north.origin, SIZE)
    assert [one.cosigner for one in kept] == ["east/witness"]
    held = log_store.head(south.database.reader, north.origin)
    assert held is not None and held.note == head.note


async def test_nothing_of_a_damaged_log_is_taken_in(north: Node, south: Node, tmp_path: Path) -> None:
    await export(north, tmp_path / "out")
    bundle = tmp_path / "out" / "tile" / "entries" / "001"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    with pytest.raises(RefusedError, match="tile/entries/001: entry 511 is not what the log promised"):
        await import_log(south, ImportParams(folder=str(tmp_path / "out"), key=vkey_of(north)))
    assert log_store.head(south.database.reader, north.origin) is None


@pytest.mark.parametrize(
    ("sizes", "words"), [((600, 700), "the longer is brought"), ((700, 600), "is here"), ((700, 700), "alike")]
)
async def test_two_versions_are_kept_as_evidence(
    north: Node, south: Node, tmp_path: Path, sizes: tuple[int, int], words: str
) -> None:
    held, brought = sizes
    for name, size, word in (("a", held, "one way"), ("b", brought, "another way")):
        branch = copy_of(north, tmp_path / name)
        for step in (400, size):
            fill(branch, step, "both" if step == 400 else word)
        await export(branch, tmp_path / f"out-{name}")
        branch.database.close()
    await import_log(south, ImportParams(folder=str(tmp_path / "out-a"), key=vkey_of(north)))
    with pytest.raises(RefusedError, match="two versions of this log exist"):
        await import_log(south, ImportParams(folder=str(tmp_path / "out-b"), key=vkey_of(north)))
    assert [row[0] for row in forks(south.database.reader)] == [north.origin], words
    head = log_store.head(south.database.reader, north.origin)
    assert head is not None and head.size == held


async def test_no_record_is_proven_under_a_head_of_the_other_version(north: Node, south: Node, tmp_path: Path) -> None:
    for name, size, word in (("a", 700, "one way"), ("b", 600, "another way")):
        branch = copy_of(north, tmp_path / name)
        fill(branch, 400, "both")
        fill(branch, size, word)
        await export(branch, tmp_path / f"out-{name}")
        branch.database.close()
    await import_log(south, ImportParams(folder=str(tmp_path / "out-a"), key=vkey_of(north)))
    with pytest.raises(RefusedError, match="two versions of this log exist"):
        await import_log(south, ImportParams(folder=str(tmp_path / "out-b"), key=vkey_of(north)))
    with pytest.raises(RefusedError, match="no head of 600 records was kept; there are those of 700"):
        await prove_record(south, ProveParams(index=7, origin=north.origin, size=600))


async def test_an_audit_against_an_earlier_head_gives_evidence_for_anyone(north: Node, tmp_path: Path) -> None:
    branch = copy_of(north, tmp_path / "branch")
    fill(branch, 600, "another way")
    earlier = (await show_head(branch, LogName())).note.encode()
    branch.database.close()
    branch = copy_of(north, tmp_path / "second")
    fill(branch, SIZE)
    await export(branch, tmp_path / "out")
    branch.database.close()
    key = parse_vkey(vkey_of(north))
    report = audit_files(FolderFiles(tmp_path / "out"), policy_of_key(key), key, earlier)
    assert [finding.reason for finding in report.findings] == [
        "the first 600 entries are not those of the earlier head: it parts before that index"
    ]
    shorter, longer = check_evidence(parse_evidence(report.evidence.encode()), key.public, key.name)
    assert (shorter.size, longer.size) == (600, SIZE)


async def test_what_cannot_be_imported_is_refused_in_words(north: Node, south: Node, tmp_path: Path) -> None:
    await export(north, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    strange = format_vkey(north.origin, ED25519, WITNESS.public)
    cases = [
        (north, "out", vkey_of(north), "the home's own log"),
        (south, "empty", vkey_of(north), "checkpoint: missing"),
        (south, "out", strange, "not signed by any key that is known"),
        (south, "out", format_vkey("south/witness", COSIGNATURE_V1, WITNESS.public), "not the key of a log"),
        (south, "out", "no key", "not of the form"),
    ]
    for node, folder, key, words in cases:
        with pytest.raises(RefusedError, match=words):
            await import_log(node, ImportParams(folder=str(tmp_path / folder), key=key))
    with pytest.raises(RefusedError, match="must be a whole path"):
        await import_log(south, ImportParams(folder="out", key=vkey_of(north)))
    await import_log(south, ImportParams(folder=str(tmp_path / "out"), key=vkey_of(north)))


def copy_of(node: Node, folder: Path) -> Node:
    """A second copy of a home's keys with a log of its own: what a restored backup is."""
    folder.mkdir()
    config = Config(home=folder, name=node.name)
    database = Database(config.database_path)
    copy = Node(config, node.clock, node.keys, database, node.files, node.origin, node.name)
    database.write_and_wait(lambda db: log_store.add_log(db, node.origin, generate(node.keys.log).public))
    return copy

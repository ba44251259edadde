"""What a real home gives away, its exported log and its proofs, is read by Go's library alone, witnesses included."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.use_cases.context import Node
from node.use_cases.cosign import admit_cosignature
from node.use_cases.log.export import ExportParams, export_log
from node.use_cases.log.proofs import ProveParams, prove_record
from node.use_cases.public.witnessing import add_checkpoint
from protocol.core.identity import generate, public_keys
from protocol.core.note import COSIGNATURE_V1, format_vkey
from protocol.log.cosignature import witness_name
from protocol.log.witness import format_add_checkpoint
from storage.log import log_store
from tests.interop.go_program import Answer, GoProgram, Question
from tests.node.homes import Rosters
from tests.node.use_cases.log.grown_home import fill, vkey_of
from tests.node.use_cases.two_homes import open_home

SIZE = 700


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_home(tmp_path, "north")
    fill(node, SIZE)
    yield node
    node.database.close()


@pytest.fixture
async def witness(tmp_path: Path, north: Node) -> AsyncIterator[Node]:
    """Another home, which watches the log of the first and has cosigned its newest head over the web."""
    node = await open_home(tmp_path, "witness")
    log_key = generate(north.keys.log).public
    await node.database.write(lambda db: log_store.add_log(db, north.origin, log_key))
    node.parts["roster"] = Rosters(node.origin, {}, [north.origin])
    head = log_store.head(north.database.reader, north.origin)
    assert head is not None
    verdict = await add_checkpoint(node, format_add_checkpoint(0, [], head.note))
    assert verdict.status == 200
    north.parts["roster"] = Rosters(north.origin, {witness_name(node.origin): public_keys(node.keys).witness}, [])
    line = verdict.body.splitlines(keepends=True)[0].encode()
    assert await admit_cosignature(north, north.origin, SIZE, line) is not None
    yield node
    node.database.close()


async def test_go_reads_the_export_of_a_home_and_a_proof_from_it(
    go_program: GoProgram, north: Node, witness: Node, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    await export_log(north, ExportParams(folder=str(folder)))
    made = await prove_record(north, ProveParams(index=300))
    (entry,) = log_store.entries(north.database.reader, north.origin, 300, 301)
    name = witness_name(witness.origin)
    keys = (vkey_of(north), format_vkey(name, COSIGNATURE_V1, public_keys(witness.keys).witness))
    questions = [
        Question(check="folder", keys=keys, folder=str(folder)),
        Question(check="proof", keys=keys, raw=made.proof.encode(), beside=entry),
    ]
    accepted = Answer([north.origin, name], "")
    assert go_program.ask(questions) == [accepted, accepted]


async def test_go_reads_an_export_that_has_grown(go_program: GoProgram, north: Node, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for size in (SIZE, 768, 769, 1_300):
        fill(north, size)
        await export_log(north, ExportParams(folder=str(folder)))
        asked = Question(check="folder", keys=(vkey_of(north),), folder=str(folder))
        assert go_program.ask([asked]) == [Answer([north.origin], "")], size

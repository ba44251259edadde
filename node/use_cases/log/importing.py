"""Taking in a log from static files, as if a peer had brought it: checked whole, then kept as a replica.

Invariant: nothing is stored before everything has been checked; what is stored goes through `receive` like any peer's.
Invariant: two heads of one log that do not go together are kept as evidence, whatever brought them.
Spec: docs/spec/log/tiles-and-proofs.md, docs/spec/log/fork-evidence.md
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.cosign import admit_cosignature
from node.use_cases.description import KEY, PLACE, Command, count, help_of
from node.use_cases.fork_watch import Evidence, admit_evidence, judge_note, list_evidence
from node.use_cases.log.auditing import audit_files, policy_of_key
from node.use_cases.log.files import FolderFiles
from node.use_cases.receive import BranchError, Closed, index_some, store_proven
from protocol.core.errors import PeerError, RefusedError, refuse
from protocol.core.note import (
    ED25519,
    NOTE_BYTES_MAX,
    Ed25519Verifier,
    VerifierKey,
    format_note,
    format_signature,
    parse_note,
    parse_vkey,
    verify_note,
)
from protocol.log.audit.log_files import read_bundle, read_hashes
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, parse_bundle
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from protocol.log.fork import prove_fork
from protocol.log.tiles import CHECKPOINT_PATH, Tile, TileHashes
from storage.log import log_store
from storage.peers.gossip_marks import drop_pending_bundles

BATCH_BUNDLES = 16
"""Bundles in one commit, of at most 4 MiB each."""
TWO_VERSIONS = "two versions of this log exist: the one held here is kept, and so is the evidence of the other"


class ImportParams(msgspec.Struct, kw_only=True):
    """A folder of the node's machine by its whole path, and the verifier key of the log that it must hold."""

    folder: Annotated[str, PLACE]
    key: Annotated[str, KEY, help_of("The log's verifier key, or a file that holds it.")]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A log as it is held now: `size` entries, of which `old_size` were here before."""

    origin: str
    size: int
    old_size: int


async def import_log(node: Node, params: ImportParams) -> Imported:
    """Check a folder of static files whole and keep its log as a replica, as if a peer had brought it. RefusedError
    lists what is wanting; two heads that do not go together are kept as evidence."""
    key = _read_key(node, params.key)
    folder = Path(params.folder)
    if not folder.is_absolute():
        raise RefusedError.at("folder", "must be a whole path")
    files = FolderFiles(folder)
    report = await asyncio.to_thread(audit_files, files, policy_of_key(key), key)
    refuse(report.findings, f"{folder}: nothing was taken in")
    note = _read_note(files)
    try:
        await node.database.write(lambda db: log_store.add_log(db, key.name, key.public))
    except PeerError as error:
        raise RefusedError.at("key", error.reason) from None
    held = log_store.head(node.database.reader, key.name)
    assert held is not None
    await _check_same_branch(node, key, note)
    await _store(node, key, note, files)
    await _keep_cosignatures(node, key.name, report.size, note)
    return Imported(origin=key.name, size=max(report.size, held.size), old_size=held.size)


async def _check_same_branch(node: Node, key: VerifierKey, note: bytes) -> None:
    """Evidence is kept where our own longer head does not begin with theirs."""
    known = len(_evidence(node, key.name))
    await judge_note(node, key.name, _strip(key, note))
    if len(_evidence(node, key.name)) > known:
        raise RefusedError.at(key.name, TWO_VERSIONS)


async def _store(node: Node, key: VerifierKey, note: bytes, files: FolderFiles) -> None:
    """Some bundles at a time, so that a log may be as long as the disk; the head moves with the last of them."""
    theirs = open_checkpoint(note, key.public, key.name)
    held = log_store.head(node.database.reader, key.name)
    assert held is not None
    if theirs.size <= held.size:
        return
    count = theirs.size // BUNDLE_ENTRIES
    try:
        for first in range(held.size // BUNDLE_ENTRIES, count + 1, BATCH_BUNDLES):
            numbers = range(first, min(first + BATCH_BUNDLES, count))
            closed = [await asyncio.to_thread(_read_closed, files, number) for number in numbers]
            opened = None
            if first + BATCH_BUNDLES > count:
                opened = await asyncio.to_thread(_read_opened, files, theirs.size)
            work = partial(store_proven, closed=closed, opened=opened, checkpoint=theirs, note=_strip(key, note))
            await node.database.write(work)
    except BranchError:
        await node.database.write(lambda db: drop_pending_bundles(db, key.name))
        await _keep_evidence(node, key, note, theirs, files)
        raise RefusedError.at(key.name, TWO_VERSIONS) from None
    while (span := await node.database.write(partial(index_some, key.name)))[1] > span[0]:
        node.changes.publish(key.name, *span)


async def _keep_evidence(node: Node, key: VerifierKey, note: bytes, theirs: Checkpoint, files: FolderFiles) -> None:
    """Theirs is the longer head: its tiles prove that it does not begin with ours."""
    held = log_store.head(node.database.reader, key.name)
    assert held is not None
    ours = open_checkpoint(held.note, key.public, key.name)
    proof = prove_fork(ours, theirs, TileHashes(theirs.size, lambda tile: b"".join(read_hashes(files, tile) or [])))
    if proof is not None:
        await admit_evidence(node, Evidence(key.name, held.note, _strip(key, note), proof))


async def _keep_cosignatures(node: Node, origin: str, size: int, note: bytes) -> None:
    """The cosignatures of witnesses that this node knows; what is wrong among the others harms nobody."""
    for signature in parse_note(note)[1]:
        if signature.name != origin:
            await admit_cosignature(node, origin, size, format_signature(signature).encode())


def _read_closed(files: FolderFiles, number: int) -> Closed:
    raw = read_bundle(files, Tile(None, number)) or b""
    return number, raw, bundle_root(parse_bundle(raw, BUNDLE_ENTRIES))


def _read_opened(files: FolderFiles, size: int) -> list[bytes]:
    number, rest = divmod(size, BUNDLE_ENTRIES)
    return parse_bundle(read_bundle(files, Tile(None, number, rest)) or b"", rest) if rest else []


def _read_key(node: Node, vkey: str) -> VerifierKey:
    key = parse_vkey(vkey)
    if key.key_type != ED25519:
        raise RefusedError.at("key", "not the key of a log")
    if key.name == node.origin:
        raise RefusedError.at("key", "this is the home's own log; its entries are never taken from elsewhere")
    return key


def _read_note(files: FolderFiles) -> bytes:
    note = files(CHECKPOINT_PATH, NOTE_BYTES_MAX)
    if note is None:
        raise RefusedError.at(CHECKPOINT_PATH, "missing")
    return note


def _strip(key: VerifierKey, note: bytes) -> bytes:
    """The note with the log's own signature alone."""
    return format_note(*verify_note(note, [Ed25519Verifier(key.name, key.public)]))


def _evidence(node: Node, origin: str) -> list[Evidence]:
    return [one for one in list_evidence(node.database.reader) if one.origin == origin]


def _tell_imported(answer: Imported) -> Iterator[str]:
    new = max(0, answer.size - answer.old_size)
    yield f"{answer.origin} is held here with {count(answer.size, 'record')}, {new} of them new."


OPERATIONS = (
    Operation(
        "log.import",
        ImportParams,
        import_log,
        "Check the static files in FOLDER whole, then hold that log as if a peer had brought it.",
        tell=_tell_imported,
        command=Command("log import", ("folder",), "absent --key no-key+", 1),
    ),
)

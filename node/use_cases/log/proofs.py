"""Proving to a stranger that one record stands in a log: a small file that is checked without the network.

Invariant: a proof that leaves the node has been checked against the head it carries.
Spec: docs/spec/log/tiles-and-proofs.md
"""

import sqlite3
from collections.abc import Iterator
from operator import attrgetter
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, Out, help_of
from node.use_cases.fork_watch import root_at
from node.use_cases.log.heads import OriginName, cosigned_note, held_head, list_kept_notes, open_hashes
from protocol.core.errors import PeerError, RefusedError
from protocol.log.checkpoint import open_checkpoint
from protocol.log.merkle import HashReader, check_inclusion, leaf_hash, prove_inclusion
from protocol.log.proof import PROOF_SUFFIX, Proof, format_proof
from storage.log import log_store
from storage.log.log_store import Head

SIZES_SHOWN = 20


class ProveParams(msgspec.Struct, kw_only=True):
    """Which record, by its index in a log (this home's own where none is named), and under which of its heads.

    `size` is that of a head that was kept; 0 is the newest.
    """

    index: Annotated[int, msgspec.Meta(ge=0)]
    origin: OriginName = ""
    size: Annotated[int, msgspec.Meta(ge=0), help_of("Under the head of so many records; 0: the newest.")] = 0


class ProofView(msgspec.Struct, frozen=True, kw_only=True):
    """A proof file's text and a name for it; `leaf` is the record's id."""

    origin: str
    index: int
    size: int
    leaf: str
    name: str
    proof: str


async def prove_record(node: Node, params: ProveParams) -> ProofView:
    """The proof of one record under a head, the record itself beside it. RefusedError beyond the head's end, or for a
    head that is not kept. Damaged tiles are dropped, and made again of the records."""
    db = node.database.reader
    head = held_head(db, params.origin or node.origin)
    head = _find_head(db, head, params.size or head.size)
    if params.index >= head.size:
        raise RefusedError.at("index", f"this head has {head.size} records, numbered from 0")
    try:
        return _make_proof(db, head, params.index, await open_hashes(node, head))
    except PeerError:
        # What is kept of the tiles is derived and may be lost or damaged: what the records say counts.
        await node.database.write(lambda db: log_store.drop_tiles(db, head.origin))
        return _make_proof(db, head, params.index, await open_hashes(node, head))


def _find_head(db: sqlite3.Connection, newest: Head, size: int) -> Head:
    """The head of this size of a log, signed, if it is the newest or was kept; RefusedError says which were."""
    if size == newest.size:
        return newest
    log_key = log_store.log_key_of(db, newest.origin)
    assert log_key is not None
    kept: dict[int, Head] = {}
    for note in list_kept_notes(db, newest.origin):
        head = open_checkpoint(note, log_key, newest.origin)
        # The other version of a forked log is no head of this one.
        if head.size <= newest.size and root_at(db, head.origin, head.size) == head.root:
            kept[head.size] = newest._replace(size=head.size, root=head.root, note=note)
    if size not in kept:
        sizes = ", ".join(str(known) for known in sorted({*kept, newest.size})[-SIZES_SHOWN:])
        raise RefusedError.at("size", f"no head of {size} records was kept; there are those of {sizes}")
    return kept[size]


def _make_proof(db: sqlite3.Connection, head: Head, index: int, read: HashReader) -> ProofView:
    (entry,) = log_store.entries(db, head.origin, index, index + 1)
    hashes = prove_inclusion(index, head.size, read)
    leaf = leaf_hash(entry)
    check_inclusion(leaf, index, head.size, hashes, head.root)
    proof = Proof(index, tuple(hashes), cosigned_note(db, head), entry)
    name = f"{head.origin.replace('/', '-')}-{index}{PROOF_SUFFIX}"
    text = format_proof(proof).decode()
    return ProofView(origin=head.origin, index=index, size=head.size, leaf=leaf.hex(), name=name, proof=text)


def _tell_proof(view: ProofView) -> Iterator[str]:
    yield view.proof.removesuffix("\n")


OPERATIONS = (
    Operation(
        "log.prove",
        ProveParams,
        prove_record,
        "Prove to anyone, offline, that record number INDEX stands in the log.",
        tell=_tell_proof,
        command=Command(
            "log prove",
            ("index",),
            "0",
            files=(Out("--out", "The file to write; else it is printed.", attrgetter("proof")),),
        ),
    ),
)

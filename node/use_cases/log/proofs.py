"""Proving to a stranger that one record stands in a log: a small file that is checked without the network.

Invariant: a proof that leaves the node has been checked against the head it carries.
Spec: docs/spec/tiles-and-proofs.md
"""

import sqlite3
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.log.heads import cosigned_note, held_head
from protocol.core.errors import PeerError, RefusedError
from protocol.log.merkle import check_inclusion, leaf_hash, prove_inclusion
from protocol.log.proof import PROOF_SUFFIX, Proof, format_proof
from protocol.log.tiles import TileHashes
from storage import log_store
from storage.log_store import Head


class ProveParams(msgspec.Struct, kw_only=True):
    """Which record, by its index in a log (this home's own where none is named)."""

    index: Annotated[int, msgspec.Meta(ge=0)]
    origin: str = ""


class ProofView(msgspec.Struct, frozen=True, kw_only=True):
    """A proof file's text and a name for it; `leaf` is the record's id."""

    origin: str
    index: int
    size: int
    leaf: str
    name: str
    proof: str


async def prove_record(node: Node, params: ProveParams) -> ProofView:
    """The proof of one record under the newest head, the record itself beside it; RefusedError beyond the log's end."""
    origin = params.origin or node.origin
    db = node.database.reader
    head = held_head(db, origin)
    if params.index >= head.size:
        raise RefusedError.at("index", f"the log has {head.size} records, numbered from 0")
    if log_store.has_new_tiles(db, origin):
        await node.database.write(lambda db: log_store.keep_tiles(db, origin))
    try:
        return _make_proof(db, head, params.index)
    except PeerError:
        # What is kept of the tiles is derived and may be lost or damaged: what the records say counts.
        await node.database.write(lambda db: log_store.drop_tiles(db, origin))
        return _make_proof(db, head, params.index)


def _make_proof(db: sqlite3.Connection, head: Head, index: int) -> ProofView:
    read = TileHashes(head.size, lambda tile: log_store.read_tile(db, head.origin, tile))
    (entry,) = log_store.entries(db, head.origin, index, index + 1)
    hashes = prove_inclusion(index, head.size, read)
    leaf = leaf_hash(entry)
    check_inclusion(leaf, index, head.size, hashes, head.root)
    proof = Proof(index, tuple(hashes), cosigned_note(db, head), entry)
    name = f"{head.origin.replace('/', '-')}-{index}{PROOF_SUFFIX}"
    text = format_proof(proof).decode()
    return ProofView(origin=head.origin, index=index, size=head.size, leaf=leaf.hex(), name=name, proof=text)


OPERATIONS = (Operation("log.prove", ProveParams, prove_record, "A file that proves one record to anyone, offline."),)

"""The vectors of a log's outside: tiles, proof files, policies, requests to witnesses and mirrors, fork evidence.

The small log of seven entries and its keys are those of made_up.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from protocol.core.identity import SigningKey
from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import COSIGNATURE_MLDSA44, COSIGNATURE_V1, ED25519, VerifierKey, format_vkey
from protocol.log.branch_point import format_side, format_trunk, prove_side
from protocol.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from protocol.log.cosignature import (
    add_signature,
    format_cosignature_message,
    format_cosigned_message,
    sign_cosignature,
)
from protocol.log.fork import AfterEnd, format_after_end, format_evidence, make_evidence, prove_fork
from protocol.log.merkle import HashReader, fold, leaf_hash, prove_consistency, prove_inclusion, range_root
from protocol.log.mirror import (
    EntriesHeader,
    MirrorInfo,
    Span,
    format_entries_header,
    format_mirror_info,
    format_package,
    mirror_prefix,
    prove_package,
)
from protocol.log.policy import format_policy, make_policy
from protocol.log.proof import Proof, format_proof
from protocol.log.subtree import is_subtree, prove_subtree
from protocol.log.tiles import Tile, format_tile_path, list_tiles
from protocol.log.witness import format_add_checkpoint

ORIGIN = "northside.example/log"
WITNESSES = {"oak.example/witness": "witness", "mill.example/witness": "office", "dairy.example/witness": "member"}
MLDSA44_SEED = b"made-up ML-DSA key, for tests on"
TIME_S = 1_770_000_000
OTHER_ENTRIES = [b"entry 0", b"entry 1", b"another entry 2", b"another entry 3"]
TILED_SIZES = (1, 7, 256, 257, 70_000)


def export_logs(keys: Mapping[str, SigningKey], entries: Sequence[bytes]) -> dict[str, Any]:
    """A small log as tiles, proofs and requests show it, and evidence that it was signed on two branches."""
    leaves = [leaf_hash(entry) for entry in entries]
    return {
        "about": "A log from outside (docs/spec/log/tiles-and-proofs.md, policy.md, mirror.md, fork-evidence.md, "
        'note-and-checkpoint.md). {"hex": ...} stands for bytes.',
        "tiles": _export_tiles(leaves),
        "subtrees": _export_subtrees(leaves),
        "proof": _export_proof(keys, leaves),
        "requests": _export_requests(keys, entries),
        "forks": _export_forks(keys["log"], leaves),
        "branch_point": _export_branch_point(keys["log"], leaves),
        "after_end": format_after_end(AfterEnd(_head(leaves[:4]), _sign(keys["log"], leaves))).decode(),
        "cosigned_messages": _export_messages(leaves),
    }


def _export_tiles(leaves: Sequence[bytes]) -> dict[str, Any]:
    paths = [Tile(0, 0), Tile(0, 273, 112), Tile(2, 1_234_067), Tile(None, 1_234_067, 16), Tile(63, 999, 255)]
    return {
        "paths": [
            {"level": tile.level, "number": tile.number, "width": tile.width, "path": format_tile_path(tile)}
            for tile in paths
        ],
        "partial_tiles": [
            {"size": size, "paths": [format_tile_path(tile) for tile in list_tiles(size) if tile.width < 256]}
            for size in TILED_SIZES
        ],
        "tile": {"path": format_tile_path(Tile(0, 0, len(leaves))), "bytes": b"".join(leaves)},
    }


def _export_subtrees(leaves: Sequence[bytes]) -> list[dict[str, Any]]:
    size, read = len(leaves), _reader(leaves)
    return [
        {
            "start": start,
            "end": end,
            "root": range_root(start, end, read),
            "proof": prove_subtree(start, end, size, read),
        }
        for start in range(size)
        for end in range(start + 1, size + 1)
        if is_subtree(start, end)
    ]


def _export_proof(keys: Mapping[str, SigningKey], leaves: Sequence[bytes]) -> dict[str, Any]:
    log_key = VerifierKey(ORIGIN, ED25519, keys["log"].public)
    witnesses = [VerifierKey(name, COSIGNATURE_V1, keys[key].public) for name, key in WITNESSES.items()]
    hashes = tuple(prove_inclusion(2, len(leaves), _reader(leaves)))
    note = _cosign(_sign(keys["log"], leaves), keys, ["oak.example/witness", "mill.example/witness"])
    bare = _cosign(_sign(keys["log"], leaves), keys, ["oak.example/witness"])
    return {
        "leaf": leaves[2],
        "policy": format_policy(make_policy(log_key, witnesses, f"{ORIGIN}/witness", "half")).decode(),
        "accepted": format_proof(Proof(2, hashes, note)).decode(),
        "with_extra": format_proof(Proof(2, hashes, note, b"made up")).decode(),
        "too_few_witnesses": format_proof(Proof(2, hashes, bare)).decode(),
        "wrong_index": format_proof(Proof(3, hashes, note)).decode(),
    }


def _export_requests(keys: Mapping[str, SigningKey], entries: Sequence[bytes]) -> dict[str, Any]:
    leaves = [leaf_hash(entry) for entry in entries]
    size, read = len(leaves), _reader(leaves)
    header, span = EntriesHeader(ORIGIN, 3, size), Span(0, 3, size)
    return {
        "old_size": 3,
        "old_root": fold(leaves[:3]),
        "add_checkpoint": format_add_checkpoint(
            3, prove_consistency(3, size, read), _sign(keys["log"], leaves)
        ).decode(),
        "add_entries_header": format_entries_header(header),
        "package": format_package(prove_package(span, entries[3:], size, read)),
        "held": leaves[:3],
        "mirror_info": format_mirror_info(MirrorInfo(size, 5, b"made up")),
        "mirror_prefix": mirror_prefix(ORIGIN),
    }


def _export_forks(key: SigningKey, leaves: Sequence[bytes]) -> list[dict[str, Any]]:
    other = [leaf_hash(entry) for entry in OTHER_ENTRIES]
    forks = []
    for says, shorter, longer in (
        ("equal sizes", leaves[:4], other),
        ("the longer head goes another way", other, leaves),
    ):
        notes = [_sign(key, branch) for branch in (shorter, longer)]
        proof = prove_fork(_head(shorter), _head(longer), _reader(longer))
        assert proof is not None
        evidence = make_evidence(notes[0], notes[1], proof, key.public, ORIGIN)
        forks.append({"says": says, "evidence": format_evidence(evidence).decode()})
    return forks


def _export_branch_point(key: SigningKey, leaves: Sequence[bytes]) -> dict[str, Any]:
    """Two versions that share two entries: what each begins with, and the trunk of both."""
    other = [leaf_hash(entry) for entry in OTHER_ENTRIES]
    branches = {"note_a": leaves, "note_b": other}
    sides = {
        name: [prove_side(size, _head(branch), _reader(branch)) for size in range(4)]
        for name, branch in branches.items()
    }
    trunk = format_trunk(sides["note_a"][2], sides["note_b"][2])
    return {
        **{name: _sign(key, branch).decode() for name, branch in branches.items()},
        "sides": {name: [format_side(side) for side in said] for name, said in sides.items()},
        "trunk": trunk,
        "size": 2,
        "refused": [
            {"says": "another size", "trunk": (3).to_bytes(8) + trunk[8:]},
            {"says": "another root", "trunk": trunk[:9] + bytes(32) + trunk[41:]},
            {"says": "a hash of the other head's", "trunk": trunk[:8] + bytes([trunk[8] + 1]) + trunk[9:]},
            {"says": "more hashes than there are", "trunk": trunk[:8] + bytes([255]) + trunk[9:]},
            {"says": "half a hash", "trunk": trunk[:-16]},
        ],
    }


def _export_messages(leaves: Sequence[bytes]) -> dict[str, Any]:
    key, name = Mldsa44Key(MLDSA44_SEED), "oak.example/witness"
    head = _head(leaves)
    text = format_checkpoint(head)
    return {
        "ed25519": {"time_s": TIME_S, "text": text, "message": format_cosignature_message(text, TIME_S).decode()},
        "seed": MLDSA44_SEED,
        "vkey": format_vkey(name, COSIGNATURE_MLDSA44, key.public),
        "messages": [
            {"size": head.size, "time_s": time_s, "bytes": format_cosigned_message(head, name, time_s)}
            for time_s in (TIME_S, 0)
        ],
    }


def _head(leaves: Sequence[bytes]) -> Checkpoint:
    return Checkpoint(ORIGIN, len(leaves), fold(leaves))


def _sign(key: SigningKey, leaves: Sequence[bytes]) -> bytes:
    return sign_checkpoint(_head(leaves), key)


def _cosign(note: bytes, keys: Mapping[str, SigningKey], names: Sequence[str]) -> bytes:
    text = note.decode().partition("\n\n")[0] + "\n"
    for name in names:
        note = add_signature(note, sign_cosignature(text, name, keys[WITNESSES[name]], TIME_S))
    return note


def _reader(leaves: Sequence[bytes]) -> HashReader:
    def read(level: int, index: int) -> bytes:
        return fold(leaves[index << level : (index + 1) << level])

    return read

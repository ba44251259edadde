"""The vectors of what no core or log takes: entries, statements, signatures, heads, proofs, paths, policies."""

import base64
from collections.abc import Iterable
from typing import Any, Final

from protocol.core.commitment import commit_opening, format_opening
from protocol.core.encoding import decode, encode
from protocol.core.identity import key_id
from protocol.core.record import format_record, parse_record, verify_statement
from protocol.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from protocol.log.merkle import fold, leaf_hash, prove_consistency, prove_inclusion
from scripts.vectors.core import OPENINGS, make_records
from scripts.vectors.made_up import HEX, KEYS, ORIGIN, TREE_ENTRIES

LEAF: Final = bytes(range(32))
BY: Final = key_id(KEYS["member"].public)
PLAIN_CHANGES: Final[list[tuple[dict[str, Any], str]]] = [
    ({"v": 2}, "entry.v"),
    ({"kind": "product"}, "entry.kind"),
    ({"kind": "Supply.product"}, "entry.kind"),
    ({"kind": "supply." + "x" * 60}, "entry.kind"),
    ({"seq": -1}, "entry.seq"),
    ({"seq": 2**53}, "entry.seq"),
    ({"seq": True}, "entry.seq"),
    ({"at": 253_402_300_800_000}, "entry.at"),
    ({"by": LEAF[:31]}, "entry.by"),
    ({"refs": [["oak.example", 3]]}, "entry.refs[0]"),
    ({"refs": [["Oak.example", 3, LEAF]]}, "entry.refs[0][0]"),
    ({"body": None}, "entry.body"),
    ({"body": bytes(31)}, "entry.body"),
    ({"sigs": [["ed25519", BY, bytes(64)]]}, "entry.body"),
    ({"colour": "red"}, "entry"),
]
SIGNED_CHANGES: Final[list[tuple[dict[str, Any], str]]] = [
    ({"kind": "supply.product"}, "entry.kind"),
    ({"at": 5}, "entry.at"),
    ({"by": LEAF}, "entry.by"),
    ({"refs": []}, "entry.refs"),
    ({"body": encode([1])}, "entry.body"),
    ({"sigs": []}, "entry.body"),
    ({"sigs": [["ED25519", BY, bytes(64)]]}, "entry.sigs[0][0]"),
    ({"sigs": [["ed25519", BY, b""]]}, "entry.sigs[0][2]"),
]
STATEMENT_CHANGES: Final[list[tuple[dict[str, Any], str]]] = [
    ({"for": "two words"}, "entry.body.for"),
    ({"nonce": bytes(15)}, "entry.body.nonce"),
    ({"body": bytes(33)}, "entry.body.body"),
    ({"v": 0}, "entry.body.v"),
    ({"seq": 1}, "entry.body"),
]
ROOT_TEXT: Final = base64.b64encode(LEAF).decode()
HEADS: Final = [
    f"{ORIGIN}\n7\n{ROOT_TEXT}",
    f"{ORIGIN}\n7\n{ROOT_TEXT}\nan extension line\n",
    f"{ORIGIN}\n07\n{ROOT_TEXT}\n",
    f"{ORIGIN}\n-1\n{ROOT_TEXT}\n",
    f"{ORIGIN}\n9007199254740992\n{ROOT_TEXT}\n",
    f"{ORIGIN}\n7\n{ROOT_TEXT[:-2]}9=\n",
    f"{ORIGIN}\n0\n{ROOT_TEXT}\n",
    f"Northside\n7\n{ROOT_TEXT}\n",
]
PATHS: Final = ["tile/00/000", "tile/64/000", "tile/0/0", "tile/0/001/002", "tile/0/000.p/256", "tile/0/000.p/01"]
POLICIES: Final = [
    "",
    "quorum none",
    "quorum a\n",
    "quorum none\nquorum none\n",
    "wittness c d\nquorum none\n",
    "quorum\u00a0none\n",
]
BUNDLES: Final = [(b"", 1), (b"\0\3ab", 1), (b"\0\2abc", 1), (b"\0\2ab", 2), (b"\0\2ab\0\1c", 1)]


def export_core() -> dict[str, Any]:
    """Entries that are none, signatures that are wrong, openings of something else."""
    records = make_records()
    plain = decode(format_record(records["a product of the log's own co-op"]))
    signed = decode(format_record(records["signed by a member and the log's owner"]))
    statement = decode(signed["body"])
    within = [({"body": encode({**statement, **change})}, at) for change, at in STATEMENT_CHANGES]
    return {
        "about": f"What no node takes for a record (docs/spec: record.md, commitment.md). {HEX} The keys are those of "
        "records.json. Made up.",
        "entries": [
            {"at": at, "entry": encode({**whole, **change})}
            for whole, changes in ((plain, PLAIN_CHANGES), (signed, SIGNED_CHANGES), (signed, within))
            for change, at in changes
        ],
        "signatures": [_sign_wrongly(signed, says, sigs) for says, sigs in _list_wrong_sigs(signed["sigs"])],
        "openings": [
            {
                "says": f"{says}, {field} changed",
                "commitment": commit_opening(opening),
                "opening": encode({**decode(format_opening(opening)), field: other}),
            }
            for says, opening in OPENINGS.items()
            for field, other in (
                ("origin", "oak.example/log"),
                ("kind", "supply.product"),
                ("value", 1),
                ("salt", LEAF[::-1]),
            )
        ],
    }


def export_log() -> dict[str, Any]:
    """Heads, proofs, bundles, paths and policies that do not hold."""
    leaves = [leaf_hash(entry) for entry in TREE_ENTRIES]
    size, root = len(leaves), fold(leaves)

    def read(level: int, index: int) -> bytes:
        return fold(leaves[index << level : (index + 1) << level])

    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), KEYS["log"]).decode()
    inclusion, consistency = prove_inclusion(2, size, read), prove_consistency(3, size, read)
    return {
        "about": f"What nobody believes of a log (docs/spec/log). {HEX} The log is that of trees.json.",
        "heads": HEADS,
        "notes": [
            {"says": "another key", "note": sign_checkpoint(Checkpoint(ORIGIN, size, root), KEYS["member"]).decode()},
            {"says": "another size under the signature", "note": note.replace("\n7\n", "\n8\n")},
            {"says": "no signature", "note": format_checkpoint(Checkpoint(ORIGIN, size, root)) + "\n"},
            {"says": "no newline at the end", "note": note[:-1]},
        ],
        "inclusion": [
            {"says": says, "leaf": leaf, "index": index, "size": of, "proof": proof, "root": root}
            for says, leaf, index, of, proof in (
                ("another leaf", leaves[1], 2, size, inclusion),
                ("another index", leaves[2], 3, size, inclusion),
                ("an index beyond the log", leaves[2], 7, size, inclusion),
                ("a hash too few", leaves[2], 2, size, inclusion[:-1]),
                ("a hash too many", leaves[2], 2, size, [*inclusion, root]),
                ("hashes in another order", leaves[2], 2, size, inclusion[::-1]),
            )
        ],
        "consistency": [
            {"says": says, "old_size": old, "old_root": old_root, "size": size, "root": root, "proof": proof}
            for says, old, old_root, proof in (
                ("another old root", 3, fold(leaves[1:4]), consistency),
                ("another old size", 4, fold(leaves[:3]), consistency),
                ("larger than the log", 8, root, []),
                ("a hash too few", 3, fold(leaves[:3]), consistency[:-1]),
                ("a proof for the same size", 7, root, consistency),
            )
        ],
        "bundles": [{"bytes": raw, "entries": count} for raw, count in BUNDLES],
        "tile_paths": PATHS,
        "policies": POLICIES,
    }


def _list_wrong_sigs(sigs: list[list[Any]]) -> Iterable[tuple[str, list[list[Any]]]]:
    own, counter = sigs
    yield "a bit turned over", [[*own[:2], bytes([own[2][0] ^ 1]) + own[2][1:]]]
    yield "the author has not signed", [counter]
    yield "one key twice", [own, own]
    yield "an office's word by the member's own key", [["office", *own[1:]]]
    yield "a kind that is not known", [["webauthn", *own[1:]]]
    yield "a key that is not known", [[own[0], LEAF, own[2]]]


def _sign_wrongly(signed: dict[str, Any], says: str, sigs: list[list[Any]]) -> dict[str, Any]:
    entry = encode({**signed, "sigs": sigs})
    known = {key_id(key.public): key.public for key in KEYS.values()}
    found = verify_statement(parse_record(entry), known.get)
    return {"says": says, "entry": entry, "at": [finding.place for finding in found]}


FILES = {"core/refused.json": export_core, "log/refused.json": export_log}

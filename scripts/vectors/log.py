"""The vectors of a log: its bundle, roots, proofs and cosigned head."""

from typing import Any

from protocol.core.note import COSIGNATURE_V1, ED25519, format_vkey
from protocol.log.bundle import bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.cosignature import add_signature, sign_cosignature
from protocol.log.merkle import Tree, fold, leaf_hash, prove_consistency, prove_inclusion
from scripts.vectors.log_outside import export_logs
from scripts.vectors.made_up import AT_MS, HEX, KEYS, ORIGIN, TREE_ENTRIES, WITNESS, describe_keys


def export_trees() -> dict[str, Any]:
    """A small log: its bundle, roots and proofs, and its head with a witness's cosignature."""
    leaves = [leaf_hash(entry) for entry in TREE_ENTRIES]
    tree, size = Tree.of(leaves), len(leaves)

    def read(level: int, index: int) -> bytes:
        return fold(leaves[index << level : (index + 1) << level])

    head = Checkpoint(ORIGIN, size, tree.root())
    note = sign_checkpoint(head, KEYS["log"])
    text = note.decode().partition("\n\n")[0] + "\n"
    line = sign_cosignature(text, WITNESS, KEYS["witness"], AT_MS // 1000)
    return {
        "about": f"A log of {size} entries (docs/spec/log/tree.md, docs/spec/log/note-and-checkpoint.md). {HEX}",
        "keys": describe_keys(),
        "bundle": format_bundle(TREE_ENTRIES),
        "bundle_root": bundle_root(TREE_ENTRIES),
        "leaves": leaves,
        "roots": [fold(leaves[:count]) for count in range(size + 1)],
        "edge": list(tree.edge),
        "inclusion": [{"index": index, "proof": prove_inclusion(index, size, read)} for index in range(size)],
        "consistency": [{"old_size": old, "proof": prove_consistency(old, size, read)} for old in range(size + 1)],
        "log_vkey": format_vkey(ORIGIN, ED25519, KEYS["log"].public),
        "witness_vkey": format_vkey(WITNESS, COSIGNATURE_V1, KEYS["witness"].public),
        "checkpoint": note.decode(),
        "cosigned": add_signature(note, line).decode(),
    }


FILES = {"log/trees.json": export_trees, "log/logs.json": lambda: export_logs(KEYS, TREE_ENTRIES)}

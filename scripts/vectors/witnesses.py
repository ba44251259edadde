"""The vectors of a witness: what it answers to a head, by what it has cosigned last."""

from typing import Any, Final

from protocol.core.note import Ed25519Verifier
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import fold, leaf_hash, prove_consistency
from protocol.log.witness import CosignedHead, format_add_checkpoint, judge_checkpoint, parse_add_checkpoint
from scripts.vectors.made_up import HEX, KEYS, ORIGIN, TREE_ENTRIES

LEAVES: Final = [leaf_hash(entry) for entry in TREE_ENTRIES]
OTHERS: Final = [*LEAVES[:2], *(leaf_hash(b"another %d" % number) for number in range(5))]
HELD_SIZE: Final = 3


def export_answers() -> dict[str, Any]:
    """Requests to a witness that knows the log, and has cosigned three entries of it or nothing."""
    seven, grown = _sign(LEAVES), _prove(LEAVES)
    fork, forged = _sign(OTHERS), sign_checkpoint(Checkpoint(ORIGIN, 7, fold(LEAVES)), KEYS["member"])
    rows = [
        ("the first head", 0, 0, [], seven),
        ("the next head", HELD_SIZE, HELD_SIZE, grown, seven),
        ("the same head again", HELD_SIZE, HELD_SIZE, [], _sign(LEAVES[:HELD_SIZE])),
        ("not the log's key", HELD_SIZE, HELD_SIZE, grown, forged),
        ("an old size above the new one", HELD_SIZE, 8, [], seven),
        ("an old size that was not the last", HELD_SIZE, 2, grown, seven),
        ("an old size where nothing was cosigned", 0, 3, grown, seven),
        ("another root at the last size, asked anew", HELD_SIZE, 0, [], _sign(OTHERS[:HELD_SIZE])),
        ("another root at the last size", HELD_SIZE, HELD_SIZE, [], _sign(OTHERS[:HELD_SIZE])),
        ("another branch", HELD_SIZE, HELD_SIZE, _prove(OTHERS), fork),
        ("a hash too few", HELD_SIZE, HELD_SIZE, grown[:-1], seven),
        ("a proof where none is needed", 0, 0, grown, seven),
    ]
    return {
        "about": f"What a witness answers (docs/spec: mirror.md). {HEX} With 200 it signs first; `is_evidence`: its "
        "note may show a fork and is kept. The log is that of trees.json. Made up.",
        "log_key": KEYS["log"].public,
        "answers": [_answer(*row) for row in rows],
    }


def _answer(says: str, held_size: int, old_size: int, proof: list[bytes], note: bytes) -> dict[str, Any]:
    held = CosignedHead(held_size, fold(LEAVES[:held_size]))
    body = format_add_checkpoint(old_size, proof, note)
    verdict = judge_checkpoint(parse_add_checkpoint(body), [Ed25519Verifier(ORIGIN, KEYS["log"].public)], held)
    return {
        "says": says,
        "held": {"size": held.size, "root": held.root},
        "request": body.decode(),
        "status": verdict.status,
        "size_told": verdict.body if verdict.status == 409 else None,
        "is_evidence": verdict.is_evidence,
    }


def _sign(leaves: list[bytes]) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, len(leaves), fold(leaves)), KEYS["log"])


def _prove(leaves: list[bytes]) -> list[bytes]:
    def read(level: int, index: int) -> bytes:
        return fold(leaves[index << level : (index + 1) << level])

    return prove_consistency(HELD_SIZE, len(leaves), read)


FILES = {"log/witness.json": export_answers}

"""One record and the proof that a log holds it, in one file that anyone can check without the network.

Invariant: a proof parses in one way only; formatting what was parsed gives the same bytes.
Invariant: what stands in `extra` is not covered by any signature and never believed.
Spec: docs/spec/log/tiles-and-proofs.md (c2sp.org/tlog-proof)
"""

import base64
import re
from typing import Final

import msgspec

from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import NOTE_BYTES_MAX, VerifierKey
from protocol.log.checkpoint import SIZE_MAX
from protocol.log.merkle import PROOF_HASHES_MAX, check_inclusion, format_hashes, parse_hashes
from protocol.log.policy import Policy, WitnessedHead, check_head

PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
PROOF_SUFFIX: Final = ".tlog-proof"
EXTRA_BYTES_MAX: Final = 65_536
PROOF_BYTES_MAX: Final = NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})", re.ASCII)


class Proof(msgspec.Struct, frozen=True):
    """An entry's index, the hashes from it to the root, the signed head's note, and what its maker put beside it."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes = b""


def format_proof(proof: Proof) -> bytes:
    """The bytes of a `.tlog-proof` file."""
    if not 0 <= proof.index < SIZE_MAX or len(proof.extra) > EXTRA_BYTES_MAX or len(proof.hashes) > PROOF_HASHES_MAX:
        raise MisuseError("a proof needs an index that a log can have, and few enough hashes and bytes beside it")
    extra = [f"extra {base64.b64encode(proof.extra).decode()}\n"] if proof.extra else []
    lines = [f"{PROOF_HEADER}\n", *extra, f"index {proof.index}\n", format_hashes(proof.hashes), "\n"]
    return "".join(lines).encode() + proof.note


def parse_proof(raw: bytes) -> Proof:
    """The proof in a file, nothing of it believed yet; PeerError when it is malformed."""
    if len(raw) > PROOF_BYTES_MAX:
        raise PeerError(f"proof: {len(raw)} bytes, at most {PROOF_BYTES_MAX} are allowed")
    head, separator, note = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise PeerError("proof: letters beyond ASCII above its empty line") from None
    if not separator or lines.pop(0) != PROOF_HEADER:
        raise PeerError(f"proof: does not begin with {PROOF_HEADER}, or has no empty line")
    extra = _read_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else b""
    match = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if match is None or int(match.group(1)) >= SIZE_MAX:
        raise PeerError("proof: no index that a log can have")
    return Proof(int(match.group(1)), parse_hashes(lines), note, extra)


def check_proof(proof: Proof, leaf: bytes, policy: Policy, log_key: VerifierKey | None = None) -> WitnessedHead:
    """The head under which the entry with this 32-byte leaf hash stands; PeerError unless proof and policy say so.

    The head is one that the policy accepts (see check_head; `log_key` narrows it to one log).
    """
    witnessed = check_head(proof.note, policy, log_key)
    head = witnessed.checkpoint
    check_inclusion(leaf, proof.index, head.size, proof.hashes, head.root)
    return witnessed


def _read_extra(line: str) -> bytes:
    encoded = line.removeprefix("extra ")
    try:
        extra = base64.b64decode(encoded, validate=True)
    except ValueError:
        extra = b""
    if not 1 <= len(extra) <= EXTRA_BYTES_MAX or base64.b64encode(extra).decode() != encoded:
        raise PeerError("proof: what stands beside it is empty, too long or not canonical base64")
    return extra

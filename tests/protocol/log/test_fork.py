"""Evidence of a fork, in a file that anyone can check: at every pair of sizes, and never against an honest log."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations_with_replacement

import pytest

from protocol.core.errors import MisuseError, PeerError
from protocol.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.cosignature import add_signature, sign_cosignature
from protocol.log.fork import (
    EVIDENCE_BYTES_MAX,
    ForkEvidence,
    check_evidence,
    check_fork,
    format_evidence,
    make_evidence,
    parse_evidence,
    prove_fork,
)
from protocol.log.merkle import Tree, fold, leaf_hash, prove_consistency
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN, flip_bit

SIZE = 300
KEY = LOG_KEY.public
SIZES = [*range(1, 71), 127, 128, 129, 255, 256, 257, 299, 300]
"""tests/interop has a library of others check every pair up to its limit."""
TRUNK = [leaf_hash(b"one %d" % index) for index in range(SIZE)]


class Branch:
    """A log that parts from the trunk after `common` entries, with its roots of complete subtrees remembered."""

    def __init__(self, common: int) -> None:
        self.common = common
        self.leaves = TRUNK[:common] + [leaf_hash(b"other %d" % index) for index in range(common, SIZE)]
        tree = Tree()
        self.roots = [tree.root()]
        for leaf in self.leaves:
            tree.append(leaf)
            self.roots.append(tree.root())
        self._held: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, index: int) -> bytes:
        place = (level, index)
        if place not in self._held:
            self._held[place] = fold(self.leaves[index << level : (index + 1) << level])
        return self._held[place]

    def head(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, self.roots[size])


@cache
def branch(common: int) -> Branch:
    return Branch(common)


@cache
def signed(common: int, size: int) -> bytes:
    return sign_checkpoint(branch(common).head(size), LOG_KEY)


def prove(shorter: int, longer: int, common: int) -> bytes | None:
    """The proof that trunk and branch parted, where the longer head stands on the branch."""
    return prove_fork(branch(SIZE).head(shorter), branch(common).head(longer), branch(common).read)


def check_pair(shorter: int, longer: int, common: int) -> None:
    proof = prove(shorter, longer, common)
    if common >= shorter:
        assert proof is None
        return
    assert proof is not None
    notes = signed(SIZE, shorter), signed(common, longer)
    evidence = make_evidence(*notes, proof, KEY, ORIGIN)
    raw = format_evidence(evidence)
    assert len(raw) <= EVIDENCE_BYTES_MAX and parse_evidence(raw) == evidence
    assert [found.size for found in check_evidence(evidence, KEY, ORIGIN)] == [shorter, longer]
    assert make_evidence(notes[1], notes[0], proof, KEY, ORIGIN) == evidence


@pytest.mark.parametrize("shorter", [1, 2, 3, 128, 255, 256, 257, 299, 300])
def test_two_branches_are_proven(shorter: int) -> None:
    for longer in {shorter, shorter + 1, 256, 300}:
        for common in {0, shorter // 2, shorter - 1, shorter}:
            if shorter <= longer <= SIZE:
                check_pair(shorter, longer, common)


def test_two_branches_are_proven_at_every_pair_of_small_sizes_and_beside_whole_subtrees() -> None:
    for shorter, longer in combinations_with_replacement(SIZES, 2):
        # One of the branches that part before the shorter head, not the same for all pairs.
        common = (7 * shorter + longer) % min(shorter, 16)
        proof = prove(shorter, longer, common)
        assert proof is not None
        raw = format_evidence(ForkEvidence(signed(SIZE, shorter), signed(common, longer), proof))
        assert len(raw) <= EVIDENCE_BYTES_MAX
        assert [head.size for head in check_evidence(parse_evidence(raw), KEY, ORIGIN)] == [shorter, longer]


def evidence_of(shorter: int, longer: int) -> ForkEvidence:
    proof = prove(shorter, longer, 3)
    assert proof is not None
    return make_evidence(signed(SIZE, shorter), signed(3, longer), proof, KEY, ORIGIN)


@pytest.mark.parametrize(("shorter", "longer"), [(5, 9), (6, 6), (8, 13)])
def test_any_flipped_bit_refuses_evidence(shorter: int, longer: int) -> None:
    raw = format_evidence(evidence_of(shorter, longer))
    for bit in range(len(raw) * 8):
        with pytest.raises(PeerError):
            check_evidence(parse_evidence(flip_bit(raw, bit)), KEY, ORIGIN)


def test_evidence_carries_the_logs_own_signatures_and_no_others() -> None:
    notes = []
    for note in (signed(SIZE, 5), signed(3, 9)):
        text = note.decode().partition("\n\n")[0] + "\n"
        notes.append(add_signature(note, sign_cosignature(text, "oak.example/witness", MEMBER_KEY, 1)))
    proof = prove(5, 9, 3)
    assert proof is not None
    assert make_evidence(notes[0], notes[1], proof, KEY, ORIGIN) == evidence_of(5, 9)


def test_evidence_holds_against_its_own_log_alone() -> None:
    evidence = evidence_of(5, 9)
    for public, origin in ((MEMBER_KEY.public, ORIGIN), (KEY, "oak.example/log")):
        with pytest.raises(PeerError):
            check_evidence(evidence, public, origin)
    swapped = ForkEvidence(evidence.longer, evidence.shorter, evidence.proof)
    with pytest.raises(PeerError, match="the longer head stands first"):
        check_evidence(swapped, KEY, ORIGIN)


def test_an_honest_log_is_never_convicted() -> None:
    """Whatever hashes a liar puts between two heads of one branch: none of those that lead to both roots convict."""
    honest = branch(SIZE)
    for shorter, longer in ((1, 2), (4, 8), (5, 9), (255, 300)):
        assert prove_fork(honest.head(shorter), honest.head(longer), honest.read) is None
        true = honest.head(shorter).root + b"".join(prove_consistency(shorter, longer, honest.read))
        with pytest.raises(PeerError, match="the longer head begins with the shorter"):
            check_fork(signed(SIZE, shorter), signed(SIZE, longer), true, KEY, ORIGIN)
        with pytest.raises(PeerError, match="two notes of one head"):
            check_fork(signed(SIZE, shorter), signed(SIZE, shorter), b"", KEY, ORIGIN)
        for proof in (prove(shorter, longer, 0) or b"", b"", bytes(32), bytes(64)):
            with pytest.raises(PeerError):
                check_fork(signed(SIZE, shorter), signed(SIZE, longer), proof, KEY, ORIGIN)


NOTES: Sequence[bytes] = (signed(SIZE, 5), signed(3, 9))
START = b"rochdale/fork-evidence@v1\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        START,
        b"".join([START, b"\n", NOTES[0]]),
        b"".join([START, b"\n", NOTES[0], b"\n", NOTES[1], b"\n", NOTES[1]]),
        b"".join([b"rochdale/fork-evidence@v2\n\n", NOTES[0], b"\n", NOTES[1]]),
        b"".join([START, b"no hash\n\n", NOTES[0], b"\n", NOTES[1]]),
        b"".join([START, b"\xc3\xa4\n\n", NOTES[0], b"\n", NOTES[1]]),
        b"".join([START, b"\n", NOTES[0], b"\n", NOTES[1], bytes(EVIDENCE_BYTES_MAX)]),
    ],
    ids=["nothing", "a beginning", "one note", "three notes", "another format", "no hash", "not ASCII", "too long"],
)
def test_malformed_evidence_is_refused(raw: bytes) -> None:
    with pytest.raises(PeerError, match=r"^(fork evidence|proof): "):
        parse_evidence(raw)


def test_the_largest_evidence_of_the_longest_name_fits() -> None:
    origin = "a" * 255
    notes = [sign_checkpoint(Checkpoint(origin, size, bytes(32)), LOG_KEY) for size in (2**53 - 2, 2**53 - 1)]
    raw = format_evidence(ForkEvidence(notes[0], notes[1], bytes(32 * 55)))
    assert len(raw) <= EVIDENCE_BYTES_MAX
    with pytest.raises(MisuseError):
        format_evidence(ForkEvidence(notes[0] + bytes(EVIDENCE_BYTES_MAX), notes[1], b""))
    assert open_checkpoint(notes[1], KEY, origin).size == 2**53 - 1

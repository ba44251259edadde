"""Parts of a log: every one of every small tree, against the draft written down slowly, and every flipped bit."""

import pytest

from protocol.core.errors import MisuseError, PeerError
from protocol.log.merkle import (
    PROOF_HASHES_MAX,
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
    range_root,
)
from protocol.log.subtree import check_subtree, is_subtree, prove_subtree
from tests.protocol.log.model.slow_tree import (
    LEAVES,
    SIZE,
    list_damaged,
    list_subtrees,
    read,
    slow_range,
    slow_subproof,
)


def test_every_subtree_proof_of_every_tree_is_that_of_the_draft_and_is_accepted() -> None:
    for size in range(1, SIZE + 1):
        for start, end in list_subtrees(size):
            proof = prove_subtree(start, end, size, read)
            assert proof == slow_subproof(start, end, 0, size)
            check_subtree(start, end, slow_range(start, end), size, slow_range(0, size), proof)


def test_roots_of_parts_are_those_of_the_rfc() -> None:
    for start, end in list_subtrees(SIZE):
        assert range_root(start, end, read) == slow_range(start, end)


def test_a_part_from_the_beginning_is_proven_as_consistency_and_one_entry_as_inclusion() -> None:
    for size in (1, 2, 7, 33, 64):
        root = slow_range(0, size)
        for end in range(1, size + 1):
            proof = prove_subtree(0, end, size, read)
            assert proof == prove_consistency(end, size, read)
            check_consistency(end, slow_range(0, end), size, root, proof)
            proof = prove_subtree(end - 1, end, size, read)
            assert proof == prove_inclusion(end - 1, size, read)
            check_inclusion(LEAVES[end - 1], end - 1, size, proof, root)


def test_what_is_no_subtree_has_no_proof() -> None:
    for start in range(-1, 20):
        for end in range(-1, 20):
            fits = (start, end) in list_subtrees(20)
            assert is_subtree(start, end) == fits
            if not fits:
                with pytest.raises(MisuseError):
                    prove_subtree(start, end, 32, read)
                with pytest.raises(PeerError, match="are no subtree"):
                    check_subtree(start, end, LEAVES[0], 32, LEAVES[0], [])
    with pytest.raises(MisuseError):
        prove_subtree(0, 5, 4, read)
    with pytest.raises(PeerError, match="are no subtree"):
        check_subtree(0, 5, LEAVES[0], 4, LEAVES[0], [])


def list_changed(start: int, end: int, size: int, is_every_bit: bool) -> list[list[bytes]]:
    hashes = [slow_range(start, end), slow_range(0, size), *prove_subtree(start, end, size, read)]
    return list_damaged(hashes)[:: 1 if is_every_bit else 41]


@pytest.mark.parametrize("size", range(1, 17))
def test_no_proof_with_a_flipped_bit_is_accepted(size: int) -> None:
    for start, end in list_subtrees(size):
        for part, root, *proof in list_changed(start, end, size, is_every_bit=size <= 5):
            with pytest.raises(PeerError):
                check_subtree(start, end, part, size, root, proof)


@pytest.mark.slow
@pytest.mark.parametrize("size", [6, 7, 8, 13])
def test_no_proof_with_any_flipped_bit_is_accepted(size: int) -> None:
    for start, end in list_subtrees(size):
        for part, root, *proof in list_changed(start, end, size, is_every_bit=True):
            with pytest.raises(PeerError):
                check_subtree(start, end, part, size, root, proof)


def test_a_proof_holds_for_its_own_part_alone() -> None:
    for size in range(1, 13):
        for start, end in list_subtrees(size):
            proof = prove_subtree(start, end, size, read)
            part, root = slow_range(start, end), slow_range(0, size)
            for hashes in ([*proof, LEAVES[0]], proof[:-1], proof[1:]):
                if hashes != proof:
                    with pytest.raises(PeerError):
                        check_subtree(start, end, part, size, root, hashes)
            for other in set(list_subtrees(size)) - {(start, end)}:
                with pytest.raises(PeerError):
                    check_subtree(*other, part, size, root, proof)


def test_hostile_proofs_are_refused_before_they_are_worked_through() -> None:
    with pytest.raises(PeerError, match="more than 63 hashes"):
        check_subtree(0, 1, LEAVES[0], 2**60, LEAVES[0], [LEAVES[0]] * (PROOF_HASHES_MAX + 1))
    with pytest.raises(PeerError, match="not 32 bytes"):
        check_subtree(0, 1, LEAVES[0], 2, LEAVES[0], [b"short"])
    with pytest.raises(PeerError, match="too few hashes"):
        check_subtree(0, 3, LEAVES[0], 4, LEAVES[0], [])

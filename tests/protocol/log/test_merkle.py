"""The tree: against RFC 6962 written down slowly, against the tree of the CT project, and against every flipped bit."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.errors import MisuseError, PeerError
from protocol.log.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    Tree,
    check_consistency,
    check_inclusion,
    fold,
    format_hashes,
    leaf_hash,
    leaf_hashes,
    list_edge,
    node_hash,
    parse_hashes,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_of,
)
from tests.protocol.log.model.slow_tree import LEAVES, SIZE, list_damaged, read, slow_range, slow_split

# The eight entries and the roots of the first n of them with which certificate transparency logs are tested.
CT_ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def slow_path(index: int, start: int, end: int) -> list[bytes]:
    """RFC 6962, 2.1.1, word for word: PATH(index, D[start:end])."""
    if end - start == 1:
        return []
    middle = start + slow_split(end - start)
    if index < middle:
        return [*slow_path(index, start, middle), slow_range(middle, end)]
    return [*slow_path(index, middle, end), slow_range(start, middle)]


def slow_proof(old_end: int, start: int, end: int, is_whole: bool = True) -> list[bytes]:
    """RFC 6962, 2.1.2, word for word: SUBPROOF(old_end, D[start:end], is_whole)."""
    if old_end == end:
        return [] if is_whole else [slow_range(start, end)]
    middle = start + slow_split(end - start)
    if old_end <= middle:
        return [*slow_proof(old_end, start, middle, is_whole), slow_range(middle, end)]
    return [*slow_proof(old_end, middle, end, False), slow_range(start, middle)]


ROOTS = [slow_range(0, size) for size in range(SIZE + 1)]


def test_roots_are_those_of_the_ct_project() -> None:
    tree = Tree()
    for size, root in enumerate(CT_ROOTS):
        assert tree.root().hex() == root
        assert root_of(leaf_hashes(bytes.fromhex(entry) for entry in CT_ENTRIES[:size])).hex() == root
        if size < len(CT_ENTRIES):
            tree.append(leaf_hash(bytes.fromhex(CT_ENTRIES[size])))


def test_every_way_to_the_root_agrees() -> None:
    tree = Tree()
    for size in range(SIZE + 1):
        assert tree.root() == fold(LEAVES[:size]) == root_at(size, read) == ROOTS[size]
        assert Tree.from_edge(size, tree.edge).root() == ROOTS[size]
        if size < SIZE:
            assert tree.append(LEAVES[size]) == size


def test_every_inclusion_proof_is_the_one_of_the_rfc_and_is_accepted() -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, read)
            check_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
            assert proof == slow_path(index, 0, size)


def test_every_consistency_proof_is_the_one_of_the_rfc_and_is_accepted() -> None:
    for size in range(SIZE + 1):
        for old_size in range(size + 1):
            proof = prove_consistency(old_size, size, read)
            check_consistency(old_size, ROOTS[old_size], size, ROOTS[size], proof)
            assert proof == (slow_proof(old_size, 0, size) if old_size else [])


def list_flips(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All lists with one bit of one hash turned over: the first bit, the last, and one that moves with the place."""
    flips = []
    for place, whole in enumerate(hashes):
        for bit in (0, 255, 37 * (place + 1) % 256):
            changed = bytearray(whole)
            changed[bit // 8] ^= 1 << bit % 8
            flips.append([*hashes[:place], bytes(changed), *hashes[place + 1 :]])
    return flips


def test_no_changed_inclusion_proof_is_accepted() -> None:
    for size in range(1, 17):
        for index in range(size):
            proof = prove_inclusion(index, size, read)
            for leaf, root, *path in list_flips([LEAVES[index], ROOTS[size], *proof]):
                with pytest.raises(PeerError):
                    check_inclusion(leaf, index, size, path, root)
            for path in ([*proof, LEAVES[0]], proof[:-1], proof[1:]):
                if path != proof:
                    with pytest.raises(PeerError):
                        check_inclusion(LEAVES[index], index, size, path, ROOTS[size])
            for other in set(range(-1, size + 2)) - {index}:
                with pytest.raises(PeerError):
                    check_inclusion(LEAVES[index], other, size, proof, ROOTS[size])


def test_no_changed_consistency_proof_is_accepted() -> None:
    for size in range(1, 17):
        for old_size in range(size + 1):
            proof = prove_consistency(old_size, size, read)
            for old_root, root, *path in list_flips([ROOTS[old_size], ROOTS[size], *proof]):
                # An empty log says nothing about the root of any longer one.
                if old_size == 0 and old_root == EMPTY_ROOT:
                    continue
                with pytest.raises(PeerError):
                    check_consistency(old_size, old_root, size, root, path)
            for path in ([*proof, LEAVES[0]], proof[:-1], proof[1:]):
                if path != proof:
                    with pytest.raises(PeerError):
                        check_consistency(old_size, ROOTS[old_size], size, ROOTS[size], path)


@pytest.mark.slow
@pytest.mark.parametrize("size", [*range(1, 9), 13])
def test_no_proof_with_any_flipped_bit_is_accepted(size: int) -> None:
    for index in range(size):
        for leaf, root, *path in list_damaged([LEAVES[index], ROOTS[size], *prove_inclusion(index, size, read)]):
            with pytest.raises(PeerError):
                check_inclusion(leaf, index, size, path, root)
    for old_size in range(1, size + 1):
        hashes = [ROOTS[old_size], ROOTS[size], *prove_consistency(old_size, size, read)]
        for old_root, root, *path in list_damaged(hashes):
            with pytest.raises(PeerError):
                check_consistency(old_size, old_root, size, root, path)


def test_a_root_that_is_higher_than_its_size_allows_has_no_proof() -> None:
    for size in (1, 2, 3):
        tall = node_hash(LEAVES[9], ROOTS[size])
        with pytest.raises(PeerError, match="too many hashes"):
            check_inclusion(LEAVES[0], 0, size, [*prove_inclusion(0, size, read), LEAVES[9]], tall)
    old, proof = node_hash(LEAVES[9], ROOTS[2]), [*prove_consistency(2, 3, read), LEAVES[9]]
    with pytest.raises(PeerError, match="too many hashes"):
        check_consistency(2, old, 3, node_hash(LEAVES[9], ROOTS[3]), proof)


def test_a_log_that_took_an_entry_back_has_no_proof() -> None:
    forked = [*LEAVES[:10], leaf_hash(b"another eleventh entry"), *LEAVES[11:20]]

    def read_forked(level: int, index: int) -> bytes:
        return fold(forked[index << level : (index + 1) << level])

    for old_size in range(1, 11):
        proof = prove_consistency(old_size, 20, read_forked)
        check_consistency(old_size, ROOTS[old_size], 20, fold(forked), proof)
    for old_size in range(11, 20):
        proof = prove_consistency(old_size, 20, read_forked)
        with pytest.raises(PeerError, match="does not lead to both roots"):
            check_consistency(old_size, ROOTS[old_size], 20, fold(forked), proof)


@settings(max_examples=30)
@given(st.integers(1, SIZE), st.sampled_from([1, 2, 4, 8, 16]))
def test_the_root_is_the_fold_over_equal_subtrees_of_which_the_last_may_be_smaller(size: int, width: int) -> None:
    subtrees = [fold(LEAVES[start : min(start + width, size)]) for start in range(0, size, width)]
    assert fold(subtrees) == ROOTS[size]
    whole = Tree.of(subtrees[: size // width])
    assert whole.root(last=subtrees[-1] if size % width else None) == ROOTS[size]


def test_a_tree_goes_on_from_its_edge_without_touching_the_one_it_came_from() -> None:
    tree = Tree.of(LEAVES[:37])
    other = tree.copy()
    other.append(LEAVES[0])
    assert tree.root() == ROOTS[37] != other.root()
    tree.append(LEAVES[37])
    assert tree.root() == ROOTS[38] and len(tree.edge) == (38).bit_count()


def test_what_cannot_be_is_the_callers_fault() -> None:
    misuses: list[Callable[[], object]] = [
        lambda: prove_inclusion(3, 3, read),
        lambda: prove_inclusion(-1, 3, read),
        lambda: prove_consistency(4, 3, read),
        lambda: Tree.from_edge(3, [LEAVES[0]]),
        lambda: Tree.from_edge(1, [b"short"]),
        lambda: Tree.from_edge(-1, []),
        lambda: Tree().append(b"short"),
    ]
    for misuse in misuses:
        with pytest.raises(MisuseError):
            misuse()


def test_the_longest_proof_is_read_and_accepted() -> None:
    proof, root = [leaf_hash(b"sibling %d" % height) for height in range(PROOF_HASHES_MAX)], LEAVES[0]
    for sibling in proof:
        root = node_hash(root, sibling)
    check_inclusion(LEAVES[0], 0, 2**PROOF_HASHES_MAX, proof, root)
    assert parse_hashes(format_hashes(proof).splitlines()) == tuple(proof)
    with pytest.raises(PeerError, match="64 hashes, at most 63"):
        parse_hashes(format_hashes([*proof, root]).splitlines())


@pytest.mark.parametrize(
    "line", ["", "A" * 44, "A" * 43, "A" * 42 + "B=", "A" * 42 + "==", "*" * 43 + "=", "A" * 43 + "=\n"]
)
def test_a_line_that_is_no_hash_is_refused(line: str) -> None:
    assert parse_hashes(["A" * 43 + "="]) == (bytes(32),)
    with pytest.raises(PeerError, match="no hash in canonical base64"):
        parse_hashes([line])
    with pytest.raises(MisuseError):
        format_hashes([b"short"])


def test_hostile_proofs_are_refused_before_they_are_worked_through() -> None:
    with pytest.raises(PeerError, match="more than 63 hashes"):
        check_inclusion(LEAVES[0], 0, 2**60, [LEAVES[0]] * (PROOF_HASHES_MAX + 1), LEAVES[0])
    with pytest.raises(PeerError, match="not 32 bytes"):
        check_inclusion(LEAVES[0], 0, 2, [b"short"], ROOTS[2])
    with pytest.raises(PeerError, match="not 32 bytes"):
        check_consistency(1, b"", 2, ROOTS[2], [LEAVES[1]])
    with pytest.raises(PeerError, match="no tree of size 3"):
        check_consistency(3, ROOTS[3], 2, ROOTS[2], [])
    with pytest.raises(PeerError, match="no tree of size -1"):
        check_consistency(-1, ROOTS[3], 2, ROOTS[2], [])


def test_appending_many_at_once_is_appending_one_by_one() -> None:
    hashes = [leaf_hash(b"%d" % index) for index in range(80)]
    for size in range(40):
        for more in range(40):
            one_by_one, at_once = Tree.of(hashes[:size]), Tree.of(hashes[:size])
            for one in hashes[size : size + more]:
                one_by_one.append(one)
            at_once.extend(hashes[size : size + more])
            assert (at_once.size, at_once.edge) == (one_by_one.size, one_by_one.edge)
    with pytest.raises(MisuseError, match="32 bytes"):
        at_once.extend([hashes[0], b"short"])
    assert (at_once.size, at_once.edge) == (one_by_one.size, one_by_one.edge)


def test_the_edge_has_the_roots_of_the_subtrees_that_it_is_listed_with() -> None:
    hashes = [leaf_hash(b"%d" % index) for index in range(300)]
    for size in range(300):
        places = list_edge(size)
        roots = [fold(hashes[index << level : (index + 1) << level]) for level, index in places]
        assert tuple(roots) == Tree.of(hashes[:size]).edge
        assert sum(1 << level for level, _ in places) == size

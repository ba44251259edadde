"""Bundles of entries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import ENTRY_BYTES_MAX
from protocol.core.errors import MisuseError, PeerError
from protocol.log.bundle import (
    BUNDLE_BYTES_MAX,
    BUNDLE_ENTRIES,
    BundledTree,
    bundle_root,
    bundle_roots_fold,
    count_bundles,
    count_entries,
    format_bundle,
    parse_bundle,
)
from protocol.log.merkle import EMPTY_ROOT, Tree, leaf_hash, leaf_hashes, root_of
from tests.protocol.core.values import flip_bit


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_bundles_go_there_and_back(entries: list[bytes]) -> None:
    assert parse_bundle(format_bundle(entries), len(entries)) == entries


def test_a_bundle_is_lengths_and_entries() -> None:
    assert format_bundle([b"ab", b"", b"x" * 300]) == b"\0\2ab\0\0\x01\x2c" + b"x" * 300


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        (b"", 1),
        (b"\0", 1),
        (b"\0\1", 1),
        (b"\0\3ab", 1),
        (b"\0\2abc", 1),
        (b"\0\2ab\0", 1),
        (b"\0\2ab", 2),
        (b"\0\2ab\0\1c", 1),
        (b"\0\0" * 257, 256),
        ((ENTRY_BYTES_MAX + 1).to_bytes(2, "big") + bytes(ENTRY_BYTES_MAX + 1), 1),
        (bytes(BUNDLE_BYTES_MAX + 1), 256),
    ],
    ids=[
        "nothing",
        "half a length",
        "no entry after a length",
        "a cut entry",
        "a byte too many",
        "half a length too many",
        "an entry too few",
        "an entry too many",
        "more than 256 entries",
        "an entry that is too long",
        "more bytes than any bundle has",
    ],
)
def test_a_bundle_that_does_not_fit_exactly_is_the_peers_fault(raw: bytes, count: int) -> None:
    with pytest.raises(PeerError, match=r"^bundle: "):
        parse_bundle(raw, count)


def test_the_largest_bundle_goes_there_and_back() -> None:
    entries = [bytes(ENTRY_BYTES_MAX)] * BUNDLE_ENTRIES
    raw = format_bundle(entries)
    assert len(raw) == BUNDLE_BYTES_MAX
    assert parse_bundle(raw, BUNDLE_ENTRIES) == entries


def test_any_flipped_bit_changes_the_root_or_does_not_fit() -> None:
    entries = [b"one", b"two", b"three"]
    raw, root = format_bundle(entries), bundle_root(entries)
    for bit in range(len(raw) * 8):
        try:
            changed = parse_bundle(flip_bit(raw, bit), len(entries))
        except PeerError:
            continue
        assert bundle_root(changed) != root


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 700])
def test_the_root_of_a_log_is_the_fold_over_its_bundles(size: int) -> None:
    entries = [number.to_bytes(2, "big") for number in range(size)]
    bundles = [entries[start : start + BUNDLE_ENTRIES] for start in range(0, size, BUNDLE_ENTRIES)]
    assert bundle_roots_fold([bundle_root(bundle) for bundle in bundles]) == root_of(
        [leaf_hash(entry) for entry in entries]
    )
    assert count_bundles(size) == len(bundles)
    assert [count_entries(size, number) for number in range(len(bundles) + 1)] == [*map(len, bundles), 0]


def test_an_empty_log_has_the_empty_root() -> None:
    assert bundle_roots_fold([]) == EMPTY_ROOT


def test_what_is_no_bundle_is_the_callers_fault() -> None:
    for entries in ([], [b""] * 257, [bytes(ENTRY_BYTES_MAX + 1)]):
        with pytest.raises(MisuseError):
            format_bundle(entries)
    for count in (0, -1, 257):
        with pytest.raises(MisuseError):
            parse_bundle(b"", count)


SIZES = [0, 1, 3, 255, 256, 257, 511, 512, 513, 767, 768, 1_000]


@pytest.mark.parametrize("start", SIZES)
@pytest.mark.parametrize("more", [0, 1, 2, 255, 256, 257, 600])
def test_a_tree_that_knows_its_bundles_is_the_tree_and_goes_on_from_its_edge(start: int, more: int) -> None:
    entries = [b"entry %d" % index for index in range(start + more)]
    before = Tree.of(leaf_hashes(entries[:start]))
    tree = BundledTree(start, before.edge)
    filled = tree.extend(leaf_hashes(entries[start:]))
    whole = Tree.of(leaf_hashes(entries))
    assert (tree.size, tree.edge, tree.root()) == (start + more, whole.edge, whole.root())
    bounds = range(start // BUNDLE_ENTRIES * BUNDLE_ENTRIES, start + more - BUNDLE_ENTRIES + 1, BUNDLE_ENTRIES)
    assert filled == [bundle_root(entries[at : at + BUNDLE_ENTRIES]) for at in bounds]
    opened = len(entries) // BUNDLE_ENTRIES * BUNDLE_ENTRIES
    roots = [bundle_root(entries[at : at + BUNDLE_ENTRIES]) for at in range(0, opened, BUNDLE_ENTRIES)]
    joined = BundledTree.of(roots, Tree.of(leaf_hashes(entries[opened:])))
    assert (joined.size, joined.edge, joined.root()) == (tree.size, tree.edge, tree.root())

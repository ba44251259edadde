"""A transfer takes exactly what the signed head promises: any other root, bundle or byte is a peer's fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import PeerError
from protocol.gossip.transfer import Transfer
from protocol.log.bundle import bundle_root, count_bundles, format_bundle
from protocol.log.checkpoint import open_checkpoint
from tests.protocol.gossip.small_home import log_key, signed_head

ORIGIN = "north.example/log"
ENTRIES = [b"entry %d" % index for index in range(700)]
NOTE = signed_head(ORIGIN, ENTRIES)
CHECKPOINT = open_checkpoint(NOTE, log_key(ORIGIN).public, ORIGIN)
RAW = [format_bundle(ENTRIES[start : start + 256]) for start in range(0, 700, 256)]
ROOTS = [bundle_root(ENTRIES[start : start + 256]) for start in range(0, 700, 256)]


def begin(first: int) -> Transfer:
    return Transfer(CHECKPOINT, NOTE, ROOTS[:first], b"".join(ROOTS[first:]))


@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_bundle_of_a_promised_log_is_taken(first: int) -> None:
    transfer = begin(first)
    found = [transfer.check_bundle(number, RAW[number]).entries for number in range(first, 3)]
    assert [entry for bundle in found for entry in bundle] == ENTRIES[first * 256 :]


def test_only_bundles_with_the_promised_root_count_as_held() -> None:
    transfer = begin(0)
    assert transfer.list_missing({}) == (0, 1, 2)
    assert transfer.list_missing({1: ROOTS[1], 2: ROOTS[0]}) == (0, 2)


@given(st.integers(0, 2), st.integers(0, 5_000), st.integers(1, 255))
def test_one_changed_byte_in_a_bundle_is_refused(number: int, place: int, change: int) -> None:
    raw = bytearray(RAW[number])
    raw[place % len(raw)] ^= change
    with pytest.raises(PeerError):
        begin(0).check_bundle(number, bytes(raw))


@given(st.integers(0, 95), st.integers(1, 255))
def test_one_changed_byte_in_the_roots_is_refused(place: int, change: int) -> None:
    roots = bytearray(b"".join(ROOTS))
    roots[place] ^= change
    with pytest.raises(PeerError, match="do not lead to the signed root"):
        Transfer(CHECKPOINT, NOTE, [], bytes(roots))


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_one_changed_byte_in_the_note_is_refused(place: int, change: int) -> None:
    note = bytearray(NOTE)
    note[place] ^= change
    with pytest.raises(PeerError):
        open_checkpoint(bytes(note), log_key(ORIGIN).public, ORIGIN)


@pytest.mark.parametrize(
    ("held", "roots", "reason"),
    [
        ([], ROOTS[:2], "are missing"),
        ([], [*ROOTS, ROOTS[0]], "are missing"),
        (ROOTS[:1], ROOTS, "are missing"),
        ([ROOTS[1]], ROOTS[1:], "do not lead"),
        ([], [ROOTS[1], ROOTS[0], ROOTS[2]], "do not lead"),
    ],
    ids=["a root too few", "a root too many", "roots we hold already", "another beginning", "another order"],
)
def test_roots_that_do_not_lead_from_ours_to_the_head(held: list[bytes], roots: list[bytes], reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        Transfer(CHECKPOINT, NOTE, held, b"".join(roots))


@pytest.mark.parametrize(
    ("number", "raw"),
    [(3, RAW[2]), (0, RAW[1]), (2, RAW[0]), (2, RAW[2][:-1]), (2, RAW[2] + b"\x00"), (2, b"")],
    ids=["a number beyond", "another bundle", "a full one for the last", "cut short", "a byte more", "nothing"],
)
def test_a_bundle_that_was_not_promised(number: int, raw: bytes) -> None:
    with pytest.raises(PeerError):
        begin(0).check_bundle(number, raw)


def test_a_bundle_before_the_first_is_not_taken_again() -> None:
    assert count_bundles(CHECKPOINT.size) == 3
    with pytest.raises(PeerError, match="not promised"):
        begin(1).check_bundle(0, RAW[0])

"""Where two versions part: shown for every pair of small branches, and nothing but the truth is accepted."""

import pytest

from protocol.core.errors import PeerError
from protocol.core.identity import generate
from protocol.log.branch_point import (
    TRUNK_BYTES_MAX,
    Side,
    check_side,
    check_trunk,
    format_side,
    format_trunk,
    is_trunk,
    parse_side,
    prove_side,
)
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import HashReader, leaf_hash, root_of

ORIGIN = "north.example/log"
KEY = generate(bytes(range(32)))
ONE = [b"one %d" % index for index in range(14)]


def branch(common: int, length: int) -> list[bytes]:
    return ONE[:common] + [b"other %d" % index for index in range(length - common)]


def head(entries: list[bytes]) -> Checkpoint:
    return Checkpoint(ORIGIN, len(entries), root_of([leaf_hash(entry) for entry in entries]))


def note(entries: list[bytes]) -> bytes:
    return sign_checkpoint(head(entries), KEY)


def reader(entries: list[bytes]) -> HashReader:
    def read(level: int, index: int) -> bytes:
        return root_of([leaf_hash(entry) for entry in entries[index << level : (index + 1) << level]])

    return read


def side(entries: list[bytes], size: int) -> Side:
    return prove_side(size, head(entries), reader(entries))


@pytest.mark.parametrize("common", range(6))
def test_what_two_branches_share_is_shown_at_every_size_and_no_more(common: int) -> None:
    for one_size in range(common + 1, 12):
        for other_size in range(common + 1, 12):
            one, other = ONE[:one_size], branch(common, other_size)
            for size in range(common + 1):
                trunk = format_trunk(side(one, size), side(other, size))
                assert is_trunk(trunk) and len(trunk) <= TRUNK_BYTES_MAX
                assert check_trunk(note(one), note(other), trunk, KEY.public, ORIGIN) == size
            beyond = side(one, common + 1)
            lie = format_trunk(beyond, side(other, common + 1)._replace(root=beyond.root))
            with pytest.raises(PeerError):
                check_trunk(note(one), note(other), lie, KEY.public, ORIGIN)


def test_every_flipped_bit_of_a_trunk_is_refused() -> None:
    one, other = ONE[:9], branch(5, 12)
    trunk = format_trunk(side(one, 5), side(other, 5))
    for place in range(len(trunk) * 8):
        wrong = bytearray(trunk)
        wrong[place // 8] ^= 1 << place % 8
        with pytest.raises(PeerError):
            check_trunk(note(one), note(other), bytes(wrong), KEY.public, ORIGIN)


@pytest.mark.parametrize("size", range(10))
def test_a_side_is_read_back_and_holds_only_under_its_own_head(size: int) -> None:
    shown = side(ONE[:9], size)
    assert parse_side(format_side(shown)) == shown
    check_side(shown, head(ONE[:9]))
    if size:
        with pytest.raises(PeerError):
            check_side(shown, head(branch(0, 9)))


@pytest.mark.parametrize(
    "raw",
    [b"", bytes(8), bytes(41)[:40] + b"x" * 7, bytes(8 + 32 * 66), bytes(9)],
    ids=["nothing", "a question", "half a hash", "too many hashes", "no root"],
)
def test_what_is_no_side_is_refused(raw: bytes) -> None:
    with pytest.raises(PeerError):
        parse_side(raw)


def test_a_beginning_longer_than_its_head_is_refused() -> None:
    with pytest.raises(PeerError, match="under a head of"):
        check_side(Side(10, head(ONE[:10]).root, ()), head(ONE[:9]))
    with pytest.raises(PeerError, match="no entries"):
        check_side(Side(0, bytes(32), ()), head(ONE[:9]))

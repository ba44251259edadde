"""Signed heads."""

import base64

import pytest

from protocol.core.errors import PeerError, RefusedError
from protocol.core.note import Signature, format_note, parse_note, sign_note
from protocol.core.origin import is_origin
from protocol.log.checkpoint import (
    SIZE_MAX,
    Checkpoint,
    check_origin,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from protocol.log.merkle import EMPTY_ROOT, check_consistency
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN, flip_bit

ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()
HEAD = Checkpoint(ORIGIN, 1234, ROOT)
NOTE = sign_checkpoint(HEAD, LOG_KEY)
# Heads of a sigsum log from the tests of a public witness (FiloSottile/torchwood, cmd/litewitness).
SIGSUM_ORIGIN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_PUBLIC = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
SIGSUM_HEADS = [
    f"{SIGSUM_ORIGIN}\n1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— {SIGSUM_ORIGIN} "
    "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=\n",
    f"{SIGSUM_ORIGIN}\n3\nRcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=\n\n— {SIGSUM_ORIGIN} "
    "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=\n",
]
SIGSUM_PROOF = [
    base64.b64decode("KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    base64.b64decode("KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
]


def test_heads_of_another_kind_of_log_open_and_are_consistent() -> None:
    old, new = (open_checkpoint(note.encode(), SIGSUM_PUBLIC, SIGSUM_ORIGIN) for note in SIGSUM_HEADS)
    assert (old.size, new.size) == (1, 3)
    check_consistency(old.size, old.root, new.size, new.root, SIGSUM_PROOF)
    wrong = SIGSUM_HEADS[1].replace("6go=", "6gx=").encode()
    with pytest.raises(PeerError):
        open_checkpoint(wrong, SIGSUM_PUBLIC, SIGSUM_ORIGIN)


def test_a_head_is_three_lines_and_comes_back() -> None:
    text = format_checkpoint(HEAD)
    assert text == f"{ORIGIN}\n1234\n{ROOT_TEXT}\n"
    assert parse_checkpoint(text) == HEAD
    assert open_checkpoint(NOTE, LOG_KEY.public, ORIGIN) == HEAD


def test_a_head_may_be_as_large_as_any_log_and_no_larger() -> None:
    largest = Checkpoint(ORIGIN, SIZE_MAX, ROOT)
    assert parse_checkpoint(format_checkpoint(largest)) == largest
    with pytest.raises(PeerError, match="beyond all limits"):
        parse_checkpoint(f"{ORIGIN}\n{SIZE_MAX + 1}\n{ROOT_TEXT}\n")
    for size in (-1, SIZE_MAX + 1):
        with pytest.raises(ValueError, match="a size and a root"):
            Checkpoint(ORIGIN, size, ROOT)


def test_an_empty_log_has_a_head_too() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert open_checkpoint(sign_checkpoint(empty, LOG_KEY), LOG_KEY.public, ORIGIN) == empty


def test_any_flipped_bit_refuses_a_head() -> None:
    for bit in range(len(NOTE) * 8):
        with pytest.raises(PeerError):
            open_checkpoint(flip_bit(NOTE, bit), LOG_KEY.public, ORIGIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n1234\n{ROOT_TEXT}",
        f"{ORIGIN}\n1234\n{ROOT_TEXT}\nan extension line\n",
        f"{ORIGIN}\n1234\n{ROOT_TEXT}\n\n",
        f"{ORIGIN}\n01234\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n+1234\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n-1\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n٣\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n9007199254740992\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n1234\n{ROOT_TEXT[:-1]}\n",
        f"{ORIGIN}\n1234\n{ROOT_TEXT[:-2]}9=\n",
        f"{ORIGIN}\n1234\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n0\n{ROOT_TEXT}\n",
        f"\n1234\n{ROOT_TEXT}\n",
        f"Northside\n1234\n{ROOT_TEXT}\n",
        f"{ORIGIN} \n1234\n{ROOT_TEXT}\n",
    ],
)
def test_a_malformed_head_is_refused(text: str) -> None:
    with pytest.raises(PeerError, match=r"^checkpoint: "):
        parse_checkpoint(text)


def test_a_head_counts_only_under_its_own_logs_name_and_key() -> None:
    with pytest.raises(PeerError, match="not signed by any key"):
        open_checkpoint(NOTE, MEMBER_KEY.public, ORIGIN)
    with pytest.raises(PeerError, match="not signed by any key"):
        open_checkpoint(NOTE, LOG_KEY.public, "oak.example")
    lent_name = sign_note(format_checkpoint(HEAD), "oak.example", LOG_KEY)
    with pytest.raises(PeerError, match="names another"):
        open_checkpoint(lent_name, LOG_KEY.public, "oak.example")


def test_what_others_signed_below_does_not_matter_to_the_head() -> None:
    text, signatures = parse_note(NOTE)
    note = format_note(text, [Signature("witness.example/w1", b"hash", b"x" * 72), *signatures])
    assert open_checkpoint(note, LOG_KEY.public, ORIGIN) == HEAD


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        ("northside.example/log", True),
        ("northside.example", True),
        ("localhost:8443/log_2", True),
        ("a/b/c~d.e-f", True),
        ("", False),
        ("Northside.example", False),
        ("https://northside.example", False),
        ("northside.example/", False),
        ("northside.example//log", False),
        ("northside.example/../log", False),
        ("northside.example/.", False),
        ("nörthside.example", False),
        ("northside.example/a b", False),
        ("northside.example/a+b", False),
        ("northside.example\n", False),
        ("a" * 256, False),
    ],
)
def test_an_origin_is_a_plain_lower_case_address(origin: str, is_one: bool) -> None:
    assert is_origin(origin) == is_one
    if not is_one:
        with pytest.raises(RefusedError, match=r"^roster\[0\]: not the name of a log"):
            check_origin(origin, "roster[0]")


def test_a_head_of_impossible_size_or_root_is_not_made() -> None:
    for size, root in [(-1, ROOT), (2**53, ROOT), (1, bytes(31))]:
        with pytest.raises(ValueError, match="a size and a root"):
            Checkpoint(ORIGIN, size, root)
    with pytest.raises(RefusedError, match="origin: not the name of a log"):
        format_checkpoint(Checkpoint("Two words", 1, ROOT))

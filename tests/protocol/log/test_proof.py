"""Proof files: one entry, checked offline."""

import base64

import pytest

from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import COSIGNATURE_V1, ED25519, NOTE_BYTES_MAX, VerifierKey, format_vkey
from protocol.log.checkpoint import SIZE_MAX, Checkpoint, format_checkpoint, sign_checkpoint
from protocol.log.cosignature import add_signature, sign_cosignature
from protocol.log.merkle import PROOF_HASHES_MAX, prove_inclusion
from protocol.log.policy import parse_policy
from protocol.log.proof import EXTRA_BYTES_MAX, PROOF_BYTES_MAX, Proof, check_proof, format_proof, parse_proof
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN, flip_bit
from tests.protocol.log.model.slow_tree import LEAVES, read, slow_range

SIZE, INDEX = 13, 6
WITNESS = "oak.example/witness"
HEAD = Checkpoint(ORIGIN, SIZE, slow_range(0, SIZE))
NOTE = add_signature(
    sign_checkpoint(HEAD, LOG_KEY), sign_cosignature(format_checkpoint(HEAD), WITNESS, MEMBER_KEY, 1_770_000_000)
)
HASHES = tuple(prove_inclusion(INDEX, SIZE, read))
PROOF = Proof(INDEX, HASHES, NOTE, b"made up")
LOG = VerifierKey(ORIGIN, ED25519, LOG_KEY.public)
POLICY = parse_policy(
    f"log {format_vkey(ORIGIN, ED25519, LOG_KEY.public)}\n"
    f"witness oak {format_vkey(WITNESS, COSIGNATURE_V1, MEMBER_KEY.public)}\nquorum oak\n".encode()
)
RAW = format_proof(PROOF)


def test_the_lines_are_those_of_the_standard() -> None:
    lines = ["c2sp.org/tlog-proof@v1", "extra bWFkZSB1cA==", "index 6"]
    lines += [base64.b64encode(subtree).decode() for subtree in HASHES]
    assert "\n".join([*lines, "", ""]).encode() + NOTE == RAW
    assert format_proof(Proof(0, (), NOTE)) == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE


def test_a_proof_comes_back_and_is_accepted() -> None:
    for proof in (PROOF, Proof(INDEX, HASHES, NOTE), Proof(0, (), NOTE, b"x" * EXTRA_BYTES_MAX)):
        assert parse_proof(format_proof(proof)) == proof
    found = check_proof(PROOF, LEAVES[INDEX], POLICY)
    assert found.checkpoint == HEAD and found.times_s == {"oak": 1_770_000_000}
    assert check_proof(PROOF, LEAVES[INDEX], POLICY, LOG) == found


def test_the_longest_proof_file_is_read_and_one_byte_more_is_not() -> None:
    hashes = (LEAVES[0],) * PROOF_HASHES_MAX
    whole = Proof(SIZE_MAX - 1, hashes, b"n" * NOTE_BYTES_MAX, bytes(EXTRA_BYTES_MAX))
    assert parse_proof(format_proof(whole)) == whole
    head = len(format_proof(Proof(0, hashes, b"")))
    longest = Proof(0, hashes, b"n" * (PROOF_BYTES_MAX - head))
    assert parse_proof(format_proof(longest)) == longest
    with pytest.raises(PeerError, match="bytes, at most"):
        parse_proof(format_proof(longest) + b"n")


def test_every_entry_of_every_small_log_has_its_proof() -> None:
    policy = parse_policy(f"log {format_vkey(ORIGIN, ED25519, LOG_KEY.public)}\nquorum none\n".encode())
    for size in (1, 2, 3, 7, 8, 64):
        note = sign_checkpoint(Checkpoint(ORIGIN, size, slow_range(0, size)), LOG_KEY)
        for index in range(0, size, 3):
            proof = parse_proof(format_proof(Proof(index, tuple(prove_inclusion(index, size, read)), note)))
            assert check_proof(proof, LEAVES[index], policy).checkpoint.size == size
            with pytest.raises(PeerError):
                check_proof(proof, LEAVES[index ^ 1], policy)


def test_any_flipped_bit_refuses_a_proof_unless_it_is_in_what_nobody_believes() -> None:
    extra = range(RAW.index(b"extra ") + 6, RAW.index(b"\nindex"))
    for bit in range(len(RAW) * 8):
        try:
            proof = parse_proof(flip_bit(RAW, bit))
            check_proof(proof, LEAVES[INDEX], POLICY)
        except PeerError:
            continue
        assert bit // 8 in extra and proof.extra != PROOF.extra


def test_a_proof_holds_for_its_own_entry_and_index_alone() -> None:
    for index in range(SIZE):
        for leaf in LEAVES[:SIZE]:
            if (index, leaf) != (INDEX, LEAVES[INDEX]):
                with pytest.raises(PeerError):
                    check_proof(Proof(index, HASHES, NOTE), leaf, POLICY)
    with pytest.raises(PeerError):
        check_proof(PROOF, b"no leaf hash", POLICY)


def test_a_proof_without_its_witness_is_refused() -> None:
    with pytest.raises(PeerError, match="0 of 1 witnesses cosigned"):
        check_proof(Proof(INDEX, HASHES, sign_checkpoint(HEAD, LOG_KEY)), LEAVES[INDEX], POLICY)


START, HASH = "c2sp.org/tlog-proof@v1\n", "A" * 43 + "=\n"


@pytest.mark.parametrize(
    "head",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 1\n",
        START,
        START + HASH,
        START + "index 01\n",
        START + "index +1\n",
        START + "index -1\n",
        START + "index 1 \n",
        START + "index ٣\n",
        START + "index 9007199254740991\n",
        START + f"index {'9' * 5000}\n",
        START + "extra QQ==\n",
        START + "extra \nindex 1\n",
        START + "extra QR==\nindex 1\n",
        START + "extra QQ\nindex 1\n",
        START + "extra not base64\nindex 1\n",
        START + f"extra {'AAAA' * 30_000}\nindex 1\n",
        START + "extra QQ==\nextra QQ==\nindex 1\n",
        START + "index 1\nextra QQ==\n",
        START + "index 1\n" + "A" * 42 + "B=\n",
        START + "index 1\n" + "A" * 44 + "\n",
        START + "index 1\n" + "A" * 40 + "\n",
        START + "index 1\r\n",
        START + "index 1\n" + HASH * (PROOF_HASHES_MAX + 1),
    ],
)
def test_a_malformed_proof_is_refused(head: str) -> None:
    with pytest.raises(PeerError, match=r"^proof: "):
        parse_proof(head.encode() + b"\n" + NOTE)


def test_what_cannot_be_is_refused_by_size_and_to_its_maker() -> None:
    with pytest.raises(PeerError, match="at most"):
        parse_proof(bytes(PROOF_BYTES_MAX + 1))
    with pytest.raises(PeerError, match="no empty line"):
        parse_proof(b"c2sp.org/tlog-proof@v1\nindex 1\n")
    for proof in (
        Proof(-1, (), NOTE),
        Proof(2**53, (), NOTE),
        Proof(1, (bytes(31),), NOTE),
        Proof(1, (bytes(32),) * 64, NOTE),
        Proof(1, (), NOTE, bytes(EXTRA_BYTES_MAX + 1)),
    ):
        with pytest.raises(MisuseError):
            format_proof(proof)

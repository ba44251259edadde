"""What a witness answers: every status of tlog-witness, and that nothing inconsistent is ever signed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Ed25519Verifier,
    Signature,
    Verifier,
    format_note,
    parse_note,
    sign_note,
)
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import EMPTY_ROOT, PROOF_HASHES_MAX, fold, leaf_hash, prove_consistency
from protocol.log.witness import (
    ADD_CHECKPOINT_BYTES_MAX,
    HASH_LINE_BYTES,
    CosignedHead,
    format_add_checkpoint,
    judge_checkpoint,
    parse_add_checkpoint,
)
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN
from tests.protocol.log.model.slow_tree import LEAVES, read, slow_range

LOG = Ed25519Verifier(ORIGIN, LOG_KEY.public)
OTHER_LEAVES = [*LEAVES[:4], *(leaf_hash(b"another branch %d" % index) for index in range(4, 20))]
HELD = CosignedHead(5, slow_range(0, 5))
NOTE_8 = sign_checkpoint(Checkpoint(ORIGIN, 8, slow_range(0, 8)), LOG_KEY)
PROOF_5_8 = prove_consistency(5, 8, read)


def head(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, slow_range(0, size)), LOG_KEY)


def other_head(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, fold(OTHER_LEAVES[:size])), LOG_KEY)


def unsigned(note: bytes, key: str = "x.example") -> bytes:
    return sign_note(parse_note(note)[0], key, MEMBER_KEY)


def wrongly_signed(note: bytes) -> bytes:
    return format_note(parse_note(note)[0], parse_note(head(7))[1])


def empty_with_root() -> bytes:
    text = f"{ORIGIN}\n0\n{'A' * 43}=\n"
    return sign_note(text, ORIGIN, LOG_KEY)


FIRST = CosignedHead()
CASES: list[tuple[str, list[Verifier], CosignedHead, int, list[bytes], bytes, int]] = [
    ("an unknown log", [], FIRST, 0, [], NOTE_8, 404),
    ("an unknown log, before anything else", [], HELD, 9, PROOF_5_8, unsigned(NOTE_8), 404),
    ("no signature of the log", [LOG], HELD, 5, PROOF_5_8, unsigned(NOTE_8), 403),
    ("the log's name, another key", [LOG], HELD, 5, PROOF_5_8, unsigned(NOTE_8, ORIGIN), 403),
    ("a wrong signature of the log", [LOG], HELD, 5, PROOF_5_8, wrongly_signed(NOTE_8), 403),
    ("not signed, before the old size is looked at", [LOG], HELD, 9, PROOF_5_8, unsigned(NOTE_8), 403),
    ("an old size above the new one", [LOG], HELD, 9, PROOF_5_8, NOTE_8, 400),
    ("an old size above the new one and not the last", [LOG], CosignedHead(9, EMPTY_ROOT), 10, [], NOTE_8, 400),
    ("an old size that was not the last, lower", [LOG], HELD, 4, PROOF_5_8, NOTE_8, 409),
    ("an old size that was not the last, higher", [LOG], HELD, 6, PROOF_5_8, NOTE_8, 409),
    ("a first question to a witness that knows more", [LOG], HELD, 0, [], NOTE_8, 409),
    ("a head below the last one", [LOG], CosignedHead(9, slow_range(0, 9)), 8, [], NOTE_8, 409),
    ("an old size when nothing was cosigned yet", [LOG], FIRST, 5, PROOF_5_8, NOTE_8, 409),
    ("an empty log with a root of its own", [LOG], FIRST, 0, [], empty_with_root(), 422),
    ("a proof where none is needed", [LOG], FIRST, 0, PROOF_5_8, NOTE_8, 422),
    ("no proof where one is needed", [LOG], HELD, 5, [], NOTE_8, 422),
    ("a proof with a hash too few", [LOG], HELD, 5, PROOF_5_8[:-1], NOTE_8, 422),
    ("a proof with a hash too many", [LOG], HELD, 5, [*PROOF_5_8, LEAVES[0]], NOTE_8, 422),
    ("a proof of other sizes", [LOG], HELD, 5, prove_consistency(4, 8, read), NOTE_8, 422),
    ("another branch", [LOG], HELD, 5, PROOF_5_8, other_head(8), 422),
    ("the same size with another root", [LOG], HELD, 5, [], other_head(5), 422),
    ("the same size with a proof", [LOG], HELD, 5, PROOF_5_8, head(5), 422),
    ("the first head", [LOG], FIRST, 0, [], NOTE_8, 200),
    ("the head of an empty log", [LOG], FIRST, 0, [], head(0), 200),
    ("the next head", [LOG], HELD, 5, PROOF_5_8, NOTE_8, 200),
    ("the same head again", [LOG], HELD, 5, [], head(5), 200),
    ("a log with two keys, one known", [Ed25519Verifier(ORIGIN, MEMBER_KEY.public), LOG], FIRST, 0, [], NOTE_8, 200),
]


@pytest.mark.parametrize(
    ("log_keys", "held", "old_size", "proof", "note", "status"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_every_request_has_its_status(
    log_keys: list[Verifier], held: CosignedHead, old_size: int, proof: list[bytes], note: bytes, status: int
) -> None:
    request = parse_add_checkpoint(format_add_checkpoint(old_size, proof, note))
    verdict = judge_checkpoint(request, log_keys, held)
    assert verdict.status == status
    if status == 409:
        assert (verdict.body, verdict.body_type) == (f"{held.size}\n", "text/x.tlog.size")
    else:
        assert verdict.body_type == "text/plain; charset=utf-8" and (verdict.body == "") == (status == 200)


def test_a_head_that_may_contradict_what_was_signed_is_handed_back_as_evidence() -> None:
    def judge(old_size: int, proof: list[bytes], note: bytes) -> bool:
        request = parse_add_checkpoint(format_add_checkpoint(old_size, proof, note))
        return judge_checkpoint(request, [LOG], HELD).is_evidence

    assert judge(5, [], other_head(5)) and judge(0, [], other_head(5)) and judge(5, PROOF_5_8, other_head(8))
    assert not judge(0, [], head(5)) and not judge(0, [], NOTE_8) and not judge(5, PROOF_5_8, NOTE_8)
    assert not judge(5, PROOF_5_8, unsigned(other_head(8)))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 19), st.booleans()), max_size=6))
def test_whatever_comes_in_whatever_order_a_witness_stays_on_one_branch(steps: list[tuple[int, bool]]) -> None:
    """A log signs on two branches and proves each as well as it can; the first accepted head settles the branch."""
    held, accepted = FIRST, [FIRST]
    for size, is_other in steps:
        leaves = OTHER_LEAVES if is_other else LEAVES
        note = other_head(size) if is_other else head(size)

        def read_branch(level: int, index: int, leaves: list[bytes] = leaves) -> bytes:
            return fold(leaves[index << level : (index + 1) << level])

        proof = prove_consistency(held.size, size, read_branch) if held.size <= size else []
        request = parse_add_checkpoint(format_add_checkpoint(held.size, proof, note))
        if judge_checkpoint(request, [LOG], held).status == 200:
            held = CosignedHead(size, request.checkpoint.root)
            accepted.append(held)
    branches = [[CosignedHead(size, fold(leaves[:size])) for size in range(20)] for leaves in (LEAVES, OTHER_LEAVES)]
    assert any(all(found in branch for found in accepted) for branch in branches)
    assert [found.size for found in accepted] == sorted(found.size for found in accepted)


def test_a_request_comes_back() -> None:
    raw = format_add_checkpoint(5, PROOF_5_8, NOTE_8)
    assert raw.startswith(b"old 5\n") and raw.endswith(b"=\n\n" + NOTE_8)
    request = parse_add_checkpoint(raw)
    assert (request.old_size, list(request.proof), request.note) == (5, PROOF_5_8, NOTE_8)
    assert request.checkpoint == Checkpoint(ORIGIN, 8, slow_range(0, 8))
    assert parse_add_checkpoint(format_add_checkpoint(0, [], NOTE_8)).proof == ()


HASH = b"A" * 43 + b"=\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"old 5\n",
        b"\n\n" + NOTE_8,
        NOTE_8,
        b"old -5\n\n" + NOTE_8,
        b"old 05\n\n" + NOTE_8,
        b"old  5\n\n" + NOTE_8,
        b"old 5 \n\n" + NOTE_8,
        b"old " + b"9" * 5000 + b"\n\n" + NOTE_8,
        b"OLD 5\n\n" + NOTE_8,
        b"old 5\r\n\n" + NOTE_8,
        b"old 5\nnot a hash\n\n" + NOTE_8,
        b"old 5\n" + HASH[:-1] + b" \n\n" + NOTE_8,
        b"old 5\n\xc3\xa4\n\n" + NOTE_8,
        b"old 5\n" + HASH * (PROOF_HASHES_MAX + 1) + b"\n" + NOTE_8,
        b"old 5\n\n" + NOTE_8[:-1],
        b"old 5\n\n" + NOTE_8.replace(b"\n\n", b"\nan extension\n\n"),
        b"old 5\n\n" + NOTE_8.replace(b"\n8\n", b"\n08\n"),
        bytes(ADD_CHECKPOINT_BYTES_MAX + 1),
    ],
)
def test_a_malformed_request_is_refused(raw: bytes) -> None:
    with pytest.raises(PeerError):
        parse_add_checkpoint(raw)


def longest_note() -> bytes:
    """NOTE_8 with as many signatures of strangers as fit, to the byte."""
    text, own = parse_note(NOTE_8)
    room, left = divmod(NOTE_BYTES_MAX - len(NOTE_8), SIGNATURES_MAX - 1)
    # A line is a dash of 3 bytes, two spaces, a newline, a name and base64 in fours.
    fours = (room - 7) // 4
    names = ["x" * (room - 6 - 4 * fours + (left if number == 0 else 0)) for number in range(SIGNATURES_MAX - 1)]
    return format_note(text, [*own, *(Signature(name, b"hash", bytes(3 * fours - 4)) for name in names)])


def test_the_longest_request_is_read_and_nothing_beyond_the_limit() -> None:
    note = longest_note()
    assert (len(note), len(HASH)) == (NOTE_BYTES_MAX, HASH_LINE_BYTES)
    request = parse_add_checkpoint(format_add_checkpoint(10**18, [EMPTY_ROOT] * PROOF_HASHES_MAX, note))
    assert len(request.proof) == PROOF_HASHES_MAX
    with pytest.raises(PeerError, match="bytes, at most"):
        parse_add_checkpoint(bytes(ADD_CHECKPOINT_BYTES_MAX + 1))
    with pytest.raises(PeerError, match="no line with the old size"):
        parse_add_checkpoint(bytes(ADD_CHECKPOINT_BYTES_MAX))


def test_a_request_that_cannot_be_sent_is_the_callers_fault() -> None:
    for old_size, proof in ((-1, []), (0, [bytes(32)] * 64), (0, [b"short"])):
        with pytest.raises(MisuseError):
            format_add_checkpoint(old_size, proof, NOTE_8)

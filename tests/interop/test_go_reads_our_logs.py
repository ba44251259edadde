"""Go's own transparency log library opens our heads, recomputes our roots and tiles, and checks our proofs."""

from pathlib import Path

import pytest

from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import parse_note
from protocol.log.cosignature import add_signature, sign_mldsa44_cosignature
from protocol.log.fork import EVIDENCE_BYTES_MAX, ForkEvidence, format_evidence
from protocol.log.merkle import prove_consistency, prove_inclusion
from protocol.log.proof import Proof, format_proof
from protocol.log.witness import format_add_checkpoint
from tests.interop.go_program import Answer, GoProgram, Question
from tests.interop.made_log import LOG_VKEY, ORIGIN, TIME_S, MadeLog, Witness, list_flipped, make_fork

EAST, WEST = Witness(1), Witness(2)
KEYS = (LOG_VKEY, EAST.vkey, WEST.vkey)
SIGNERS = [ORIGIN, EAST.name, WEST.name]
ALL_ACCEPTED = Answer(SIGNERS, "")
LOG = MadeLog(300)
FORK_SIZE_MAX = 300
FORKS_PER_RUN = 5_000


def ask(program: GoProgram, check: str, raw: bytes, beside: bytes = b"", keys: tuple[str, ...] = KEYS) -> Answer:
    return program.ask([Question(check=check, keys=keys, raw=raw, beside=beside)])[0]


def count_fooled(program: GoProgram, check: str, files: list[bytes], beside: bytes = b"") -> int:
    """How many of the damaged files Go takes for what they were: accepted, with all signatures."""
    answers = program.ask([Question(check=check, keys=KEYS, raw=raw, beside=beside) for raw in files])
    return answers.count(ALL_ACCEPTED)


def make_proof(index: int, size: int, extra: bytes = b"") -> bytes:
    note = LOG.note(size, EAST, WEST)
    return format_proof(Proof(index, tuple(prove_inclusion(index, size, LOG.read)), note, extra))


def make_request(old_size: int, size: int) -> bytes:
    return format_add_checkpoint(old_size, prove_consistency(old_size, size, LOG.read), LOG.note(size, EAST, WEST))


def test_go_opens_a_head_with_its_cosignatures_and_no_changed_one(go_program: GoProgram) -> None:
    note = LOG.note(300, EAST, WEST)
    assert ask(go_program, "checkpoint", note) == ALL_ACCEPTED
    flipped = list_flipped(note)
    assert len(flipped) > 300
    assert count_fooled(go_program, "checkpoint", flipped) == 0


def test_go_passes_over_a_signature_of_a_kind_it_does_not_know(go_program: GoProgram) -> None:
    note = LOG.note(300, EAST)
    line = sign_mldsa44_cosignature(parse_note(note)[0], EAST.name, Mldsa44Key(bytes(32)), TIME_S)
    assert ask(go_program, "checkpoint", add_signature(note, line)).signers == [ORIGIN, EAST.name]


def test_go_does_not_believe_a_head_that_only_witnesses_signed(go_program: GoProgram) -> None:
    stranger = (Witness(3).vkey, EAST.vkey)
    assert not ask(go_program, "checkpoint", LOG.note(300, EAST), keys=stranger).is_accepted
    assert not ask(go_program, "checkpoint", LOG.note(300, EAST), keys=(Witness(3).vkey,)).is_accepted


# 65,793 entries have tiles on three levels, each of them with a partial one.
@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700, 65_793])
def test_go_recomputes_root_and_tiles_of_a_log_in_plain_files(go_program: GoProgram, tmp_path: Path, size: int) -> None:
    log = MadeLog(size)
    log.write_folder(tmp_path, log.note(size, EAST, WEST))
    assert go_program.ask([Question(check="folder", keys=KEYS, folder=str(tmp_path))]) == [ALL_ACCEPTED]


def test_go_finds_one_changed_byte_in_any_of_the_files(go_program: GoProgram, tmp_path: Path) -> None:
    LOG.write_folder(tmp_path, LOG.note(300, EAST, WEST))
    questions = [Question(check="folder", keys=KEYS, folder=str(tmp_path))]
    paths = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len(paths) == 6, "a head, two bundles, three tiles"
    for path in paths:
        whole = path.read_bytes()
        for raw in [*list_flipped(whole, step=len(whole) // 3), whole[:-1], whole + b"\n"]:
            path.write_bytes(raw)
            assert go_program.ask(questions) != [ALL_ACCEPTED], path.name
        path.write_bytes(whole)
    assert go_program.ask(questions) == [ALL_ACCEPTED]


def test_go_checks_inclusion_in_all_small_trees_and_at_the_edges_of_bundles(go_program: GoProgram) -> None:
    places = [(index, size) for size in range(1, 17) for index in range(size)]
    places += [(index, size) for size in (255, 256, 257, 300) for index in (0, 1, 128, 254, size - 1)]
    questions = [
        Question(check="proof", keys=KEYS, raw=make_proof(index, size), beside=LOG.entries[index])
        for index, size in places
    ]
    assert go_program.ask(questions) == [ALL_ACCEPTED] * len(places)


def test_go_refuses_a_proof_with_one_changed_byte_or_another_entry(go_program: GoProgram) -> None:
    entry = LOG.entries[130]
    proof = make_proof(130, 300)
    assert ask(go_program, "proof", make_proof(130, 300, extra=b"what we say beside it"), entry) == ALL_ACCEPTED
    assert count_fooled(go_program, "proof", list_flipped(proof), entry) == 0
    assert not ask(go_program, "proof", proof, LOG.entries[131]).is_accepted


def test_go_checks_consistency_between_all_small_trees_and_across_bundles(go_program: GoProgram) -> None:
    sizes = [(old, size) for size in range(1, 25) for old in range(1, size + 1)]
    sizes += [(old, 300) for old in (1, 128, 255, 256, 257, 299, 300)]
    questions = [
        Question(check="consistency", keys=KEYS, raw=make_request(old, size), beside=LOG.note(old))
        for old, size in sizes
    ]
    assert go_program.ask(questions) == [ALL_ACCEPTED] * len(sizes)


def test_go_refuses_a_consistency_proof_with_one_changed_byte_or_to_another_branch(go_program: GoProgram) -> None:
    request = make_request(150, 300)
    assert count_fooled(go_program, "consistency", list_flipped(request), LOG.note(150)) == 0
    other = MadeLog(150, branch="!", parts_at=149)
    assert not ask(go_program, "consistency", request, other.note(150)).is_accepted


@pytest.mark.parametrize("parts_at", [0, 1, 7, 16])
def test_go_takes_evidence_of_every_small_fork(go_program: GoProgram, parts_at: int) -> None:
    other = MadeLog(24, branch=" told otherwise", parts_at=parts_at)
    pairs = [(size, longer) for longer in range(parts_at + 1, 25) for size in range(parts_at + 1, longer + 1)]
    files = [make_fork(LOG, *pair_of(size, other, longer)) for size, longer in pairs]
    answers = go_program.ask([Question(check="fork", keys=KEYS, raw=raw) for raw in files])
    assert len(pairs) >= 36 and all(answer.signers == [ORIGIN] for answer in answers)


@pytest.mark.slow
def test_go_takes_evidence_of_a_fork_at_every_pair_of_sizes(go_program: GoProgram) -> None:
    other = MadeLog(FORK_SIZE_MAX, branch=" told otherwise")
    ours = [LOG.note(size) for size in range(FORK_SIZE_MAX + 1)]
    theirs = [other.note(size) for size in range(FORK_SIZE_MAX + 1)]
    pairs = [(size, longer) for longer in range(1, FORK_SIZE_MAX + 1) for size in range(1, longer + 1)]
    for start in range(0, len(pairs), FORKS_PER_RUN):
        files = [
            make_fork(LOG, size, other, longer, (ours[size], theirs[longer]))
            for size, longer in pairs[start : start + FORKS_PER_RUN]
        ]
        assert max(map(len, files)) <= EVIDENCE_BYTES_MAX
        answers = go_program.ask([Question(check="fork", keys=(LOG_VKEY,), raw=raw) for raw in files])
        assert [answer.refused for answer in answers if not answer.is_accepted] == []


@pytest.mark.parametrize(("size", "longer"), [(150, 150), (150, 300)], ids=["one size", "two sizes"])
def test_go_refuses_evidence_with_one_changed_byte(go_program: GoProgram, size: int, longer: int) -> None:
    other = MadeLog(300, branch=" told otherwise", parts_at=100)
    raw = make_fork(LOG, *pair_of(size, other, longer))
    assert ask(go_program, "fork", raw).is_accepted
    answers = go_program.ask([Question(check="fork", keys=KEYS, raw=flipped) for flipped in list_flipped(raw)])
    assert not any(answer.is_accepted for answer in answers)


def test_go_refuses_evidence_against_an_honest_log(go_program: GoProgram) -> None:
    root = LOG.head(150).root
    proof = b"".join([root, *prove_consistency(150, 300, LOG.read)])
    for files in ((150, 150, b""), (150, 300, proof)):
        raw = format_forged(*files)
        assert not ask(go_program, "fork", raw).is_accepted


def format_forged(size: int, longer: int, proof: bytes) -> bytes:
    """A file that says of one honest branch that it were two."""
    return format_evidence(ForkEvidence(LOG.note(size), LOG.note(longer), proof))


def pair_of(size: int, other: MadeLog, longer: int) -> tuple[int, MadeLog, int, tuple[bytes, bytes]]:
    return size, other, longer, (LOG.note(size), other.note(longer))

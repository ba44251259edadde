"""Uploads to a mirror: their bytes, their proofs, every status, and that a broken one goes on where it stopped."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import ENTRY_BYTES_MAX
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.record import HASH_BYTES
from protocol.log.merkle import fold, leaf_hash
from protocol.log.mirror import (
    EXCESS_ENTRIES_MAX,
    HEADER_BYTES_MAX,
    PACKAGE_BYTES_MAX,
    PENDING_HEADS_MAX,
    EntriesHeader,
    MirrorInfo,
    MirrorState,
    Package,
    Span,
    apply_pending,
    check_package,
    format_entries_header,
    format_mirror_info,
    format_package,
    judge_packages,
    judge_upload,
    list_spans,
    mirror_prefix,
    parse_entries_header,
    parse_mirror_info,
    parse_package,
    prove_package,
)
from tests.protocol.core.values import ORIGIN, flip_bit

SIZE = 700
ENTRIES = [b"made-up entry %d" % index for index in range(SIZE)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def read(level: int, index: int) -> bytes:
    assert (index + 1) << level <= SIZE
    return fold(LEAVES[index << level : (index + 1) << level])


ROOT = fold(LEAVES)
STATE = MirrorState({300: fold(LEAVES[:300]), 512: fold(LEAVES[:512]), SIZE: ROOT}, 300, 400)


def package_of(span: Span, size: int = SIZE) -> Package:
    return prove_package(span, ENTRIES[span.start : span.end], size, read)


def test_the_header_is_that_of_the_standard() -> None:
    header = EntriesHeader("a.example", 5, 700, b"ticket")
    raw = b"\0\x09a.example" + bytes(7) + b"\x05" + bytes(6) + b"\x02\xbc" + b"\0\x06ticket"
    assert format_entries_header(header) == raw
    assert parse_entries_header(raw + b"what follows") == (header, len(raw))
    for length in range(len(raw)):
        assert parse_entries_header(raw[:length]) is None
    largest = EntriesHeader("a" * 255, 0, 0, bytes(65_535))
    assert len(format_entries_header(largest)) == HEADER_BYTES_MAX
    assert parse_entries_header(format_entries_header(largest)) == (largest, HEADER_BYTES_MAX)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x01\x00" + bytes(600),
        b"\0\0" + bytes(18),
        b"\0\x09A.example" + bytes(18),
        b"\0\x09\xff.example" + bytes(18),
        b"\0\x09a.example" + bytes(7) + b"\x02" + bytes(7) + b"\x01" + b"\0\0",
        b"\0\x09a.example" + bytes(8) + b"\xff" * 8 + b"\0\0",
    ],
    ids=["a name that is too long", "no name", "no origin", "not ASCII", "an end before its start", "beyond all sizes"],
)
def test_a_header_that_can_be_none_is_refused(raw: bytes) -> None:
    with pytest.raises(PeerError, match=r"^add-entries: "):
        parse_entries_header(raw)


@pytest.mark.parametrize(
    ("start", "end", "spans"),
    [
        (0, 0, []),
        (300, 300, []),
        (0, 1, [(0, 0, 1)]),
        (0, 256, [(0, 0, 256)]),
        (255, 257, [(0, 255, 256), (256, 256, 257)]),
        (300, 700, [(256, 300, 512), (512, 512, 700)]),
        (300, 310, [(256, 300, 310)]),
    ],
)
def test_packages_are_cut_where_bundles_are(start: int, end: int, spans: list[tuple[int, int, int]]) -> None:
    assert list(list_spans(start, end)) == [Span(*span) for span in spans]


@settings(max_examples=40)
@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_every_package_of_every_upload_is_proven_on_its_own(one: int, other: int) -> None:
    start, size = sorted((one, other))
    root = fold(LEAVES[:size])
    for span in list_spans(start, size):
        package = package_of(span, size)
        raw = format_package(package)
        assert parse_package(raw + b"what follows", span) == (package, len(raw))
        held = LEAVES[span.base : span.start]
        assert check_package(span, held, package, size, root) == fold(LEAVES[span.base : span.end])


def test_a_package_that_has_not_all_come_waits() -> None:
    span = Span(0, 250, 256)
    raw = format_package(package_of(span))
    assert raw[-1 - 2 * HASH_BYTES] == 2
    for length in range(len(raw)):
        assert parse_package(raw[:length], span) is None


def test_no_changed_package_is_accepted() -> None:
    span = Span(512, 600, 604)
    raw, held = format_package(package_of(span)), LEAVES[512:600]
    for bit in range(len(raw) * 8):
        try:
            parsed = parse_package(flip_bit(raw, bit), span)
            if parsed is not None:
                check_package(span, held, parsed[0], SIZE, ROOT)
        except PeerError:
            continue
        assert parsed is None
    package = package_of(span)
    for other in (Span(512, 599, 603), Span(256, 344, 348)):
        with pytest.raises(PeerError, match="subtree proof: "):
            check_package(other, LEAVES[other.base : other.start], package, SIZE, ROOT)
    with pytest.raises(PeerError, match="does not lead to both roots"):
        check_package(span, [*held[:-1], LEAVES[0]], package, SIZE, ROOT)
    with pytest.raises(PeerError, match="3 entries in a package of 4"):
        check_package(span, held, Package(package.entries[:-1], package.proof), SIZE, ROOT)


def test_what_no_package_can_be_is_refused_before_it_has_all_come() -> None:
    with pytest.raises(PeerError, match="64 hashes"):
        parse_package(b"\0\0\x40", Span(0, 0, 1))
    with pytest.raises(PeerError, match="too long"):
        parse_package((b"\xff\xff" + bytes(65_535)) * 65, Span(0, 0, 256))
    long = (ENTRY_BYTES_MAX + 1).to_bytes(2, "big") + bytes(ENTRY_BYTES_MAX + 1)
    with pytest.raises(PeerError, match="too long"):
        parse_package(long + b"\0", Span(0, 0, 1))
    largest = Package((bytes(ENTRY_BYTES_MAX),) * 256, (bytes(32),) * 63)
    assert len(format_package(largest)) == PACKAGE_BYTES_MAX
    assert parse_package(format_package(largest), Span(0, 0, 256)) == (largest, PACKAGE_BYTES_MAX)


@pytest.mark.parametrize(
    ("state", "start", "end", "status", "body"),
    [
        (None, 0, SIZE, 404, None),
        (MirrorState({}, 0, 0), 0, SIZE, 422, None),
        (STATE, 400, 699, 409, "700\n400\n\n"),
        (MirrorState(STATE.pending, 512, 600), 290, 300, 409, "700\n600\n\n"),
        (STATE, 401, SIZE, 409, "700\n400\n\n"),
        (STATE, 401, 512, 409, "512\n400\n\n"),
        (MirrorState({9000: ROOT}, 0, 9000), 807, 9000, 409, "9000\n9000\n\n"),
        (MirrorState({9000: ROOT}, 0, 9000), 808, 9000, None, None),
        (STATE, 400, SIZE, None, None),
        (STATE, 400, 512, None, None),
        (STATE, 300, 300, None, None),
        (STATE, 0, SIZE, None, None),
    ],
    ids=[
        "a log that is not mirrored",
        "no head has come",
        "an end that is no pending head",
        "an end below the signed head",
        "a gap before the start",
        "a gap before the start, to an older pending head",
        "too much that is held already",
        "just as much as is still taken",
        "what is wanted next",
        "what is wanted next, to an older pending head",
        "nothing new up to the signed head",
        "from the beginning again",
    ],
)
def test_every_upload_has_its_first_answer(
    state: MirrorState | None, start: int, end: int, status: int | None, body: str | None
) -> None:
    verdict = judge_upload(EntriesHeader(ORIGIN, start, end), state)
    assert (None if verdict is None else verdict.status) == status
    if verdict is not None and body is not None:
        assert (verdict.body, verdict.body_type) == (body, "text/x.tlog.mirror-info")
    assert EXCESS_ENTRIES_MAX == 8192


@pytest.mark.parametrize(
    ("state", "start", "end", "saved", "is_refused", "status", "body"),
    [
        (STATE, 400, SIZE, 0, True, 422, None),
        (STATE, 400, SIZE, 1, True, 422, None),
        (STATE, 400, SIZE, 0, False, 400, None),
        (MirrorState(STATE.pending, 300, 512), 400, SIZE, 1, False, 202, "700\n512\n\n"),
        (MirrorState(STATE.pending, 300, 512), 400, 512, 1, False, 200, ""),
        (MirrorState(STATE.pending, 300, SIZE), 400, SIZE, 2, False, 200, ""),
        (MirrorState(STATE.pending, SIZE, SIZE), 400, 512, 1, False, 409, "700\n700\n\n"),
        (MirrorState(STATE.pending, SIZE, SIZE), 400, SIZE, 2, False, 200, ""),
        (MirrorState(STATE.pending, 300, 300), 300, 300, 0, False, 200, ""),
    ],
    ids=[
        "the first package's proof fails",
        "a later package's proof fails",
        "no package came",
        "a part came",
        "all came, to an older pending head",
        "all came",
        "all came, but a later head was signed meanwhile",
        "all came, and another upload signed the same head",
        "nothing was to be sent",
    ],
)
def test_every_upload_has_its_last_answer(
    state: MirrorState, start: int, end: int, saved: int, is_refused: bool, status: int, body: str | None
) -> None:
    verdict = judge_packages(EntriesHeader(ORIGIN, start, end), state, saved, is_refused)
    assert verdict.status == status
    if body is not None:
        assert verdict.body == body
    assert (verdict.body_type == "text/x.tlog.mirror-info") == (status in (202, 409))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 3), max_size=6), st.integers(0, SIZE))
def test_an_upload_that_breaks_off_again_and_again_ends_with_the_whole_log(parts: list[int], first: int) -> None:
    state, held = MirrorState({SIZE: ROOT}, 0, first), LEAVES[:first]
    answers = []
    for sent in [*parts, 3]:
        header = EntriesHeader(ORIGIN, state.next_entry, SIZE)
        assert judge_upload(header, state) is None
        spans = list(list_spans(header.start, header.end))[:sent]
        for span in spans:
            parsed = parse_package(format_package(package_of(span)), span)
            assert parsed is not None
            check_package(span, held[span.base : span.start], parsed[0], SIZE, ROOT)
            held = [*held, *(leaf_hash(entry) for entry in parsed[0].entries)]
        state = MirrorState(state.pending, 0, len(held))
        answers.append(judge_packages(header, state, len(spans), False).status)
    assert held == LEAVES and answers[-1] == 200 and set(answers) <= {200, 202}


def test_the_last_heads_stay_open_to_uploads_and_the_signed_one_too() -> None:
    state = MirrorState({10: LEAVES[0]}, 10, 10)
    for size in range(11, 40):
        state = apply_pending(state, size, LEAVES[size])
    assert sorted(state.pending) == [10, *range(40 - PENDING_HEADS_MAX, 40)]
    assert state.pending[39] == LEAVES[39] and (state.signed_size, state.next_entry) == (10, 10)
    assert apply_pending(state, 39, LEAVES[39]) == state


@pytest.mark.parametrize("info", [MirrorInfo(0, 0), MirrorInfo(700, 512, b"ticket"), MirrorInfo(1, 2, bytes(65_535))])
def test_where_to_go_on_comes_back(info: MirrorInfo) -> None:
    assert parse_mirror_info(format_mirror_info(info).encode()) == info


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"1\n2\n",
        b"1\n2\n\n\n",
        b"01\n2\n\n",
        b"-1\n2\n\n",
        b"1\n9007199254740992\n\n",
        b"1\n2\nQR==\n",
        b"1\n2\nQ\n",
        b"1\n2\n\xc3\xa4\n",
        b"1\n2\n" + b"A" * 87_384 + b"\n",
        bytes(200_000),
    ],
)
def test_a_malformed_answer_of_a_mirror_is_refused(raw: bytes) -> None:
    with pytest.raises(PeerError, match=r"^mirror-info: "):
        parse_mirror_info(raw)


def test_a_mirrored_log_lies_under_the_hash_of_its_name() -> None:
    assert mirror_prefix(ORIGIN) == hashlib.sha256(ORIGIN.encode()).hexdigest()


def test_what_cannot_be_sent_is_the_callers_fault() -> None:
    with pytest.raises(RefusedError):
        format_entries_header(EntriesHeader("No Origin", 0, 1))
    for header in (
        EntriesHeader(ORIGIN, 2, 1),
        EntriesHeader(ORIGIN, 0, 2**53),
        EntriesHeader(ORIGIN, 0, 1, bytes(65_536)),
    ):
        with pytest.raises(MisuseError):
            format_entries_header(header)
    with pytest.raises(MisuseError):
        format_package(Package((b"",), (bytes(32),) * 64))
    with pytest.raises(MisuseError):
        prove_package(Span(0, 0, 2), [b"one"], SIZE, read)
    with pytest.raises(MisuseError):
        check_package(Span(0, 2, 4), LEAVES[:1], Package((b"", b""), ()), SIZE, ROOT)

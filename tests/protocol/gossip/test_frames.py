"""Frames parse back to what they say, and whatever else comes is refused with its reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import MisuseError, PeerError
from protocol.gossip import limits
from protocol.gossip.frames import cut_bundle, cut_have, cut_head, format_frame, parse_frame
from protocol.gossip.messages import Ask, Bundle, Fetch, FilePart, Have, Head, HeadMark, Message, Push
from tests.protocol.gossip.test_session_table import MESSAGES


@pytest.mark.parametrize("name", MESSAGES)
def test_a_frame_says_again_what_was_put_in(name: str) -> None:
    message = MESSAGES[name]
    assert parse_frame(format_frame(message)) == message


@given(st.binary(max_size=300))
def test_any_bytes_parse_to_a_message_or_are_a_peers_fault(raw: bytes) -> None:
    try:
        message = parse_frame(raw)
    except PeerError as error:
        assert error.reason
    else:
        assert format_frame(message) == raw


@given(st.sampled_from(sorted(MESSAGES)), st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte_never_passes_as_the_same_message(name: str, place: int, change: int) -> None:
    raw = bytearray(format_frame(MESSAGES[name]))
    raw[place % len(raw)] ^= change
    try:
        message = parse_frame(bytes(raw))
    except PeerError as error:
        assert error.reason
    else:
        assert message != MESSAGES[name]
        assert format_frame(message) == bytes(raw)


@given(st.sampled_from(sorted(MESSAGES)), st.integers(0, 400))
def test_a_truncated_frame_is_refused_or_is_another_message(name: str, cut: int) -> None:
    whole = format_frame(MESSAGES[name])
    raw = whole[: cut % len(whole)]
    try:
        message = parse_frame(raw)
    except PeerError as error:
        assert error.reason
    else:
        # Only what ends in raw bytes can be cut and still parse; its content then fails its own check.
        assert isinstance(message, Bundle | Push | Head | FilePart) and message != MESSAGES[name]


CASES = {
    "an empty frame": (b"", "0 bytes"),
    "an oversized frame": (b"\x0e" + bytes(limits.FRAME_BYTES_MAX), "bytes, 1 to"),
    "an unknown type": (b"\x7f", "unknown type 127"),
    "a have that ends early": (b"\x02" + bytes(8) + b"\x01\x00\x05", "truncated"),
    "a have with a flag of 2": (b"\x02" + bytes(8) + b"\x02\x00\x00", "flag"),
    "a have of more changes than can be counted": (b"\x02\x80" + bytes(7) + b"\x01\x00\x00", "beyond"),
    "a have of a head beyond all": (b"\x02" + bytes(8) + b"\x01\x00\x01\x01a\x80" + bytes(28), "beyond"),
    "a want from beyond all": (b"\x03\x01a\x80" + bytes(8), "beyond"),
    "a have with bytes after its end": (b"\x02" + bytes(8) + b"\x01\x00\x00\xff", "too many"),
    "a have that names a log twice": (
        format_frame(Have((HeadMark("a", 1, bytes(16), bytes(4)), HeadMark("a", 2, bytes(16), bytes(4))), 1, True)),
        "named twice",
    ),
    "a head without roots": (b"\x05\x01a" + bytes(4) + b"\x01\x00\x01n", "root bytes"),
    "a head with half a root": (b"\x05\x01a" + bytes(4) + b"\x01\x00\x01n" + bytes(16), "root bytes"),
    "a head without a note": (b"\x05\x01a" + bytes(4) + b"\x01\x00\x00" + bytes(32), "note"),
    "a bundle part beyond its count": (b"\x07\x01a" + bytes(4) + b"\x00\x02\x00\x02x", "number of parts"),
    "a bundle in too many parts": (b"\x07\x01a" + bytes(4) + b"\x00\x00\xff\xffx", "number of parts"),
    "a short part that is not the last": (b"\x07\x01a" + bytes(4) + b"\x00\x00\x00\x02x", "wrong length"),
    "a push of no entries": (b"\x08\x00\x00\x00\x00\x04a\n5\nx", "number of entries"),
    "a push of too many entries": (b"\x08\x01\x01\x00\x00\x04a\n5\nx", "number of entries"),
    "a push of more entries than its note counts": (b"\x08\x00\x06\x00\x00\x04a\n5\nx", "that so many entries"),
    "a push under a note without a size": (b"\x08\x00\x01\x00\x00\x04a\nb\nx", "begin with a log"),
    "a push under a note with two sizes": (b"\x08\x00\x01\x00\x00\x05a\n05\nx", "begin with a log"),
    "a want with bytes after its end": (b"\x03\x01a" + bytes(9) + b"x", "too many"),
    "a want with a flag of 2": (b"\x03\x01a" + bytes(8) + b"\x02", "flag"),
    "a file piece beyond its file": (b"\x0c" + bytes(32) + b"\x00\x00\x00\x05\x00\x00\x00\x06ab", "outside its file"),
    "a file beyond the limit": (b"\x0c" + bytes(32) + bytes(4) + b"\xff\xff\xff\xffab", "outside its file"),
    "an origin that is not ASCII": (b"\x07\x01\xff" + bytes(4) + b"\x00\x00\x00\x01x", "not ASCII"),
    "msgpack that is not canonical": (b"\x0d\x81\xa7counter\xcc\x01", "not canonical"),
    "an unknown field": (b"\x0e\x81\xa1x\x01", "Pong"),
    "a negative counter": (b"\x0d\x81\xa7counter\xff", "negative"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_a_frame_is_said(name: str) -> None:
    raw, reason = CASES[name]
    with pytest.raises(PeerError, match=reason):
        parse_frame(raw)


@pytest.mark.parametrize(
    "message",
    [Ask((), False), Ask(("a",) * (limits.ASK_ORIGINS_MAX + 1), True), Fetch("a", 5, 0, limits.FETCH_BUNDLES + 1)],
    ids=["an ask for nothing", "an ask for too much", "a fetch of too many bundles"],
)
def test_requests_beyond_the_limits_are_refused(message: Message) -> None:
    with pytest.raises(PeerError):
        parse_frame(format_frame(message))


def test_a_frame_that_would_be_too_long_is_our_own_fault() -> None:
    with pytest.raises(MisuseError):
        format_frame(Push("a", 0, 1, b"a\n1\n", bytes(limits.FRAME_BYTES_MAX)))


@pytest.mark.parametrize("push", [Push("a", 0, 1, b"b\n1\n", b"x"), Push("a", 1, 1, b"a\n1\n", b"x")])
def test_a_push_that_its_note_does_not_go_with_is_our_own_fault(push: Push) -> None:
    with pytest.raises(MisuseError):
        format_frame(push)


@given(st.integers(1, limits.BUNDLE_BYTES_MAX))
def test_a_bundle_of_any_length_is_cut_into_frames_and_back(length: int) -> None:
    raw = (b"0123456789" * (length // 10 + 1))[:length]
    parts = [parse_frame(frame) for frame in cut_bundle("log.example", 7, raw)]
    assert all(isinstance(part, Bundle) and part.parts == len(parts) for part in parts)
    assert b"".join(part.raw for part in parts if isinstance(part, Bundle)) == raw


def test_a_long_head_comes_in_pages_that_only_the_last_ends() -> None:
    roots = [index.to_bytes(32) for index in range(2 * limits.ROOTS_PER_FRAME + 1)]
    pages = [parse_frame(frame) for frame in cut_head("log.example", 3, b"note", roots)]
    heads = [page for page in pages if isinstance(page, Head)]
    assert [page.is_last for page in heads] == [False, False, True]
    assert [page.first for page in heads] == [3, 3 + limits.ROOTS_PER_FRAME, 3 + 2 * limits.ROOTS_PER_FRAME]
    assert b"".join(page.roots for page in heads) == b"".join(roots)


def test_ten_thousand_heads_fit_a_few_frames_and_only_the_last_says_the_counter() -> None:
    marks = [HeadMark(f"log{index}.example/of-a-coop", index, bytes(16), bytes(4)) for index in range(10_000)]
    frames = cut_have(marks, 10_000)
    pages = [page for page in map(parse_frame, frames) if isinstance(page, Have)]
    assert [mark for page in pages for mark in page.heads] == marks
    assert [(page.counter, page.is_last) for page in pages] == [(0, False)] * (len(pages) - 1) + [(10_000, True)]
    assert sum(map(len, frames)) < 600_000


def test_an_empty_frontier_is_still_said() -> None:
    assert [parse_frame(raw) for raw in cut_have([], 5)] == [Have((), 5, True)]

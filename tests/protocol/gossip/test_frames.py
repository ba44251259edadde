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


def test_a_frame_beyond_all_limits_is_refused() -> None:
    """What else is no frame: tests/vectors/gossip/frames.json."""
    with pytest.raises(PeerError, match="bytes, 1 to"):
        parse_frame(b"\x0e" + bytes(limits.FRAME_BYTES_MAX))


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

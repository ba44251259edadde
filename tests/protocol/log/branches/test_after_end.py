"""A head signed after its log's end, as a file: short, checked with the log's key alone, never about another log."""

import msgspec
import pytest

from protocol.core.errors import PeerError
from protocol.core.identity import generate
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.fork import (
    EVIDENCE_BYTES_MAX,
    AfterEnd,
    check_after_end,
    format_after_end,
    is_beyond,
    parse_after_end,
)
from tests.interop.made_log import LOG_KEY, ORIGIN, MadeLog, list_flipped

LOG = MadeLog(9)
OTHER = MadeLog(9, " told otherwise", 4)
END = LOG.head(6)
LATER = AfterEnd(END, LOG.note(8))


@pytest.mark.parametrize("note", [LOG.note(7), LOG.note(9), OTHER.note(6), OTHER.note(9)])
def test_what_was_signed_beyond_the_end_is_shown_in_a_short_file(note: bytes) -> None:
    evidence = AfterEnd(END, note)
    raw = format_after_end(evidence)
    assert parse_after_end(raw) == evidence and len(raw) < EVIDENCE_BYTES_MAX
    assert check_after_end(evidence, LOG_KEY.public).size >= END.size


def test_the_file_reads_as_the_page_has_it() -> None:
    lines = format_after_end(LATER).decode().split("\n")
    assert lines[:3] == ["rochdale/after-end@v1", ORIGIN, "6"]
    assert lines[4:7] == ["", ORIGIN, "8"]


@pytest.mark.parametrize("note", [LOG.note(6), LOG.note(5), OTHER.note(5)], ids=["the end", "within", "a fork below"])
def test_a_head_within_the_end_shows_nothing(note: bytes) -> None:
    with pytest.raises(PeerError, match="within its end"):
        check_after_end(AfterEnd(END, note), LOG_KEY.public)


def test_nothing_holds_under_another_key_or_about_another_log() -> None:
    with pytest.raises(PeerError):
        check_after_end(LATER, generate(bytes(32)).public)
    elsewhere = Checkpoint("elm.example/log", END.size, END.root)
    with pytest.raises(PeerError):
        check_after_end(AfterEnd(elsewhere, LATER.note), LOG_KEY.public)
    forged = sign_checkpoint(Checkpoint(ORIGIN, 8, LOG.head(8).root), generate(b"x" * 32))
    with pytest.raises(PeerError):
        check_after_end(msgspec.structs.replace(LATER, note=forged), LOG_KEY.public)


def test_no_changed_byte_goes_unnoticed() -> None:
    raw = format_after_end(LATER)
    changed = 0
    for flipped in list_flipped(raw):
        try:
            evidence = parse_after_end(flipped)
            check_after_end(evidence, LOG_KEY.public)
        except PeerError:
            continue
        # What is left says openly that it is about another end.
        assert evidence.end != END and evidence.note == LATER.note
        changed += 1
    assert changed <= len("6") + len(raw.split(b"\n")[3])


@pytest.mark.parametrize(
    "raw", [b"", b"rochdale/after-end@v1", b"x" * (EVIDENCE_BYTES_MAX + 1), b"rochdale/after-end@v1\n\xff\n\nnote"]
)
def test_what_is_no_such_file_is_refused(raw: bytes) -> None:
    with pytest.raises(PeerError):
        parse_after_end(raw)


def test_the_longest_names_still_fit() -> None:
    origin = "a" * 251 + "/log"
    key = generate(b"k" * 32)
    end, later = (Checkpoint(origin, size, bytes([size % 251]) * 32) for size in (2**53 - 2, 2**53 - 1))
    assert len(format_after_end(AfterEnd(end, sign_checkpoint(later, key)))) < EVIDENCE_BYTES_MAX


@pytest.mark.parametrize(
    ("size", "root", "beyond"),
    [(9, b"x" * 32, False), (10, bytes([1]) * 32, False), (10, b"x" * 32, True), (11, bytes([1]) * 32, True)],
    ids=["before the end", "the end itself", "another of this size", "a later head"],
)
def test_what_lies_beyond_an_end(size: int, root: bytes, beyond: bool) -> None:
    assert is_beyond(Checkpoint(ORIGIN, 10, bytes([1]) * 32), size, root) == beyond

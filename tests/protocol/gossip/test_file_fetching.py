"""Files in pieces: a cut costs nothing that has come, and a wrong beginning spoils nothing but itself."""

import hashlib

import pytest

from protocol.core.errors import PeerError
from protocol.gossip import limits
from protocol.gossip.events import Action, MissFile, Send, StoreFile
from protocol.gossip.file_fetching import BegunFiles, FileFetcher
from protocol.gossip.frames import parse_frame
from protocol.gossip.messages import FilePart, FileWant

CONTENT = bytes(range(200))
NAME = hashlib.sha256(CONTENT).digest()


def wanted(actions: list[Action]) -> list[int]:
    """The offsets that are asked for."""
    frames = [parse_frame(action.raw) for action in actions if isinstance(action, Send)]
    return [frame.offset for frame in frames if isinstance(frame, FileWant)]


def part(start: int, stop: int, content: bytes = CONTENT) -> FilePart:
    return FilePart(NAME, start, len(content), content[start:stop])


def test_after_a_cut_another_session_goes_on_where_the_first_one_was() -> None:
    begun = BegunFiles()
    first, second = FileFetcher(begun, 1), FileFetcher(begun, 2)
    assert wanted(first.want(NAME)) == [0]
    assert wanted(first.take(part(0, 80))) == [80]
    assert first.abandon() == [MissFile(NAME)]
    assert wanted(second.want(NAME)) == [80]
    assert second.take(part(80, 200)) == [StoreFile(NAME, CONTENT)]


def test_a_wrong_beginning_from_another_peer_is_thrown_away_and_nobody_is_blamed() -> None:
    begun = BegunFiles()
    liar, honest = FileFetcher(begun, 1), FileFetcher(begun, 2)
    liar.want(NAME)
    liar.take(part(0, 80, bytes(200)))
    liar.abandon()
    assert wanted(honest.want(NAME)) == [80]
    assert wanted(honest.take(part(80, 200))) == [0]
    assert honest.take(part(0, 200)) == [StoreFile(NAME, CONTENT)]


def test_a_beginning_that_is_longer_than_the_file_is_thrown_away_too() -> None:
    begun = BegunFiles()
    liar, honest = FileFetcher(begun, 1), FileFetcher(begun, 2)
    liar.want(NAME)
    liar.take(part(0, 300, bytes(400)))
    liar.abandon()
    assert wanted(honest.want(NAME)) == [300]
    assert wanted(honest.take(FilePart(NAME, 0, 0, b""))) == [0]
    assert honest.take(part(0, 200)) == [StoreFile(NAME, CONTENT)]


def test_whoever_sent_all_of_a_wrong_file_is_blamed_and_whoever_waits_is_told() -> None:
    fetcher = FileFetcher(BegunFiles(), 1)
    fetcher.want(NAME)
    with pytest.raises(PeerError, match="do not hash"):
        fetcher.take(part(0, 200, bytes(200)))
    assert fetcher.abandon() == [MissFile(NAME)]


def test_a_file_that_nobody_has_is_missed_at_once() -> None:
    fetcher = FileFetcher(BegunFiles(), 1)
    fetcher.want(NAME)
    assert fetcher.take(FilePart(NAME, 0, 0, b"")) == [MissFile(NAME)]


def test_only_so_many_beginnings_are_kept() -> None:
    begun = BegunFiles()
    names = [hashlib.sha256(b"%d" % index).digest() for index in range(3 * limits.FILES_MAX)]
    for name in names:
        fetcher = FileFetcher(begun, 1)
        fetcher.want(name)
        fetcher.take(FilePart(name, 0, 9, b"abc"))
        fetcher.abandon()
    later = FileFetcher(begun, 2)
    kept = [name for name in names if wanted(later.want(name)) == [3] or not later.abandon()]
    assert kept == names[-limits.FILES_MAX :]

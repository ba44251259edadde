"""What an auditor finds: each damage as one sentence with its place, and nothing where nothing is wrong."""

import random
from collections.abc import Callable

import pytest

from protocol.core.errors import Finding
from protocol.log.audit.log_audit import FINDINGS_MAX, LogAudit
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import EMPTY_ROOT
from tests.protocol.log.audit.published_log import ORIGIN, entry, flip, head_of, publish, reader_of

SIZE = 70_000
"""Two full tiles' worth of bundles and a part: levels 0, 1 and 2, each with a right edge."""
LAST = SIZE // 256

Damage = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return publish(SIZE)


@pytest.fixture(scope="module")
def head() -> Checkpoint:
    return head_of(SIZE)


def audit(files: dict[str, bytes], head: Checkpoint, since: Checkpoint | None = None) -> list[Finding]:
    reading = LogAudit(head, reader_of(files), since)
    assert list(reading.walk())[-1:] == ([head.size] if head.size else [])
    return reading.findings


def put(path: str, change: Callable[[bytes], bytes]) -> Damage:
    def damage(files: dict[str, bytes]) -> None:
        files[path] = change(files[path])

    return damage


def drop(*paths: str) -> Damage:
    def damage(files: dict[str, bytes]) -> None:
        for path in paths:
            del files[path]

    return damage


CASES: dict[str, tuple[Damage, str, str]] = {
    "a byte of an entry is changed": (
        put("tile/entries/004", lambda raw: flip(raw, raw.index(entry(1_100)) + 2)),
        "tile/entries/004",
        "entry 1100 is not what the log promised",
    ),
    "a byte of an entry in the open bundle is changed": (
        put("tile/entries/273.p/112", lambda raw: flip(raw, raw.index(entry(69_999)) + 2)),
        "tile/entries/273.p/112",
        "entry 69999 is not what the log promised",
    ),
    "a length in a bundle is changed": (
        put("tile/entries/004", lambda raw: flip(raw, 0)),
        "tile/entries/004",
        "bundle: entry 1 is cut off or too long (entries 1024 to 1279)",
    ),
    "a bundle is missing": (drop("tile/entries/004"), "tile/entries/004", "missing: entries 1024 to 1279"),
    "the open bundle is missing": (
        drop("tile/entries/273.p/112"),
        "tile/entries/273.p/112",
        "missing: entries 69888 to 69999",
    ),
    "a hash of a full tile is changed": (
        put("tile/0/004", lambda raw: flip(raw, 32 * 7)),
        "tile/0/004",
        "its hash for entry 1031 is false; the entries themselves are right",
    ),
    "a hash of the right edge is changed": (
        put("tile/0/273.p/112", lambda raw: flip(raw, 32 * 7)),
        "tile/0/273.p/112",
        "its hash for entry 69895 is false; the entries themselves are right",
    ),
    "a hash of a tile above the entries is changed": (
        put("tile/1/000", lambda raw: flip(raw, 32 * 7)),
        "tile/1/000",
        "its hash for entry 1792 is false; the entries themselves are right",
    ),
    "a hash of the right edge above the entries is changed": (
        put("tile/1/001.p/17", lambda raw: flip(raw, 0)),
        "tile/1/001.p/17",
        "its hash for entry 65536 is false; the entries themselves are right",
    ),
    "the top hash is changed": (
        put("tile/2/000.p/1", lambda raw: flip(raw, 0)),
        "tile/2/000.p/1",
        "its hash for entry 0 is false; the entries themselves are right",
    ),
    "a tile is missing": (drop("tile/0/004"), "tile/0/004", "missing"),
    "a tile above the entries is missing": (drop("tile/1/000"), "tile/1/000", "missing"),
    "a tile is cut off": (
        put("tile/0/004", lambda raw: raw[:-1]),
        "tile/0/004",
        "tile: 8191 bytes where 256 hashes were promised",
    ),
    "a tile is too long": (put("tile/0/004", lambda raw: raw + b"x"), "tile/0/004", "more than 8192 bytes"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_damage_is_one_finding(name: str, whole: dict[str, bytes], head: Checkpoint) -> None:
    damage, place, reason = CASES[name]
    files = dict(whole)
    damage(files)
    assert audit(files, head) == [Finding(place, reason)]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 1_000])
def test_a_whole_log_of_any_size_has_no_findings(size: int) -> None:
    assert audit(publish(size), head_of(size)) == []


def test_a_whole_log_with_three_levels_has_no_findings(whole: dict[str, bytes], head: Checkpoint) -> None:
    assert audit(whole, head) == []


def test_a_log_that_was_written_anew_under_the_same_head_has_another_root() -> None:
    files = publish(300, lambda index: b"other" if index == 17 else entry(index))
    (found,) = audit(files, head_of(300))
    assert found.place == "checkpoint"
    assert found.reason.startswith("the 300 entries lead to the root ")


def test_a_bundle_that_is_lost_with_its_tiles_leaves_the_root_unchecked() -> None:
    files = publish(300)
    for path in ("tile/entries/000", "tile/0/000", "tile/1/000.p/1"):
        del files[path]
    assert [found.place for found in audit(files, head_of(300))] == [
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000.p/1",
        "checkpoint",
    ]


def test_a_bundle_that_is_lost_with_its_tile_still_has_its_root_above() -> None:
    files = publish(600)
    for path in ("tile/entries/001", "tile/0/001"):
        del files[path]
    missing = [Finding("tile/entries/001", "missing: entries 256 to 511"), Finding("tile/0/001", "missing")]
    assert audit(files, head_of(600)) == missing
    assert audit(files, head_of(600), head_of(256)) == missing


def test_where_an_entry_and_another_hash_of_its_tile_are_changed_the_level_above_still_tells() -> None:
    files = publish(600)
    files["tile/entries/001"] = flip(files["tile/entries/001"], files["tile/entries/001"].index(entry(300)) + 2)
    files["tile/0/001"] = flip(files["tile/0/001"], 0)
    assert audit(files, head_of(600)) == [
        Finding("tile/0/001", "parts from the entries at 256, and nothing above goes with either"),
        Finding("tile/entries/001", "one of the entries 256 to 511 is not what the log promised"),
    ]


def test_where_the_open_bundle_and_its_tile_are_both_changed_nothing_leads_to_the_root() -> None:
    files = publish(300)
    path = "tile/entries/001.p/44"
    files[path] = flip(files[path], files[path].index(entry(290)) + 2)
    files["tile/0/001.p/44"] = flip(files["tile/0/001.p/44"], 0)
    parted, other_root = audit(files, head_of(300))
    assert parted == Finding("tile/0/001.p/44", "parts from the entries at 256")
    assert other_root.reason.startswith("the 300 entries lead to the root ")


def test_partial_files_of_a_log_that_has_grown_may_be_gone() -> None:
    old, files = head_of(300), publish(600)
    assert audit(files, old) == [Finding("tile/1/000.p/1", "missing")]
    grown = publish(65_536 + 256)
    assert audit(grown, head_of(300)) == []


@pytest.mark.parametrize("old_size", [0, 1, 255, 256, 257, 300, 512, 599, 600])
def test_a_log_that_only_grew_goes_with_every_earlier_head(old_size: int) -> None:
    assert audit(publish(600), head_of(600), head_of(old_size)) == []


@pytest.mark.parametrize("old_size", [1, 256, 300, 512, 600])
def test_a_log_that_took_something_back_parts_from_its_earlier_head(old_size: int) -> None:
    earlier = head_of(old_size, lambda index: b"taken back" if index == 0 else entry(index))
    reason = f"the first {old_size} entries are not those of the earlier head: it parts before that index"
    assert audit(publish(600), head_of(600), earlier) == [Finding("checkpoint", reason)]


def test_a_log_that_became_shorter_says_so() -> None:
    findings = audit(publish(300), head_of(300), head_of(301))
    assert findings == [Finding("checkpoint", "has 300 entries; an earlier head had 301")]


def test_an_empty_log_has_the_empty_root() -> None:
    assert audit({}, Checkpoint(ORIGIN, 0, EMPTY_ROOT)) == []


def test_a_head_that_promises_more_than_anyone_has_is_not_searched_for_ever() -> None:
    reading = LogAudit(Checkpoint(ORIGIN, 2**50, b"r" * 32), reader_of({}))
    steps = sum(1 for _ in reading.walk())
    assert steps < 10_000
    assert len(reading.findings) == FINDINGS_MAX + 1
    assert reading.findings[-1] == Finding("checkpoint", "so much is wanting that the rest was not read")


def test_every_changed_byte_is_found() -> None:
    """Every file of a log, at bytes drawn at random: none can change unseen."""
    files, head, draw = publish(600), head_of(600), random.Random(7)
    for path in sorted(set(files) - {"checkpoint"}):
        for place in draw.sample(range(len(files[path])), 5):
            assert audit({**files, path: flip(files[path], place)}, head), (path, place)

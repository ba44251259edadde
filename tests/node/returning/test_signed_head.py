"""Whether a home may sign when it starts: every case of file, database and marker; and a file that lies is no file."""

import asyncio
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home, open_node
from node.use_cases.own_log import own_head
from node.use_cases.own_log.own_head import head_folder, judge_start, own_head_of
from node.use_cases.peers import own_card, pin_card
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.federation.grants import KeyGrant
from storage.home.head_file import HeadFile, Mark, SignedHead
from storage.log import log_store
from tests.node.homes import make_node

NINE, TEN, OTHER_TEN = Mark(9, b"9" * 32), Mark(10, b"a" * 32), Mark(10, b"b" * 32)
SETTLED, BEGUN = SignedHead(TEN, NINE, True), SignedHead(TEN, NINE, False)
ORIGIN = "north.example/log"
GRANT = KeyGrant(bytes(32), "facilitator", "facilitator 1", False)


@pytest.mark.parametrize(
    ("written", "known", "is_marked", "is_alone", "reason"),
    [
        (SETTLED, TEN, False, False, ""),
        (BEGUN, TEN, False, False, ""),
        (BEGUN, NINE, False, False, own_head.CUT_SHORT),
        (BEGUN, NINE, False, True, ""),
        (SETTLED, NINE, False, False, own_head.HIGHER),
        (BEGUN, Mark(8, b"8" * 32), False, False, own_head.HIGHER),
        (SETTLED, OTHER_TEN, False, False, own_head.OTHER),
        (SETTLED, Mark(11, b"c" * 32), False, False, own_head.OTHER),
        (None, TEN, False, False, own_head.MISSING),
        (None, TEN, False, True, ""),
        (None, Mark(0, b""), False, False, ""),
        (SETTLED, Mark(0, b""), False, True, own_head.HIGHER),
        (SETTLED, TEN, True, True, own_head.MARKED),
        (None, TEN, True, True, own_head.MARKED),
    ],
    ids=[
        "level with the file",
        "cut after the log's commit",
        "cut before the log's commit, or a backup of the head before and the mark lost with the power",
        "cut before the log's commit, and nobody was told of this log",
        "a backup of one record ago",
        "a backup older than the one that was begun",
        "another head of this size",
        "the file is older than the log",
        "no file, and others were told",
        "no file, and nobody was told",
        "a log that has not begun",
        "an empty database beside a file",
        "marked as restored",
        "marked as restored, without a file",
    ],
)
def test_when_a_home_may_sign(
    written: SignedHead | None, known: Mark, is_marked: bool, is_alone: bool, reason: str
) -> None:
    assert judge_start(written, known, is_marked, is_alone) == reason


def test_the_file_says_what_was_begun_and_settled_and_whom_it_was_told(tmp_path: Path) -> None:
    file = HeadFile(tmp_path / "signed", ORIGIN)
    assert file.read() is None and file.told() == frozenset()
    file.begin(NINE, TEN)
    assert file.read() == BEGUN
    file.settle()
    assert HeadFile(tmp_path / "signed", ORIGIN).read() == SETTLED
    assert HeadFile(tmp_path / "signed", "south.example/log").read() is None
    file.add_told(frozenset({"b.example/log"}))
    file.add_told(frozenset({"a.example/log", "b.example/log"}))
    assert file.told() == {"a.example/log", "b.example/log"}
    assert [path for path in (tmp_path / "signed").iterdir() if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("place", [0, 40, 60, 100, 130, 150])
def test_a_file_that_was_torn_or_changed_says_nothing(tmp_path: Path, place: int) -> None:
    file = HeadFile(tmp_path, ORIGIN)
    file.begin(NINE, TEN)
    path = next(tmp_path.iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole[:place])
    assert file.read() is None
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert (file.read() is None) == (place < 140)


async def test_a_database_put_back_from_a_backup_signs_nothing(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    backup = config.database_path.read_bytes()
    node = open_node(config, Clock())
    await publish(node, "key.grant", GRANT)
    # That the head is settled is noted a turn of the loop after its callers were told.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    node.database.close()
    config.database_path.write_bytes(backup)

    restored = open_node(config, Clock())
    assert own_head_of(restored).reason == own_head.HIGHER
    with pytest.raises(RefusedError, match="restored from a backup"):
        await publish(restored, "key.grant", GRANT)
    head = log_store.head(restored.database.reader, restored.origin)
    assert head is not None and head.size == 1
    restored.database.close()


async def test_a_head_that_another_process_has_signed_stops_this_one(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    one, other = open_node(config, Clock()), open_node(config, Clock())
    own_head_of(other)
    await publish(one, "key.grant", GRANT)
    with pytest.raises(RefusedError, match="copied and runs twice"):
        await publish(other, "key.grant", GRANT)
    for node in (one, other):
        node.database.close()


def test_the_file_lies_beside_the_home_or_where_the_config_says(tmp_path: Path) -> None:
    assert head_folder(Config(home=tmp_path / "home")) == tmp_path / "home-signed"
    named = Config(home=tmp_path / "home", signed_folder=str(tmp_path / "elsewhere"))
    assert head_folder(named) == tmp_path / "elsewhere"


@pytest.mark.parametrize(("is_taken_along", "reason"), [(True, ""), (False, own_head.MISSING)])
async def test_a_home_that_moves_signs_at_once_where_its_signed_head_came_along(
    tmp_path: Path, is_taken_along: bool, reason: str
) -> None:
    """As docs/guides/run.md says it: stop, move the folder, and the one beside it with the last signed head."""
    old, new = tmp_path / "old" / "home", tmp_path / "new" / "home"
    old.parent.mkdir()
    new.parent.mkdir()
    node, other = await make_node(old.parent, "home"), await make_node(tmp_path, "other")
    await pin_card(node, own_card(other))
    await publish(node, "key.grant", GRANT)
    node.database.close()
    other.database.close()
    old.rename(new)
    if is_taken_along:
        (tmp_path / "old" / "home-signed").rename(tmp_path / "new" / "home-signed")
    moved = open_node(Config(home=new), Clock())
    assert own_head_of(moved).reason == reason
    if not reason:
        assert (await publish(moved, "key.grant", GRANT)).index == 2
    moved.database.close()

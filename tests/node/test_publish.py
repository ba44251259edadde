"""From nothing to a signed log: a home is made, opened, and says things for good."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home, open_node
from node.use_cases.publish import publish, publish_statement
from protocol.core.encoding import to_struct
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.identity import generate, key_id, public_keys, recovery_key_hash
from protocol.core.record import Statement, enter_by_office, sign_statement
from protocol.federation.grants import KeyGrant
from protocol.log.checkpoint import open_checkpoint
from protocol.record_kinds import KINDS
from storage.log import log_store, record_index
from storage.settings import set_setting, setting
from tests.node.hostile.bodies import BodyMaker

MEMBER = generate(b"m" * 32)


async def test_a_home_is_made_once_and_its_first_record_names_its_keys(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home", name="Northside Food Co-op")
    made = await init_home(config, Clock())
    with pytest.raises(RefusedError, match="already"):
        await init_home(config, Clock())
    node = open_node(config, Clock())
    (founding,) = record_index.records(node.database.reader, "log.founding")
    assert founding.origin == made.origin == node.origin and made.origin.startswith("northside-food-co-op-")
    assert founding.body.keys == public_keys(node.keys)
    assert founding.body.recovery_key_hash == recovery_key_hash(generate(bytes.fromhex(made.recovery_key)).public)
    kept = b"".join(path.read_bytes() for path in config.home.rglob("*") if path.is_file())
    assert bytes.fromhex(made.recovery_key) not in kept and made.recovery_key.encode() not in kept
    assert config.home.stat().st_mode & 0o077 == 0
    node.database.close()


async def test_what_is_published_together_is_signed_once_and_replays_to_the_same_index(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    heard: list[tuple[str, int, int]] = []
    node.changes.add_listener(lambda *change: heard.append(change))
    grants = [KeyGrant(bytes([number]) * 32, "facilitator", f"facilitator {number}", False) for number in range(256)]
    published = await asyncio.gather(*(publish(node, "key.grant", grant) for grant in grants))
    assert [one.index for one in published] == list(range(1, 257))
    head = log_store.head(node.database.reader, node.origin)
    assert head is not None and head.size == 257 and head.change <= 4
    open_checkpoint(head.note, generate(node.keys.log).public, node.origin)
    assert sorted(heard)[0][1] == 1 and max(change[2] for change in heard) == 257
    found = record_index.records(node.database.reader, "key.grant")
    assert [indexed.body for indexed in found] == grants
    before = list(record_index.rows(node.database.reader))
    assert await node.database.write(record_index.rebuild) == 257
    assert list(record_index.rows(node.database.reader)) == before
    node.database.close()


async def test_whatever_is_published_is_indexed_as_a_replay_would(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    made, count = BodyMaker(7), 1
    for kind, known in sorted(KINDS.items()):
        values = [made.make(kind) for _ in range(4)]
        said = [say(kind, value) for value in (*values, {"nothing": "of the kind"}, bytes(32))]
        own = [publish(node, kind, to_struct(value, known.body)) for value in values]
        published = await asyncio.gather(
            *own, *(publish_statement(node, statement, [sign_statement(statement, MEMBER)]) for statement in said)
        )
        count += len(published)
    strange = say("weather.report", {"rain": "soon"})
    last = await publish_statement(node, strange, [enter_by_office(strange, MEMBER)])
    assert last.index == count
    before = record_index.rows(node.database.reader)
    assert len(before) == count + 1 and {row.void == "" for row in before} == {True, False}
    assert [row.leaf for row in before[-1:]] == [last.leaf]
    assert await node.database.write(record_index.rebuild) == count + 1
    assert record_index.rows(node.database.reader) == before
    node.database.close()


async def test_an_index_that_had_fallen_behind_is_made_whole_by_the_next_record(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    grants = [KeyGrant(bytes([number]) * 32, "facilitator", "f", False) for number in range(5)]
    for grant in grants:
        await publish(node, "key.grant", grant)
    before = record_index.rows(node.database.reader)
    await node.database.write(lambda db: db.execute("DELETE FROM record_index WHERE idx > 2").close())
    await node.database.write(lambda db: db.execute("UPDATE index_cursor SET next = 3").close())
    last = await publish(node, "key.grant", grants[0])
    rows = record_index.rows(node.database.reader)
    assert rows[:-1] == before and rows[-1].leaf == last.leaf
    node.database.close()


async def test_a_home_that_an_older_program_indexed_is_read_again_when_it_opens(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    await publish(node, "key.grant", KeyGrant(bytes(32), "facilitator", "f", False))
    before = record_index.rows(node.database.reader)
    # As it lies in a home whose program knew nothing of grants.
    await node.database.write(lambda db: db.execute("UPDATE record_index SET subject = x''").close())
    rules = {name: rule for name, rule in setting(node.database.reader, "index_rules").items() if name != "key.grant"}
    await node.database.write(lambda db: set_setting(db, "index_rules", rules))
    node.database.close()
    again = open_node(config, Clock())
    assert record_index.rows(again.database.reader) == before
    assert len(record_index.records(again.database.reader, "key.grant", b"facilitator")) == 1
    again.database.close()


async def test_a_commit_that_fails_answers_all_and_the_next_goes_on_from_what_is_on_disk(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    grant = KeyGrant(bytes(32), "facilitator", "f", False)
    await publish(node, "key.grant", grant)
    head = log_store.head(node.database.reader, node.origin)
    # A trigger stands for a disk that fails late: after the entries, the head and the note of it are written.
    fault = "CREATE TRIGGER fault BEFORE INSERT ON index_cursor BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
    await node.database.write(lambda db: db.execute(fault).close())
    failed = await asyncio.gather(*(publish(node, "key.grant", grant) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in failed] == [sqlite3.IntegrityError] * 3
    assert log_store.head(node.database.reader, node.origin) == head
    await node.database.write(lambda db: db.execute("DROP TRIGGER fault").close())
    assert [(await publish(node, "key.grant", grant)).index for _ in range(2)] == [2, 3]
    assert len(record_index.rows(node.database.reader)) == 4
    node.database.close()


def say(kind: str, body: Any) -> Statement:
    """A member's statement that nobody has read yet."""
    return Statement(kind=kind, at=1, by=key_id(MEMBER.public), audience="a", nonce=bytes(16), body=body)


async def test_a_body_of_another_kind_is_refused_before_anything_is_signed(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    with pytest.raises(MisuseError):
        await publish(node, "plan.call", KeyGrant(bytes(32), "x", "y", False))
    with pytest.raises(MisuseError):
        await publish(node, "no.such", KeyGrant(bytes(32), "x", "y", False))
    head = log_store.head(node.database.reader, node.origin)
    assert head is not None and head.size == 1
    node.database.close()

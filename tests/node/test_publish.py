"""From nothing to a signed log: a home is made, opened, and says things for good."""

import asyncio
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home, open_node
from node.use_cases.publish import publish
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.identity import generate, public_keys, recovery_key_hash
from protocol.federation.grants import KeyGrant
from protocol.log.checkpoint import open_checkpoint
from storage import log_store, record_index


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

"""The bench of replication, small: its made-up logs are whole, and its two processes do what the figures say."""

import sys
from pathlib import Path

import pytest

from protocol.core.identity import key_id
from protocol.log.checkpoint import open_checkpoint
from scripts.benches.gossip import made_up_logs, scenarios, serial_limit
from scripts.benches.gossip.children import BenchError, Child
from scripts.benches.gossip.made_up_logs import KEY, count_entry_bytes, extend_logs, fill_log, know_logs, origin_of
from storage.database import Database
from storage.log import log_store, record_index


@pytest.mark.parametrize("size", [1, 256, 257, 512, 1_100])
def test_a_made_up_log_is_whole_at_any_length(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_up_logs, "BUNDLES_A_COMMIT", 2)
    database = Database(tmp_path / "node.sqlite")
    know_logs(database, [origin_of(0)])
    fill_log(database, origin_of(0), size)
    head = log_store.head(database.reader, origin_of(0))
    entries = log_store.entries(database.reader, origin_of(0), 0, size + 1)
    database.close()
    assert head is not None
    assert open_checkpoint(head.note, KEY.public, origin_of(0)).size == head.size == size == len(set(entries))
    assert sum(map(len, entries)) == count_entry_bytes(size)
    rows = [record_index.index_entry(origin_of(0), at, raw, key_id(KEY.public)) for at, raw in enumerate(entries)]
    assert {(row.kind, row.void) for row in rows} == {("supply.product", "")}


def test_made_up_logs_grow_by_what_is_said(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    origins = [origin_of(number) for number in range(3)]
    know_logs(database, origins)
    told_bytes = extend_logs(database, origins, 0, 2)
    heads = log_store.heads(database.reader)
    database.close()
    assert [(head.origin, head.size) for head in heads] == [(origin, 2) for origin in origins]
    assert told_bytes == sum(len(head.note) for head in heads) + 3 * count_entry_bytes(2)


def test_a_process_that_fails_says_why() -> None:
    failing = "import sys; print('a word'); sys.exit('the disk is full')"
    with Child([sys.executable, "-c", failing]) as child, pytest.raises(BenchError, match="the disk is full"):
        child.wait_for("ready")


@pytest.mark.slow
def test_one_process_takes_logs_from_another(tmp_path: Path) -> None:
    done = scenarios.replicate(tmp_path, 2, 300)
    assert done.entry_bytes == 2 * count_entry_bytes(300)
    assert done.entry_bytes < done.wire_bytes
    assert done.records_s > 600 / done.indexed_s > 0


@pytest.mark.slow
def test_a_record_is_seen_by_the_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "QUIET_S", 0.5)
    waits_ms = scenarios.measure_waits(tmp_path, 3, 5)
    assert len(waits_ms) == 3 and min(waits_ms) > 0


@pytest.mark.slow
def test_two_processes_meet_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("QUIET_S", 0.2), ("IDLE_S", 0.2), ("RECONNECTS", 1)):
        monkeypatch.setattr(scenarios, name, value)
    many = scenarios.measure_many(tmp_path, 20, 5)
    assert many.again.session_bytes < many.first.session_bytes
    assert (
        many.changed.session_bytes - many.again.session_bytes > many.changed_bytes > 5 * made_up_logs.ENTRY_BYTES - 20
    )
    assert many.again.told_ms > 0


def test_the_limit_is_below_each_of_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_limit, "ENTRIES", 1_024)
    monkeypatch.setattr(serial_limit, "REPEATS", 1)
    parts = serial_limit.measure_parts(tmp_path)
    assert min(parts) > 0
    assert parts.records_s < 1e6 / max(parts)
    assert serial_limit.take_fastest([parts, parts._replace(hash_us=parts.hash_us / 2)]).records_s > parts.records_s

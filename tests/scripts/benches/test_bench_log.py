"""What the bench of the log stands on: a made-up log that is whole."""

from pathlib import Path

import pytest

from protocol.log.checkpoint import open_checkpoint
from scripts.benches.log import run as bench_log
from scripts.benches.log.appends import KEY, ORIGIN
from scripts.benches.log.run import fill_log
from storage.database import Database
from storage.log import log_store


@pytest.mark.parametrize("size", [1, 256, 257, 512, 1_024, 1_100])
def test_the_made_up_log_is_whole_at_any_length(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_log, "BUNDLES_A_COMMIT", 2)
    database = Database(tmp_path / "node.sqlite")
    fill_log(database, size, 40)
    head = log_store.head(database.reader, ORIGIN)
    entries = log_store.entries(database.reader, ORIGIN, 0, size + 1)
    database.close()
    assert head is not None
    assert open_checkpoint(head.note, KEY.public, ORIGIN).size == head.size == size == len(set(entries))
    assert {len(entry) for entry in entries} == {40}

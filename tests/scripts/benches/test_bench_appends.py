"""The bench of appending, small: it counts what is really in the log, and compares like with like."""

from pathlib import Path

import pytest

from scripts.benches.log import appends as bench_appends
from scripts.benches.log.appends import CALLERS, ENTRY_BYTES, KEY, ORIGIN, Pace
from storage.database import Database, open_reader
from storage.log import log_store


async def test_what_is_counted_lies_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_appends, "TURN_S", 0.02)
    database, pace = Database(tmp_path / "node.sqlite"), Pace()
    append = await bench_appends._open_log(database)
    indexes: list[int] = []

    async def work() -> None:
        indexes.append(await append(bytes(ENTRY_BYTES)))

    await bench_appends._count(pace, CALLERS, work)
    head = log_store.head(database.reader, ORIGIN)
    database.close()
    assert head is not None and head.size == pace.count == len(pace.waits_ms) >= CALLERS
    assert sorted(indexes) == list(range(head.size)) and head.change == 1 + -(-head.size // CALLERS)
    assert log_store.log_key_of(open_reader(tmp_path / "node.sqlite"), ORIGIN) == KEY.public


def test_as_many_bare_rows_are_committed_as_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_appends, "TURN_S", 0.02)
    db, pace = bench_appends._open_bare(tmp_path), Pace()
    bench_appends.measure_bare_commits(db, pace)
    sizes = db.execute("SELECT count(*), min(length(entry)), max(length(entry)) FROM entry").fetchone()
    db.close()
    assert sizes == (pace.count, ENTRY_BYTES, ENTRY_BYTES) and pace.count % CALLERS == 0 < pace.rate


async def test_every_figure_is_given_with_its_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_appends, "TURN_S", 0.02)
    monkeypatch.setattr(bench_appends, "TURNS", 1)
    figures = await bench_appends.measure_appends(tmp_path)
    assert [figure.bound for figure in figures if figure.side][:3] == [5, 0.5, 30]
    assert all(figure.value > 0 for figure in figures)

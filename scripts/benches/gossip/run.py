"""Measures replication: from one real node to another, verified and durably stored, beside hypercore doing the same.

    scripts/bench gossip [--json] [--rounds N] [--records N] [--long N] [--logs N] [--waits N] [--folder DIR]

Records are made up. Linux only; with root in a network of its own. Takes about ten minutes and two gigabytes of a
folder that is removed. Each figure stands beside what it must reach; exit code 1 where one is missed.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.benches.figures import LEAST, MOST, Figure, percentile, report
from scripts.benches.gossip import hypercore
from scripts.benches.gossip.network import enter_own_network, is_alone
from scripts.benches.gossip.scenarios import ManyLogs, Replicated, measure_many, measure_waits, replicate
from scripts.benches.gossip.serial_limit import Parts, measure_parts, take_fastest

AUTHORS: Final = 100
CHANGED_PERCENT: Final = 1
GAP_MS: Final = 25


@dataclass
class Rounds:
    """What was measured in turn, so that a busy moment of the machine meets all alike."""

    limits: list[Parts] = field(default_factory=list)
    one_log: list[Replicated] = field(default_factory=list)
    many_authors: list[Replicated] = field(default_factory=list)
    relative: list[hypercore.Replicated] = field(default_factory=list)


def main() -> int:
    """Measure, print, and say by the exit code whether everything was reached."""
    options = _read_options()
    # Installing needs the network that measuring does without.
    packages, note = hypercore.install_hypercore()
    enter_own_network(["-m", "scripts.benches.gossip.run", *sys.argv[1:]])
    notes = [note] if note else []
    if not is_alone():
        notes.append("no network of its own: bytes on the wire are all that crossed this machine's loopback")
    folder = Path(tempfile.mkdtemp(prefix="rochdale-bench-", dir=options.folder))
    try:
        rounds = _measure_rounds(folder, options, packages)
        figures = [*_judge_rounds(rounds, options.records), *_measure_long(folder, options.long)]
        figures += _measure_waits(folder, options.waits, rounds)
        many = measure_many(_make(folder, "many"), options.logs, options.logs * CHANGED_PERCENT // 100)
        figures += _judge_many(many, options.logs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report(figures, notes, options.json)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench gossip", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3, help="how often speed is measured, everything in turn")
    parser.add_argument("--records", type=int, default=100_000, help="records that are replicated in a round")
    parser.add_argument("--long", type=int, default=1_000_000, help="length of the log that memory is measured with")
    parser.add_argument("--logs", type=int, default=10_000, help="how many logs two nodes hold in common")
    parser.add_argument("--waits", type=int, default=400, help="records whose way is timed one by one")
    parser.add_argument("--folder", help="where to work; the machine's temporary folder if none is named")
    return parser.parse_args()


def _measure_rounds(folder: Path, options: argparse.Namespace, packages: Path | None) -> Rounds:
    rounds = Rounds()
    for number in range(options.rounds):
        rounds.limits.append(measure_parts(_make(folder, "limit")))
        rounds.one_log.append(replicate(_make(folder, "one"), 1, options.records))
        if packages is not None:
            waits = options.waits if number == 0 else 0
            rounds.relative.append(hypercore.replicate(packages, 1, options.records, waits, GAP_MS))
        rounds.many_authors.append(replicate(_make(folder, "authors"), AUTHORS, options.records // AUTHORS))
        rounds.limits.append(measure_parts(_make(folder, "limit")))
    return rounds


def _make(folder: Path, name: str) -> Path:
    """An empty folder; what an earlier round left there is gone."""
    path = folder / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def _judge_rounds(rounds: Rounds, records: int) -> list[Figure]:
    limit = take_fastest(rounds.limits)
    one = max(rounds.one_log, key=lambda run: run.records_s)
    many = max(rounds.many_authors, key=lambda run: run.records_s)
    wire = max(run.wire_bytes / run.entry_bytes for run in [*rounds.one_log, *rounds.many_authors])
    each = f"{AUTHORS} logs of {records // AUTHORS:,}"
    return [
        Figure("a record in the socket with TLS, at the least", limit.socket_us, "µs"),
        Figure("a record split off its bundle, at the least", limit.split_us, "µs"),
        Figure("a record hashed into the tree, at the least", limit.hash_us, "µs"),
        Figure("a record's share of a bundle's row, 16 a commit, at the least", limit.sqlite_us, "µs"),
        Figure("limit: these one after another", limit.records_s, "records/s"),
        Figure(f"one log of {records:,}", one.records_s, "records/s"),
        Figure("one log, against that limit", one.records_s / limit.records_s, "times", LEAST, 0.6),
        Figure(each, many.records_s, "records/s"),
        Figure(f"{each}, against one log", many.records_s / one.records_s, "times", LEAST, 0.85),
        Figure("one log, the receiver's processor time a record", one.used_s / records * 1e6, "µs"),
        Figure("one log, the sender's processor time a record", one.served_s / records * 1e6, "µs"),
        Figure("one log, indexed too", records / one.indexed_s, "records/s"),
        Figure(f"{each}, indexed too", records / many.indexed_s, "records/s"),
        Figure("bytes on the wire for a byte of entries", wire, "bytes", MOST, 1.03),
        Figure(f"receiver's memory, more at {records:,}", max(_list_grown(rounds.one_log)), "MiB", MOST, 20),
        *_judge_hypercore(rounds.relative, one.records_s, records),
    ]


def _list_grown(runs: Sequence[Replicated]) -> list[float]:
    return [run.grown_mib for run in runs]


def _judge_hypercore(runs: Sequence[hypercore.Replicated], ours_s: float, records: int) -> list[Figure]:
    if not runs:
        return []
    best = max(runs, key=lambda run: run.records_s)
    return [
        Figure(f"hypercore {hypercore.VERSION}, one log of {records:,}", best.records_s, "records/s"),
        Figure("hypercore, bytes on the wire a record", best.wire_bytes / records, "bytes"),
        Figure("hypercore, receiver's memory, more", best.grown_mib, "MiB"),
        Figure("one log, against hypercore", ours_s / best.records_s, "times", LEAST, 20),
    ]


def _measure_long(folder: Path, records: int) -> list[Figure]:
    long = replicate(_make(folder, "long"), 1, records)
    shutil.rmtree(folder / "long")
    return [
        Figure(f"one log of {records:,}", long.records_s, "records/s"),
        Figure(f"receiver's memory, more at {records:,}", long.grown_mib, "MiB", MOST, 20),
        Figure("the same until all is indexed", max(long.grown_mib, long.grown_indexed_mib), "MiB"),
        Figure(f"one log of {records:,}, indexed too", records / long.indexed_s, "records/s"),
    ]


def _measure_waits(folder: Path, count: int, rounds: Rounds) -> list[Figure]:
    ours_ms = measure_waits(_make(folder, "waits"), count, GAP_MS)
    theirs_ms = next((run.waits_ms for run in rounds.relative if run.waits_ms), None)
    figures = [
        Figure("append to visible on an idle link, half within", statistics.median(ours_ms), "ms", MOST, 2.5),
        Figure("append to visible on an idle link, 99 of 100 within", percentile(ours_ms, 99), "ms", MOST, 8),
    ]
    if theirs_ms:
        figures.append(Figure("hypercore, half within", statistics.median(theirs_ms), "ms"))
        figures.append(Figure("hypercore, 99 of 100 within", percentile(theirs_ms, 99), "ms"))
    return figures


def _judge_many(many: ManyLogs, logs: int) -> list[Figure]:
    changed = logs * CHANGED_PERCENT // 100
    more = many.changed.session_bytes - many.again.session_bytes
    beside = (more - many.changed_bytes) / changed
    return [
        Figure(f"first meeting of two nodes level in {logs:,} logs", many.first.session_bytes / 1e3, "kB"),
        Figure("until all was told", many.first.told_ms, "ms"),
        Figure("reconnect of the two, level", many.again.session_bytes, "bytes", MOST, 1_000),
        Figure("the same with TLS, HTTP and headers of packets", many.again.wire_bytes, "bytes"),
        Figure("reconnect, level, from the call until all is told", many.again.told_ms, "ms", MOST, 10),
        Figure("reconnect with 1 % changed: a changed log, entry and head", more / changed, "bytes"),
        Figure("a changed log, beside its entry and signed head", beside, "bytes", MOST, 100),
        Figure("reconnect with 1 % changed, until level", many.changed.level_ms, "ms"),
        Figure("idle minute, bytes of frames", many.idle.session_bytes, "bytes"),
        Figure("idle minute, bytes on the wire", many.idle.wire_bytes, "bytes"),
        Figure("idle minute, processor time of the one that called", many.idle.calling_cpu_ms, "ms"),
        Figure("idle minute, processor time of the other", many.idle.called_cpu_ms, "ms"),
    ]


if __name__ == "__main__":
    sys.exit(main())

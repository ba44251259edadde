"""Measures the log: durable appends, the audit of a long one, proofs from a longer one, and what it takes on disk.

    scripts/bench log [--json] [--appends] [--records N] [--proof-records N] [--folder DIR]

Entries are made up. Linux only. Each figure stands beside what it must reach; exit code 1 where one is missed.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node
from node.use_cases.log.auditing import audit_proof, policy_of_key
from node.use_cases.log.export import ExportParams, export_log
from node.use_cases.log.proofs import ProveParams, prove_record
from protocol.core.identity import HOME_SEED_BYTES, generate_home_keys
from protocol.core.note import ED25519, VerifierKey, format_vkey
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree
from scripts.benches.figures import LEAST, MOST, Figure, percentile, report
from scripts.benches.log.appends import ENTRY_BYTES, KEY, ORIGIN, measure_appends
from storage.database import Database
from storage.files import Files
from storage.log import log_store

PROOF_ENTRY_BYTES = 40
PROOFS = 500
BUNDLES_A_COMMIT = 512

# A process that is begun by another counts that one's memory as its own peak, so it asks the kernel for its own.
WATCHED = """
import sys
from pathlib import Path
from node.cli.main import run_words
code = run_words(sys.argv[1:])
peak = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak[0].split()[1], file=sys.stderr)
sys.exit(code)
"""

Closed = tuple[int, bytes, bytes]


def main() -> int:
    """Measure, print, and say by the exit code whether everything was reached."""
    options = _read_options()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    folder = Path(tempfile.mkdtemp(prefix="rochdale-bench-", dir=options.folder))
    try:
        figures = asyncio.run(measure_appends(folder))
        if not options.appends:
            figures += _measure_audit(folder, options.records)
            figures += asyncio.run(_measure_proofs(folder, options.proof_records))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report(figures, [], options.json)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench log", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--appends", action="store_true", help="measure appending and publishing alone")
    parser.add_argument("--records", type=int, default=1_000_000, help="length of the log that is audited")
    parser.add_argument("--proof-records", type=int, default=10_000_000, help="length of the log that is proven from")
    parser.add_argument("--folder", help="where to work; the machine's temporary folder if none is named")
    return parser.parse_args()


def _measure_audit(folder: Path, size: int) -> list[Figure]:
    """Export a log and have it audited by the command, in a process of its own."""
    database = Database(folder / "node.sqlite")
    fill_log(database, size, ENTRY_BYTES)
    started = time.perf_counter()
    node = _bare_node(folder, database)
    asyncio.run(export_log(node, ExportParams(folder=str(folder / "out"), origin=ORIGIN)))
    export_s = time.perf_counter() - started
    database.close()
    (folder / "node.sqlite").unlink()
    vkey = format_vkey(ORIGIN, ED25519, KEY.public)
    command = [sys.executable, "-c", WATCHED, "audit", "log", str(folder / "out"), "--key", vkey, "--json"]
    started, before_s = time.perf_counter(), _children_s()
    # The words are this script's own.
    ended = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    audit_s, processor_s = time.perf_counter() - started, _children_s() - before_s
    report = json.loads(ended.stdout)
    assert ended.returncode == 0 and report["records"] == size, report
    peak_mib = int(ended.stderr.split()[-1]) / 1_024
    shutil.rmtree(folder / "out")
    return [
        Figure(f"export of {size:,} records", size / export_s, "records/s"),
        Figure(
            f"audit of {size:,} records of {ENTRY_BYTES} bytes", size / processor_s, "records/core s", LEAST, 200_000
        ),
        Figure("audit by the clock on the wall", size / audit_s, "records/s"),
        Figure("audit, resident at most", peak_mib, "MiB", MOST, 150),
    ]


def _children_s() -> float:
    """Processor time of ended processes of ours: another program's work on this machine is not counted."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _measure_proofs(folder: Path, size: int) -> list[Figure]:
    """Proofs of records all over a long log, each made and checked."""
    database = Database(folder / "node.sqlite")
    fill_log(database, size, PROOF_ENTRY_BYTES)
    node = _bare_node(folder, database)
    started = time.perf_counter()
    await prove_record(node, ProveParams(index=0, origin=ORIGIN))
    first_ms = (time.perf_counter() - started) * 1_000
    made_ms, checked_ms, longest = [], [], 0
    key = VerifierKey(ORIGIN, ED25519, KEY.public)
    for place in range(PROOFS):
        begun = time.perf_counter()
        view = await prove_record(node, ProveParams(index=place * (size - 1) // (PROOFS - 1), origin=ORIGIN))
        made_ms.append((time.perf_counter() - begun) * 1_000)
        raw = view.proof.encode()
        begun = time.perf_counter()
        audit_proof(raw, policy_of_key(key), key)
        checked_ms.append((time.perf_counter() - begun) * 1_000)
        longest = max(longest, len(raw))
    database.close()
    return [
        Figure(f"first proof from {size:,} records, tiles kept then", first_ms, "ms"),
        Figure(f"proof from {size:,} records, half within", percentile(made_ms, 50), "ms"),
        Figure(f"proof from {size:,} records, 99 of 100 within", percentile(made_ms, 99), "ms", MOST, 5),
        Figure("proof checked, 99 of 100 within", percentile(checked_ms, 99), "ms", MOST, 1),
        Figure("longest proof file", longest, "bytes"),
    ]


def fill_log(database: Database, size: int, entry_bytes: int) -> None:
    """A log of made-up entries, bundle by bundle as a transfer would bring it; its length"""
    database.write_and_wait(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    roots: list[bytes] = []
    closed: list[Closed] = []
    whole, rest = divmod(size, BUNDLE_ENTRIES)
    for number in range(whole):
        entries = [_entry(number * BUNDLE_ENTRIES + place, entry_bytes) for place in range(BUNDLE_ENTRIES)]
        roots.append(bundle_root(entries))
        closed.append((number, format_bundle(entries), roots[-1]))
        if len(closed) == BUNDLES_A_COMMIT and number + 1 < whole:
            _store(database, closed, None, Checkpoint(ORIGIN, size, bytes(32)))
            closed = []
    opened = [_entry(whole * BUNDLE_ENTRIES + place, entry_bytes) for place in range(rest)]
    root = Tree.of(roots).root(bundle_root(opened) if opened else None)
    _store(database, closed, opened, Checkpoint(ORIGIN, size, root))
    head = database.write_and_wait(lambda db: log_store.head(db, ORIGIN))
    assert head is not None and head.size == size


def _store(database: Database, closed: list[Closed], opened: list[bytes] | None, checkpoint: Checkpoint) -> None:
    note = sign_checkpoint(checkpoint, KEY)
    database.write_and_wait(lambda db: log_store.store_bundles(db, closed, opened, checkpoint, note))


def _bare_node(folder: Path, database: Database) -> Node:
    """A node that only shows logs that it holds for others: keys of its own are never used."""
    keys = generate_home_keys(os.urandom(HOME_SEED_BYTES))
    config = Config(home=folder, name="Bench")
    return Node(config, Clock(), keys, database, Files(folder / "files"), "reader.example/log", "Bench")


def _entry(index: int, length: int) -> bytes:
    return index.to_bytes(8) * (length // 8)


if __name__ == "__main__":
    sys.exit(main())

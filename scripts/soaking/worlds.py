"""Many worlds, one seed after the other, on several processors; what was lived through is remembered."""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import NamedTuple

from node.cli.simulate import describe_outcome, find_commit
from node.simulation.rounds.run import run_rounds
from node.simulation.rounds.scenario import draw_scenario as draw_rounds
from node.simulation.world.disk.sqlite_vfs import is_available
from node.simulation.world.run import run_scenario
from node.simulation.world.scenario import draw_scenario
from scripts.soaking.orphans import end_with_parent

SEEDS = 50_000
CHUNK = 10
CHUNKS_A_PROCESS = 200
"""After so many a process is replaced by a fresh one."""
SHRUNK_MAX = 3
"""Failures that are shrunk; of the others the seed is said."""


class Failure(NamedTuple):
    """A seed whose world broke, and by which rule."""

    seed: int
    rule: str
    detail: str


Live = Callable[[Sequence[int]], list[Failure]]


def _live_through(seeds: Sequence[int]) -> list[Failure]:
    """The failures among these seeds."""
    outcomes = [run_scenario(draw_scenario(seed)) for seed in seeds]
    return [Failure(one.scenario.seed, one.rule, one.detail) for one in outcomes if one.rule]


def _live_through_plans(seeds: Sequence[int]) -> list[Failure]:
    """The same for the rounds of a plan."""
    outcomes = [run_rounds(draw_rounds(seed)) for seed in seeds]
    return [Failure(one.scenario.seed, one.rule, one.detail) for one in outcomes if one.rule]


def soak(first: int, last: int, processes: int, state: Path | None, live: Live = _live_through) -> list[Failure]:
    """Live through first..last, but for what `state` says is done; the failures, also those it remembers."""
    done, failures = _load(state)
    chunks = [seeds for seeds in _cut(first, last) if seeds[0] not in done]
    spawned = get_context("spawn")
    with ProcessPoolExecutor(processes, spawned, end_with_parent, max_tasks_per_child=CHUNKS_A_PROCESS) as pool:
        running = {pool.submit(live, list(seeds)): seeds[0] for seeds in chunks}
        for ended in as_completed(running):
            found = ended.result()
            done.add(running[ended])
            failures += found
            for failure in found:
                print(f"seed {failure.seed}: {failure.detail}", flush=True)
            _save(state, done, failures)
    return sorted(failures)


def run_main(words: Sequence[str]) -> int:
    """The script: 0 where everything held, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int, default=SEEDS)
    parser.add_argument("--processes", type=int, default=cpu_count() or 1)
    parser.add_argument("--state", type=Path, default=Path(".soak.json"))
    parser.add_argument("--plans", action="store_true", help="the rounds of plans, in place of whole nodes")
    given = parser.parse_args(words)
    if given.plans:
        return _soak_plans(given)
    if not is_available():
        print("This Python's SQLite cannot be reached: no world was lived through.")
        return 1
    failures = _soak_and_tell(given, _live_through)
    for failure in failures[:SHRUNK_MAX]:
        print("\n".join(describe_outcome(run_scenario(draw_scenario(failure.seed)))))
    for failure in failures[SHRUNK_MAX:]:
        print(f"Also: rochdale simulate --seed {failure.seed}")
    return 1 if failures else 0


def _soak_plans(given: argparse.Namespace) -> int:
    failures = _soak_and_tell(given, _live_through_plans)
    for failure in failures:
        print(f"rochdale simulate --plan --seed {failure.seed}: {failure.rule}")
    return 1 if failures else 0


def _soak_and_tell(given: argparse.Namespace, live: Live) -> list[Failure]:
    start_s = time.monotonic()
    state = given.state.with_suffix(".plans.json") if given.plans else given.state
    failures = soak(given.first, given.last, given.processes, state, live)
    seeds, seconds = given.last - given.first + 1, time.monotonic() - start_s
    print(f"{seeds} seeds, {len(failures)} failed; this run took {seconds:.0f} s on {given.processes} processes.")
    return failures


def _cut(first: int, last: int) -> Iterator[range]:
    for start in range(first, last + 1, CHUNK):
        yield range(start, min(start + CHUNK, last + 1))


def _load(state: Path | None) -> tuple[set[int], list[Failure]]:
    """The chunks that were done at this commit, by their first seed, and what failed in them."""
    if state is None or not state.exists():
        return set(), []
    known = json.loads(state.read_text("utf-8"))
    if known["commit"] != find_commit() or known["chunk"] != CHUNK:
        return set(), []
    return set(known["done"]), [Failure(*failure) for failure in known["failures"]]


def _save(state: Path | None, done: set[int], failures: list[Failure]) -> None:
    if state is not None:
        kept = {"commit": find_commit(), "chunk": CHUNK, "done": sorted(done), "failures": failures}
        scratch = state.with_suffix(".part")
        scratch.write_text(json.dumps(kept), "utf-8")
        scratch.replace(state)

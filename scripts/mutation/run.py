"""Which planted faults no test notices: the mutants of an area, drawn by a seed, one after the other."""

import argparse
import ast
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from scripts.mutation.areas import AREAS
from scripts.mutation.equivalents import EQUIVALENTS
from scripts.mutation.mutants import Mutant, find_mutants
from scripts.mutation.trial import (
    CPU_SPARE_S,
    CPU_TIMES,
    WALL_TIMES,
    MutatedFinder,
    Reach,
    Recorder,
    Selection,
    run_mutant,
    run_tests,
    set_limits,
    wait_for,
)

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = 150
FIRST_RUN_CPU_S: Final = 300
FIRST_RUN_WALL_S: Final = 1_800
"""For the tests of one module without a mutant."""
KILLED_SHARE_LEAST: Final = 0.85


class Outcome(NamedTuple):
    """One mutant's end: killed, survived, or equivalent (then `reason` says why)."""

    path: str
    name: str
    end: str
    seconds: float
    reason: str


def draw_mutants(area: str, sample: int, seed: int) -> list[tuple[str, str]]:
    """(path, name) of at most `sample` mutants of an area, the same for the same source and seed; 0 means all."""
    named = [(path, mutant.name) for path in AREAS[area] for mutant in read_mutants(path)[1]]
    ranked = sorted(named, key=lambda pair: sha256(f"{seed}:{pair[0]}:{pair[1]}".encode()).digest())
    drawn = set(ranked[:sample] if sample else ranked)
    return [pair for pair in named if pair in drawn]


def _try_mutants(drawn: Sequence[tuple[str, str]], area: str) -> Iterator[Outcome]:
    """The end of each, module by module."""
    for path, files in AREAS[area].items():
        names = [name for drawn_path, name in drawn if drawn_path == path]
        reach = _record_reach(path, files) if names else None
        for name in names:
            if reason := EQUIVALENTS.get((path, name)):
                yield Outcome(path, name, "equivalent", 0.0, reason)
            elif reach:
                yield _try_mutant(path, name, files, reach)


def run_main(words: Sequence[str]) -> int:
    """The script: 0 where enough mutants of every area were killed, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/mutate")
    parser.add_argument("--area", choices=list(AREAS), action="append")
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--match", default="", help="only mutants whose path and name hold this text")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    shares = []
    for area in given.area or AREAS:
        drawn = [
            pair for pair in draw_mutants(area, given.sample, given.seed) if given.match in f"{pair[0]}: {pair[1]}"
        ]
        outcomes = []
        for outcome in _try_mutants(drawn, area):
            outcomes.append(outcome)
            if outcome.end == "survived" and not given.json:
                print(f"survived  {outcome.path}: {outcome.name}  {outcome.reason}".rstrip(), flush=True)
        shares.append(_report(area, outcomes, given.json))
    return 0 if all(share >= KILLED_SHARE_LEAST for share in shares) else 1


def _report(area: str, outcomes: Sequence[Outcome], as_json: bool) -> float:
    ends = [outcome.end for outcome in outcomes]
    killed, survived, equivalent = (ends.count(end) for end in ("killed", "survived", "equivalent"))
    share = killed / (killed + survived) if killed + survived else 1.0
    if as_json:
        print(json.dumps({"area": area, "share": round(share, 3), "mutants": [each._asdict() for each in outcomes]}))
    else:
        print(
            f"{area}: {len(ends)} mutants, {killed} killed, {survived} survived, {equivalent} equivalent: {share:.1%}",
            flush=True,
        )
    return share


def read_mutants(path: str) -> tuple[ast.Module, list[Mutant]]:
    """A module's tree, and all mutants that can be planted into it."""
    tree = ast.parse((ROOT / path).read_text())
    return tree, find_mutants(tree)


def _record_reach(path: str, files: Sequence[str]) -> Reach:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "reach"
        child = os.fork()
        if not child:
            set_limits(FIRST_RUN_CPU_S)
            recorder = Recorder(ROOT / path)
            code = run_tests(files, recorder)
            answer.write_text(
                json.dumps([recorder.seconds, {test: [*reached] for test, reached in recorder.lines.items()}])
            )
            os._exit(code)
        if wait_for(child, FIRST_RUN_WALL_S) != 0:
            raise SystemExit(f"{path}: its tests fail without a mutant: {' '.join(files)}")
        seconds, lines = json.loads(answer.read_text())
    return Reach(seconds, {test: frozenset(reached) for test, reached in lines.items()})


def _try_mutant(path: str, name: str, files: Sequence[str], reach: Reach) -> Outcome:
    tree, mutants = read_mutants(path)
    mutant = next(each for each in mutants if each.name == name)
    tests = reach.tests_of(mutant.line)
    start_s = time.monotonic()
    if not tests:
        return Outcome(path, name, "survived", 0.0, "no test reaches it")
    cpu_s = CPU_SPARE_S + CPU_TIMES * sum(reach.seconds[test] for test in tests)
    child = os.fork()
    if not child:
        set_limits(cpu_s)
        mutant.plant()
        module = path.removesuffix(".py").replace("/", ".")
        reached = [file for file in files if any(test.startswith(file) for test in tests)]
        finder = MutatedFinder(module, ROOT / path, tree)
        os._exit(run_mutant(finder, reached, Selection(tests, reach.seconds)))
    code = wait_for(child, WALL_TIMES * cpu_s)
    return Outcome(path, name, "survived" if code == 0 else "killed", time.monotonic() - start_s, "")


if __name__ == "__main__":
    sys.exit(run_main(sys.argv[1:]))

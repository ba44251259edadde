"""Measures what a process of ours costs before it does its work: processor time, as the kernel counts it.

    scripts/bench start [--json] [--times N]

Of each the least of so many runs: what other work on the machine adds is not ours. Exit code 1 where a bar is missed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from scripts.benches.figures import MOST, Figure, report

HELP_MOST_S: Final = 0.15
STATUS_MOST_S: Final = 0.4
TIMES: Final = 5
ROCHDALE: Final = ("-m", "node.cli.main")


def main() -> int:
    """Measure, print, and say by the exit code whether everything was reached."""
    parser = argparse.ArgumentParser(prog="scripts/bench start", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--times", type=int, default=TIMES, help="runs of each, of which the best counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rochdale-bench-") as folder:
        figures = measure(Path(folder), options.times)
    return report(figures, [], options.json)


def measure(folder: Path, times: int) -> list[Figure]:
    """All figures, at homes that are made for it in a folder."""
    homes = [(*ROCHDALE, "--home", str(folder / str(number)), "--json") for number in range(times)]
    init_s = min(_cost_s((*at_home, "init")) for at_home in homes)
    off_s = _least_cost_s((*homes[0], "status"), times)
    running = [_measure_running(at_home) for at_home in homes]
    bare_s, help_s = _least_cost_s(("-c", "import click"), times), _least_cost_s((*ROCHDALE, "--help"), times)
    return [
        Figure("`rochdale --help`, beyond Python and click", help_s - bare_s, "s", MOST, HELP_MOST_S),
        Figure(
            "`rochdale status` beside a running node", min(one.status_s for one in running), "s", MOST, STATUS_MOST_S
        ),
        Figure("`rochdale status` at a home whose node is off", off_s, "s"),
        Figure("`rochdale init`", init_s, "s"),
        Figure("`rochdale run` until it answers", min(one.run_s for one in running), "s"),
    ]


class _Running(NamedTuple):
    """What a node cost until it said where it answers, and then a command beside it."""

    run_s: float
    status_s: float


def _measure_running(at_home: tuple[str, ...]) -> _Running:
    line = [sys.executable, *at_home, "run"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as node:  # noqa: S603
        try:
            assert node.stdout is not None
            assert "pages" in json.loads(node.stdout.readline())
            ticks = Path(f"/proc/{node.pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
            run_s = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            return _Running(run_s, _cost_s((*at_home, "status")))
        finally:
            node.terminate()


def _least_cost_s(words: tuple[str, ...], times: int) -> float:
    return min(_cost_s(words) for _ in range(times))


def _cost_s(words: tuple[str, ...]) -> float:
    """Seconds of processor of one process that ran to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())

"""Simulates a large federation: how far, how soon and at what cost records spread, and what is left when many vanish.

    scripts/bench overlay [--json] [--nodes N] [--authors N] [--seed N] [--reduced-nodes N]

Everything is made up and drawn from the seed; time is virtual. Exit code 1 where a bar is missed.
"""

import argparse
import sys

from node.simulation.overlay.reduced import run_reduced
from node.simulation.overlay.run import run_overlay
from node.simulation.overlay.words import REAL, list_lines, list_reduced_lines
from scripts.benches.figures import Figure, report


def main() -> int:
    """Run, print, and say by the exit code whether everything was reached."""
    options = _read_options()
    full = run_overlay(options.nodes, options.authors, options.seed, _say)
    reduced = run_reduced(options.reduced_nodes, options.seed)
    figures = [Figure(*line) for line in (*list_lines(full), *list_reduced_lines(reduced))]
    drawn = f"Seed {full.seed}, {full.nodes} nodes, {full.authors} authors; entry 400 bytes, note {full.note_bytes}."
    return report(figures, [drawn, REAL, reduced.reduced], options.json)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench overlay", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--authors", type=int, default=10, help="how many of them publish")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reduced-nodes", type=int, default=100_000, help="nodes of the reduced model")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Measures planning: rounds, gaps, seconds and bytes on made-up economies; the textbook rules and liars beside.

    scripts/bench plan [--json] [--size 20|200|1000] [--seeds N] [--tables bea,uk] [--variants A,B] [--only PARTS]

Each figure stands beside what it must reach; exit code 1 where one is missed. Seconds are one process's own.
"""

import argparse
import math
import sys
import time
from statistics import median

from node.use_cases.planning.trial import measure_bytes
from protocol.core.errors import RefusedError
from protocol.planning.certificate import check_certificate
from protocol.planning.simulation.members import Members
from scripts.figures import MOST, Figure, report
from scripts.plan_bench.agent_liars import open_stage
from scripts.plan_bench.agent_lies import tell_agent_lies
from scripts.plan_bench.batches import BATCHES_VARIANT, BATCHINGS, WAIT_S, make_lumpy, measure_batching
from scripts.plan_bench.economies import SIZES, TABLES, VARIANTS, Region, make_region
from scripts.plan_bench.liars import tell_lies
from scripts.plan_bench.tatonnement import damped, follow_rule, naive
from scripts.plan_bench.trials import ROUNDS_MOST, TOLERANCES, Course, lose_answers, run_course, run_warm

ROUNDS_BARS = {20: (8, 14), 200: (12, 25), 1000: (16, 30)}
GAP_BARS = (0.2, 0.02)
WARM_ROUNDS, WARM_SHOCK = 5, 0.05
SILENT_PPM, SILENT_MORE = 100_000, 1.5
SECONDS_1000 = 30.0
BYTES_A_ROUND = 1_000_000
CERTIFICATE_MS = 50.0
CHECKS = 5
PARTS = ("rounds", "warm", "silent", "textbook", "liars", "batches", "agent")
AGENT_SEEDS_MOST = 3
REFUSED = 2


def main() -> int:
    """Measure, print, and say by the exit code whether everything was reached."""
    options = _read_options()
    seeds = list(range(1, options.seeds + 1))
    parts = options.only.split(",")
    figures: list[Figure] = []
    try:
        if set(parts) - {"agent"}:
            for table in options.tables.split(","):
                for variant in options.variants.split(","):
                    figures += measure_variant(table, options.size, variant, seeds, parts)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return REFUSED
    if "agent" in parts:
        figures += measure_agent(seeds[:AGENT_SEEDS_MOST])
    return report(figures, [f"seeds {seeds[0]} to {seeds[-1]}; {options.size} goods"], options.json)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench plan", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--size", type=int, choices=sorted(SIZES), default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    return parser.parse_args()


def measure_variant(table: str, size: int, variant: str, seeds: list[int], parts: list[str]) -> list[Figure]:
    """All figures of one table and variant."""
    place = f"{table} {size}, {variant}"
    figures: list[Figure] = []
    regions = {seed: make_region(table, size, variant, seed) for seed in seeds}
    courses = {seed: run_course(region) for seed, region in regions.items()}
    if "rounds" in parts:
        figures += _tell_rounds(place, size, list(courses.values()))
        figures += measure_course(place, size, courses[seeds[0]], regions[seeds[0]].members)
    if "warm" in parts:
        warm = [run_warm(regions[seed], make_region(table, size, variant, seed, WARM_SHOCK)) for seed in seeds]
        figures.append(
            Figure(f"{place}: warm after 5 % shocks to 1 %, median", median(warm), "rounds", MOST, WARM_ROUNDS)
        )
        figures.append(Figure(f"{place}: the same, worst", max(warm), "rounds"))
    if "silent" in parts:
        ratios = [_lost(regions[seed], seed) / _rounds(courses[seed], TOLERANCES[0]) for seed in seeds]
        figures.append(
            Figure(f"{place}: 10 % silent, rounds to 1 %, median", median(ratios), "times", MOST, SILENT_MORE)
        )
    if "textbook" in parts:
        for name, rule in (("naive 0.05", naive(0.05)), ("naive 0.15", naive(0.15)), ("damped", damped())):
            _, best = follow_rule(regions[seeds[0]], rule, TOLERANCES[0] / 1e6)
            figures.append(Figure(f"{place}: {name} in 200 rounds, worst good at best", 100 * best, "%"))
    if "liars" in parts and size == min(SIZES) and variant == "effort 0.3":
        for lie, (gain, others) in tell_lies(regions[seeds[0]]).items():
            figures.append(Figure(f"{place}: {lie}: gains", gain, "%"))
            figures.append(Figure(f"{place}: {lie}: all councils", others, "%"))
    if "batches" in parts and variant == BATCHES_VARIANT:
        for batching in BATCHINGS:
            lumpy = [make_lumpy(table, size, variant, seed, batching) for seed in seeds]
            figures += measure_batching(place, lumpy, batching, WAIT_S[size])
    return figures


def measure_agent(seeds: list[int]) -> list[Figure]:
    """What lying through the agent gains in the made-up region, by seed."""
    figures: list[Figure] = []
    for seed in seeds:
        with open_stage(seed) as stage:
            told = tell_agent_lies(stage)
        for one in told:
            place = f"agent, seed {seed}: {one.lie}"
            known = [("gains", one.gains), ("the others, in the mean", one.others)]
            figures += [Figure(f"{place}: {name}", gain, "%") for name, gain in known if not math.isnan(gain)]
            found = [("void", one.is_void), ("odd answers", one.is_odd), ("no end", one.has_no_end)]
            figures += [Figure(f"{place}: {name}", 1, "yes") for name, is_so in found if is_so]
    return figures


def _rounds(course: Course, tolerance: int) -> int:
    return course.rounds.get(tolerance, ROUNDS_MOST + 1)


def _tell_rounds(place: str, size: int, courses: list[Course]) -> list[Figure]:
    figures = []
    for tolerance, bar, gap_bar in zip(TOLERANCES, ROUNDS_BARS[size], GAP_BARS, strict=True):
        percent = f"{tolerance / 10_000:g} %"
        rounds = [_rounds(course, tolerance) for course in courses]
        gaps = [course.gaps.get(tolerance, 100.0) for course in courses]
        figures.append(Figure(f"{place}: rounds to {percent}, median", median(rounds), "rounds", MOST, bar))
        figures.append(Figure(f"{place}: rounds to {percent}, worst", max(rounds), "rounds"))
        figures.append(Figure(f"{place}: gap at {percent}, worst", max(gaps), "% of credits", MOST, gap_bar))
    return figures


def measure_course(place: str, size: int, course: Course, members: Members) -> list[Figure]:
    """Seconds, bytes and the check, on the first seed."""
    coarse = TOLERANCES[0]
    records, heads = measure_bytes(course.answers)
    seconds = course.seconds.get(coarse, float("inf"))
    limits = (MOST, SECONDS_1000) if size == max(SIZES) else ("", 0.0)
    figures = [
        Figure(f"{place}: all rounds to 1 % and clearing, everybody's answers too", seconds, "s", *limits),
        Figure(f"{place}: public steps to the end", course.public_seconds, "s"),
        Figure(f"{place}: answers of a round", records, "bytes", MOST, BYTES_A_ROUND),
        Figure(f"{place}: the same with signed heads", records + heads, "bytes"),
    ]
    plan = next(iter(course.plans.values()), None)
    if plan is not None:
        regrets = members.regrets(plan)
        times = []
        for _ in range(CHECKS):
            began_s = time.process_time()
            check_certificate(plan, regrets)
            times.append(1_000 * (time.process_time() - began_s))
        figures.append(Figure(f"{place}: certificate checked", median(times), "ms", MOST, CERTIFICATE_MS))
    return figures


def _lost(region: Region, seed: int) -> int:
    course = run_course(region, TOLERANCES[:1], change=lose_answers(SILENT_PPM, seed))
    return _rounds(course, TOLERANCES[0])


if __name__ == "__main__":
    sys.exit(main())

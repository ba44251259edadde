"""Measures planning: rounds, gaps, seconds and bytes on made-up economies; the textbook rules and liars beside.

    scripts/bench plan [--json] [--full | --size 20|200|1000] [--seeds N] [--tables bea,uk] [--only PARTS]

Each figure stands beside what it must reach; exit code 1 where one is missed. Seconds are on the clock of an idle
machine.
`--full` is every size with every bar, private recipes too; it takes hours, of which the thousand goods are most.
"""

import argparse
import math
import sys
import time
from statistics import median

from node.use_cases.planning.trials.trial import measure_bytes
from protocol.core.errors import RefusedError
from protocol.planning.certificate import check_certificate
from protocol.planning.economy_file import hide_all
from protocol.planning.simulation.members import Members
from scripts.benches.figures import MOST, Figure, report
from scripts.benches.plan.agent_liars import open_stage
from scripts.benches.plan.agent_lies import tell_agent_lies
from scripts.benches.plan.batches import BATCHES_VARIANT, BATCHINGS, WAIT_S, make_lumpy, measure_batching
from scripts.benches.plan.economies import SIZES, TABLES, VARIANTS, Region, make_region, open_region
from scripts.benches.plan.liars import tell_lies
from scripts.benches.plan.tatonnement import damped, follow_rule, naive
from scripts.benches.plan.trials import ROUNDS_MOST, TOLERANCES, Course, lose_answers, run_course, run_warm

ROUNDS_BARS = {20: (8, 14), 200: (12, 25), 1000: (16, 30)}
GAP_BARS = (0.2, 0.02)
# With all recipes private, trade nodes too; one such variant is enough, and its seeds are fewer.
PRIVATE_BARS = {20: (32, 42), 200: (43, 95), 1000: (82, 167)}
PRIVATE_VARIANT = "effort 0.3"
PRIVATE_ROUNDS_MOST = 200
WARM_ROUNDS, WARM_SHOCK = 5, 0.05
SILENT_PPM, SILENT_MORE = 100_000, 1.5
SECONDS_1000 = 30.0
BYTES_A_ROUND = 1_000_000
CERTIFICATE_MS = 50.0
CHECKS = 5
PARTS = ("rounds", "private", "warm", "silent", "textbook", "liars", "batches", "agent")
# What `--full` measures of a thousand goods, and on how many seeds.
SEEDS = {20: 10, 200: 10, 1000: 1}
PRIVATE_SEEDS = {20: 10, 200: 2, 1000: 1}
LARGE_PARTS = {"rounds", "private"}
AGENT_SEEDS_MOST = 3
REFUSED = 2


def main() -> int:
    """Measure, print, and say by the exit code whether everything was reached."""
    options = _read_options()
    wanted = set(options.only.split(","))
    figures: list[Figure] = []
    notes: list[str] = []
    try:
        for size in sorted(SIZES) if options.full else [options.size]:
            count = options.seeds or SEEDS[size]
            private = min(count, PRIVATE_SEEDS[size])
            notes.append(f"{size} goods: seeds 1 to {count}; with private recipes seeds 1 to {private}")
            parts = wanted & LARGE_PARTS if options.full and size == max(SIZES) else wanted - {"agent"}
            if parts:
                for table in options.tables.split(","):
                    for variant in options.variants.split(","):
                        figures += _measure_variant(table, size, variant, list(range(1, count + 1)), parts)
                        print(f"measured: {table} {size}, {variant}", file=sys.stderr, flush=True)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return REFUSED
    if "agent" in wanted:
        figures += _measure_agent(list(range(1, min(options.seeds or AGENT_SEEDS_MOST, AGENT_SEEDS_MOST) + 1)))
    return report(figures, notes, options.json)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench plan", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--size", type=int, choices=sorted(SIZES), default=20)
    parser.add_argument("--full", action="store_true", help="every size and every bar, in place of --size")
    parser.add_argument("--seeds", type=int, help="from 1 to this one; else as many as the size allows")
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    return parser.parse_args()


def _measure_variant(table: str, size: int, variant: str, seeds: list[int], parts: set[str]) -> list[Figure]:
    """All figures of one table and variant."""
    place = f"{table} {size}, {variant}"
    figures: list[Figure] = []
    regions = {seed: make_region(table, size, variant, seed) for seed in seeds}
    courses = {seed: run_course(region) for seed, region in regions.items()}
    if "rounds" in parts:
        figures += _tell_rounds(place, ROUNDS_BARS[size], list(courses.values()))
        figures += measure_course(place, size, courses[seeds[0]], regions[seeds[0]].members)
    if "private" in parts and variant == PRIVATE_VARIANT:
        figures += _measure_private(place, size, [regions[seed] for seed in seeds[: PRIVATE_SEEDS[size]]])
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


def _measure_agent(seeds: list[int]) -> list[Figure]:
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


def _measure_private(place: str, size: int, regions: list[Region]) -> list[Figure]:
    """Rounds and gaps where nobody opens a recipe."""
    hidden = [open_region(hide_all(region.file)) for region in regions]
    courses = [run_course(region, rounds_most=PRIVATE_ROUNDS_MOST) for region in hidden]
    return _tell_rounds(f"{place}, recipes private", PRIVATE_BARS[size], courses, PRIVATE_ROUNDS_MOST)


def _rounds(course: Course, tolerance: int, most: int = ROUNDS_MOST) -> int:
    return course.rounds.get(tolerance, most + 1)


def _tell_rounds(place: str, bars: tuple[int, int], courses: list[Course], most: int = ROUNDS_MOST) -> list[Figure]:
    figures = []
    for tolerance, bar, gap_bar in zip(TOLERANCES, bars, GAP_BARS, strict=True):
        percent = f"{tolerance / 10_000:g} %"
        rounds = [_rounds(course, tolerance, most) for course in courses]
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
        Figure(f"{place}: the same, seconds of all cores", course.core_seconds.get(coarse, float("inf")), "s"),
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

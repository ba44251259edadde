"""Trials: rounds to 1 % and 0.1 %, what clearing then costs, how long it took, and what was published."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import Plan, make_plan
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.state import State
from scripts.benches.plan.economies import Region

PPM = 1_000_000
TOLERANCES = (10_000, 1_000)
ROUNDS_MOST = 60
Answers = dict[str, Answer | None]
Change = Callable[[int, Answers], Answers]


@dataclass
class Course:
    """How one trial went: by tolerance (ppm) the rounds, the gap in percent of credits, and seconds until then.

    `seconds` are on the clock, as an idle machine's people wait for them; `core_seconds` of all its cores together.
    """

    rounds: dict[int, int] = field(default_factory=dict)
    gaps: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    core_seconds: dict[int, float] = field(default_factory=dict)
    public_seconds: float = 0.0
    answers: Answers = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)


def run_course(
    region: Region,
    tolerances: tuple[int, ...] = TOLERANCES,
    start: State | None = None,
    change: Change = lambda _, answers: answers,
    rounds_most: int = ROUNDS_MOST,
) -> Course:
    """Honest answers, as `change` lets them through, until the finest tolerance is kept."""
    course, began_s, began_core_s = Course(), time.perf_counter(), time.process_time()
    state = start_state(region.economy) if start is None else start
    for number in range(1, rounds_most + 1):
        course.answers = change(number, dict(region.members.answer(state)))
        public_s = time.perf_counter()
        state, report = close_round(region.economy, state, course.answers)
        course.public_seconds += time.perf_counter() - public_s
        for tolerance in tolerances:
            if tolerance not in course.rounds and report.worst_good_ppm <= tolerance:
                course.rounds[tolerance] = number
                course.states[tolerance] = state
                _finish(region, course, state, report, tolerance)
                course.seconds[tolerance] = time.perf_counter() - began_s
                course.core_seconds[tolerance] = time.process_time() - began_core_s
        if len(course.rounds) == len(tolerances):
            break
    return course


def _finish(region: Region, course: Course, state: State, report: RoundReport, tolerance: int) -> None:
    plan = make_plan(region.economy, state, clear_plan(region.economy, state), report)
    certificate = check_certificate(plan, region.members.regrets(plan))
    if certificate.findings or certificate.gap_micro is None:
        raise AssertionError(f"a plan that does not hold: {certificate.findings[:1]}")
    course.plans[tolerance] = plan
    course.gaps[tolerance] = 100 * certificate.gap_micro / certificate.credits_micro


def run_warm(before: Region, after: Region) -> int:
    """Rounds to 1 % of a changed economy that takes up where the unchanged one was within 1 %."""
    first = run_course(before, TOLERANCES[:1])
    start = warm_start(after.economy, first.states[TOLERANCES[0]], before.economy)
    return run_course(after, TOLERANCES[:1], start).rounds.get(TOLERANCES[0], ROUNDS_MOST + 1)


def lose_answers(share_ppm: int, seed: int) -> Change:
    """A share of all answers is lost, drawn by a hash of seed, round and name."""

    def change(number: int, answers: Answers) -> Answers:
        return {name: None if _draw(seed, number, name) < share_ppm else answer for name, answer in answers.items()}

    return change


def _draw(seed: int, number: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}/{name}".encode()).digest()[:8], "big") * PPM >> 64

"""A plan tried out on an economy file: everybody answers honestly, nobody needs a home, nothing leaves this machine.

Invariant: rounds, clearing and certificate are the rules that real plans follow; only the answers are simulated.
Invariant: the same file and options give the same plan; who is silent follows from the seed by a hash, not by dice.
Whole batches are the exception: how far a solver comes in its time differs from machine to machine.
Spec: docs/spec/planning/planning-step.md, section "Trial".
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from node.clock import Clock
from node.use_cases.planning.batches.batching import batch_plan
from node.use_cases.planning.batches.report import describe_batches, list_batches
from node.use_cases.planning.periods.stocks import list_stocks
from node.use_cases.planning.trials.result import (
    PERCENT_DECIMALS,
    OpenedTrial,
    TrialBatches,
    TrialPlan,
    TrialResult,
    describe_plan,
    describe_rounds,
    percent_of_credits,
)
from protocol.core.encoding import to_value
from protocol.core.errors import RefusedError
from protocol.core.identity import KEY_ID_BYTES
from protocol.core.record import HASH_BYTES, Record, format_record
from protocol.log.checkpoint import Checkpoint, format_checkpoint
from protocol.planning.batches.sizes import has_batches
from protocol.planning.call import CardAnswer, PlanAnswer
from protocol.planning.cards import MICRO, PPM
from protocol.planning.certificate import all_workplaces, check_certificate
from protocol.planning.economy import build_economy
from protocol.planning.economy_file import EconomyFile, show_all
from protocol.planning.floors import check_floors
from protocol.planning.plan import Plan, make_plan
from protocol.planning.rounds import RoundReport
from protocol.planning.simulation.members import Members, gather_members
from protocol.planning.simulation.modes import MODES, Answers, Mode
from protocol.planning.simulation.pinned_rounds import replan
from protocol.planning.simulation.saved_state import format_saved, parse_saved
from protocol.planning.state import ROUND_MOST, State

BATCHES_WAIT_S = 20.0
ORIGIN = "answering.example/log"
# Base64 of a key's four bytes and an Ed25519 signature.
SIGNATURE_LETTERS = 92

Watch = Callable[[RoundReport], None]


@dataclass(frozen=True)
class TrialTerms:
    """How a trial is run: at most `rounds_most` rounds, `silent_ppm` of all answers lost, drawn from `seed`.

    Whole batches are looked for so long at most; for 0 the plan stays one that knows none.
    """

    mode: str = "open"
    rounds_most: int = 100
    silent_ppm: int = 0
    seed: int = 0
    batches_wait_s: float = BATCHES_WAIT_S


@dataclass(frozen=True)
class Trial:
    """What came of it: the answer for `--json`, the last state as a file, and the plan document."""

    result: TrialResult
    saved: bytes
    plan: Plan


def run_trial(
    file: EconomyFile, terms: TrialTerms, clock: Clock, start: bytes | None = None, watch: Watch = lambda _: None
) -> Trial:
    """Rounds until the worst good is within the file's tolerance, then the cleared and checked plan.

    `start` is the saved state of an earlier plan. RefusedError names floors that cannot be met and cards out of bounds.
    """
    began_s = clock.monotonic_s()
    mode = MODES[terms.mode]
    file = mode.prepare(file)
    economy = build_economy(file.table, file.consumers, file.workplaces)
    members = gather_members(economy, file.tastes, file.efforts)
    check_floors(economy)
    if start is None:
        state = mode.start(economy)
    else:
        previous, last = parse_saved(start, terms.mode)
        state = mode.restart(economy, last, previous)
    state, reports, said = _play_rounds(mode, members, state, terms, watch)
    plan = make_plan(economy, state, mode.clear(economy, state), reports[-1])
    batches = None
    if terms.batches_wait_s and has_batches(all_workplaces(plan)):
        plan, batches = _keep_batches(file, terms, state, plan, members, watch)
    rounds = describe_rounds(reports, clock.monotonic_s() - began_s)
    result = _describe_trial(describe_plan(rounds, economy, members, plan), said, batches)
    if file.periods:
        result = msgspec.structs.replace(result, stocks=list_stocks(plan, file.periods))
    if members.hidden:
        opened = _try_open(file, terms, clock)
        result = msgspec.structs.replace(
            result, private_workplaces=tuple(sorted(members.hidden)), recipes_opened=opened
        )
    return Trial(result, format_saved(terms.mode, economy, state), plan)


def _play_rounds(
    mode: Mode, members: Members, state: State, terms: TrialTerms, watch: Watch
) -> tuple[State, list[RoundReport], Answers]:
    """The last state, a report for each round, and the answers to the last one."""
    reports: list[RoundReport] = []
    said: Answers = {}
    while not reports or (len(reports) < terms.rounds_most and not reports[-1].is_close_enough):
        said = _silence(mode.answer(members, state), len(reports), terms)
        state, report = mode.close(members.economy, state, said)
        reports.append(report)
        watch(report)
    return state, reports, said


def _describe_trial(plan: TrialPlan, said: Answers, batches: TrialBatches | None) -> TrialResult:
    records, heads = measure_bytes(said)
    result = TrialResult(
        **msgspec.structs.asdict(plan), bytes_per_round=records, bytes_per_round_with_heads=records + heads
    )
    if batches is None:
        return result
    return msgspec.structs.replace(
        result,
        batches=batches,
        converged=plan.converged and batches.converged,
        # What no plan at all is better than the draft by, no plan that keeps batches is either.
        gap_percent_of_credits=min(plan.gap_percent_of_credits, batches.gap_percent),
    )


def _keep_batches(
    file: EconomyFile, terms: TrialTerms, state: State, draft: Plan, members: Members, watch: Watch
) -> tuple[Plan, TrialBatches]:
    """The draft made into a plan that keeps batches, by a candidate and further rounds, and what that costs."""
    candidate = batch_plan(draft, terms.batches_wait_s)
    lose = partial(_silence, terms=terms, first=draft.rounds)
    sides = (file.tastes, file.efforts)
    plan, reports = replan(members.economy, state, draft, candidate, sides, terms.rounds_most, lose, watch)
    before, after = members.welfare(draft), members.welfare(plan)
    told = describe_batches(draft, [candidate])
    gap_micro = check_certificate(draft, members.regrets(draft)).gap_micro
    assert gap_micro is not None, "all regrets are known in a trial"
    credits = members.economy.credits_micro / MICRO
    return plan, TrialBatches(
        draft=told.draft,
        chosen=told.chosen,
        value_micro=told.value_micro,
        rounds=len(reports),
        converged=reports[-1].is_close_enough,
        draft_welfare=round(before, PERCENT_DECIMALS),
        gap_percent=percent_of_credits(members.economy, gap_micro / MICRO + before - after),
        loss_percent=round(-100 * math.expm1((after - before) / credits), PERCENT_DECIMALS),
        techniques=list_batches(draft, plan),
    )


def _try_open(file: EconomyFile, terms: TrialTerms, clock: Clock) -> OpenedTrial:
    """What the same trial comes to, from a cold start, when nobody keeps recipes private."""
    found = run_trial(show_all(file), replace(terms, mode="open"), clock).result
    return OpenedTrial(
        rounds=found.rounds,
        converged=found.converged,
        gap_percent_of_credits=found.gap_percent_of_credits,
        bytes_per_round=found.bytes_per_round,
    )


def check_terms(terms: TrialTerms) -> None:
    """RefusedError for a number of rounds that there cannot be."""
    if not 1 <= terms.rounds_most <= ROUND_MOST:
        raise RefusedError.at("max-rounds", f"must be 1 to {ROUND_MOST}")


def _silence(answers: Answers, number: int, terms: TrialTerms, first: int = 0) -> Answers:
    """The answers with a share of them lost, another one in each round; `first` rounds came before."""
    if not terms.silent_ppm:
        return answers
    return {name: None if _is_silent(terms, first + number, name) else answer for name, answer in answers.items()}


def _is_silent(terms: TrialTerms, number: int, name: str) -> bool:
    drawn = hashlib.sha256(f"{terms.seed}/{number}/{name}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") * PPM < terms.silent_ppm * 2**64


def measure_bytes(answers: Answers) -> tuple[int, int]:
    """What a round's answers take in logs when everybody publishes alone: records, and signed heads over them."""
    records, heads = 0, 0
    head = len(format_checkpoint(Checkpoint(ORIGIN, 1_000, bytes(HASH_BYTES))).encode())
    head += len(f"\n— {ORIGIN} \n".encode()) + SIGNATURE_LETTERS
    for name, answer in answers.items():
        if answer is None:
            continue
        body = PlanAnswer(bytes(HASH_BYTES), 1, 1, answer.state_hash, (CardAnswer(name, answer.quantities),))
        entry = Record(kind="plan.answer", seq=1, at=0, by=bytes(KEY_ID_BYTES), body=_fields(body))
        records += len(format_record(entry))
        heads += head
    return records, heads


def _fields(body: PlanAnswer) -> dict[str, Any]:
    fields = to_value(body)
    assert isinstance(fields, dict)
    return fields

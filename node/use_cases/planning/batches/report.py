"""What can be told of whole batches: which candidates hold, which is best, how many of which size it asks for.

Invariant: everything follows from the documents, so whoever has them tells the same.
Spec: docs/spec/planning/batches.md
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from node.use_cases.description import Rows, tell_rows
from protocol.planning.batches.candidate import Judgement, choose_candidate, judge_candidate
from protocol.planning.batches.sizes import DRAFT
from protocol.planning.cards import MICRO_DECIMALS
from protocol.planning.certificate import all_workplaces
from protocol.planning.plan import Plan
from protocol.planning.summary import format_amount

PERCENT_DECIMALS: Final = 4


class BatchLine(msgspec.Struct, frozen=True):
    """A technique in whole batches: how many (of `batch` activities each, `times` in all) and what the draft had."""

    card: str
    technique: int
    batches: int
    batch: str
    times: str
    draft: str


class JudgedCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate by its digest in hex: what is wanting, or what it is worth against the draft in micro-credits."""

    digest: str
    holds: bool
    findings: tuple[str, ...]
    value_micro: int | None


class BatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates of a draft (digests in hex), the best of them, its worth against the draft (below 0: lost at most)
    and its batches."""

    draft: str
    chosen: str
    value_micro: int
    value_percent_of_credits: float
    candidates: tuple[JudgedCandidate, ...]
    techniques: tuple[BatchLine, ...]


def describe_batches(draft: Plan, candidates: Sequence[Plan]) -> BatchReport:
    """What anyone finds about these candidates, the best one and its batches; RefusedError when none holds."""
    judged = [judge_candidate(draft, one) for one in candidates]
    best = choose_candidate(draft, candidates)
    credits = sum(nest.credits_micro for card in draft.consumers for nest in card.nests)
    chosen = next(found for found in judged if found.digest == judge_candidate(draft, best).digest)
    return BatchReport(
        draft=str(best.parameters[DRAFT]),
        chosen=chosen.digest.hex(),
        value_micro=chosen.value_micro,
        value_percent_of_credits=round(100 * chosen.value_micro / credits, PERCENT_DECIMALS),
        candidates=tuple(map(_describe_judgement, judged)),
        techniques=list_batches(draft, best),
    )


def _describe_judgement(found: Judgement) -> JudgedCandidate:
    return JudgedCandidate(
        digest=found.digest.hex(),
        holds=not found.findings,
        findings=tuple(map(str, found.findings)),
        value_micro=found.value_micro if not found.findings else None,
    )


def list_batches(draft: Plan, plan: Plan) -> tuple[BatchLine, ...]:
    """Every technique that comes in batches: how many the plan asks for, of which size, and what the draft had."""
    rows = []
    for card in all_workplaces(draft):
        levels = zip(card.techniques, plan.activity[card.id], draft.activity[card.id], strict=True)
        for number, (technique, level, before) in enumerate(levels, 1):
            if technique.batch:
                sizes = (format_amount(size, MICRO_DECIMALS) for size in (technique.batch, level, before))
                rows.append(BatchLine(card.id, number, level // technique.batch, *sizes))
    return tuple(rows)


def tell_lines(lines: Sequence[BatchLine]) -> Iterator[str | Rows]:
    """The techniques in a table, as many as people read."""
    rows = [(one.card, one.technique, one.batches, one.batch, one.times, one.draft) for one in lines]
    yield from tell_rows(("workplace", "technique", "batches", "of", "in all", "in the draft"), rows)

"""Whole batches for a plan document: looked for, judged, and said as a candidate in the call that decides them.

Spec: docs/spec/planning/batches.md
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import Command, Out, Rows, help_of, in_file, typed
from node.use_cases.planning.batches.batching import batch_plan
from node.use_cases.planning.batches.publishing import PublishedCandidate
from node.use_cases.planning.batches.report import BatchReport, describe_batches, tell_lines
from node.use_cases.planning.calls.lookup import CallHex
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import choose_candidate
from protocol.planning.batches.counts import list_counts
from protocol.planning.batches.sizes import DRAFT
from protocol.planning.plan import PLAN_BYTES_MOST, format_plan, parse_plan

WAIT_S: Final = 60
Document = Annotated[bytes, in_file(PLAN_BYTES_MOST)]


class BatchesParams(msgspec.Struct, kw_only=True):
    """A draft's document, candidates that others found for it, and how long to look for one where there is none."""

    plan: Document
    candidates: Annotated[
        tuple[Document, ...],
        help_of("Check this candidate in place of looking for one; of several the best is chosen."),
        typed("--candidate PATH"),
    ] = ()
    wait_s: Annotated[int, help_of("Seconds to look for the best at most."), typed("--wait")] = WAIT_S


class CandidateFile(msgspec.Struct, kw_only=True):
    """The document of a candidate, and the call that decides about its draft's batches."""

    plan: Document
    call: CallHex = ""


class FoundBatches(BatchReport, frozen=True, kw_only=True):
    """And the chosen candidate's document."""

    document: str


def find_batches(_: Desk, params: BatchesParams) -> FoundBatches:
    """The best of the candidates that were given, or of what this machine finds."""
    draft = parse_plan(params.plan)
    found = [parse_plan(one) for one in params.candidates] or [batch_plan(draft, params.wait_s)]
    report = describe_batches(draft, found)
    document = format_plan(choose_candidate(draft, found)).decode()
    return FoundBatches(**msgspec.structs.asdict(report), document=document)


def say_candidate(desk: Desk, params: CandidateFile) -> PublishedCandidate:
    """Have the node say the batches of a candidate's document (plan.candidate)."""
    found = parse_plan(params.plan)
    if DRAFT not in found.parameters:
        raise RefusedError.at("plan", "names no draft: it keeps no batches")
    counts = {"draft": str(found.parameters[DRAFT]), "batches": list_counts(found, found.activity)}
    return msgspec.convert(desk.ask("plan.candidate", {"call": params.call, **counts}), PublishedCandidate)


def _tell_found(report: FoundBatches) -> Iterator[str | Rows]:
    yield from tell_lines(report.techniques)
    for one in report.candidates:
        for finding in one.findings:
            yield f"{one.digest[:16]} does not hold: {finding}"
    yield f"Candidate {report.chosen} keeps batches, balances, capacities, floors, caps and credits."
    cost = max(0.0, -report.value_percent_of_credits)
    yield f"It costs all together {cost:.4g} % of all credits at most, whatever tastes are, against the draft."


def _tell_said(answer: PublishedCandidate) -> Iterator[str]:
    yield f"Our candidate for draft {answer.draft[:16]} is record {answer.index} of our log."


OPERATIONS = (
    DeskOperation(
        "plan.batches",
        BatchesParams,
        find_batches,
        "How many whole batches come nearest to the PLAN document, checked in whole numbers.",
        tell=_tell_found,
        command=Command(
            "plan batches",
            ("plan",),
            "product.json",
            1,
            files=(Out("--out", "Write the chosen candidate to this file.", lambda one: one.document, beside=True),),
        ),
    ),
    DeskOperation(
        "plan.candidate",
        CandidateFile,
        say_candidate,
        "Say the batches of PLAN, a document of `plan batches --out`, as our candidate in the call that decides them.",
        tell=_tell_said,
        command=Command("plan candidate", ("plan",), "product.json", 1),
    ),
)

"""A call's newest draft: shown whole, checked again, and with all that it follows from for an auditor to take along.

Spec: docs/spec/planning/plan.md, docs/spec/planning/plan-audit.md
"""

from collections.abc import Iterator
from operator import attrgetter

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import EXIT_REFUSED, Command, Out, Rows, count, percent
from node.use_cases.planning.batches.decided import tell_decided
from node.use_cases.planning.calls.lookup import PlanParams, find_run
from node.use_cases.planning.following.account import tell_promises
from node.use_cases.planning.reports.minutes import take_minutes
from node.use_cases.planning.reports.view import PlanReport, check_draft, describe_plan
from node.use_cases.planning.rounds.approvals import need_draft
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import format_minutes


class PlanPapers(msgspec.Struct, frozen=True, kw_only=True):
    """The newest draft: its digest in hex, its document and its minutes as texts."""

    digest: str
    document: str
    minutes: str


class DraftCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a draft came to. The gap is in micro-credits and in parts per million of all credits, None while
    some (`unknown_regrets`: their cards) have not said what they would still gain."""

    digest: str
    holds: bool
    findings: tuple[str, ...]
    gap_micro: int | None
    gap_ppm: int | None
    credits_micro: int
    unknown_regrets: tuple[str, ...]


async def show_plan(node: Node, params: PlanParams) -> PlanReport:
    """The whole plan as this node computed it."""
    return describe_plan(node, find_run(node, params.call))


async def show_minutes(node: Node, params: PlanParams) -> PlanPapers:
    """The newest draft's document and the minutes it follows from: all that an auditor needs, as two texts."""
    run = find_run(node, params.call)
    draft = need_draft(run)
    minutes = format_minutes(take_minutes(node, run)).decode()
    return PlanPapers(digest=draft.digest.hex(), document=draft.document.decode(), minutes=minutes)


async def check_plan(node: Node, params: PlanParams) -> DraftCheck:
    """Check the newest draft's certificate again, with the regrets that members have attested."""
    run = find_run(node, params.call)
    draft = need_draft(run)
    certificate = check_draft(node, run, draft)
    return DraftCheck(
        digest=draft.digest.hex(),
        holds=not certificate.findings,
        findings=tuple(map(str, certificate.findings)),
        gap_micro=certificate.gap_micro,
        gap_ppm=certificate.gap_ppm,
        credits_micro=certificate.credits_micro,
        unknown_regrets=certificate.unknown_regrets,
    )


def _tell_plan(report: PlanReport) -> Iterator[str | Rows]:
    yield f"{report.scope}, {report.period}: {report.state}."
    rows = [
        (reading.reading, one.number, one.worst_good, percent(one.worst_good_ppm), len(one.silent))
        for reading in report.readings
        for one in reading.rounds
    ]
    yield Rows(("reading", "round", "worst good", "% off", "silent"), rows)
    if report.certificate is not None:
        checked = len(report.certificate.checked_by)
        yield f"Draft {report.digest}, checked by {checked} of {len(report.members)} members."
    if report.batches is not None:
        yield from tell_decided(report.batches)
    if report.following is not None:
        yield from tell_promises(report.following)


def _tell_papers(papers: PlanPapers) -> Iterator[str]:
    yield f"Draft {papers.digest}, with all that it follows from."
    yield "`rochdale plan minutes --document plan.json --minutes minutes.json` writes both to files; whoever has them"
    yield "checks them with `rochdale audit plan plan.json --minutes minutes.json`, and needs no home for it."


def _tell_check(check: DraftCheck) -> Iterator[str]:
    yield f"The certificate of {check.digest[:16]} {'holds' if check.holds else 'does not hold'}."
    for finding in check.findings:
        yield f"  {finding}"
    if check.gap_ppm is not None:
        yield f"No plan could be better by more than {percent(check.gap_ppm)} % of all credits."
    else:
        unknown = count(len(check.unknown_regrets), "card")
        yield f"Nobody has said what {unknown} would still gain; so it is unknown how much better a plan could be."


def _need_document(told: PlanReport | PlanPapers) -> str:
    if not told.document:
        raise RefusedError.at("plan", "there is no draft to write yet")
    return told.document


_DOCUMENT = Out("--document", "Write the plan document to this file.", _need_document, beside=True)

OPERATIONS = (
    Operation(
        "plan.show",
        PlanParams,
        show_plan,
        "The whole plan as this node computed it.",
        writes=False,
        tell=_tell_plan,
        command=Command("plan show", code=1, files=(_DOCUMENT,)),
    ),
    Operation(
        "plan.minutes",
        PlanParams,
        show_minutes,
        "The newest draft and all that it follows from, as two files that an auditor takes along: `audit plan`.",
        writes=False,
        tell=_tell_papers,
        command=Command(
            "plan minutes",
            code=1,
            files=(
                _DOCUMENT,
                Out("--minutes", "Write all that it follows from to this file.", attrgetter("minutes"), beside=True),
            ),
        ),
    ),
    Operation(
        "plan.check",
        PlanParams,
        check_plan,
        "Check the newest draft's certificate again. Exit code 1 when it does not hold.",
        writes=False,
        tell=_tell_check,
        command=Command("plan check", code=1, ends=lambda check: 0 if check.holds else EXIT_REFUSED),
    ),
)

"""Where a call stands, for whom it waits, and who holds it up.

Invariant: said from this node's own computation and the records that it holds.
"""

from collections.abc import Iterator

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, percent
from node.use_cases.planning.calls.lookup import PlanParams, find_run
from node.use_cases.planning.facilitating.notices import NoticeRow
from node.use_cases.planning.facilitating.restless import RestlessRow
from node.use_cases.planning.nested.describing import LevelReport
from node.use_cases.planning.reports.view import PlanReport, describe_plan


class CallStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call (hex) stands: `state` for people, `stage` of the rounds, `round` of the reading that goes on with
    its worst good in parts per million, None before the first. `digest` is the newest draft's, empty while there is
    none; `left_out` refused drafts before, `start` is the plan in force that it goes on from."""

    call: str
    state: str
    stage: str
    trouble: str
    reading: int
    round: int
    worst_good_ppm: int | None
    worst_good: str | None
    waits_for: tuple[str, ...]
    notices: tuple[NoticeRow, ...]
    digest: str
    checked_by: tuple[str, ...]
    approved_by: tuple[str, ...]
    ratified: bool
    attempt: int
    left_out: tuple[str, ...]
    revision: int
    start: str
    level: LevelReport | None
    restless: RestlessRow | None


async def show_status(node: Node, params: PlanParams) -> CallStatus:
    """Where a call stands, and for whom it waits."""
    run = find_run(node, params.call)
    return _describe_status(describe_plan(node, run), run.stage, run.attempt)


def _describe_status(report: PlanReport, stage: str, attempt: int) -> CallStatus:
    rounds = report.readings[-1].rounds
    last = rounds[-1] if rounds else None
    return CallStatus(
        call=report.call,
        state=report.state,
        stage=stage,
        trouble=report.trouble,
        reading=report.reading,
        round=len(rounds),
        worst_good_ppm=None if last is None else last.worst_good_ppm,
        worst_good=None if last is None else last.worst_good,
        waits_for=report.waits_for,
        notices=report.notices,
        digest=report.digest,
        checked_by=() if report.certificate is None else report.certificate.checked_by,
        approved_by=tuple(vote.origin for vote in report.votes if vote.approve and vote.digest == report.digest),
        ratified=report.ratified,
        attempt=attempt,
        left_out=report.left_out,
        revision=report.revision,
        start=report.start,
        level=report.level,
        restless=report.restless,
    )


def _tell_status(status: CallStatus) -> Iterator[str]:
    yield f"Call {status.call[:16]}: {status.state}, reading {status.reading}, round {status.round}."
    if status.start:
        yield f"Revision {status.revision}: it goes on from plan {status.start[:16]}."
    if status.level is not None:
        yield from _tell_level(status.level)
    if status.worst_good_ppm is not None:
        yield f"The worst good is {status.worst_good}, {percent(status.worst_good_ppm)} % off."
    if status.left_out:
        yield f"Made without {', '.join(status.left_out)}, who refused."
    if status.waits_for:
        yield f"Waits for {', '.join(status.waits_for)}."
    if status.restless is not None:
        yield from _tell_restless(status.restless)
    for notice in status.notices:
        yield from _tell_notice(notice)
    if status.trouble:
        yield f"{'Stopped' if status.stage == 'stopped' else 'Note'}: {status.trouble}"


def _tell_level(level: LevelReport) -> Iterator[str]:
    if level.regions:
        yield f"In the name of their regions: {', '.join(level.regions)}."
        return
    yield f"{level.speaker} speaks for this region in call {level.above[:16]}."
    if level.planned_above:
        yield f"Planned in the region: {', '.join(level.planned_here)}. Above: {', '.join(level.planned_above)}."
    if level.plan_above:
        yield f"It keeps to plan {level.plan_above[:16]}, in force above."


def _tell_restless(row: RestlessRow) -> Iterator[str]:
    yield f"{row.card} holds up the rounds: its answers move by {percent(row.moved_ppm)} % or more from round to"
    yield f"round, {percent(row.wrong_share_ppm)} % of it against its own earlier ones, while the others settle."
    if row.is_aside:
        yield "It was set aside: from the next round on its last answer stands for the rest of this reading."
        return
    yield "Ask them what is wrong. If they cannot mend it, a facilitator may set it aside for this reading:"
    yield f"  rochdale plan facilitate set_aside --leaf {row.leaf} --reason '...'"


def _tell_notice(notice: NoticeRow) -> Iterator[str]:
    about = f" ({notice.about})" if notice.about else ""
    yield f"{notice.origin} said {notice.act}{about}: {notice.reason} [{notice.leaf[:16]}]"
    for member, reason in notice.objections:
        yield f"  {member} objects: {reason}"


OPERATIONS = (
    Operation(
        "plan.status",
        PlanParams,
        show_status,
        "Where a call stands, and for whom it waits.",
        writes=False,
        tell=_tell_status,
        command=Command("plan status", code=1),
    ),
)

"""What a page, a command or an auditor can be told of a plan: rounds, drafts, checks, votes; all from the logs.

Invariant: what this node says of a plan it has computed itself; what others attest is named as theirs.
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.batches.decided import DecidedBatches, describe_decided
from node.use_cases.planning.facilitating.notices import NoticeRow, list_notices, read_standing
from node.use_cases.planning.facilitating.restless import RestlessRow, describe_restless
from node.use_cases.planning.following.account import FollowReport, describe_following, list_revisions
from node.use_cases.planning.nested.describing import LevelReport, describe_level
from node.use_cases.planning.rounds.approvals import newest_draft, read_words
from node.use_cases.planning.rounds.course import ReadingReport
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.run import PlanRun
from protocol.federation.charter import CouncilException
from protocol.planning.call import CARDS_ROUND, PlanCheck, round_slot
from protocol.planning.certificate import Certificate, check_certificate
from protocol.planning.contributions import owner_of_card
from protocol.planning.facilitating.notices import Standing
from protocol.planning.plan import Plan
from protocol.planning.summary import Bindings, what_binds
from storage.log.record_index import own_words


class RoundRow(msgspec.Struct, frozen=True):
    """One machine round: the worst good in parts per million, which it is, and who was silent."""

    number: int
    worst_good_ppm: int
    worst_good: str
    silent: tuple[str, ...]
    cut_to_credits: tuple[str, ...]


class ReadingRow(msgspec.Struct, frozen=True):
    """One reading: its rounds, its draft's digest (empty while there is none), and whose cards were edited."""

    reading: int
    rounds: tuple[RoundRow, ...]
    digest: str
    edited_by: tuple[str, ...]


class VoteRow(msgspec.Struct, frozen=True):
    """What one member decided about one draft, and how its meeting voted; `attempt` counts drafts voted on."""

    origin: str
    digest: str
    approve: bool
    reason: str
    yes: int
    no: int
    abstained: int
    made_up: bool
    attempt: int = 0


class CertificateRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked: `findings` by this node, `checked_by` every member that signed that it found nothing."""

    findings: tuple[str, ...]
    checked_by: tuple[str, ...]
    gap_micro: int | None
    gap_ppm: int | None
    credits_micro: int
    slack_micro: int
    unknown_regrets: tuple[str, ...]


class PlanReport(msgspec.Struct, frozen=True, kw_only=True):
    """A plan call as this node knows it. `plan` is the newest draft's content, None while there is none.

    `following` is how it is followed, None while no plan is in force; `left_out` refused drafts before;
    `start` is the digest of the plan in force that the call goes on from, empty where it begins cold;
    `revised_by` are calls that go on from this one's; `restless` is who holds the rounds up; `batches` what was decided
    of them, None where there are none.
    """

    call: str
    scope: str
    period: str
    revision: int
    state: str
    trouble: str
    reading: int
    readings_planned: int
    rounds_max: int
    waits_for: tuple[str, ...]
    members: dict[str, str]
    people: dict[str, int]
    readings: tuple[ReadingRow, ...]
    digest: str
    document: str
    certificate: CertificateRow | None
    votes: tuple[VoteRow, ...]
    approvals_needed: int
    ratified: bool
    tolerance_ppm: int
    plan: Plan | None
    binds: Bindings | None
    notices: tuple[NoticeRow, ...] = ()
    exceptions: tuple[CouncilException, ...] = ()
    following: FollowReport | None = None
    left_out: tuple[str, ...] = ()
    start: str = ""
    revised_by: tuple[str, ...] = ()
    restless: RestlessRow | None = None
    batches: DecidedBatches | None = None
    level: LevelReport | None = None


def describe_plan(node: Node, run: PlanRun) -> PlanReport:
    """Everything about one call, from this node's own computation and the records it holds."""
    draft = newest_draft(run)
    votes = _vote_rows(node, run)
    terms = run.terms
    certificate = None if draft is None else _certificate_row(node, run, draft)
    return PlanReport(
        call=run.call_id.hex(),
        scope=run.call.scope,
        period=run.call.period,
        revision=run.call.revision,
        state=_state_words(run, certificate, votes, read_standing(node, run.call_id, terms)),
        trouble=run.trouble,
        reading=run.reading.reading,
        readings_planned=run.call.readings,
        rounds_max=run.call.rounds_max,
        waits_for=run.waits_for(),
        members=dict(run.terms.names),
        people=dict(run.terms.members),
        readings=tuple(_reading_row(node, run, reading) for reading in run.readings),
        digest="" if draft is None else draft.digest.hex(),
        document="" if draft is None else draft.document.decode(),
        certificate=certificate,
        votes=votes,
        approvals_needed=run.terms.approvals_needed,
        ratified=run.ratified is not None,
        tolerance_ppm=0 if run.table is None else run.table.tolerance_ppm,
        plan=None if draft is None else draft.plan,
        binds=None if draft is None else what_binds(draft.plan),
        notices=list_notices(node, run.call_id, terms),
        exceptions=terms.exceptions,
        following=describe_following(node, run),
        left_out=tuple(sorted(run.reading.left_out)),
        revised_by=list_revisions(node, run),
        start="" if run.call.start is None else run.call.start.hex(),
        restless=describe_restless(node, run),
        batches=describe_decided(run.readings),
        level=describe_level(run),
    )


def check_draft(node: Node, run: PlanRun, draft: Draft) -> Certificate:
    """Check a draft anew, with the regrets that members have attested for it."""
    return check_certificate(draft.plan, attested_regrets(node, run, draft))


def attested_regrets(node: Node, run: PlanRun, draft: Draft) -> dict[str, int]:
    """What each card would still gain at a draft's prices, in micro-credits, by its owner's word."""
    regrets: dict[str, int] = {}
    for origin, body in _list_checks(node, run, draft):
        for regret in body.regrets:
            if owner_of_card(regret.card) == origin:
                regrets.setdefault(regret.card, regret.regret_micro)
    return regrets


def _list_checks(node: Node, run: PlanRun, draft: Draft) -> list[tuple[str, PlanCheck]]:
    """What the members say that they found when they checked this very draft."""
    said = own_words(node.database.reader, "plan.check", run.call_id, run.terms.members)
    checks = [(origin, one.body) for origin, words in sorted(said.items()) for one in words]
    return [(origin, body) for origin, body in checks if body.digest == draft.digest]


def _certificate_row(node: Node, run: PlanRun, draft: Draft) -> CertificateRow:
    certificate = check_draft(node, run, draft)
    checked_by = {origin for origin, body in _list_checks(node, run, draft) if body.findings == 0}
    return CertificateRow(
        findings=tuple(map(str, certificate.findings)),
        checked_by=tuple(sorted(checked_by)),
        gap_micro=certificate.gap_micro,
        gap_ppm=certificate.gap_ppm,
        credits_micro=certificate.credits_micro,
        slack_micro=certificate.slack_micro,
        unknown_regrets=certificate.unknown_regrets,
    )


def _reading_row(node: Node, run: PlanRun, reading: ReadingReport) -> ReadingRow:
    rounds = tuple(
        RoundRow(number, one.worst_good_ppm, one.worst_good, one.silent, one.cut_to_credits)
        for number, one in enumerate(reading.reports, 1)
    )
    digest = "" if reading.draft is None else reading.draft.digest.hex()
    return ReadingRow(reading.reading, rounds, digest, _edited_by(node, run, reading.reading))


def _edited_by(node: Node, run: PlanRun, reading: int) -> tuple[str, ...]:
    """Members whose cards differ from those of the reading before."""
    before, after = _read_cards(node, run, reading - 1), _read_cards(node, run, reading)
    return tuple(sorted(origin for origin in before.keys() & after.keys() if before[origin] != after[origin]))


def _read_cards(node: Node, run: PlanRun, reading: int) -> dict[str, tuple[object, object]]:
    """What each member's first cards for a reading say; nobody has any before the first."""
    slot = round_slot(run.call_id, reading, CARDS_ROUND)
    said = own_words(node.database.reader, "plan.card", slot, run.terms.members)
    return {origin: (words[0].body.consumers, words[0].body.workplaces) for origin, words in said.items()}


def _vote_rows(node: Node, run: PlanRun) -> tuple[VoteRow, ...]:
    rows = []
    for (attempt, origin), body in read_words(node, run).items():
        meeting, digest = body.meeting, body.digest.hex()
        votes = meeting.yes, meeting.no, meeting.abstained, meeting.made_up
        rows.append(VoteRow(origin, digest, body.approve, body.reason, *votes, attempt))
    return tuple(rows)


def _state_words(
    run: PlanRun,
    certificate: CertificateRow | None,
    votes: tuple[VoteRow, ...],
    standing: Standing,
) -> str:
    """called, draft (reading n), checked by n nodes, approved by n meetings, in force: PLANNING section 5."""
    if run.ratified is not None:
        return "in force"
    if standing.called_off_by:
        return "called off"
    if run.stage == "stopped":
        return "stopped"
    if standing.paused_by:
        return "paused"
    if certificate is None:
        return "called"
    approved = sum(vote.approve for vote in votes if vote.attempt == run.attempt)
    if run.stage == "voting" and approved:
        return f"approved by {approved} of {len(run.terms.members)} meetings"
    if run.stage == "voting":
        return f"checked by {len(certificate.checked_by)} nodes"
    if run.reading.decides_batches:
        return "deciding whole batches"
    if run.reading.left_out:
        return f"made again without {len(run.reading.left_out)} who refused"
    return f"draft (reading {run.reading.reading - 1})"

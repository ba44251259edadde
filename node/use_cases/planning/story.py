"""The newest plan as this node has followed it, gathered for people to read: readings, checks, approvals.

Invariant: what this node computed itself, never what another node says it computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.use_cases.context import Node
from node.use_cases.planning.planner import Planner
from node.use_cases.planning.run import PlanRun
from protocol.planning.call import PlanApproval
from protocol.planning.certificate import Certificate, check_certificate
from protocol.planning.plan import Plan
from protocol.planning.rounds import RoundReport
from storage.record_index import IndexedRecord, records

CERTIFICATE_PART = "plan_certificate"


@dataclass(frozen=True)
class ReadingStory:
    """One reading: its rounds so far, and its draft once there is one."""

    number: int
    reports: tuple[RoundReport, ...]
    plan: Plan | None = None
    document: bytes = b""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanStory:
    """A plan call and how far it has come; origins name members, `names` says what they are called.

    `checked_by` computed the last draft themselves and found nothing wrong; `approvals` are each member's first word on
    it; `ratified` once enough approve.
    """

    call: str
    scope: str
    period: str
    names: Mapping[str, str]
    stage: str
    trouble: str
    waits_for: tuple[str, ...]
    participants: int
    tolerance_ppm: int
    readings: tuple[ReadingStory, ...]
    checked_by: tuple[str, ...]
    approvals: tuple[tuple[str, PlanApproval], ...]
    approvals_needed: int
    ratified: bool
    certificate: Certificate | None

    @property
    def last_plan(self) -> Plan | None:
        """The newest draft that is done."""
        return next((reading.plan for reading in reversed(self.readings) if reading.plan is not None), None)


def gather_story(node: Node) -> PlanStory | None:
    """The newest call that this node follows; None where there is none, or where no planner runs."""
    planner = node.parts.get("planner")
    if not isinstance(planner, Planner):
        return None
    calls = [(indexed.record.at, indexed.leaf) for indexed in records(node.database.reader, "plan.call")]
    runs = [run for _, leaf in sorted(calls) if (run := planner.run_of(leaf)) is not None]
    return tell_run(node, runs[-1]) if runs else None


def tell_run(node: Node, run: PlanRun) -> PlanStory:
    """The story of one call."""
    readings = tuple(
        ReadingStory(each.reading, tuple(each.reports))
        if each.draft is None
        else ReadingStory(
            each.reading, tuple(each.reports), each.draft.plan, each.draft.document, each.draft.digest.hex()
        )
        for each in run.readings
    )
    told = run.describe()
    waits_for = told["waits_for"]
    done = next((reading for reading in reversed(readings) if reading.plan is not None), None)
    digest = bytes.fromhex(done.digest) if done else b""
    approvals = _first_approvals(node, run, digest)
    return PlanStory(
        call=run.call_id.hex(),
        scope=run.call.scope,
        period=run.call.period,
        names=run.terms.names,
        stage=run.stage,
        trouble=run.trouble,
        waits_for=tuple(waits_for) if isinstance(waits_for, list) else (),
        participants=len(run.economy.participants) if run.economy is not None else 0,
        tolerance_ppm=run.table.tolerance_ppm if run.table is not None else 0,
        readings=readings,
        checked_by=_list_checkers(node, run, digest),
        approvals=approvals,
        approvals_needed=run.terms.approvals_needed,
        ratified=sum(body.approve for _, body in approvals) >= run.terms.approvals_needed,
        certificate=None if done is None or done.plan is None else _certify(node, run, done.plan, digest),
    )


def _of_members(node: Node, run: PlanRun, kind: str) -> list[IndexedRecord]:
    found = records(node.database.reader, kind, run.call_id)
    return [indexed for indexed in found if indexed.origin in run.terms.members and not indexed.record.sigs]


def _list_checkers(node: Node, run: PlanRun, digest: bytes) -> tuple[str, ...]:
    checks = _of_members(node, run, "plan.check")
    return tuple(sorted({each.origin for each in checks if each.body.digest == digest and each.body.findings == 0}))


def _first_approvals(node: Node, run: PlanRun, digest: bytes) -> tuple[tuple[str, PlanApproval], ...]:
    """Each member's first word of the newest attempt, where it is about this plan."""
    spoken = _of_members(node, run, "plan.approval")
    newest = max((each.body.attempt for each in spoken), default=0)
    first: dict[str, PlanApproval] = {}
    for each in spoken:
        if each.body.attempt == newest:
            first.setdefault(each.origin, each.body)
    return tuple((origin, body) for origin, body in sorted(first.items()) if body.digest == digest)


def _certify(node: Node, run: PlanRun, plan: Plan, digest: bytes) -> Certificate:
    """This node's own check with all regrets that members have attested; kept while no further one comes in."""
    regrets = {
        regret.card: regret.regret_micro
        for each in _of_members(node, run, "plan.check")
        if each.body.digest == digest
        for regret in each.body.regrets
        if regret.card.partition("#")[0] == each.origin
    }
    key = (digest, tuple(sorted(regrets.items())))
    kept = node.parts.get(CERTIFICATE_PART)
    if isinstance(kept, tuple) and kept[0] == key and isinstance(kept[1], Certificate):
        return kept[1]
    certificate = check_certificate(plan, regrets)
    node.parts[CERTIFICATE_PART] = (key, certificate)
    return certificate

"""A candidate of ours: the batches that this co-op found elsewhere, said before its node's own search is over.

Invariant: nothing goes out that everybody would set aside, or that does not hold.
Spec: docs/spec/planning/batches.md, section "In a call"
"""

import asyncio

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError, refuse
from protocol.planning.batches.candidate import judge_candidate, make_candidate
from protocol.planning.batches.candidate_record import Batches, PlanCandidate
from protocol.planning.batches.counts import audit_candidate, read_counts
from protocol.planning.plan import Plan
from storage.log.record_index import own_words


class CandidateParams(msgspec.Struct, kw_only=True):
    """How many batches of each technique that comes in batches, in the order of the draft's workplaces and then its
    trade nodes; `draft` is the digest in hex of the draft that they were worked out for."""

    draft: CallHex
    batches: Batches
    call: CallHex = ""


class PublishedCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """For which draft (digest in hex), what they are worth against it in micro-credits (below 0: lost at most), and
    where that lies in this home's log."""

    draft: str
    value_micro: int
    index: int


async def publish_candidate(node: Node, params: CandidateParams) -> PublishedCandidate:
    """Say how many batches this co-op would have run (plan.candidate); of all that members say the best is taken.
    RefusedError while no batches are decided, for a second word, and for batches that cannot be run."""
    run = find_run(node, params.call)
    if run.stage != "batches" or run.slot is None:
        raise RefusedError.at("call", "its batches are not being decided now: `plan status` says where it stands")
    if own_words(node.database.reader, "plan.candidate", run.slot.id, {node.origin}):
        raise RefusedError.at("candidate", "this co-op's has gone out already; its first word counts")
    draft = run.unbatched
    body = PlanCandidate(run.call_id, run.reading.reading, bytes.fromhex(params.draft), params.batches)
    refuse(audit_candidate(body, draft.plan, draft.digest), "the candidate is refused")
    value_micro = await asyncio.to_thread(_measure, draft.plan, params.batches)
    published = await publish(node, "plan.candidate", body)
    return PublishedCandidate(draft=params.draft, value_micro=value_micro, index=published.index)


def _measure(draft: Plan, batches: tuple[int, ...]) -> int:
    if not batches:
        raise RefusedError.at("batches", "there are none")
    judged = judge_candidate(draft, make_candidate(draft, read_counts(draft, batches)))
    refuse(judged.findings, "the candidate is refused")
    return judged.value_micro


OPERATIONS = (
    Operation("plan.candidate", CandidateParams, publish_candidate, "Say how many whole batches we would have run."),
)

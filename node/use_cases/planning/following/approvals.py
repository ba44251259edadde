"""Which plan of a call is in force: what the members' first words come to.

Spec: docs/spec/plan-records.md
"""

from node.use_cases.context import Node
from node.use_cases.planning.draft import Draft
from node.use_cases.planning.run import PlanRun
from protocol.planning.call import Approvals, PlanApproval, count_approvals, ratified_digest
from storage.record_index import records


def newest_draft(run: PlanRun) -> Draft | None:
    """The draft of the last reading that came to one."""
    return next((reading.draft for reading in reversed(run.readings) if reading.draft is not None), None)


def read_approvals(node: Node, run: PlanRun) -> Approvals:
    """The members' words on the plans of this call, first attempt."""
    spoken: dict[str, tuple[PlanApproval, ...]] = {}
    for indexed in records(node.database.reader, "plan.approval", run.call_id, every_branch=True):
        if not indexed.record.sigs:
            spoken[indexed.origin] = (*spoken.get(indexed.origin, ()), indexed.body)
    return count_approvals(spoken, frozenset(run.terms.members), 0)


def find_ratified(node: Node, run: PlanRun) -> bytes | None:
    """The digest of the plan in force, None while there is none."""
    terms = run.terms
    return ratified_digest(read_approvals(node, run), terms.approvals_needed, terms.members, terms.heads_needed)


def plan_in_force(node: Node, run: PlanRun) -> Draft | None:
    """The plan in force as this node computed it; None while there is none, or this node has not come so far."""
    digest = find_ratified(node, run)
    return next((one.draft for one in run.readings if one.draft is not None and one.draft.digest == digest), None)

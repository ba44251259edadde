"""What the members' meetings said of each draft of a call, and which one is in force.

Spec: docs/spec/planning/ratification.md
"""

from node.use_cases.context import Node
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError
from protocol.planning.call import PlanApproval
from storage.log.record_index import own_words

Spoken = dict[tuple[int, str], PlanApproval]
"""(attempt, member) to its first word."""


def newest_draft(run: PlanRun) -> Draft | None:
    """The draft of the last reading that came to one."""
    return next((reading.draft for reading in reversed(run.readings) if reading.draft is not None), None)


def need_draft(run: PlanRun) -> Draft:
    """That draft; RefusedError while there is none."""
    draft = newest_draft(run)
    if draft is None:
        raise RefusedError.at("plan", "there is no draft yet")
    return draft


def read_words(node: Node, run: PlanRun) -> Spoken:
    """Each member's first word on each attempt so far, in the order of attempts and members."""
    spoken: Spoken = {}
    said = own_words(node.database.reader, "plan.approval", run.call_id, run.terms.members, every_branch=True)
    for origin, words in said.items():
        for one in words:
            if one.body.attempt <= run.attempt:
                spoken.setdefault((one.body.attempt, origin), one.body)
    return dict(sorted(spoken.items()))


def plan_in_force(run: PlanRun) -> Draft | None:
    """The plan in force as this node computed it; None while there is none, or this node has not come so far."""
    return next((one.draft for one in run.readings if one.draft is not None and one.draft.digest == run.ratified), None)


def need_plan(run: PlanRun) -> Draft:
    """That plan; RefusedError while there is none."""
    draft = plan_in_force(run)
    if draft is None:
        raise RefusedError.at("plan", "none is in force yet")
    return draft

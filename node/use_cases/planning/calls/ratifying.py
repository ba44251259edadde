"""What a co-op's meeting decided about a draft, signed once for each attempt.

Invariant: a word names the very draft that this node computed, and no member approves two calls for the same thing.
Spec: docs/spec/planning/ratification.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of, typed
from node.use_cases.planning.calls.lookup import CallHex, find_run, planner_of
from node.use_cases.planning.facilitating.notices import read_standing
from node.use_cases.planning.rounds.approvals import newest_draft, read_words
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.run import PlanRun
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.planning.call import Count, Meeting, PlanApproval

VOTED_ON = ("voting", "in force")
"""A word that comes once the vote is closed changes nothing, and binds the one who says it."""


class RatifyParams(msgspec.Struct, kw_only=True):
    """What a co-op's meeting decided about the newest draft, and how it voted; `made_up` where a script decided.
    `digest` and `attempt` (0: the first draft voted on, then one more for each made again) guard against voting on
    another one."""

    approve: Annotated[bool, help_of("What the meeting decided."), typed("--approve/--refuse")]
    yes: Annotated[Count, help_of("Votes for it.")]
    no: Annotated[Count, help_of("Votes against it.")]
    abstained: Annotated[Count, help_of("Votes for neither.")] = 0
    made_up: Annotated[bool, help_of("No people met: this is an example.")] = False
    digest: Annotated[str, help_of("The draft that the meeting voted on.")] = ""
    reason: Annotated[str, help_of("Why, in a sentence; nothing about a person.")] = ""
    call: CallHex = ""
    attempt: Annotated[int | None, help_of("Which draft of those voted on: 0, 1, ...")] = None


class Ratified(msgspec.Struct, frozen=True, kw_only=True):
    """The draft's digest in hex, what was said of it, and where that lies in this home's log."""

    digest: str
    approve: bool
    index: int


async def ratify(node: Node, params: RatifyParams) -> Ratified:
    """Sign what this co-op's meeting decided about the newest draft (plan.approval), once per attempt. RefusedError
    where no draft is voted on or the call is held, for another draft or attempt, a second word, or while another
    approved call asks the same."""
    run = find_run(node, params.call)
    draft = _find_voted_on(node, run)
    if params.attempt not in (None, run.attempt):
        raise RefusedError.at("attempt", f"the draft to vote on is that of attempt {run.attempt}")
    if params.digest and params.digest != draft.digest.hex():
        raise RefusedError.at("digest", "the meeting voted on another draft than the one this node computed")
    if (run.attempt, node.origin) in read_words(node, run):
        raise RefusedError.at("attempt", "this co-op has spoken already; its first word counts")
    if params.approve and (other := planner_of(node).find_rival(run)) is not None:
        reason = f"this co-op approved call {other.hex()}, which asks the same and may come in force"
        raise RefusedError.at("call", reason)
    meeting = Meeting(params.yes, params.no, params.abstained, params.made_up)
    body = PlanApproval(run.call_id, run.attempt, draft.digest, params.approve, params.reason, meeting)
    published = await publish(node, "plan.approval", body)
    return Ratified(digest=draft.digest.hex(), approve=params.approve, index=published.index)


def _find_voted_on(node: Node, run: PlanRun) -> Draft:
    """The draft before the meetings; RefusedError while there is none, or the call is held."""
    if read_standing(node, run.call_id, run.terms).is_held:
        raise RefusedError.at("call", "it is paused or called off: `plan status` says by whom and why")
    draft = newest_draft(run)
    if draft is None or run.stage not in VOTED_ON:
        raise RefusedError.at("plan", "the readings are not over: there is nothing to vote on yet")
    return draft


def _tell_ratified(answer: Ratified) -> Iterator[str]:
    yield f"Signed for draft {answer.digest[:16]}."


OPERATIONS = (
    Operation(
        "plan.ratify",
        RatifyParams,
        ratify,
        "Sign what our meeting decided about the newest draft. It can be said once.",
        tell=_tell_ratified,
        command=Command("plan ratify", example="--approve --yes 1 --no 0", code=1),
    ),
)

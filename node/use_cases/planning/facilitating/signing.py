"""What a facilitator says of a call, and what a member objects to: signed, with a reason, for everybody to read.

Spec: docs/spec/planning/facilitation.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.facilitating.notices import facilitators_of, list_notices
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError, refuse
from protocol.planning.call import DraftNumber, WaitMs
from protocol.planning.facilitating.notices import Act, AnyRound, PlanNotice, PlanObjection, Reason, audit_notice

LeafHex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Why = Annotated[Reason, help_of("Why, in a sentence; nothing about a person.")]


class NoticeParams(msgspec.Struct, kw_only=True):
    """A facilitator's word. extend takes reading, round (0: cards) and wait_ms; end_round reading and round;
    set_aside the leaf of a card or answer in hex; end_vote the reading whose draft is voted on."""

    act: Act
    reason: Why
    call: CallHex = ""
    reading: Annotated[DraftNumber | None, help_of("extend, end_round, end_vote: which reading.")] = None
    round: Annotated[AnyRound | None, help_of("extend, end_round: which round; 0 is that of the cards.")] = None
    wait_ms: Annotated[WaitMs | None, help_of("extend: how long to wait for each who is still out.")] = None
    leaf: Annotated[LeafHex | None, help_of("set_aside: the leaf of the card or answer.")] = None


class ObjectionParams(msgspec.Struct, kw_only=True):
    """A member's objection to a facilitator's word, which is named by its leaf in hex."""

    notice: Annotated[LeafHex, help_of("The facilitator's word, as `plan status --json` shows it.")]
    reason: Why
    call: CallHex = ""


class SignedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Of which call (hex), the leaf of the word in hex, and what it does."""

    call: str
    notice: str
    act: Act


class SignedObjection(msgspec.Struct, frozen=True, kw_only=True):
    """Of which call, to which word, and the leaf of the objection; all in hex."""

    call: str
    notice: str
    objection: str


async def facilitate(node: Node, params: NoticeParams) -> SignedNotice:
    """Sign a facilitator's word on a call (plan.notice). RefusedError unless this co-op looks after it, once its plan
    is in force, and for a word that says too little or too much."""
    run = find_run(node, params.call)
    if node.origin not in facilitators_of(node, run.call_id, run.terms):
        raise RefusedError.at("call", "this co-op does not facilitate it: the charter names who does, or the caller")
    if run.ratified is not None:
        raise RefusedError.at("call", "its plan is in force: call a revision instead")
    leaf = None if params.leaf is None else bytes.fromhex(params.leaf)
    body = PlanNotice(run.call_id, params.act, params.reason, params.reading, params.round, params.wait_ms, leaf)
    refuse(audit_notice(body), "this says nothing")
    published = await publish(node, "plan.notice", body)
    return SignedNotice(call=run.call_id.hex(), notice=published.leaf.hex(), act=params.act)


async def object_to(node: Node, params: ObjectionParams) -> SignedObjection:
    """Sign a member's objection to a facilitator's word (plan.objection). RefusedError for who is no member of the
    call's roster, and for a word that no facilitator has said."""
    run = find_run(node, params.call)
    if node.origin not in run.terms.members:
        raise RefusedError.at("call", "this home is no member of the call's roster")
    if params.notice not in {row.leaf for row in list_notices(node, run.call_id, run.terms)}:
        raise RefusedError.at("notice", "no facilitator has said this of the call")
    published = await publish(
        node, "plan.objection", PlanObjection(run.call_id, bytes.fromhex(params.notice), params.reason)
    )
    return SignedObjection(call=run.call_id.hex(), notice=params.notice, objection=published.leaf.hex())


def _tell_notice(answer: SignedNotice) -> Iterator[str]:
    yield f"Signed: {answer.notice}"


def _tell_objection(answer: SignedObjection) -> Iterator[str]:
    yield f"Signed: {answer.objection}"


OPERATIONS = (
    Operation(
        "plan.facilitate",
        NoticeParams,
        facilitate,
        "Sign a facilitator's word on a call. Everybody reads it, and any member can object.",
        tell=_tell_notice,
        command=Command("plan facilitate", ("act",), "pause --reason r", 1),
    ),
    Operation(
        "plan.object",
        ObjectionParams,
        object_to,
        "Sign that we object to a facilitator's word, NOTICE as `plan status` shows it (--json: in full).",
        tell=_tell_objection,
        command=Command("plan object", ("notice",), f"{'0' * 64} --reason r", 1),
    ),
)

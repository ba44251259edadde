"""Planning together: call, propose, follow, check, ratify.

Invariant: nothing is proposed or approved without a person's word at this node; a member approves once per attempt.
"""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of
from node.use_cases.federation.verbs import current_history, federation_of
from node.use_cases.planning.agent.lines import digest_cards
from node.use_cases.planning.agent.releases import Offers, resolve_release
from node.use_cases.planning.facilitating.notices import read_standing
from node.use_cases.planning.following.approvals import newest_draft
from node.use_cases.planning.following.capacities import complete_offers
from node.use_cases.planning.minutes import take_minutes
from node.use_cases.planning.own_side import try_release
from node.use_cases.planning.periods.keeping import fill_shelf_lives
from node.use_cases.planning.placing.known import gather_places
from node.use_cases.planning.planner import Planner
from node.use_cases.planning.private_side import Edits, PrivateSide, Release
from node.use_cases.planning.run import PlanRun
from node.use_cases.planning.schedule import Schedule, describe_schedule
from node.use_cases.planning.table import TableFile, read_table
from node.use_cases.planning.view import PlanReport, check_draft, describe_plan
from node.use_cases.publish import publish
from node.use_cases.shared_files import share_file
from node.use_cases.supply.board import read_board
from protocol.core.encoding import encode, to_value
from protocol.core.errors import RefusedError
from protocol.federation.scopes import FEDERATION
from protocol.planning.audit.minutes import format_minutes
from protocol.planning.call import CARDS_ROUND, Meeting, PlanApproval, PlanCall, round_slot
from protocol.planning.nested.region_card import ROUNDS_BELOW
from protocol.planning.periods.names import find_base
from storage.files import FILE_BYTES_MAX
from storage.log.record_index import records

CALL_HEX = r"^(?:[0-9a-f]{64})?\Z"
CallHex = Annotated[str, msgspec.Meta(pattern=CALL_HEX), help_of("The call's id; without it the newest.")]
"""A call's id in hex; empty means the newest call."""

CARDS_WAIT_MS = 600_000
ANSWERS_WAIT_MS = 4_000
READINGS = 2
ROUNDS_MAX = 40
VOTED_ON = ("voting", "in force")
"""A word that comes once the vote is closed changes nothing, and binds the one who says it."""


Readings = Annotated[int, help_of("How many drafts before the vote.")]
Rounds = Annotated[int, help_of("Machine rounds before giving up.")]
CardsWait = Annotated[int, help_of("How long the first round waits for each member's card.")]
AnswersWait = Annotated[int, help_of("How long each later round waits for each member's answer.")]


class CallParams(msgspec.Struct, kw_only=True):
    """A call: which goods, for which region and period, how many readings, and how long to wait for whom. `start` is
    the digest in hex of the plan in force whose next revision it is; `plan.revise` says all of this by itself. `above`
    is the call (hex) of the level above in which this home speaks for the region."""

    table: TableFile
    scope: Annotated[str, help_of("Which region the plan is for.")]
    period: Annotated[str, help_of("Which period it is for.")]
    revision: Annotated[int, help_of("1, 2, ... for a plan called anew for the same period.")] = 0
    readings: Readings = READINGS
    rounds_max: Rounds = ROUNDS_MAX
    cards_wait_ms: CardsWait = CARDS_WAIT_MS
    answers_wait_ms: AnswersWait = ANSWERS_WAIT_MS
    start: Annotated[CallHex, help_of("The digest of the plan in force that it goes on from.")] = ""
    above: Annotated[CallHex, help_of("The call above in which we speak for this region.")] = ""


class ProposeParams(msgspec.Struct, kw_only=True):
    """What a person releases for one reading of a call, or with `standing` for every one from there on.

    Without `release` it is the one released last; `edits_percent` and `offers` are the committee's changes to it.
    `digest` guards against releasing other lines than were read: it is that of the preview.
    """

    release: Release | None = None
    call: CallHex = ""
    reading: int = 1
    edits_percent: Edits = {}
    offers: Offers = {}
    standing: bool = False
    digest: str = ""


class PlanParams(msgspec.Struct, kw_only=True):
    """Which call."""

    call: CallHex = ""


class ScheduleParams(msgspec.Struct, kw_only=True):
    """Whose schedules: a card's, a co-op's with all its cards, or (empty) everybody's. `places` (card to degrees) go
    before what members have said of their own."""

    call: CallHex = ""
    card: str = ""
    places: dict[str, tuple[str | float, str | float]] = {}


class RatifyParams(msgspec.Struct, kw_only=True):
    """What a co-op's meeting decided about the newest draft; `digest` and `attempt` (0: the first draft voted on, then
    one more for each made again) guard against voting on another one."""

    approve: bool
    meeting: Meeting
    digest: str = ""
    reason: str = ""
    call: CallHex = ""
    attempt: int | None = None


async def call_plan(node: Node, params: CallParams) -> dict[str, Any]:
    """Call a plan among the members of the roster in force."""
    history = current_history(node)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "only a member of a federation can call a plan")
    above = find_above(node, params.above, params.readings) if params.above else None
    table = read_table(fill_shelf_lives(params.table, read_board(node)))
    digest = await share_file(node, encode(to_value(table), FILE_BYTES_MAX), FEDERATION)
    body = PlanCall(
        roster=history.newest.hash,
        scope=params.scope,
        period=params.period,
        revision=params.revision,
        goods_table=digest,
        readings=params.readings,
        rounds_max=count_rounds(params.rounds_max, above),
        cards_wait_ms=params.cards_wait_ms,
        answers_wait_ms=params.answers_wait_ms,
        start=bytes.fromhex(params.start) or None,
        above=above,
    )
    published = await publish(node, "plan.call", body)
    kept = sorted({find_base(card.id) for card in table.trade if " kept from " in card.id} if table.periods else ())
    members = len(history.newest.voters)
    return {"call": published.leaf.hex(), "goods": len(table.goods), "members": members, "kept": kept}


def count_rounds(rounds_max: int, above: bytes | None) -> int:
    """A region goes through several rounds of its own for each one above."""
    return rounds_max if above is None else max(rounds_max, ROUNDS_BELOW * ROUNDS_MAX)


def find_above(node: Node, call: str, readings: int) -> bytes:
    """The call above that a region's call names; RefusedError where this home cannot speak for a region in it."""
    run = find_run(node, call)
    if node.origin not in run.terms.members or federation_of(node, above=True) is None:
        raise RefusedError.at("above", "this home is no member there: `federation join --above` makes it one")
    if readings < READINGS:
        raise RefusedError.at("readings", f"at least {READINGS}: one beside the plan above, one under it")
    return run.call_id


async def propose(node: Node, params: ProposeParams) -> dict[str, Any]:
    """Release this member's cards, and its answers, for one reading of a call or for all from there on."""
    run = find_run(node, params.call)
    if not 1 <= params.reading <= run.call.readings:
        raise RefusedError.at("reading", f"this call has readings 1 to {run.call.readings}")
    if node.origin not in run.terms.members:
        raise RefusedError.at("call", "this home is no member of the call's roster")
    if has_gone_out(node, run, params.reading):
        raise RefusedError.at("reading", "this co-op's proposal for this reading has gone out already")
    last = run.call.readings if params.standing else params.reading
    readings = tuple(range(params.reading, last + 1))
    offers = complete_offers(node, run, params.release, params.offers)
    release = resolve_release(node, params.release, params.edits_percent, offers)
    if params.digest and digest_cards(await try_side(node, run, release, params.reading)) != params.digest:
        raise RefusedError.at("digest", "these are not the lines that were read: read them once more, then release")
    await planner_of(node).release(run.call_id, readings, release)
    return {"call": run.call_id.hex(), "reading": params.reading, "readings": readings}


async def try_side(node: Node, run: PlanRun, release: Release, reading: int) -> PrivateSide:
    """A member's cards as this release would make them now; nothing is kept. RefusedError names what does not fit."""
    if run.table is None:
        raise RefusedError.at("call", "its goods table has not arrived here yet")
    if node.origin not in run.terms.members:
        raise RefusedError.at("call", "this home is no member of the call's roster")
    return await try_release(node, release, run.call_id, reading, run.table, run.terms)


async def withdraw(node: Node, params: PlanParams) -> dict[str, Any]:
    """Take back what was released for readings whose cards have not gone out; a standing release ends with it."""
    run = find_run(node, params.call)
    kept = [reading for reading in sorted(run.releases) if not has_gone_out(node, run, reading)]
    if not kept:
        raise RefusedError.at("release", "nothing is released here that has not gone out already")
    await planner_of(node).withdraw(run.call_id, kept)
    return {"call": run.call_id.hex(), "readings": kept}


def has_gone_out(node: Node, run: PlanRun, reading: int) -> bool:
    """Whether this co-op's cards for a reading are in its log."""
    slot = round_slot(run.call_id, reading, CARDS_ROUND)
    return bool(records(node.database.reader, "plan.card", slot, node.origin))


async def show_status(node: Node, params: PlanParams) -> dict[str, Any]:
    """Where a call stands, and for whom it waits."""
    run = find_run(node, params.call)
    report = describe_plan(node, run)
    last = report.readings[-1].rounds[-1] if report.readings[-1].rounds else None
    return {
        "call": report.call,
        "state": report.state,
        "stage": run.stage,
        "trouble": report.trouble,
        "reading": report.reading,
        "round": len(report.readings[-1].rounds),
        "worst_good_ppm": None if last is None else last.worst_good_ppm,
        "worst_good": None if last is None else last.worst_good,
        "waits_for": report.waits_for,
        "notices": report.notices,
        "digest": report.digest,
        "checked_by": [] if report.certificate is None else report.certificate.checked_by,
        "approved_by": [vote.origin for vote in report.votes if vote.approve and vote.digest == report.digest],
        "ratified": report.ratified,
        "attempt": run.attempt,
        "left_out": report.left_out,
        "revision": report.revision,
        "start": report.start,
        "level": report.level,
        "restless": report.restless,
    }


async def show_plan(node: Node, params: PlanParams) -> PlanReport:
    """The whole plan as this node computed it."""
    return describe_plan(node, find_run(node, params.call))


async def show_minutes(node: Node, params: PlanParams) -> dict[str, Any]:
    """The newest draft's document and the minutes it follows from: all that an auditor needs, as two texts."""
    run = find_run(node, params.call)
    minutes = format_minutes(take_minutes(node, run))
    draft = newest_draft(run)
    assert draft is not None
    return {"digest": draft.digest.hex(), "document": draft.document.decode(), "minutes": minutes.decode()}


async def show_schedule(node: Node, params: ScheduleParams) -> Schedule:
    """What the newest draft asks of each card, with the agreed price of what it gives and gets."""
    run = find_run(node, params.call)
    draft = newest_draft(run)
    if draft is None:
        raise RefusedError.at("plan", "there is no draft yet")
    places, missing = gather_places(node, run, draft.plan, params.places)
    board = read_board(node)
    return await asyncio.to_thread(describe_schedule, draft.plan, places, params.card, board, missing)


async def check_plan(node: Node, params: PlanParams) -> dict[str, Any]:
    """Check the newest draft's certificate again, with the regrets that members have attested."""
    run = find_run(node, params.call)
    draft = newest_draft(run)
    if draft is None:
        raise RefusedError.at("plan", "there is no draft yet")
    certificate = check_draft(node, run, draft)
    return {
        "digest": draft.digest.hex(),
        "holds": not certificate.findings,
        "findings": [str(finding) for finding in certificate.findings],
        "gap_micro": certificate.gap_micro,
        "gap_ppm": certificate.gap_ppm,
        "credits_micro": certificate.credits_micro,
        "unknown_regrets": certificate.unknown_regrets,
    }


async def ratify(node: Node, params: RatifyParams) -> dict[str, Any]:
    """Sign what this co-op's meeting decided about the newest draft: once per attempt."""
    run = find_run(node, params.call)
    draft = newest_draft(run)
    if read_standing(node, run.call_id, run.terms).is_held:
        raise RefusedError.at("call", "it is paused or called off: `plan status` says by whom and why")
    if draft is None or run.stage not in VOTED_ON:
        raise RefusedError.at("plan", "the readings are not over: there is nothing to vote on yet")
    if params.attempt not in (None, run.attempt):
        raise RefusedError.at("attempt", f"the draft to vote on is that of attempt {run.attempt}")
    if params.digest and params.digest != draft.digest.hex():
        raise RefusedError.at("digest", "the meeting voted on another draft than the one this node computed")
    for indexed in records(node.database.reader, "plan.approval", run.call_id, node.origin):
        if indexed.body.attempt == run.attempt:
            raise RefusedError.at("attempt", "this co-op has spoken already; its first word counts")
    if params.approve and (other := planner_of(node).find_rival(run)) is not None:
        raise RefusedError.at(
            "call", f"this co-op approved call {other.hex()}, which asks the same and may come in force"
        )
    body = PlanApproval(run.call_id, run.attempt, draft.digest, params.approve, params.reason, params.meeting)
    published = await publish(node, "plan.approval", body)
    return {"digest": draft.digest.hex(), "approve": params.approve, "index": published.index}


def planner_of(node: Node) -> Planner:
    """The running node's planner; RefusedError when the node is not running."""
    found = node.parts.get("planner")
    if not isinstance(found, Planner):
        raise RefusedError.at("plan", "plans are made by a running node: start it with `rochdale run`")
    return found


def find_run(node: Node, call: str) -> PlanRun:
    """A call by its id in hex, or the newest one that this node follows."""
    planner = planner_of(node)
    if call:
        run = planner.run_of(bytes.fromhex(call))
    else:
        calls = sorted(records(node.database.reader, "plan.call"), key=lambda one: (one.record.at, one.leaf))
        runs = [planner.run_of(indexed.leaf) for indexed in calls]
        run = next((found for found in reversed(runs) if found is not None), None)
    if run is None:
        raise RefusedError.at("call", "no such call is known here, or its roster has not arrived yet")
    return run


def _tell_called(answer: dict[str, Any]) -> Iterator[str]:
    yield f"Called: {answer['call']}, {answer['goods']} goods."
    if answer["kept"]:
        yield f"From one period to the next may be kept: {', '.join(answer['kept'])}."


def _tell_withdrawn(answer: dict[str, Any]) -> Iterator[str]:
    which = " and ".join(map(str, answer["readings"]))
    yield f"Taken back for reading {which}: nothing of yours goes out until somebody releases it again."


OPERATIONS = (
    Operation(
        "plan.call",
        CallParams,
        call_plan,
        "Call the members in force to plan over the goods TABLE (JSON).",
        tell=_tell_called,
        command=Command("plan call", ("table",), "product.json --scope s --period p", 1),
    ),
    Operation("plan.propose", ProposeParams, propose, "Release this member's proposal for one reading of a call."),
    Operation(
        "plan.withdraw",
        PlanParams,
        withdraw,
        "Take back what is released for readings whose cards have not gone out; ends a standing release.",
        tell=_tell_withdrawn,
        command=Command("plan withdraw", code=1),
    ),
    Operation("plan.status", PlanParams, show_status, "Where a call stands, and for whom it waits.", writes=False),
    Operation("plan.show", PlanParams, show_plan, "The whole plan as this node computed it.", writes=False),
    Operation("plan.minutes", PlanParams, show_minutes, "The newest draft and all that it follows from.", writes=False),
    Operation("plan.schedule", ScheduleParams, show_schedule, "What each card makes, gives and gets.", writes=False),
    Operation("plan.check", PlanParams, check_plan, "Check the newest draft's certificate again.", writes=False),
    Operation("plan.ratify", RatifyParams, ratify, "Sign what this co-op's meeting decided about the draft."),
)

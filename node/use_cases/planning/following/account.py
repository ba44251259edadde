"""How a plan in force is followed, as people read it: who promised what, what came, what is open or will be lacking.

Invariant: read from the members' logs alone; nobody's number is changed, and where two differ both are shown.
Spec: docs/spec/planning/following.md
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.rounds.approvals import newest_draft, plan_in_force
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.quantities import format_decimal
from protocol.planning.cards import Good
from protocol.planning.following.account import Account, account_for
from protocol.planning.following.deliveries import Told, Way, apply_deliveries
from protocol.planning.following.promises import apply_promises, list_planned
from protocol.planning.plan import Plan
from storage.log.record_index import own_words, records


class FollowedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One card and one good; amounts are decimals in the good's unit, empty where nobody has said anything."""

    card: str
    good: str
    unit: str
    side: str
    outside: bool
    planned: str
    promised: str
    done: str
    others: str
    open: str
    short: str


class FollowedGood(msgspec.Struct, frozen=True, kw_only=True):
    """One good in the whole plan: needed, promised by its givers, not yet promised, carried, open and lacking."""

    good: str
    unit: str
    planned: str
    promised: str
    unsaid: str
    given: str
    received: str
    open: str
    short: str


class FollowedWay(msgspec.Struct, frozen=True, kw_only=True):
    """One good from one card to another, as both ends tell it; `planned` is empty where no delivery was worked out."""

    good: str
    unit: str
    source: str
    to: str
    planned: str
    given: str
    received: str
    differs: bool


class FollowReport(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the plan in force; `missing` are cards that have promised nothing yet, `without_place` ends for
    want of whose place no ways were worked out though they were asked for (`has_ways`)."""

    plan: str
    lines: tuple[FollowedLine, ...]
    goods: tuple[FollowedGood, ...]
    ways: tuple[FollowedWay, ...]
    missing: tuple[str, ...]
    without_place: tuple[str, ...] = ()
    has_ways: bool = False


def describe_following(node: Node, run: PlanRun, loads: Mapping[Way, int] | None = None) -> FollowReport | None:
    """How the plan in force is followed, None while there is none; `loads` in units, where somebody worked them out."""
    draft = plan_in_force(run)
    return None if draft is None else write_report(draft.plan, draft.digest, read_account(node, run, draft, loads))


def read_account(node: Node, run: PlanRun, draft: Draft, loads: Mapping[Way, int] | None = None) -> Account:
    """The account of a plan in force from the members' records."""
    planned = list_planned(draft.plan)
    promised = apply_promises(_read_spoken(node, run, "plan.promise"), draft.digest, planned)
    return account_for(draft.plan, planned, promised, read_carried(node, run, draft), loads)


def read_carried(node: Node, run: PlanRun, draft: Draft) -> dict[Way, Told]:
    """What both ends of every way have said so far, under the plans that this one goes on from too."""
    earlier = find_plan(node, run.call.start)
    of_earlier = None if earlier is None else plan_in_force(earlier)
    before = {} if earlier is None or of_earlier is None else read_carried(node, earlier, of_earlier)
    spoken = _read_spoken(node, run, "plan.delivery")
    return apply_deliveries(spoken, draft.digest, draft.plan, before)


def find_shown(node: Node, newest: PlanRun) -> PlanRun:
    """The call that people want to read of: the newest, but the plan in force while its revision has no draft yet."""
    earlier = find_plan(node, newest.call.start)
    return newest if earlier is None or newest_draft(newest) is not None else earlier


def list_revisions(node: Node, run: PlanRun) -> tuple[str, ...]:
    """The calls, in hex, that go on from this call's plan in force; what a log carries of somebody else is none."""
    calls = records(node.database.reader, "plan.call") if run.ratified is not None else []
    own = (indexed for indexed in calls if indexed.is_own_word)
    return tuple(indexed.leaf.hex() for indexed in own if indexed.body.start == run.ratified)


def find_plan(node: Node, digest: bytes | None) -> PlanRun | None:
    """The call whose plan in force has this digest, as this node follows it."""
    planner = node.parts.get("planner")
    found = None if planner is None else planner.find_plan(digest)
    return found if isinstance(found, PlanRun) else None


def _read_spoken(node: Node, run: PlanRun, kind: str) -> dict[str, tuple[Any, ...]]:
    """What each member of the call has said, in the order of its log."""
    said = own_words(node.database.reader, kind, run.call_id, run.terms.members)
    return {origin: tuple(one.body for one in words) for origin, words in said.items()}


def write_report(plan: Plan, digest: bytes, account: Account) -> FollowReport:
    """The account of a plan with its numbers of units as decimals."""
    goods = {good.id: good for good in plan.goods_table.goods}
    return FollowReport(
        plan=digest.hex(),
        lines=tuple(_write_row(goods, one, FollowedLine, outside=one.is_outside) for one in account.lines),
        goods=tuple(_write_row(goods, one, FollowedGood) for one in account.goods),
        ways=tuple(_write_row(goods, one, FollowedWay, differs=one.differs) for one in account.ways),
        missing=account.missing,
    )


Row = TypeVar("Row", FollowedLine, FollowedGood, FollowedWay)


def _write_row(goods: Mapping[str, Good], one: Any, row: type[Row], **flags: bool) -> Row:
    good = goods[one.good]
    told: dict[str, Any] = {"unit": good.unit, **flags}
    for name in row.__struct_fields__:
        if name not in told:
            value = getattr(one, name)
            told[name] = (
                value if isinstance(value, str) else "" if value is None else format_decimal(value, good.decimals)
            )
    return row(**told)


def tell_promises(report: FollowReport) -> Iterator[str]:
    """Who has promised its part of the plan in force, in two sentences."""
    promised = {line.card for line in report.lines if line.promised and not line.outside}
    yield f"In force. {len(promised)} cards have promised their part."
    if report.missing:
        yield f"Not yet: {', '.join(report.missing)}."

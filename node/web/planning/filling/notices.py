"""Facilitators' words, members' objections and approved exceptions as sentences for the plan's page."""

from node.use_cases.planning.facilitating.notices import NoticeRow
from node.use_cases.planning.reports.view import PlanReport
from node.web.figures.words import format_unit, join_words
from node.web.planning.filling.plan_words import in_words
from node.web.planning.model.plan import Notice, Restless
from protocol.federation.charter import CouncilException
from protocol.planning.contributions import WORKPLACE_MARK
from protocol.planning.summary import format_amount

CREDITS_DECIMALS = 6
ACTS = {
    "pause": "paused the plan",
    "resume": "let the plan go on",
    "extend": "gave more time",
    "end_round": "ended the wait",
    "set_aside": "set a card or an answer aside",
    "end_vote": "ended the wait for votes",
    "call_off": "called the plan off",
}


def tell_notice(report: PlanReport, row: NoticeRow) -> Notice:
    """One word of a facilitator, by the names of the call's members."""
    name = report.members.get(row.origin, row.origin)
    about = f" ({row.about})" if row.about else ""
    objections = tuple(f"{report.members.get(origin, origin)} objects: {reason}" for origin, reason in row.objections)
    return Notice(f"{name} {ACTS[row.act]}{about}: {row.reason}", objections)


def tell_restless(report: PlanReport) -> Restless | None:
    """Who holds up the rounds, and the word with which a facilitator may set its answers aside."""
    row = report.restless
    if row is None:
        return None
    name = report.members.get(row.origin, row.origin)
    label = row.card.partition(WORKPLACE_MARK)[2]
    name = f"{label.replace('_', ' ')} of {name}" if label else name
    command = f"rochdale plan facilitate set_aside --leaf {row.leaf} --reason '...'"
    return Restless(name, row.moved_ppm, row.wrong_share_ppm, row.is_aside, command)


def tell_exception(report: PlanReport, exception: CouncilException) -> str:
    """What the members approved for one co-op beyond what its people are allotted."""
    name = report.members.get(exception.member, exception.member)
    units = {} if report.plan is None else {good.id: good.unit for good in report.plan.goods_table.goods}
    told = [
        f"{format_amount(floor.amount, floor.decimals)} {format_unit(units[floor.good])} of {in_words(floor.good)}"
        if floor.good in units
        else f"{format_amount(floor.amount, floor.decimals)} of {in_words(floor.good)}"
        for floor in exception.floors
    ]
    if exception.credits_micro:
        told.append(f"{format_amount(exception.credits_micro, CREDITS_DECIMALS)} credits")
    return f"{name}: {join_words(told)} more than its people are allotted, because: {exception.reason}"

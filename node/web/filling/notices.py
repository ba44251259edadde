"""Facilitators' words and members' objections as sentences for the plan's page."""

from node.use_cases.planning.facilitating.notices import NoticeRow
from node.use_cases.planning.view import PlanReport
from node.web.pages.plan import Notice

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

"""How a plan in force is followed, in the members' words: who promised, what has come, where two sides differ."""

from collections.abc import Collection
from typing import Final

from node.use_cases.planning.following.account import FollowedWay
from node.use_cases.planning.reports.view import PlanReport
from node.web.figures.words import format_quantity
from node.web.planning.filling.plan_words import Labels
from node.web.planning.model.plan import Followed, FollowedGood
from protocol.core.quantities import Quantity
from protocol.planning.contributions import WORKPLACE_MARK

DIFFERENCES_SHOWN: Final = 50
"""The rest is in `rochdale plan follow --ways`."""


def fill_followed(report: PlanReport, labels: Labels) -> Followed | None:
    """The page's section on a plan in force, None while there is none."""
    following = report.following
    if following is None:
        return None
    promised = {line.card for line in following.lines if line.promised and not line.outside}
    goods = tuple(
        FollowedGood(
            labels.heading(row.good),
            *(
                read_amount(labels, row.good, text)
                for text in (row.planned, row.promised, row.received, row.open, row.short)
            ),
        )
        for row in following.goods
    )
    differing = tuple(tell_difference(labels, way) for way in following.ways if way.differs)[:DIFFERENCES_SHOWN]
    return Followed(_list_names(labels, promised), _list_names(labels, following.missing), goods, differing)


def _list_names(labels: Labels, cards: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(_name(labels, card) for card in cards))


def tell_left_out(report: PlanReport, origin: str) -> str:
    """Who refused a draft before, and why; the draft now is made without its cards."""
    said = next((vote.reason for vote in report.votes if vote.origin == origin and not vote.approve), "")
    name = report.members.get(origin, origin)
    return f"{name} refused a draft before and has no part in this one{': ' + said if said else '.'}"


def read_amount(labels: Labels, good: str, text: str) -> Quantity:
    """What the report writes with as many decimals as the good is counted in; nothing said is none."""
    return labels.amount(good, int(text.replace(".", "") or 0))


def _name(labels: Labels, card: str) -> str:
    """A council by its co-op's name, a workplace by its own with it."""
    member = labels.member(card)
    return f"{labels.workplace(card)} ({member})" if WORKPLACE_MARK in card else member


def tell_difference(labels: Labels, way: FollowedWay) -> str:
    """What both ends of a way say was carried, where they do not say the same."""
    given, received = (format_quantity(read_amount(labels, way.good, text)) for text in (way.given, way.received))
    good, source, to = labels.heading(way.good), _name(labels, way.source), _name(labels, way.to)
    return f"{good}: {source} says it gave {given}, {to} says it received {received}."

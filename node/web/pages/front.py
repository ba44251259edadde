"""The first page: three questions, answered with this run's figures, and a tour of five clicks.

Questions: what do people want and how do we know; who makes and brings what; what is on offer and why.
"""

import msgspec

from node.web.pages.first_day import FirstDay
from node.web.pages.logs import LogList
from node.web.pages.plan import PlanPage
from node.web.pages.prices import PriceList


class FrontPage(msgspec.Struct, frozen=True):
    """What the first page answers from; what is None is said not to be there yet."""

    till: FirstDay
    plan: PlanPage | None
    prices: PriceList
    logs: LogList

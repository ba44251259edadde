"""The first page: three questions, answered with this run's figures, and a tour of five clicks.

Questions: what do people want and how do we know; who makes and brings what; what is on offer and why.
"""

import msgspec

from node.web.logs.model import LogList
from node.web.planning.model.plan import PlanPage
from node.web.supply.model import PriceList
from node.web.till.model import FirstDay


class FrontPage(msgspec.Struct, frozen=True):
    """What the first page answers from; what is None is said not to be there yet."""

    till: FirstDay
    plan: PlanPage | None
    prices: PriceList
    logs: LogList

"""The first page and the tour: made of what the pages of every other area say."""

from node.web.asked import Asked
from node.web.front.model import FrontPage
from node.web.front.tour import STEPS, Told, TourStop, tell_stop
from node.web.logs.pages import fill_logs
from node.web.page import FilledPage
from node.web.planning.pages import fill_coop_of, fill_plan
from node.web.supply.pages import fill_price_of, fill_prices
from node.web.till.pages import FIRST_DAY_PATH, fill_first_day


async def fill_front(asked: Asked) -> FrontPage | None:
    """The three questions; None on a home that holds nothing yet."""
    first_day, plan, prices = await fill_first_day(asked), await fill_plan(asked), await fill_prices(asked)
    if plan is None and first_day.till is None and not prices.rows:
        return None
    return FrontPage(first_day, plan, prices, await fill_logs(asked))


async def fill_tour(asked: Asked) -> TourStop | None:
    """One stop of the tour of five."""
    stop = asked.said["stop"]
    return tell_stop(stop, await _gather_told(asked)) if stop in STEPS else None


async def _gather_told(asked: Asked) -> Told:
    """What the tour is told from: this node's own co-op or the plan's first, and a product with an agreed price."""
    plan, prices = await fill_plan(asked), await fill_prices(asked)
    coops = sorted(plan.coops, key=lambda row: row.key != asked.node.origin) if plan else []
    coop = await fill_coop_of(asked, coops[0].key) if coops else None
    agreed = next((row for row in prices.rows if row.state == "agreed"), None)
    price = await fill_price_of(asked.node, agreed.code, agreed.maker_origin) if agreed else None
    return Told(plan, coop, prices, price, await fill_logs(asked))


ROUTES = (
    FilledPage(
        path="/",
        template="front/templates/front.html",
        title="Three questions",
        fill=fill_front,
        instead=FIRST_DAY_PATH,
        doc="the three questions, or the first-day page on an empty home",
    ),
    FilledPage(
        path="/tour/{stop}",
        template="front/templates/tour.html",
        fill=fill_tour,
        doc="the tour: buyer, member, baker, delegate, auditor",
    ),
)

"""What each page does when it is asked for: read from the sources, answer a view. No rule stands here."""

from aiohttp import web

from node.web.first_day_forms import view_of
from node.web.pages.front import FrontPage
from node.web.pages.tour import STEPS, Told, tell_stop
from node.web.render import View
from node.web.visit import Visit


async def show_front(visit: Visit) -> View:
    """The three questions; the first-day page on a home that holds nothing yet."""
    first_day = await visit.sources.first_day()
    plan = await visit.sources.plan()
    prices = await visit.sources.prices()
    if plan is None and first_day.till is None and not prices.rows:
        return view_of(first_day, visit)
    logs = await visit.sources.logs()
    return View("front.html", "Three questions", FrontPage(first_day, plan, prices, logs))


async def show_tour(visit: Visit) -> View:
    """One stop of the tour of five."""
    stop = visit.part("stop")
    if stop not in STEPS:
        raise web.HTTPNotFound
    return View("tour.html", STEPS[stop].title, tell_stop(stop, await gather_told(visit)))


async def gather_told(visit: Visit) -> Told:
    """What the tour is told from: this node's own co-op or the plan's first, and a product with an agreed price."""
    plan, prices = await visit.sources.plan(), await visit.sources.prices()
    own = (await visit.sources.frame()).origin
    coops = sorted(plan.coops, key=lambda row: row.key != own) if plan else []
    coop = await visit.sources.coop(coops[0].key) if coops else None
    agreed = next((row for row in prices.rows if row.state == "agreed"), None)
    price = await visit.sources.price(agreed.code, agreed.maker_origin) if agreed else None
    return Told(plan, coop, prices, price, await visit.sources.logs())


async def show_prices(visit: Visit) -> View:
    """Every product and the state of its price."""
    return View("prices.html", "Prices", await visit.sources.prices())


async def show_price(visit: Visit) -> View:
    """What one price is made of."""
    page = await visit.sources.price(visit.part("product"), visit.request.query.get("maker", ""))
    if page is None:
        raise web.HTTPNotFound
    return View("price.html", page.row.name, page)


async def show_plan(visit: Visit) -> View:
    """The region's plan, as far as it has come."""
    return View("plan.html", "The plan", await visit.sources.plan())


async def answer_plan_document(visit: Visit) -> web.Response:
    """The plan's document, byte for byte as its digest covers it."""
    document = await visit.sources.plan_document()
    if document is None:
        raise web.HTTPNotFound
    return web.Response(body=document, content_type="application/json")


async def show_coop(visit: Visit) -> View:
    """One co-op's part of the plan."""
    page = await visit.sources.coop(visit.part("coop"))
    if page is None:
        raise web.HTTPNotFound
    return View("coop.html", page.name, page)


async def show_logs(visit: Visit) -> View:
    """Peers and logs."""
    return View("logs.html", "Peers and logs", await visit.sources.logs())


async def show_log(visit: Visit) -> View:
    """One log and its latest records."""
    page = await visit.sources.log(visit.part("origin"))
    if page is None:
        raise web.HTTPNotFound
    return View("log.html", page.row.name, page)


async def answer_health(visit: Visit) -> web.Response:
    """One word for a watchdog: this node answers."""
    return web.Response(text="ok\n")

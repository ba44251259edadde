"""The pages of the newest plan, its document, and one co-op's part of it."""

from aiohttp import web

from node.use_cases.planning.following.account import find_shown
from node.use_cases.planning.reports.view import describe_plan
from node.web.asked import Asked
from node.web.page import FilledPage, Route
from node.web.planning.filling.plan import DOCUMENT_PATH, PlanPages, fill_plan_pages
from node.web.planning.model.plan import CoopPage, PlanPage
from node.web.planning.newest import find_newest
from node.web.supply.pages import fill_prices
from node.web.visit import Visit
from storage.log import log_store


async def fill_plan(asked: Asked) -> PlanPage | None:
    """The newest plan, as far as it has come."""
    pages = await _fill_newest(asked)
    return pages.page if pages else None


async def fill_coop(asked: Asked) -> CoopPage | None:
    """One consumer co-op's part of that plan, by its log's origin."""
    return await fill_coop_of(asked, asked.said["coop"])


async def fill_coop_of(asked: Asked, origin: str) -> CoopPage | None:
    """The part of the co-op whose log this is."""
    pages = await _fill_newest(asked)
    return pages.coops.get(origin) if pages else None


async def read_document(asked: Asked) -> bytes:
    """The newest draft's document, byte for byte as its digest covers it; empty while there is none."""
    pages = await _fill_newest(asked)
    return pages.document if pages else b""


async def answer_document(visit: Visit) -> web.Response:
    """That document, for checking it yourself; HTTP 404 while there is none."""
    document = await read_document(visit.asked)
    if not document:
        raise web.HTTPNotFound
    return web.Response(body=document, content_type="application/json")


async def _fill_newest(asked: Asked) -> PlanPages | None:
    """The pages of the newest plan, filled anew only when a log or this node's own computation has moved."""
    node = asked.node
    newest = find_newest(node)
    if newest is None:
        return None
    run = find_shown(node, newest)

    async def fill() -> PlanPages:
        drafts = [reading.draft for reading in run.readings if reading.draft is not None]
        earlier = drafts[-2].plan if len(drafts) > 1 else None
        return fill_plan_pages(describe_plan(node, run), earlier, await fill_prices(asked))

    seen = (run.call_id, run.stage, len(run.reading.reports), log_store.change_counter(node.database.reader))
    return await asked.kept.hold("plan", seen, fill)


ROUTES = (
    FilledPage(
        path="/plan",
        template="planning/templates/plan.html",
        title="The plan",
        fill=fill_plan,
        doc="rounds, who makes and gets what, what binds, who checked",
    ),
    Route("GET", DOCUMENT_PATH, answer_document, "the plan's document, for checking it yourself"),
    FilledPage(
        path="/plan/{coop:.+}",
        template="planning/templates/coop.html",
        fill=fill_coop,
        doc="one co-op's part of the plan",
    ),
)

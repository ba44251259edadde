"""The pages' figures from the node's own use cases."""

import asyncio
from functools import cache
from importlib import metadata

from node.use_cases import logs, status, supply, till
from node.use_cases.context import Node
from node.use_cases.home import DEFAULT_NAME, rename
from node.use_cases.peers import list_peers
from node.use_cases.planning.story import PlanStory, gather_story
from node.use_cases.supply.drafts import ItemParams, ListParams
from node.web.filling.logs import fill_log_page, fill_log_row, tell_connection
from node.web.filling.plan import PlanPages, fill_plan_pages
from node.web.filling.prices import fill_price_list, fill_price_page
from node.web.filling.till import fill_summary, fill_taken, fill_wanted, finder_of
from node.web.pages.first_day import FirstDay, TakenFile
from node.web.pages.frame import Frame, Provenance
from node.web.pages.logs import LogList, LogPage
from node.web.pages.plan import CoopPage, PlanPage
from node.web.pages.prices import PriceList, PricePage
from protocol.core.errors import RefusedError

QUANTITIES_PREFIX = "Quantities sold: "
LATEST_RECORDS = 50


class NodeSources:
    """What the pages ask of the node, answered by its use cases."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._filled: tuple[PlanStory, PriceList, PlanPages] | None = None

    async def frame(self) -> Frame:
        """Whose node this is and where its figures come from."""
        said = status.read_provenance(self._node)
        provenance = Provenance(said.quantities.removeprefix(QUANTITIES_PREFIX), said.made_up)
        return Frame(self._name(), self._node.origin, read_version(), provenance)

    async def first_day(self) -> FirstDay:
        """The co-op's name, its till so far and its ten most wanted goods."""
        report = await till.show_consumption(self._node, till.NoParams())
        find_price = finder_of((await self.prices()).rows)
        return FirstDay(self._name(), fill_summary(report), fill_wanted(report, find_price))

    async def give_name(self, name: str) -> None:
        """Name the co-op."""
        await rename(self._node, name)

    async def take_till_file(self, name: str, content: bytes) -> TakenFile:
        """Take a till file whole."""
        return fill_taken(await till.import_file(self._node, till.TillParams(name=name, content=content)))

    async def prices(self) -> PriceList:
        """Every product this node knows."""
        return fill_price_list(await supply.list_products(self._node, ListParams()), logs.read_names(self._node))

    async def price(self, code: str, maker: str) -> PricePage | None:
        """One product by its code, of this maker or of the only one that has it."""
        known = [line for line in await supply.list_products(self._node, ListParams(maker=maker)) if line.code == code]
        if not known:
            return None
        view = await supply.show_product(self._node, ItemParams(product=code, maker=maker))
        return fill_price_page(view, logs.read_names(self._node))

    async def plan(self) -> PlanPage | None:
        """The newest plan, as far as it has come."""
        pages = await self._plan_pages()
        return pages.page if pages else None

    async def coop(self, key: str) -> CoopPage | None:
        """One consumer co-op's part of that plan, by its log's origin."""
        pages = await self._plan_pages()
        return pages.coops.get(key) if pages else None

    async def plan_document(self) -> bytes | None:
        """The newest draft's canonical document."""
        pages = await self._plan_pages()
        return pages.document or None if pages else None

    async def logs(self) -> LogList:
        """The logs this node holds, with how it talks to their owners."""
        found = await logs.list_logs(self._node, till.NoParams())
        connections = await self._connections()
        return LogList(tuple(fill_log_row(view, connections) for view in found.logs))

    async def log(self, origin: str) -> LogPage | None:
        """One log with its latest records."""
        try:
            found = await logs.show_log(self._node, logs.LogParams(origin=origin, last=LATEST_RECORDS))
        except RefusedError:
            return None
        return fill_log_page(found, await self._connections())

    async def _plan_pages(self) -> PlanPages | None:
        """The pages of the newest plan, filled anew only when something that they show has changed."""
        story = gather_story(self._node)
        if story is None:
            return None
        prices = await self.prices()
        if self._filled is None or self._filled[:2] != (story, prices):
            self._filled = (story, prices, await asyncio.to_thread(fill_plan_pages, story, prices))
        return self._filled[2]

    def _name(self) -> str:
        return "" if self._node.name == DEFAULT_NAME else self._node.name

    async def _connections(self) -> dict[str, str]:
        found = await list_peers(self._node, till.NoParams())
        return {line.origin: tell_connection(line) for line in found.peers}


@cache
def read_version() -> str:
    """The version of the installed package."""
    try:
        return metadata.version("rochdale")
    except metadata.PackageNotFoundError:
        return "from a checkout"

"""The pages' figures from the node's own use cases."""

from collections.abc import Mapping
from functools import cache
from importlib import metadata

from node.till.goods_mapping import parse_rules
from node.use_cases import logs, status, supply, till
from node.use_cases.context import Node
from node.use_cases.home import DEFAULT_NAME, rename
from node.use_cases.peers import list_peers
from node.use_cases.planning.exploring.till_file import TillFile
from node.use_cases.planning.exploring.verbs import WhatIfParams, what_if
from node.use_cases.planning.following.account import find_shown
from node.use_cases.planning.following.approvals import newest_draft
from node.use_cases.planning.run import PlanRun
from node.use_cases.planning.verbs import find_run
from node.use_cases.planning.view import describe_plan
from node.use_cases.supply.drafts import ItemParams, ListParams
from node.web.filling.logs import fill_log_page, fill_log_row, tell_connection
from node.web.filling.plan import PlanPages, fill_plan_pages, match_products
from node.web.filling.plan_words import labels_of
from node.web.filling.prices import fill_price_list, fill_price_page
from node.web.filling.till import GoodOf, fill_summary, fill_taken, fill_wanted, finder_of, knows_no_good
from node.web.filling.what_if import WhatIfForm, fill_what_if, read_changes
from node.web.forms import SentFile
from node.web.pages.first_day import FirstDay, TakenFile
from node.web.pages.frame import Frame, Provenance
from node.web.pages.logs import LogList, LogPage
from node.web.pages.plan import CoopPage, PlanPage
from node.web.pages.prices import PriceList, PricePage
from node.web.pages.proposal import ProposalForm, ProposalPage
from node.web.pages.what_if import WhatIfPage
from node.web.planning.proposal_source import answer_proposal
from protocol.core.errors import RefusedError
from storage.log import log_store
from storage.private import till_lines

QUANTITIES_PREFIX = "Quantities sold: "
MADE_UP_PREFIX = "Made up: "
LATEST_RECORDS = 50


class NodeSources:
    """What the pages ask of the node, answered by its use cases."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._filled: tuple[object, PlanPages] | None = None
        self._first_day: tuple[object, FirstDay] | None = None

    async def frame(self) -> Frame:
        """Whose node this is and where its figures come from."""
        said = status.read_provenance(self._node)
        made_up = tuple(text.removeprefix(MADE_UP_PREFIX).rstrip(".") for text in said.made_up)
        provenance = Provenance(said.quantities.removeprefix(QUANTITIES_PREFIX), made_up)
        return Frame(self._name(), self._node.origin, read_version(), provenance)

    async def first_day(self) -> FirstDay:
        """The co-op's name, its till so far and its ten most wanted goods."""
        db = self._node.database.reader
        seen = (self._name(), till_lines.line_count(db), log_store.change_counter(db))
        if self._first_day is None or self._first_day[0] != seen:
            report = await till.show_consumption(self._node, till.NoParams())
            find_price = finder_of((await self.prices()).rows, self._good_of())
            page = FirstDay(self._name(), fill_summary(report), fill_wanted(report, find_price))
            self._first_day = (seen, page)
        return self._first_day[1]

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

    async def what_if(
        self,
        query: Mapping[str, str],
        file: SentFile | None = None,
        council: str = "",
        refused: RefusedError | None = None,
    ) -> WhatIfPage | None:
        """The newest draft tried again with what a form asks for, or with a till file."""
        run = self._newest_run()
        draft = None if run is None else newest_draft(run)
        if run is None or draft is None:
            return None
        products = match_products(draft.plan, await self.prices())
        labels = labels_of(draft.plan, {good: row[0] for good, row in products.items()}, run.terms.names)
        answer = None
        try:
            if refused is None:
                till_file = None if file is None else TillFile(name=file.name, content=file.content, council=council)
                params = WhatIfParams(changes=read_changes(query), till=till_file, beside=True)
                answer = await what_if(self._node, params)
        except RefusedError as error:
            refused = error
        form = WhatIfForm(query, council or self._node.origin)
        return fill_what_if(draft.plan, labels, run.call.scope, form, answer, refused)

    async def proposal(self, form: ProposalForm, refused: RefusedError | None = None) -> ProposalPage | None:
        """This co-op's proposal after what a form asks for."""
        return None if self._newest_run() is None else await answer_proposal(self._node, form, refused)

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
        """The pages of the newest plan, filled anew only when a log or this node's own computation has moved."""
        newest = self._newest_run()
        if newest is None:
            return None
        run = find_shown(self._node, newest)
        seen = (run.call_id, run.stage, len(run.reading.reports), log_store.change_counter(self._node.database.reader))
        if self._filled is None or self._filled[0] != seen:
            drafts = [reading.draft for reading in run.readings if reading.draft is not None]
            earlier = drafts[-2].plan if len(drafts) > 1 else None
            report = describe_plan(self._node, run)
            self._filled = (seen, fill_plan_pages(report, earlier, await self.prices()))
        return self._filled[1]

    def _newest_run(self) -> PlanRun | None:
        try:
            return find_run(self._node, "")
        except RefusedError:
            return None

    def _good_of(self) -> GoodOf:
        """What a till line counts as, by the rules that this co-op's committee released for the plan."""
        run = self._newest_run()
        councils = [] if run is None else [one.council for _, one in sorted(run.releases.items()) if one.council]
        return parse_rules(councils[-1].till).good_of if councils else knows_no_good

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

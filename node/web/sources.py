"""All that the pages ask of the node, in one place.

The node answers through its use cases (`node_sources`), a test through a filled example. A source that has nothing yet
answers None or an empty list, and the page says so.
"""

from collections.abc import Mapping
from typing import Protocol

from node.web.forms import SentFile
from node.web.pages.first_day import FirstDay, TakenFile
from node.web.pages.frame import Frame
from node.web.pages.logs import LogList, LogPage
from node.web.pages.plan import CoopPage, PlanPage
from node.web.pages.prices import PriceList, PricePage
from node.web.pages.proposal import ProposalForm, ProposalPage
from node.web.pages.what_if import WhatIfPage
from protocol.core.errors import RefusedError


class Sources(Protocol):
    """Reads for the pages, and what a first day and a committee may change."""

    async def frame(self) -> Frame:
        """Whose node this is and where its figures come from."""

    async def first_day(self) -> FirstDay:
        """The co-op's name, its till so far and its ten most wanted goods."""

    async def give_name(self, name: str) -> None:
        """Name the co-op; RefusedError says why a name will not do."""

    async def take_till_file(self, name: str, content: bytes) -> TakenFile:
        """Take a till file whole; RefusedError carries the findings by line and column."""

    async def prices(self) -> PriceList:
        """Every product this node knows."""

    async def price(self, code: str, maker: str) -> PricePage | None:
        """One product by its code, of this maker or (empty) of the only one that has it."""

    async def plan(self) -> PlanPage | None:
        """The newest plan, as far as it has come."""

    async def coop(self, key: str) -> CoopPage | None:
        """One consumer co-op's part of that plan, by the last part of its path."""

    async def plan_document(self) -> bytes | None:
        """The newest draft's canonical document, as its digest covers it."""

    async def what_if(
        self,
        query: Mapping[str, str],
        file: SentFile | None = None,
        council: str = "",
        refused: RefusedError | None = None,
    ) -> WhatIfPage | None:
        """That plan tried again with what a form asks for, or with a till file in the place of a council's tastes; a
        refusal, also one of the form itself, stands on the page. None while there is no plan."""

    async def proposal(self, form: ProposalForm, refused: RefusedError | None = None) -> ProposalPage | None:
        """This co-op's proposal after what a form asks for, or with why the form was refused. None without a call."""

    async def logs(self) -> LogList:
        """The logs this node holds."""

    async def log(self, origin: str) -> LogPage | None:
        """One log with its latest records."""

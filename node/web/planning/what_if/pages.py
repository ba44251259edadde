"""The plan tried again: with the changes of a form in the address, or with a till file that somebody brings along.

Invariant: nothing is changed by it; a till file is read only from a browser on this machine, and forgotten.
"""

from collections.abc import Awaitable, Callable, Mapping

from node.use_cases.planning.exploring.answering import WhatIfAnswer, WhatIfParams, what_if
from node.use_cases.planning.exploring.till_file import TillFile
from node.use_cases.planning.rounds.approvals import newest_draft
from node.web.asked import Asked
from node.web.forms import SentForm
from node.web.page import FilledPage, Form
from node.web.planning.filling.plan import match_products
from node.web.planning.filling.plan_words import labels_of
from node.web.planning.newest import find_newest
from node.web.planning.what_if.filling import Tried, WhatIfForm, fill_what_if, read_changes
from node.web.planning.what_if.model import WhatIfPage
from node.web.supply.pages import fill_prices
from protocol.core.errors import RefusedError

COUNCIL_FIELD = "council"

Ask = Callable[[WhatIfParams], Awaitable[WhatIfAnswer]]


async def fill_tried(asked: Asked) -> WhatIfPage | None:
    """The newest draft tried again with what the form in the address asks for; None while there is none."""
    tried = await _find_tried(asked)
    if tried is None:
        return None
    form = WhatIfForm(asked.said, asked.node.origin)
    if asked.refused is not None:
        return fill_what_if(tried, form, None)
    return await try_again(tried, form, None, lambda params: what_if(asked.node, params))


async def try_till_file(asked: Asked, sent: SentForm) -> WhatIfPage | None:
    """The same with the file's proportions in the place of a co-op's."""
    till = read_till_file(sent)
    tried = await _find_tried(asked)
    if tried is None:
        return None
    form = WhatIfForm(asked.said, till.council or asked.node.origin)
    return await try_again(tried, form, till, lambda params: what_if(asked.node, params))


def read_till_file(sent: SentForm) -> TillFile:
    """The file that was brought, and whose till it stands for."""
    if sent.file is None:
        raise RefusedError("form: no file was chosen")
    council = sent.fields.get(COUNCIL_FIELD, "")
    return TillFile(name=sent.file.name, content=sent.file.content, council=council)


async def try_again(tried: Tried, form: WhatIfForm, till: TillFile | None, ask: Ask) -> WhatIfPage:
    """The page with what `ask` answers, or with why it was refused."""
    try:
        answer = await ask(WhatIfParams(changes=read_changes(form.query), till=till, beside=True))
    except RefusedError as error:
        return fill_what_if(tried, form, None, error)
    return fill_what_if(tried, form, answer)


async def _find_tried(asked: Asked) -> Tried | None:
    run = find_newest(asked.node)
    draft = None if run is None else newest_draft(run)
    if run is None or draft is None:
        return None
    products = match_products(draft.plan, await fill_prices(asked))
    names: Mapping[str, str] = {good: row[0] for good, row in products.items()}
    return Tried(draft.plan, labels_of(draft.plan, names, run.terms.names), run.call.scope)


ROUTES = (
    FilledPage(
        path="/what-if",
        template="planning/what_if/templates/what_if.html",
        title="What if?",
        fill=fill_tried,
        doc="the plan tried again with changes: who gains, who lacks",
        form=Form(try_till_file, "the plan tried again with a till file, which is not kept"),
    ),
)

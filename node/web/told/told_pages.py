"""Pages made of what operations say of themselves: one section for each that has this address.

Invariant: looking at a page runs nothing that writes, with nothing but what the address says.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from aiohttp import web

from node.use_cases.context import Operation
from node.web.api.operations import read_params
from node.web.render import View
from node.web.told.section import Section
from node.web.visit import Visit
from protocol.core.errors import RefusedError


def list_titles(pages: Mapping[str, Sequence[Operation]], taken: Collection[str]) -> list[tuple[str, str]]:
    """Address and title of each page of its own that no address has to say more for; `taken` have other content."""
    titles = [(path, page.title) for path, (first, *_) in pages.items() if (page := first.page) and path not in taken]
    return [(path, title) for path, title in titles if "{" not in path]


async def show_told(visit: Visit, operations: Sequence[Operation]) -> View:
    """The page of operations at an address of their own; what they refuse is said in its place."""
    page = operations[0].page
    assert page is not None
    return View(
        "told/templates/told.html", page.title, told=tuple([await _tell_section(visit, one) for one in operations])
    )


async def add_sections(visit: Visit, view: View, operations: Sequence[Operation]) -> View:
    """A page that has other content, with the sections of operations below it; none where one refuses."""
    sections = [await _tell_section(visit, one) for one in operations]
    return msgspec.structs.replace(view, told=(*view.told, *(one for one in sections if not one.is_refused)))


async def _tell_section(visit: Visit, operation: Operation) -> Section:
    """What one operation tells a visitor; HTTP 404 where the address says what it cannot take."""
    page, tell = operation.page, operation.tell
    assert page is not None and tell is not None
    said: Mapping[str, str] = {**visit.request.query, **visit.request.match_info}
    try:
        params = read_params(operation, {name: text for name, text in said.items() if name in _fields(operation)}, True)
    except RefusedError:
        raise web.HTTPNotFound from None
    try:
        return Section(page.title, tuple(tell(await visit.site.operations.run(operation, params))))
    except RefusedError as error:
        return Section(page.title, (str(error),), is_refused=True)


def _fields(operation: Operation) -> tuple[str, ...]:
    return operation.params.__struct_fields__

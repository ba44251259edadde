"""How a filled page is shown, and how the form on one is taken: in the same way for every area.

Invariant: a form is taken only from a browser on this machine and from our own page, one at a time; a refused one
changes nothing, and the page says why.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from node.web.asked import Asked
from node.web.failures import tell_refusal
from node.web.forms import FormModel, read_form
from node.web.guard import form_token, is_near
from node.web.page import FilledPage, Form, Route
from node.web.render import View
from node.web.visit import Visit
from protocol.core.errors import RefusedError


def list_routes(found: Sequence[FilledPage | Route]) -> tuple[Route, ...]:
    """Every address with its handler: a filled page has one, and a second where it has a form."""
    pages = {one.path: one for one in found if isinstance(one, FilledPage)}
    routes = []
    for one in found:
        if isinstance(one, Route):
            routes.append(one)
            continue
        instead = pages[one.instead] if one.instead else None
        routes.append(Route("GET", one.path, partial(_show_page, page=one, instead=instead), one.doc))
        if one.form is not None:
            routes.append(Route("POST", one.path, partial(_take_form, page=one, form=one.form), one.form.doc))
    for (method, path), times in Counter(route[:2] for route in routes).items():
        assert times == 1, f"{method} {path} stands there {times} times"
    return tuple(routes)


async def _show_page(visit: Visit, page: FilledPage, instead: FilledPage | None = None) -> View:
    """The page as it stands, or the one in its place where there is nothing to show."""
    if page.is_near:
        _check_near(visit)
    model = await page.fill(visit.asked)
    if model is None and instead is not None:
        return await _show_page(visit, instead)
    return _view_of(visit, page, model)


async def _take_form(visit: Visit, page: FilledPage, form: Form) -> View:
    """The page after its form was taken, or as it was before, with why not."""
    # There is no log-in that could say who else sends it, and what comes from elsewhere has travelled in the open.
    _check_near(visit)
    try:
        # To the end of the answer: files that wait for their turn would fill the memory.
        async with visit.site.form_turn:
            sent = await read_form(visit.request, visit.site.form_key, form.fields_max)
            return _view_of(visit, page, await form.take(visit.asked, sent))
    except RefusedError as error:
        model = await page.fill(Asked(visit.site.node, kept=visit.site.kept, refused=error))
        refused = None if model is None else msgspec.structs.replace(model, **tell_refusal(error))
        return _view_of(visit, page, refused)


def _check_near(visit: Visit) -> None:
    if not is_near(visit.request):
        raise web.HTTPForbidden


def _view_of(visit: Visit, page: FilledPage, model: Any) -> View:
    """The model in its template; a form on it is bound to this visitor's cookie, and 422 says that it was refused."""
    if model is None and page.names_a_thing:
        raise web.HTTPNotFound
    title = page.title or model.title
    if not isinstance(model, FormModel):
        return View(page.template, title, model)
    shown = msgspec.structs.replace(model, form_token=form_token(visit.site.form_key, visit.nonce))
    return View(page.template, title, shown, 422 if shown.refusal else 200, visit.nonce)

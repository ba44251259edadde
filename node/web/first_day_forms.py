"""The two things a first day may change: the co-op's name and its till lines.

Invariant: only from this machine, only from our own page, and a refused form changes nothing.
"""

from typing import Any

import msgspec
from aiohttp import web

from node.web.failures import tell_refusal
from node.web.forms import SentForm, read_form
from node.web.guard import form_token, is_near
from node.web.pages.first_day import FirstDay
from node.web.render import View
from node.web.visit import Visit
from protocol.core.errors import RefusedError


async def show_first_day(visit: Visit) -> View:
    """The page with its form."""
    return view_of(await visit.sources.first_day(), visit)


async def take_first_day(visit: Visit) -> View:
    """Take what the form brings: a name, a file, or both; all of it is checked before the page says it is taken."""
    if not is_near(visit.request):
        # There is no log-in yet that could say who else sends it.
        raise web.HTTPForbidden
    try:
        async with visit.site.form_turn:
            form = await read_form(visit.request, visit.site.form_key)
            return await _take_form(visit, form)
    except RefusedError as error:
        return view_of(await visit.sources.first_day(), visit, **tell_refusal(error))


async def _take_form(visit: Visit, form: SentForm) -> View:
    name = form.fields.get("name", "").strip()
    if not name and form.file is None:
        raise RefusedError("form: neither a name nor a file was given")
    if name:
        await visit.sources.give_name(name)
    taken = None
    if form.file is not None:
        taken = await visit.sources.take_till_file(form.file.name, form.file.content)
    return view_of(await visit.sources.first_day(), visit, taken=taken)


def view_of(page: FirstDay, visit: Visit, **changes: Any) -> View:
    """The page for this visitor: its form bound to their cookie; 422 when something was refused."""
    token = form_token(visit.site.form_key, visit.nonce)
    shown = msgspec.structs.replace(page, form_token=token, **changes)
    title = "Your till" if shown.till else "Your first day"
    return View("first_day.html", title, shown, 422 if shown.refusal else 200, visit.nonce)

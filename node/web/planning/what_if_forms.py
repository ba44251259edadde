"""The plan tried again: with the changes of a form in the address, or with a till file that somebody brings along.

Invariant: nothing is changed by it; a till file is read only from a browser on this machine, and forgotten.
"""

import msgspec
from aiohttp import web

from node.web.forms import SentFile, read_form
from node.web.guard import form_token, is_near
from node.web.render import View
from node.web.visit import Visit
from protocol.core.errors import RefusedError

COUNCIL_FIELD = "council"


async def show_what_if(visit: Visit) -> View:
    """The plan tried again with what the form in the address asks for."""
    return await _view(visit, None, "")


async def try_till_file(visit: Visit) -> View:
    """The plan tried again with the file's proportions in the place of a co-op's."""
    if not is_near(visit.request):
        # A till is private, and what comes from elsewhere has travelled in the open.
        raise web.HTTPForbidden
    try:
        # To the end of the answer: files that wait for their turn to be planned with would fill the memory.
        async with visit.site.form_turn:
            form = await read_form(visit.request, visit.site.form_key)
            if form.file is None:
                raise RefusedError("form: no file was chosen")
            return await _view(visit, form.file, form.fields.get(COUNCIL_FIELD, ""))
    except RefusedError as error:
        return await _view(visit, None, "", error)


async def _view(visit: Visit, file: SentFile | None, council: str, refused: RefusedError | None = None) -> View:
    page = await visit.sources.what_if(visit.request.query, file, council, refused)
    if page is None:
        return View("what_if.html", "What if?")
    shown = msgspec.structs.replace(page, form_token=form_token(visit.site.form_key, visit.nonce))
    return View("what_if.html", "What if?", shown, 422 if page.refusal else 200, visit.nonce)

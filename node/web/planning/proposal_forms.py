"""The committee's form: read every line, change it, read it again, and let it go.

Invariant: only from a browser on this machine and from our own page; what was not read is not released.
"""

import msgspec
from aiohttp import web

from node.web.forms import SentForm, read_form
from node.web.guard import form_token, is_near
from node.web.pages.proposal import Action, ProposalForm, ProposalPage
from node.web.render import View
from node.web.visit import Visit
from protocol.core.errors import RefusedError

TITLE = "Our proposal"
FIELDS_MAX = 1_200
"""A card names at most 512 goods and a release 64 workplaces of two fields each; the rest of the form is small."""
PERCENT_FIELD, CAPACITY_FIELD, LEAST_FIELD = "percent:", "capacity:", "least:"
DIGITS_MAX = 4


async def show_proposal(visit: Visit) -> View:
    """The proposal of the reading that is next, or of the one in the address."""
    _check_near(visit)
    form = ProposalForm(reading=_read_number(visit.request.query.get("reading", "")))
    return _view(visit, await visit.sources.proposal(form))


async def change_proposal(visit: Visit) -> View:
    """Look at the lines with the changes of the form, release them, or take a release back."""
    _check_near(visit)
    try:
        async with visit.site.form_turn:
            form = _read_fields(await read_form(visit.request, visit.site.form_key, FIELDS_MAX))
        return _view(visit, await visit.sources.proposal(form))
    except RefusedError as error:
        return _view(visit, await visit.sources.proposal(ProposalForm(), error))


def _check_near(visit: Visit) -> None:
    # Unlike a plan, what a co-op has not released yet is nobody else's to read.
    if not is_near(visit.request):
        raise web.HTTPForbidden


def _read_fields(sent: SentForm) -> ProposalForm:
    def under(prefix: str) -> dict[str, str]:
        return {name[len(prefix) :]: text.strip() for name, text in sent.fields.items() if name.startswith(prefix)}

    try:
        action = msgspec.convert(sent.fields.get("action", "look"), Action)
    except msgspec.ValidationError:
        raise RefusedError.at("form", "no such button stands on this page") from None
    return ProposalForm(
        action=action,
        reading=_read_number(sent.fields.get("reading", "")),
        percents=under(PERCENT_FIELD),
        capacities=under(CAPACITY_FIELD),
        leasts=under(LEAST_FIELD),
        is_standing="standing" in sent.fields,
        digest=sent.fields.get("digest", ""),
        file=b"" if sent.file is None else sent.file.content,
    )


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else 0


def _view(visit: Visit, page: ProposalPage | None) -> View:
    if page is None:
        return View("proposal.html", TITLE)
    shown = msgspec.structs.replace(page, form_token=form_token(visit.site.form_key, visit.nonce))
    return View("proposal.html", TITLE, shown, 422 if page.refusal else 200, visit.nonce)

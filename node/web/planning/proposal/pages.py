"""The committee's form: read every line, change it, read it again, and let it go.

Invariant: only a browser on this machine sees it; what was not read is not released.
"""

import msgspec

from node.web.asked import Asked
from node.web.forms import SentForm
from node.web.page import FilledPage, Form
from node.web.planning.newest import find_newest
from node.web.planning.proposal.buttons import answer_proposal
from node.web.planning.proposal.model import Action, ProposalForm, ProposalPage
from protocol.core.errors import RefusedError

FIELDS_MAX = 1_200
"""A card names at most 512 goods and a release 64 workplaces of two fields each; the rest of the form is small."""
PERCENT_FIELD, CAPACITY_FIELD, LEAST_FIELD = "percent:", "capacity:", "least:"
DIGITS_MAX = 4


async def fill_proposal_page(asked: Asked) -> ProposalPage | None:
    """The proposal of the reading that is next, or of the one in the address; None without a call."""
    return await _answer(asked, ProposalForm(reading=_read_number(asked.said.get("reading", ""))))


async def change_proposal(asked: Asked, sent: SentForm) -> ProposalPage | None:
    """Look at the lines with the changes of the form, release them, or take a release back."""
    return await _answer(asked, read_fields(sent))


async def _answer(asked: Asked, form: ProposalForm) -> ProposalPage | None:
    return None if find_newest(asked.node) is None else await answer_proposal(asked.node, form)


def read_fields(sent: SentForm) -> ProposalForm:
    """What was typed, by field; RefusedError for a button that does not stand on the page."""

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


ROUTES = (
    FilledPage(
        path="/proposal",
        template="planning/proposal/templates/proposal.html",
        title="Our proposal",
        fill=fill_proposal_page,
        doc="this co-op's proposal, line by line, for its committee",
        form=Form(change_proposal, "change it, release it, or take a release back", FIELDS_MAX),
        # Unlike a plan, what a co-op has not released yet is nobody else's to read.
        is_near=True,
    ),
)

"""What the committee's form asks of the node: one use case for each of its buttons, then the lines as they stand.

Invariant: a refused form changes nothing, and the page that says so shows the lines as they were.
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.calls.lookup import PlanParams, find_run
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposal import Proposal, ProposalParams, show_proposal
from node.use_cases.planning.proposals.proposing import ProposeParams, propose, withdraw
from node.use_cases.planning.proposals.releases import keep_draft, release_to_edit
from node.web.planning.proposal.filling import fill_proposal, read_edits, read_offers
from node.web.planning.proposal.model import ProposalForm, ProposalPage
from protocol.core.errors import RefusedError

RELEASE_BYTES_MAX = 512 * 1024


async def answer_proposal(node: Node, form: ProposalForm) -> ProposalPage:
    """The page after what the form asks for; RefusedError when the lines cannot be shown at all."""
    said, refused = "", None
    try:
        edits, offers = read_edits(form), read_offers(form)
        said = await _act(node, form)
        if form.action != "look":
            edits, offers = {}, {}
        proposal = await _look(node, form, ProposalParams(reading=form.reading, edits_percent=edits, offers=offers))
    except RefusedError as error:
        refused = error
        proposal = await _look(node, form, ProposalParams(reading=form.reading))
    kept = form if refused is not None or form.action == "look" else ProposalForm(reading=form.reading)
    return fill_proposal(proposal, kept, refused, said)


async def _look(node: Node, form: ProposalForm, params: ProposalParams) -> Proposal:
    # After the last release of a reading the page goes on to the one that is next.
    if form.action != "look":
        params = msgspec.structs.replace(params, reading=0)
    return await show_proposal(node, params)


async def _act(node: Node, form: ProposalForm) -> str:
    """Do what the button says; what was done, in a sentence."""
    match form.action:
        case "release":
            if not form.digest:
                raise RefusedError.at("form", "read the lines first, then release them")
            answer = await propose(node, _proposed(node, form))
            which = " and ".join(map(str, answer.readings))
            return f"Released for reading {which}. This node sends it out when the reading begins, and answers."
        case "withdraw":
            taken = await withdraw(node, PlanParams())
            which = " and ".join(map(str, taken.readings))
            return f"Taken back for reading {which}. Nothing goes out until somebody releases it again."
        case "file":
            await keep_draft(node, _read_release(form.file))
            return "The file is laid before you. Nothing of it has gone out."
        case _:
            return ""


def _proposed(node: Node, form: ProposalForm) -> ProposeParams:
    return ProposeParams(
        release=release_to_edit(node, find_run(node, "").releases, form.reading),
        reading=form.reading,
        edits_percent=read_edits(form),
        offers=read_offers(form),
        standing=form.is_standing,
        digest=form.digest,
    )


def _read_release(content: bytes) -> Release:
    if not content:
        raise RefusedError.at("file", "choose a file first")
    if len(content) > RELEASE_BYTES_MAX:
        raise RefusedError.at("file", f"{len(content)} bytes, at most {RELEASE_BYTES_MAX} are read")
    try:
        return msgspec.json.decode(content, type=Release)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError.at("file", f"is no release: {error}") from None

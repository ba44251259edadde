"""The proposal's page from the proposal, what was typed, and what was wrong with it.

Invariant: what was typed stays in its field; a refusal stands beside the field that it names.
"""

from collections.abc import Mapping

import msgspec

from node.use_cases.planning.proposals.lines import CardLine, CardPreview
from node.use_cases.planning.proposals.proposal import Proposal
from node.use_cases.planning.proposals.releases import UNEDITED_PERCENT, Offer
from node.web.failures import tell_refusal
from node.web.planning.filling.plan_words import in_words
from node.web.planning.proposal.model import LineRow, NestRow, OfferRow, ProposalForm, ProposalPage, ReadingRow
from protocol.core.errors import Finding, RefusedError, refuse

PERCENT_DIGITS_MAX = 4
EDITS_PLACE, WORKPLACES_PLACE = "edits_percent.", "workplaces."


def read_edits(form: ProposalForm) -> dict[str, int]:
    """The committee's percents; an empty field is 100. RefusedError names every field that is no whole number."""
    found = [
        Finding(f"{EDITS_PLACE}{good}", "a whole number of percent, such as 80")
        for good, text in form.percents.items()
        if text and not (text.isascii() and text.isdigit() and len(text) <= PERCENT_DIGITS_MAX)
    ]
    refuse(found, "the changes are refused")
    return {good: int(text) if text else UNEDITED_PERCENT for good, text in form.percents.items()}


def read_offers(form: ProposalForm) -> dict[str, Offer]:
    """What the workplaces offer, as typed: the rule of the cards judges it."""
    return {label: Offer(text, form.leasts.get(label, "")) for label, text in form.capacities.items()}


def fill_proposal(
    proposal: Proposal, form: ProposalForm, refused: RefusedError | None = None, said: str = ""
) -> ProposalPage:
    """The page of a proposal; `form` is what was typed, `refused` why it was not taken."""
    page = ProposalPage(
        region=proposal.scope,
        period=proposal.period,
        readings=tuple(
            ReadingRow(number, stage, number == proposal.reading, stage in ("released", "open"))
            for number, stage in enumerate(proposal.stages, 1)
        ),
        reading=proposal.reading,
        is_standing=form.is_standing or proposal.stages[proposal.reading - 1 :].count("released") > 1,
        said=said,
    )
    faults: dict[str, str] = {}
    if refused is not None:
        faults = {one.place: one.reason for one in refused.findings}
        page = msgspec.structs.replace(page, **tell_refusal(refused))
    return page if proposal.preview is None else _fill_lines(page, proposal, proposal.preview, form, faults)


def _fill_lines(
    page: ProposalPage, proposal: Proposal, preview: CardPreview, form: ProposalForm, faults: Mapping[str, str]
) -> ProposalPage:
    lines: dict[str, list[LineRow]] = {}
    for line in preview.lines:
        lines.setdefault(line.nest, []).append(_fill_line(line, proposal, form, faults))
    return msgspec.structs.replace(
        page,
        has_lines=True,
        people=preview.people,
        credits=preview.credits,
        nests=tuple(
            NestRow(nest.nest, _tell_togetherness(float(nest.sigma)), nest.credits, tuple(lines[nest.nest]))
            for nest in preview.nests
        ),
        workplaces=tuple(
            OfferRow(
                label=one.label,
                capacity=form.capacities.get(one.label) or one.capacity,
                least=form.leasts.get(one.label) or one.least,
                makes=tuple(map(in_words, one.makes)),
                is_private=one.is_private,
                error=_find_fault(faults, f"{WORKPLACES_PLACE}{one.label}"),
            )
            for one in preview.workplaces
        ),
        till_lines_left_out=preview.till_lines_left_out,
        digest=preview.digest,
    )


def _fill_line(line: CardLine, proposal: Proposal, form: ProposalForm, faults: Mapping[str, str]) -> LineRow:
    name, percent = in_words(line.good), str(proposal.edits_percent.get(line.good, UNEDITED_PERCENT))
    return LineRow(
        good=line.good,
        name=name[:1].upper() + name[1:],
        unit=line.unit,
        want=line.want,
        floor=line.floor,
        sources=line.sources,
        percent=form.percents.get(line.good, percent),
        is_editable=line.good in proposal.editable,
        error=_find_fault(faults, f"{EDITS_PLACE}{line.good}"),
    )


def _find_fault(faults: Mapping[str, str], place: str) -> str:
    """The reason beside a field, also where the place goes deeper (`workplaces.oven.capacity`)."""
    return next((reason for at, reason in faults.items() if at == place or at.startswith(f"{place}.")), "")


def _tell_togetherness(sigma: float) -> str:
    if sigma == 0:
        return "only go together"
    if sigma < 1:
        return "go together more than they stand in for one another"
    return "stand in for one another" if sigma <= 2 else "are nearly the same to us"

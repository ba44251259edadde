"""Releasing this co-op's cards: looked at line by line, let go for one reading or for all, taken back in time.

Invariant: nothing is proposed without a person's word at this node; what is shown is what a release of it sends out.
Spec: docs/guides/proposal.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, Rows, count, help_of, typed
from node.use_cases.planning.calls.lookup import CallHex, PlanParams, find_run, planner_of
from node.use_cases.planning.proposals.capacities import complete_offers
from node.use_cases.planning.proposals.lines import CardPreview, describe_side, digest_cards
from node.use_cases.planning.proposals.own_side import try_release
from node.use_cases.planning.proposals.private_side import Edits, PrivateSide, Release
from node.use_cases.planning.proposals.releases import Offers, resolve_release
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError
from protocol.planning.call import CARDS_ROUND, round_slot
from storage.log.record_index import own_words

_RECIPES = {True: "private", False: "open"}


class PreviewParams(msgspec.Struct, kw_only=True):
    """A release for one reading of a call. Without `release` it is the one released last; `edits_percent` and `offers`
    are the committee's changes to it."""

    release: Release | None = None
    edits_percent: Annotated[Edits, help_of("Of what the card would say."), typed("--edit GOOD=PERCENT")] = {}
    offers: Annotated[Offers, help_of("JSON: a workplace's label to its other capacity and least.")] = {}
    reading: Annotated[int, help_of("Which reading this is for.")] = 1
    call: CallHex = ""


class ProposeParams(PreviewParams, kw_only=True):
    """What a person releases for one reading of a call, or with `standing` for every one from there on.

    `digest` guards against releasing other lines than were read: it is that of the preview.
    """

    standing: Annotated[bool, help_of("For this reading and all later ones of the call.")] = False
    digest: Annotated[str, help_of("Of the preview that was read: other lines are refused.")] = ""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """For which call (hex), from which reading on, and all readings that it is for."""

    call: str
    reading: int
    readings: tuple[int, ...]


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """For which call (hex) and readings a release was taken back."""

    call: str
    readings: tuple[int, ...]


async def preview_release(node: Node, params: PreviewParams) -> CardPreview:
    """Every line that a release would send out, and where it comes from; nothing is kept and nothing goes out.
    RefusedError names the line that cannot be so."""
    run = find_run(node, params.call)
    release = _resolve(node, run, params)
    side = await _try_side(node, run, release, params.reading)
    assert run.table is not None
    people = run.terms.members[node.origin]
    return describe_side(side, release.council, run.table, people, run.terms.terms_of(node.origin))


async def propose(node: Node, params: ProposeParams) -> Released:
    """Release this member's cards, and its answers, for one reading of a call or for all from there on: kept here, and
    published (plan.card, plan.answer) when their slot comes. RefusedError for who is no member, a reading whose cards
    have gone out, lines that cannot be so now, and those that are not the ones that were read."""
    run = find_run(node, params.call)
    if not 1 <= params.reading <= run.call.readings:
        raise RefusedError.at("reading", f"this call has readings 1 to {run.call.readings}")
    _check_member(node, run)
    if has_gone_out(node, run, params.reading):
        raise RefusedError.at("reading", "this co-op's proposal for this reading has gone out already")
    if run.is_over:
        raise RefusedError.at("call", "is over: nothing more goes out")
    last = run.call.readings if params.standing else params.reading
    readings = tuple(range(params.reading, last + 1))
    release = _resolve(node, run, params)
    # Without the goods table nothing can be tried yet; a digest is of cards that were tried here.
    side = await _try_side(node, run, release, params.reading) if run.table is not None or params.digest else None
    if params.digest and side is not None and digest_cards(side) != params.digest:
        raise RefusedError.at("digest", "these are not the lines that were read: read them once more, then release")
    await planner_of(node).release(run.call_id, readings, release)
    return Released(call=run.call_id.hex(), reading=params.reading, readings=readings)


async def withdraw(node: Node, params: PlanParams) -> Withdrawn:
    """Take back what was released for readings whose cards have not gone out; a standing release ends with it.
    RefusedError where there is nothing to take back."""
    run = find_run(node, params.call)
    kept = tuple(reading for reading in sorted(run.releases) if not has_gone_out(node, run, reading))
    if not kept:
        raise RefusedError.at("release", "nothing is released here that has not gone out already")
    await planner_of(node).withdraw(run.call_id, kept)
    return Withdrawn(call=run.call_id.hex(), readings=kept)


def has_gone_out(node: Node, run: PlanRun, reading: int) -> bool:
    """Whether this co-op's cards for a reading are in its log."""
    slot = round_slot(run.call_id, reading, CARDS_ROUND)
    return bool(own_words(node.database.reader, "plan.card", slot, {node.origin}))


def _resolve(node: Node, run: PlanRun, params: PreviewParams) -> Release:
    offers = complete_offers(node, run, params.release, params.offers)
    return resolve_release(node, params.release, params.edits_percent, offers)


async def _try_side(node: Node, run: PlanRun, release: Release, reading: int) -> PrivateSide:
    """A member's cards as this release would make them now; nothing is kept. RefusedError names what does not fit."""
    if run.table is None:
        raise RefusedError.at("call", "its goods table has not arrived here yet")
    _check_member(node, run)
    return await try_release(node, release, run.call_id, reading, run.table, run.terms)


def _check_member(node: Node, run: PlanRun) -> None:
    if node.origin not in run.terms.members:
        raise RefusedError.at("call", "this home is no member of the call's roster")


def _tell_preview(preview: CardPreview) -> Iterator[str | Rows]:
    yield f"{count(preview.people, 'person', 'people')}, {preview.credits} credits. Nothing has gone out."
    yield Rows(("nest", "sigma", "credits"), [(one.nest, one.sigma, one.credits) for one in preview.nests])
    lines = [(one.good, one.nest, f"{one.want} {one.unit}", one.floor, "; ".join(one.sources)) for one in preview.lines]
    yield Rows(("good", "nest", "want", "floor", "from"), lines)
    if preview.workplaces:
        offers = [
            (one.label, one.capacity, one.least, ", ".join(one.makes), _RECIPES[one.is_private])
            for one in preview.workplaces
        ]
        yield Rows(("workplace", "capacity", "least", "makes", "recipes"), offers)
    yield f"Release these very lines with `plan propose --digest {preview.digest}`."
    if preview.till_lines_left_out:
        yield f"{count(preview.till_lines_left_out, 'till line')} count as no good: look at the rules under `till`."


def _tell_released(answer: Released) -> Iterator[str]:
    yield f"Released for reading {_list_readings(answer.readings)}; your node answers from now on."


def _tell_withdrawn(answer: Withdrawn) -> Iterator[str]:
    which = _list_readings(answer.readings)
    yield f"Taken back for reading {which}: nothing of yours goes out until somebody releases it again."


def _list_readings(readings: tuple[int, ...]) -> str:
    return " and ".join(map(str, readings))


OPERATIONS = (
    Operation(
        "plan.preview",
        PreviewParams,
        preview_release,
        "Every line that RELEASE (JSON; without it the last one) would send out, and where it comes from.",
        writes=False,
        tell=_tell_preview,
        command=Command("plan preview", ("release",), "product.json --edit bread=150", 1),
    ),
    Operation(
        "plan.propose",
        ProposeParams,
        propose,
        "Release our cards in RELEASE (JSON; without it the last one), and the answers that follow from them.",
        tell=_tell_released,
        command=Command("plan propose", ("release",), "product.json", 1),
    ),
    Operation(
        "plan.withdraw",
        PlanParams,
        withdraw,
        "Take back what is released for readings whose cards have not gone out; ends a standing release.",
        tell=_tell_withdrawn,
        command=Command("plan withdraw", code=1),
    ),
)

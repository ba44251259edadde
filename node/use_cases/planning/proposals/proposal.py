"""A co-op's proposal as its committee has it before it: which reading is next, every line, and what stands released.

Invariant: looking changes nothing; what is shown is the very card that a release of it would send out.
"""

from typing import Literal

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.planning.calls.lookup import CallHex, find_run
from node.use_cases.planning.periods.wants import name_goods
from node.use_cases.planning.proposals.lines import CardPreview
from node.use_cases.planning.proposals.private_side import Council, Edits
from node.use_cases.planning.proposals.proposing import PreviewParams, has_gone_out, preview_release
from node.use_cases.planning.proposals.releases import Offers, release_to_edit
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError

ReadingStage = Literal["gone out", "over", "released", "open"]


class ProposalParams(msgspec.Struct, kw_only=True):
    """Which reading of which call (0: the first whose cards can still go out), with what the committee would change."""

    call: CallHex = ""
    reading: int = 0
    edits_percent: Edits = {}
    offers: Offers = {}


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The proposal for one reading. `stages`: of each reading, from the first. `preview` is None where nothing was ever
    released and no file was laid before the committee; `edits_percent` are its changes in the release that it edits;
    `editable` names the goods that till rules name."""

    call: str
    scope: str
    period: str
    stages: tuple[ReadingStage, ...]
    reading: int
    preview: CardPreview | None
    edits_percent: dict[str, int]
    editable: tuple[str, ...]


async def show_proposal(node: Node, params: ProposalParams) -> Proposal:
    """The committee's proposal, line by line; RefusedError names the line that cannot be so."""
    run = find_run(node, params.call)
    stages = tuple(_stage_of(node, run, number) for number in range(1, run.call.readings + 1))
    reading = params.reading or next((number for number, one in enumerate(stages, 1) if one in ("released", "open")), 1)
    if not 1 <= reading <= len(stages):
        raise RefusedError.at("reading", f"this call has readings 1 to {len(stages)}")
    release = release_to_edit(node, run.releases, reading)
    preview = None
    council = None if release is None else release.council
    if release is not None:
        asked = PreviewParams(
            release=release,
            call=params.call,
            reading=reading,
            edits_percent=params.edits_percent,
            offers=params.offers,
        )
        preview = await preview_release(node, asked)
    return Proposal(
        call=run.call_id.hex(),
        scope=run.call.scope,
        period=run.call.period,
        stages=stages,
        reading=reading,
        preview=preview,
        edits_percent={} if council is None else {**council.edits_percent, **params.edits_percent},
        editable=() if council is None else _list_editable(run, council),
    )


def _list_editable(run: PlanRun, council: Council) -> tuple[str, ...]:
    """The goods that till rules name, under the names of the call's goods table."""
    return tuple(sorted(council.till if run.table is None else name_goods(council.till, run.table)))


def _stage_of(node: Node, run: PlanRun, reading: int) -> ReadingStage:
    if has_gone_out(node, run, reading):
        return "gone out"
    if run.is_over or reading < run.reading.reading:
        return "over"
    return "released" if reading in run.releases else "open"


OPERATIONS = (
    Operation("plan.proposal", ProposalParams, show_proposal, "The committee's proposal, line by line.", writes=False),
)

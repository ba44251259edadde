"""Asking what would be if at a terminal: of a plan document, which needs no home, or of this home's newest draft.

Invariant: no record is written, and a till file that is brought along is read once and not kept.
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from node.till.text_decoding import FILE_BYTES_MAX
from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import Command, Rows, count, help_of, in_file, name_of, tell_rows, typed
from node.use_cases.planning.calls.lookup import CallHex
from node.use_cases.planning.exploring.answering import WhatIfAnswer, WhatIfParams, explore
from node.use_cases.planning.exploring.beside import Way
from node.use_cases.planning.exploring.changes import Amount, Changes, Name, Percent
from node.use_cases.planning.exploring.comparing import CouncilChange, WhatIf
from node.use_cases.planning.exploring.till_file import TillFile, TillTold
from node.use_cases.planning.proposals.private_side import Release
from protocol.planning.plan import PLAN_BYTES_MOST, parse_plan

PPM_PER_PERCENT: Final = 10_000
GOODS_NAMED: Final = 5
OTHER: Final = "other"
"""In place of a gain: whoever has other tastes gets other things, which the scarcity before cannot weigh."""


class AskParams(msgspec.Struct, kw_only=True):
    """What would be different, of which plan; a till file, whose it is, and a release whose rules name its goods."""

    floors: Annotated[
        dict[Name, Amount], help_of("A basic need, in whole units for each person."), typed("--floor GOOD=AMOUNT")
    ] = {}
    capacities: Annotated[
        dict[Name, Percent], help_of("A workplace; 0: it is broken."), typed("--capacity CARD=PERCENT")
    ] = {}
    endowments: Annotated[dict[Name, Percent], help_of("A cap, hours or land."), typed("--endowment GOOD=PERCENT")] = {}
    leaves: Annotated[
        tuple[Name, ...], help_of("Who votes no, and leaves with all its cards."), typed("--leaves MEMBER")
    ] = ()
    till: Annotated[
        bytes | None, help_of("A till file in the place of a co-op's tastes; not kept."), in_file(FILE_BYTES_MAX)
    ] = None
    till_name: Annotated[str, msgspec.Meta(max_length=200), name_of("till")] = ""
    council: Annotated[str, help_of("Whose till it is; without it this home's own."), typed("--council CARD")] = ""
    release: Annotated[Release | None, help_of("A release (JSON) whose rules name the till's goods.")] = None
    beside: Annotated[bool, help_of("Other ways to share, on the same cards.")] = False
    plan: Annotated[
        bytes | None, help_of("A plan document; without it this home's newest draft."), in_file(PLAN_BYTES_MOST)
    ] = None
    call: CallHex = ""


def ask(desk: Desk, params: AskParams) -> WhatIfAnswer:
    """What would come of the changes, of a document here or of the newest draft at the home's node."""
    changes = Changes(params.floors, params.capacities, params.endowments, params.leaves)
    asked = WhatIfParams(call=params.call, changes=changes, till=_bring_till(params), beside=params.beside)
    if params.plan is not None:
        return explore(parse_plan(params.plan), asked, desk.clock)
    return msgspec.convert(desk.ask("plan.what_if", msgspec.to_builtins(asked)), WhatIfAnswer)


def _bring_till(params: AskParams) -> TillFile | None:
    if params.till is None:
        return None
    own = None if params.release is None else params.release.council
    rules = {} if own is None else own.till
    return TillFile(name=params.till_name, content=params.till, council=params.council, rules=rules)


def _tell_answer(answer: WhatIfAnswer) -> Iterator[str | Rows]:
    if answer.what_if is None and not answer.ways:
        yield "Nothing would be different. Say what: --floor, --capacity, --endowment, --leaves or --till."
        yield "--beside sets other ways to share beside the plan."
        return
    if answer.till is not None:
        yield from _tell_till(answer.till)
    if answer.what_if is not None:
        other_tastes = "" if answer.till is None else answer.till.council
        yield from _tell_what_if(answer.what_if, answer.took_ms, other_tastes)
    yield from map(_tell_way, answer.ways)
    yield "Members are guessed: each keeps to the shares of its credits that it spent. Nothing was proposed or written."


def _tell_till(told: TillTold) -> Iterator[str]:
    left_out = told.lines_left_out
    yield f"{told.name}: {count(told.lines, 'line')}, {left_out} of them no good of the plan; nothing was kept."
    if told.summed:
        yield f"Too few households for these alone, so they share their sum evenly: {', '.join(told.summed)}."


def _tell_what_if(found: WhatIf, took_ms: int, other_tastes: str) -> Iterator[str | Rows]:
    if found.unmet:
        yield "The basic needs could not all be met, so there would be no plan until people choose how to share:"
        for one in found.unmet:
            share = f"shared equally, everybody gets {one.share_ppm / PPM_PER_PERCENT:.0f} % of it"
            yield f"  {one.good}: {one.missing} of {one.needed} {one.unit} are missing; {share}"
        return
    if found.trouble:
        yield f"No plan came of it: {found.trouble}"
        return
    if found.gone:
        yield f"Nobody could make any more: {', '.join(found.gone)}."
    yield f"A plan after {count(found.rounds, 'round')}, in {took_ms / 1000:.1f} s."
    yield Rows(
        ("council", "% more", "less of", "more of"), [_list_council(one, other_tastes) for one in found.councils]
    )
    moved = sorted((*found.goods, *found.means), key=lambda one: -abs(one.ppm))
    rows = [(one.good, one.before, one.after, one.unit, _sign(one.ppm)) for one in moved if one.ppm]
    yield from tell_rows(("good", "before", "after", "unit", "%"), rows)


def _list_council(one: CouncilChange, other_tastes: str) -> tuple[str, ...]:
    gain = OTHER if one.card == other_tastes else _sign(one.ppm)
    return one.card, gain, ", ".join(one.less_of), ", ".join(one.more_of)


def _tell_way(way: Way) -> str:
    if way.trouble:
        return f"{way.name}: {way.trouble}"
    lacks = f"{way.people_below} people below a basic need" if way.people_below else "nobody below a basic need"
    least, most = way.least_ppm / PPM_PER_PERCENT, way.most_ppm / PPM_PER_PERCENT
    spread = f"a person gets {least:.0f} to {most:.0f} % of the mean"
    return f"{way.name}: {lacks}; {spread}{_list_goods('short', way.short)}{_list_goods('left over', way.surplus)}."


def _list_goods(what: str, goods: tuple[tuple[str, int], ...]) -> str:
    return f"; {what}: {', '.join(good for good, _ in goods[:GOODS_NAMED])}" if goods else ""


def _sign(ppm: int) -> str:
    return f"{ppm / PPM_PER_PERCENT:+.1f}"


OPERATIONS = (
    DeskOperation(
        "plan.what_if",
        AskParams,
        ask,
        "Who would gain and who would lack. Members are guessed from what they spent; no record is written.",
        tell=_tell_answer,
        command=Command("plan what-if", code=1),
    ),
)

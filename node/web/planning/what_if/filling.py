"""The what-if page from what was asked and answered.

Invariant: a field that is no number is refused with its name, and what was typed stays in the form.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import msgspec

from node.use_cases.misfit import refuse_misfit
from node.use_cases.planning.exploring.answering import WhatIfAnswer
from node.use_cases.planning.exploring.beside import Way
from node.use_cases.planning.exploring.changes import Changes
from node.use_cases.planning.exploring.comparing import GoodChange, Unmet, WhatIf
from node.use_cases.planning.exploring.till_file import TillTold
from node.web.failures import tell_refusal
from node.web.figures.words import format_number, format_percent, format_unit
from node.web.planning.filling.plan_words import Labels
from node.web.planning.what_if.model import AmountRow, Choice, CouncilRow, ReadTill, WayRow, WhatIfPage
from protocol.core.errors import RefusedError
from protocol.planning.certificate import goods_of
from protocol.planning.contributions import owner_of_card
from protocol.planning.plan import Plan

TEXT_MAX = 128
LACKS_TOLD = 6
FIELDS = ("good", "floor", "workplace", "capacity", "means", "share", "leaves")
PAIRS = (
    ("a basic need", "good", "floor", "choose the good, and write the amount for each person"),
    ("a workplace", "workplace", "capacity", "choose which, and write its capacity in percent: 0 where it is broken"),
    ("a cap, hours, land or outside money", "means", "share", "choose which, and write the percent of today's"),
)
PERCENT_FIELDS = {"capacity": "capacity of the workplace", "share": "percent of the cap, hours, land or money"}
AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
THOUSANDS = re.compile(r",[0-9]{3}\Z", re.ASCII)


@dataclass(frozen=True)
class Tried:
    """The plan that is tried again, how its things are called, and whose it is."""

    plan: Plan
    labels: Labels
    region: str


@dataclass(frozen=True)
class WhatIfForm:
    """What was chosen: the fields in the address, and whose till a file is."""

    query: Mapping[str, str]
    council: str = ""


def read_changes(query: Mapping[str, str]) -> Changes:
    """What the form asks for: good and floor, workplace and capacity, means and share, who leaves; empty fields ask for
    nothing."""
    fields = {name: query.get(name, "").strip()[:TEXT_MAX] for name in FIELDS}
    for legend, first, second, hint in PAIRS:
        if bool(fields[first]) != bool(fields[second]):
            raise RefusedError.at(legend, hint)
    floors = {fields["good"]: read_amount(fields["floor"])} if fields["good"] and fields["floor"] else {}
    capacities = _read_percent(fields["workplace"], fields["capacity"], "capacity")
    endowments = _read_percent(fields["means"], fields["share"], "share")
    try:
        asked = {"floors": floors, "capacities": capacities, "endowments": endowments}
        return msgspec.convert(asked | {"leaves": tuple(filter(None, [fields["leaves"]]))}, Changes)
    except msgspec.ValidationError as error:
        raise refuse_misfit(error, "what-if") from None


def read_amount(text: str) -> str:
    """A decimal as people type it, `0,7` too; RefusedError where it might mean another number."""
    plain = text.replace(",", ".") if text.count(",") == 1 and not THOUSANDS.search(text) else text
    if not AMOUNT.fullmatch(plain):
        raise RefusedError.at("amount for each person", "write a number such as 0.7")
    return plain


def _read_percent(name: str, text: str, field: str) -> dict[str, int]:
    if not name or not text:
        return {}
    if not (text.isascii() and text.isdigit()):
        raise RefusedError.at(PERCENT_FIELDS[field], "must be a whole number of percent, such as 80")
    return {name: int(text)}


def fill_what_if(
    tried: Tried, form: WhatIfForm, answer: WhatIfAnswer | None, refused: RefusedError | None = None
) -> WhatIfPage:
    """The page for this question; without an answer it is the empty form, or says why nothing was tried."""
    query, plan, labels = form.query, tried.plan, tried.labels
    own = [card.id for card in plan.consumers] + [card.id for card in plan.workplaces]
    members = {owner_of_card(name): labels.member(name) for name in own}
    eaten = sorted({good for card in plan.consumers for good in goods_of(card)})
    goods = plan.goods_table.goods
    page = WhatIfPage(
        region=tried.region,
        goods=tuple(
            _choice(goods[good].id, labels.heading(goods[good].id), query.get("good", ""), goods[good].unit)
            for good in eaten
        ),
        workplaces=tuple(
            _choice(card.id, f"{labels.workplace(card.id)}, {labels.member(card.id)}", query.get("workplace", ""))
            for card in plan.workplaces
        ),
        means=tuple(
            _choice(good.id, labels.heading(good.id), query.get("means", "")) for good in goods if good.endowment
        ),
        floor=query.get("floor", "")[:TEXT_MAX],
        capacity=query.get("capacity", "")[:TEXT_MAX],
        share=query.get("share", "")[:TEXT_MAX],
        members=tuple(
            _choice(origin, name, query.get("leaves", ""))
            for origin, name in sorted(members.items(), key=lambda row: row[1])
        ),
        councils_of_till=tuple(
            _choice(card.id, labels.member(card.id), form.council)
            for card in sorted(plan.consumers, key=lambda card: labels.member(card.id))
        ),
    )
    if refused is not None:
        page = msgspec.structs.replace(page, **tell_refusal(refused))
    if answer is None:
        return page
    page = msgspec.structs.replace(page, ways=tuple(_fill_way(plan, way, labels) for way in answer.ways))
    if answer.what_if is None:
        return page
    leavers = tuple(one.title for one in page.members if one.is_chosen)
    told = None if answer.till is None else _fill_till(answer.till, labels)
    page = msgspec.structs.replace(page, leavers=leavers, till=told, took_ms=answer.took_ms)
    return _fill_answer(page, answer.what_if, labels, "" if answer.till is None else answer.till.council)


def _fill_till(told: TillTold, labels: Labels) -> ReadTill:
    return ReadTill(
        name=told.name,
        coop=labels.member(told.council),
        lines=told.lines,
        lines_left_out=told.lines_left_out,
        summed=tuple(map(labels.good, told.summed)),
        columns_dropped=told.columns_dropped,
    )


def _choice(name: str, title: str, chosen: str, unit: str = "") -> Choice:
    return Choice(name, title, name == chosen, unit)


def _fill_answer(page: WhatIfPage, found: WhatIf, labels: Labels, other_tastes: str) -> WhatIfPage:
    councils = tuple(
        CouncilRow(
            name=labels.member(one.card),
            ppm=one.ppm,
            less_of=tuple(map(labels.good, one.less_of)),
            more_of=tuple(map(labels.good, one.more_of)),
            has_other_tastes=one.card == other_tastes,
        )
        for one in found.councils
    )
    return msgspec.structs.replace(
        page,
        is_asked=True,
        trouble=found.trouble,
        gone=tuple(map(labels.good, found.gone)),
        unmet=tuple(_tell_unmet(one, labels) for one in found.unmet),
        councils=tuple(sorted(councils, key=lambda row: row.ppm)),
        taken_home=_fill_amounts(found.goods, labels),
        used=_fill_amounts(found.means, labels),
    )


def _tell_unmet(one: Unmet, labels: Labels) -> str:
    unit = format_unit(one.unit)
    return (
        f"{labels.heading(one.good)}: {_read(one.missing)} of the {_read(one.needed)} {unit} that people need would be "
        f"missing. Shared equally, everybody would get {format_percent(one.share_ppm)} of this need."
    )


def _fill_amounts(rows: tuple[GoodChange, ...], labels: Labels) -> tuple[AmountRow, ...]:
    filled = (
        AmountRow(labels.heading(one.good), one.unit, _read(one.before), _read(one.after), one.ppm, one.kind)
        for one in rows
    )
    return tuple(sorted(filled, key=lambda row: -abs(row.ppm)))


def _read(amount: str) -> str:
    return format_number(Fraction(amount))


def _fill_way(plan: Plan, way: Way, labels: Labels) -> WayRow:
    lacks = tuple(f"{labels.member(one.card)}: {labels.good(one.good)}" for one in way.lacks[:LACKS_TOLD])
    left_off = len(way.lacks) - LACKS_TOLD
    return WayRow(
        name=way.name,
        people_below=way.people_below,
        lacks=(*lacks, f"{left_off} more") if left_off > 0 else lacks,
        least_ppm=way.least_ppm,
        most_ppm=way.most_ppm,
        short=tuple(labels.good(good) for good, _ in way.short),
        surplus=tuple(labels.good(good) for good, _ in way.surplus),
        trouble=way.trouble,
    )

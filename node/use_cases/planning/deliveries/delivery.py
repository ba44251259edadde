"""Who brings what to whom, by the shortest ways: worked out of a plan document by whoever has it.

Spec: docs/spec/planning/delivery.md
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import Command, Out, Rows, count, help_of, in_file, percent, tell_rows
from node.use_cases.planning.deliveries.degrees import GivenPlaces, read_places
from node.use_cases.planning.deliveries.ways import (
    DeliveredGood,
    DeliveredLoad,
    deliver_plan,
    describe_goods,
    list_loads,
)
from protocol.planning.delivery.document import format_delivery
from protocol.planning.plan import PLAN_BYTES_MOST, parse_plan


class DeliverParams(msgspec.Struct, kw_only=True):
    """The plan's document, and where everybody is; without places as members said them to this home's newest call."""

    plan: Annotated[bytes, in_file(PLAN_BYTES_MOST)]
    places: Annotated[GivenPlaces | None, help_of("JSON: card to [north, east]; else as members said.")] = None
    card: Annotated[str, help_of("Of the loads only what this council or workplace gives and gets.")] = ""


class DeliveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery of a plan (digest in hex): what it comes to good by good, its loads, and its document for others."""

    plan: str
    goods: tuple[DeliveredGood, ...]
    loads: tuple[DeliveredLoad, ...]
    document: str


def deliver(desk: Desk, params: DeliverParams) -> DeliveryReport:
    """The shortest ways that this machine finds for a plan's goods."""
    plan = parse_plan(params.plan)
    written = desk.ask("plan.places", {})["places"] if params.places is None else params.places
    places = read_places(written)
    delivery = deliver_plan(plan, places, desk.watch("goods on their ways"))
    return DeliveryReport(
        plan=delivery.plan,
        goods=describe_goods(plan, delivery),
        loads=list_loads(plan, delivery, params.card),
        document=format_delivery(delivery).decode(),
    )


def _list_lines(report: DeliveryReport) -> Sequence[Sequence[str]]:
    heading = ("good", "from", "to", "amount", "unit", "metres")
    return [heading, *((one.good, one.source, one.to, one.amount, one.unit, str(one.metres)) for one in report.loads)]


def _tell_delivery(report: DeliveryReport) -> Iterator[str | Rows]:
    rows = [(one.good, one.loads, one.amount, one.metres / 1_000, _judge(one.longer_ppm)) for one in report.goods]
    yield from tell_rows(("good", "loads", "carried", "km on average", "shortest"), rows)
    if unproven := sum(one.longer_ppm is None for one in report.goods):
        went = f"{count(unproven, 'good')} went to the nearest first"
        yield f"{went}, which may not be shortest: install the extra `plan`."
    else:
        yield "No delivery of this plan has shorter ways: that is proven in the document."


def _judge(longer_ppm: int | None) -> str:
    if longer_ppm is None:
        return "unknown"
    return "proven" if longer_ppm == 0 else f"at most {percent(longer_ppm)} % longer"


OPERATIONS = (
    DeskOperation(
        "plan.deliver",
        DeliverParams,
        deliver,
        "Who brings what to whom, by the shortest ways, for the PLAN document, checked in whole numbers.",
        tell=_tell_delivery,
        command=Command(
            "plan deliver",
            ("plan",),
            "product.json --places product.json",
            1,
            files=(Out("--out", "Write the delivery document to this file.", lambda one: one.document, beside=True),),
            lines=_list_lines,
        ),
    ),
)

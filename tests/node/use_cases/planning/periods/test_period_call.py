"""The village calls a plan of two weeks: tills say what is wanted in each, cheese waits, milk does not."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.use_cases.planning.calls.calling import CallParams, call_plan
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.calls.table import TableFile
from node.use_cases.planning.deliveries.places import PlaceParams, PlacesParams, say_place, show_places
from node.use_cases.planning.deliveries.schedule import list_schedule_lines
from node.use_cases.planning.deliveries.scheduling import ScheduleParams, show_schedule
from node.use_cases.planning.periods.stocks import list_stocks
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposing import ProposeParams, preview_release, propose
from node.use_cases.planning.proposals.releases import Offer
from node.use_cases.planning.reports.showing import show_plan
from node.use_cases.till import TillParams, import_file
from node.web.planning.filling.plan import fill_plan_pages
from node.web.supply.model import PriceList
from protocol.core.errors import RefusedError
from protocol.planning.plan import Plan
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import COUNCILS, FOUNDER, call_params, import_till, release_of

PERIODS = [
    {"id": "fair week", "first_week": 23, "last_week": 23},
    {"id": "week after", "first_week": 24, "last_week": 24},
]


def test_a_call_of_two_weeks_is_planned_with_its_seasons_and_stocks(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network[FOUNDER]
        called = (await north.do(call_plan(north.node, two_weeks()))).call
        await network.settle()
        for machine in network.machines:
            if machine.name in COUNCILS:
                await import_till(machine)
                await import_week_after(machine)
            await machine.do(propose(machine.node, ProposeParams(release=release_for(machine.name), call=called)))
        await check_preview(north, called)
        await check_offers(network["bakery"], called)
        await network.until(lambda: {stage_of(one, called) for one in network.machines} == {"voting"}, "a draft", 900.0)
        reports = [await show_plan(machine.node, PlanParams(call=called)) for machine in network.machines]
        plan = reports[0].plan
        assert plan is not None and {report.digest for report in reports} == {reports[0].digest}
        assert reports[0].certificate is not None and reports[0].certificate.findings == ()
        check_plan(plan)
        page = fill_plan_pages(reports[0], None, PriceList(())).page
        assert [row.good for row in page.stocks] == ["Cheese in fair week", "Cheese in week after"]
        assert "Bread in week after" in {good.name for good in page.taken_home}
        told = await show_schedule(
            north.node, ScheduleParams(call=called, card=f"{network['dairy'].node.origin}#cheesery")
        )
        assert told.periods == ("fair week", "week after")
        assert [card.card.partition("#")[2] for card in told.cards] == ["cheesery in fair week"]
        assert {line[-1] for line in list_schedule_lines(told)[1:]} == {"fair week"}
        await check_ways(network, called)
        check_alone(reports[0].document, homes / "plan.json")

    run_region(homes, 81, story)


async def check_ways(network: MemoryNetwork, called: str) -> None:
    """Who brings what to whom in each week is told once everybody has said where it is, and before it who has not."""
    north, dairy = network[FOUNDER], network["dairy"]
    asked = ScheduleParams(call=called, card=f"{dairy.node.origin}#herd")
    for number, machine in enumerate(network.machines):
        told = await show_schedule(north.node, asked)
        assert not told.has_ways and any(name.startswith(machine.node.origin) for name in told.without_place)
        place = PlaceParams(north=f"53.{number}2N", east="2.16w")
        await machine.do(say_place(machine.node, place))
        await network.settle()
    with pytest.raises(RefusedError, match="the file of places is not enough") as refused:
        await show_schedule(north.node, ScheduleParams(call=called, places={"nobody": (1, 1)}))
    assert any(one.place.startswith("places.outside ") for one in refused.value.findings)
    for trade in ("outside", "stock"):
        await north.do(say_place(north.node, PlaceParams(north="53.6", east="-2.9", trade=trade)))
    places = await show_places(dairy.node, PlacesParams(call=called))
    await network.settle()
    assert places.call_it(f"{dairy.node.origin}#herd") == "herd of dairy" and places.call_it("stock") == "stock"
    assert places.missing and not (await show_places(dairy.node, PlacesParams(call=called))).missing
    told = await show_schedule(dairy.node, asked)
    assert told.has_ways and {load.good for card in told.cards for load in card.gives} == {"milk in fair week"}
    for wrong in ("91N", "1e3", "-3N", "north", "５"):
        with pytest.raises(RefusedError, match="north: write degrees"):
            await north.do(say_place(north.node, PlaceParams(north=wrong, east="0")))


def check_alone(document: str, path: Path) -> None:
    """The script that shares no code with the rest finds nothing."""
    path.write_text(document)
    script = Path(__file__).parents[5] / "scripts" / "check_plan"
    assert subprocess.run([sys.executable, script, path], capture_output=True, check=False).returncode == 0


async def check_offers(bakery: Machine, called: str) -> None:
    """What the oven offers may be changed in one week alone, or in both."""
    for label, wanted in (("oven in week after", ["150", "99"]), ("oven", ["99", "99"])):
        asked = ProposeParams(release=release_for("bakery"), call=called, offers={label: Offer(capacity="99")})
        preview = await preview_release(bakery.node, asked)
        assert [one.capacity for one in preview.workplaces if one.label.startswith("oven in ")] == wanted
    with pytest.raises(RefusedError, match="no such workplace"):
        await preview_release(
            bakery.node, ProposeParams(release=release_for("bakery"), offers={"kiln in may": Offer()})
        )


def stage_of(machine: Machine, called: str) -> str:
    run = machine.node.parts["planner"].run_of(bytes.fromhex(called))
    return "" if run is None else str(run.stage if not run.trouble else run.trouble)


def two_weeks() -> CallParams:
    """The village's table for two weeks: cheese keeps for a month, hours and money are there in each week."""
    plain = msgspec.to_builtins(call_params().table)
    goods = [{**row, "start_price": row.get("start_price", "0")} for row in plain["goods"]]
    for row in goods:
        row |= {"lasting": True} if row["id"] == "co2" else {}
        row |= {"shelf_life_days": 30} if row["id"] == "cheese" else {}
    table = msgspec.convert({**plain, "goods": goods, "periods": PERIODS}, TableFile)
    return CallParams(table=table, scope="made-up village", period="two made-up weeks", readings=1)


def release_for(name: str) -> Release:
    """The village's releases; the cheesery works in the first week alone, the oven less in it."""
    row: dict[str, Any] = msgspec.to_builtins(release_of(name))
    for workplace in row["workplaces"]:
        if workplace["id"] == "cheesery":
            workplace["techniques"][0]["periods"] = ["fair week"]
        if workplace["id"] == "oven":
            workplace["capacity"] = {"fair week": "150", "otherwise": "190"}
    return msgspec.convert(row, Release)


async def import_week_after(machine: Machine) -> None:
    """In the week after, every household buys bread and cheese alone."""
    lines = ["date,receipt,product,description,category,quantity,amount,household"]
    for household in range(1, 10):
        for product, cents in (("bread", 1_600), ("cheese", 1_308)):
            lines.append(
                f"2026-06-{7 + household % 7 + 1:02d},late-{household},{product},made-up {product},{product.upper()},2,"
                f"{cents // 100}.{cents % 100:02d},{household}"
            )
    content = "\n".join([*lines, ""]).encode()
    await machine.do(import_file(machine.node, TillParams(name="after.csv", content=content)))


async def check_preview(north: Machine, called: str) -> None:
    """The committee reads every line by period, and may change one week alone."""
    asked = ProposeParams(release=release_for(FOUNDER), call=called)
    lines = {line.good: line for line in (await preview_release(north.node, asked)).lines}
    # In a week in which nobody buys rolls or milk none are wanted.
    assert len(lines) == 6 and Decimal(lines["bread in week after"].want) > Decimal(lines["bread in fair week"].want)
    assert lines["bread in fair week"].floor == lines["bread in week after"].floor
    for edit, moved in (
        ("bread in fair week", ("bread in fair week",)),
        ("bread", ("bread in fair week", "bread in week after")),
    ):
        edited = msgspec.structs.replace(asked, edits_percent={edit: 150})
        after = {line.good: line for line in (await preview_release(north.node, edited)).lines}
        assert all("committee: 150 % of that" in after[good].sources for good in moved)
        assert sum("committee: 150 % of that" in line.sources for line in after.values()) == len(moved)


def check_plan(plan: Plan) -> None:
    stocks = {(row.good, row.period): row for row in list_stocks(plan, plan.goods_table.period_names)}
    cheese, after = stocks["cheese", "fair week"], stocks["cheese", "week after"]
    assert Decimal(cheese.kept) > 0 and Decimal(after.made) == 0
    assert Decimal(after.eaten) == Decimal(after.from_before) - Decimal(after.left) > 0
    milk = stocks["milk", "fair week"]
    assert Decimal(milk.eaten) > 0 == Decimal(milk.kept) and ("milk", "week after") not in stocks
    capacities = {card.id.partition("#")[2]: card.capacity for card in plan.workplaces}
    assert (capacities["oven in fair week"], capacities["oven in week after"]) == (150_000_000, 190_000_000)
    floors = {
        plan.goods_table.goods[good].id: floor
        for nest in plan.consumers[0].nests
        for good, floor in zip(nest.goods, nest.floors, strict=True)
    }
    assert floors["bread in fair week"] == floors["bread in week after"] > 0

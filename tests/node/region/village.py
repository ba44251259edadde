"""A made-up village of five co-ops: small tills, a mill, ovens, a dairy, and what each of them says to a plan call.

MADE UP from end to end. Three consumer co-ops eat, two producers make; a floor of bread, a cap, outside milk and flour.
"""

import asyncio
import random
from pathlib import Path
from shutil import copytree
from typing import Any

import msgspec

from node.config import Config
from node.simulation.world.virtual_time import EPOCH_MS, SeededClock
from node.use_cases.context import NoParams
from node.use_cases.federation.verbs import (
    CreateParams,
    InviteParams,
    JoinParams,
    MemberKind,
    create,
    invite,
    join,
)
from node.use_cases.home import init_home
from node.use_cases.peers import make_card
from node.use_cases.planning.calls.calling import CallParams, call_plan
from node.use_cases.planning.calls.table import TableFile
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposing import ProposeParams, propose
from node.use_cases.till import TillParams, import_file
from protocol.federation.charter import Charter
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region

COUNCILS = {"north": 40, "south": 30, "quay": 20}
PRODUCERS = {"bakery": 6, "dairy": 5}
MEMBERS = {**COUNCILS, **PRODUCERS}
FOUNDER = "north"
HOUSEHOLDS = 9
CARDS_WAIT_MS = 20_000
ANSWERS_WAIT_MS = 3_000

_GOODS = (
    ("bread", "KGM", "good", "2", "0"),
    ("rolls", "KGM", "good", "3", "0"),
    ("milk", "LTR", "good", "1", "0"),
    ("cheese", "KGM", "good", "7", "0"),
    ("flour", "KGM", "good", "0.8", "0"),
    ("hours", "HUR", "labour", "6", "130"),
    ("co2", "KGM", "cap", "0.2", "420"),
    ("money", "C62", "outside", "1", "150"),
)
_PRODUCTS = (("bread", "BREAD", 320), ("rolls", "ROLLS", 210), ("milk", "MILK", 118), ("cheese", "CHEESE", 654))


def charter(witnesses: tuple[str, ...] = ()) -> Charter:
    """What the village's members agree on."""
    row = {
        "name": "made-up village",
        "language": "en",
        "currency": "EUR",
        "currency_exponent": 2,
        "required_sections": [],
        "committee_threshold": 1,
        "approvals_percent_coops": 67,
        "approvals_percent_people": 0,
        "witnesses": sorted(witnesses),
        "witness_rule": "half",
        "credits_per_person_micro": 10_000_000,
        "floors": [{"good": "bread", "amount": 5, "decimals": 1}],
        "k_households": 5,
        "rules": {"federation": 1, "planning": 1},
    }
    return msgspec.convert(row, Charter)


def till_file(name: str, cents_more: int = 0) -> bytes:
    """A co-op's made-up till of a week; `cents_more` goes onto its first line."""
    chance = random.Random(name)
    lines = ["date,receipt,product,description,category,quantity,amount,household"]
    for household in range(HOUSEHOLDS):
        for product, category, price_cents in _PRODUCTS:
            count = chance.randint(1, 4)
            cents = count * price_cents + (cents_more if len(lines) == 1 else 0)
            day, receipt = 1 + household % 7, f"{name}-{household}"
            lines.append(
                f"2026-06-{day:02d},{receipt},{product},made-up {product},{category},{count},"
                f"{cents // 100}.{cents % 100:02d},{household + 1}"
            )
    return "\n".join([*lines, ""]).encode()


def release_of(name: str, edits_percent: dict[str, int] | None = None) -> Release:
    """What a member releases for one reading."""
    row: dict[str, Any] = {"council": None, "workplaces": []}
    if name in COUNCILS:
        row["council"] = {
            "till": {product: [category] for product, category, _ in _PRODUCTS},
            "nests": [
                {"id": "baked", "name": "Baked", "sigma": "0.5", "goods": ["bread", "rolls"]},
                {"id": "dairy", "name": "Dairy", "sigma": "1", "goods": ["milk", "cheese"]},
            ],
            "edits_percent": edits_percent or {},
        }
    elif name == "bakery":
        row["workplaces"] = [
            _workplace("mill", "160", [({"flour": "-1", "hours": "0.02", "co2": "0.2"}, "1", "0.001")]),
            _workplace(
                "oven",
                "190",
                [
                    ({"bread": "-1", "flour": "0.7", "hours": "0.15", "co2": "0.3"}, "1", "0.002"),
                    ({"rolls": "-1", "flour": "0.8", "hours": "0.3", "co2": "0.4"}, "1", "0.003"),
                ],
            ),
        ]
    else:
        row["workplaces"] = [
            _workplace("herd", "600", [({"milk": "-1", "hours": "0.05", "co2": "0.4"}, "1", "0.001")]),
            _workplace("cheesery", "40", [({"cheese": "-1", "milk": "8", "hours": "0.4", "co2": "0.2"}, "1", "0.01")]),
        ]
    return msgspec.convert(row, Release)


def call_params() -> CallParams:
    """The call for the village's plan."""
    fields = ("id", "unit", "kind", "start_price", "endowment")
    goods = [{**dict(zip(fields, row, strict=True)), "decimals": 4} for row in _GOODS]
    trade = [
        _workplace("outside milk", "100", [({"milk": "-1", "money": "1.2"}, "1", "0")]),
        _workplace("outside flour", "100", [({"flour": "-1", "money": "1.1"}, "1", "0")]),
    ]
    table = msgspec.convert({"goods": goods, "trade": trade, "tolerance_ppm": 20_000}, TableFile)
    return CallParams(
        table=table,
        scope="made-up village",
        period="a made-up week",
        cards_wait_ms=CARDS_WAIT_MS,
        answers_wait_ms=ANSWERS_WAIT_MS,
    )


class _BirthClock(SeededClock):
    """Homes are made before the region's time begins."""

    def now_ms(self) -> int:
        return EPOCH_MS


def make_home(folder: Path, name: str) -> Path:
    """A home whose keys are drawn from its name, so that every run has the same ones."""
    home = folder / name
    asyncio.run(_init_home(home))
    return home


def make_homes(folder: Path) -> Path:
    """The homes of all members, strangers to one another."""
    for name in MEMBERS:
        make_home(folder, name)
    return folder


def make_called_homes(homes: Path, folder: Path) -> Path:
    """The same homes one federation later, with a plan called and nothing released yet."""

    async def call(network: MemoryNetwork) -> None:
        await found_village(network)
        await call_village(network)

    copied = copytree(homes, folder / "called")
    run_region(copied, 0, call)
    return copied


async def _init_home(home: Path) -> None:
    await init_home(Config(home=home, name=home.name), _BirthClock(f"keys of {home.name}"))


async def found_village(network: MemoryNetwork) -> None:
    """All five in one federation, which the first founds."""
    founder = network[FOUNDER]
    await found(network, founder)
    for guest in network.machines:
        if guest is not founder:
            await bring_in(founder, guest)
    everybody = len(network.machines)
    await network.until(lambda: all(count_members(one) == everybody for one in network.machines), "the whole roster")
    await network.settle()


async def found(network: MemoryNetwork, founder: Machine, witnesses: tuple[str, ...] = ()) -> None:
    """A federation of one."""
    params = CreateParams(charter=charter(witnesses), kind="consumers", people=MEMBERS[founder.name])
    await founder.do(create(founder.node, params))
    await network.until(lambda: founder.keeper.history is not None, "the founder's own federation")


async def bring_in(host: Machine, guest: Machine) -> None:
    """One member invites, another home accepts; the roster follows in its own time."""
    card = await make_card(guest.node, NoParams())
    invitation = await host.do(invite(host.node, InviteParams(card=card.card)))
    kind: MemberKind = "consumers" if guest.name in COUNCILS else "producers"
    params = JoinParams(invitation=invitation.invitation, kind=kind, people=MEMBERS.get(guest.name, 1))
    await guest.do(join(guest.node, params))


def count_members(machine: Machine) -> int:
    """How many members a machine counts in the newest roster it knows."""
    history = machine.keeper.history
    return 0 if history is None else len(history.newest.voters)


async def call_village(network: MemoryNetwork) -> None:
    """Call the plan; returns once all machines that plan follow it."""
    caller = network[FOUNDER]
    await caller.do(call_plan(caller.node, call_params()))
    planning = [machine for machine in network.machines if machine.plans]
    await network.until(lambda: all(machine.run is not None for machine in planning), "the call")
    await network.settle()


async def import_till(machine: Machine, cents_more: int = 0) -> None:
    """The co-op's own till."""
    params = TillParams(name="till.csv", content=till_file(machine.name, cents_more))
    report = await machine.do(import_file(machine.node, params))
    assert report.lines_new == HOUSEHOLDS * len(_PRODUCTS)


async def release(machine: Machine, reading: int, edits_percent: dict[str, int] | None = None) -> None:
    """A person's word for one reading."""
    params = ProposeParams(release=release_of(machine.name, edits_percent), reading=reading)
    await machine.do(propose(machine.node, params))


def _workplace(name: str, capacity: str, techniques: list[tuple[dict[str, str], str, str]]) -> dict[str, Any]:
    rows = [{"net": net, "capacity_use": use, "effort": effort} for net, use, effort in techniques]
    return {"id": name, "capacity": capacity, "techniques": rows}

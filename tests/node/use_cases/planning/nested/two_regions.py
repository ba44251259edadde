"""Two made-up regions and what they share: the hills bake and grind, the shore keeps cows, a canteen is everybody's.

MADE UP from end to end. Bread, rolls and hours are each region's own; milk, cheese, flour and a cap are planned above.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from node.simulation.world.virtual_time import pass_time
from node.use_cases.context import NoParams
from node.use_cases.federation.history import current_history
from node.use_cases.federation.verbs import CreateParams, InviteParams, JoinParams, create, invite, join
from node.use_cases.peers import make_card
from node.use_cases.planning.calls.calling import CallParams, call_plan
from node.use_cases.planning.calls.ratifying import RatifyParams, ratify
from node.use_cases.planning.calls.revising import ReviseParams, revise
from node.use_cases.planning.calls.table import TableFile
from node.use_cases.planning.nested.speaking import SpeakParams, speak
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposing import ProposeParams, propose
from node.use_cases.planning.rounds.planner import Planner
from node.use_cases.planning.rounds.run import PlanRun
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork
from tests.node.region.village import bring_in, charter, count_members, import_till, make_home

CANTEEN = "canteen"
REGIONS = {"hilltop": ("millers",), "quay": ("herders",)}
"""Who speaks for a region, and who else is in it."""

PEOPLE = {"canteen": 10, "hilltop": 40, "quay": 30}
HOURS = {"hilltop": "110", "quay": "90"}
TOLERANCE_PPM = 30_000
PLAN_WITHIN_S = 3_000.0
CRASH_ROUND, DOWN_S = 3, 2.0

_PRICES = {"bread": "2", "rolls": "3", "hours": "6", "milk": "1", "cheese": "7", "flour": "0.8", "co2": "0.2"}
_KINDS = {"hours": ("HUR", "labour"), "co2": ("KGM", "cap"), "money": ("C62", "outside"), "milk": ("LTR", "good")}
_ABOVE = {"milk": "0", "cheese": "0", "flour": "0", "co2": "420", "money": "150"}
_TILL = {"bread": ["BREAD"], "rolls": ["ROLLS"], "milk": ["MILK"], "cheese": ["CHEESE"]}
_BAKED = {"id": "baked", "name": "Baked", "sigma": "0.5", "goods": ["bread", "rolls"]}
_DAIRY = {"id": "dairy", "name": "Dairy", "sigma": "1", "goods": ["milk", "cheese"]}


@dataclass(frozen=True)
class Calls:
    """The call above, and the region's by its speaker."""

    above: bytes
    regions: dict[str, bytes]


def make_homes(folder: Path) -> Path:
    """Five homes, strangers to one another."""
    for name in (CANTEEN, *REGIONS, *(other for others in REGIONS.values() for other in others)):
        make_home(folder, name)
    return folder


async def found_federations(network: MemoryNetwork) -> None:
    """Each region a federation of two; above them the canteen and whoever speaks for a region."""
    for name in (CANTEEN, *REGIONS):
        machine = network[name]
        await machine.do(create(machine.node, CreateParams(charter=charter(), kind="consumers", people=PEOPLE[name])))
        await network.until(partial(_has_federation, machine), "a federation")
    for name, others in REGIONS.items():
        for other in others:
            await bring_in(network[name], network[other])
        await _speak_above(network[CANTEEN], network[name])
    await network.until(lambda: all(_is_whole(network, name) for name in REGIONS), "all rosters")
    await network.settle()


async def call_plans(network: MemoryNetwork) -> Calls:
    """The call above, and beside it one in each region."""
    canteen = network[CANTEEN]
    trade = [
        _workplace("outside milk", "200", [({"milk": "-1", "money": "1.2"}, "0")]),
        _workplace("outside flour", "200", [({"flour": "-1", "money": "1.1"}, "0")]),
    ]
    called = await canteen.do(call_plan(canteen.node, _call(_ABOVE, trade, readings=1)))
    above, regions = bytes.fromhex(called.call), {}
    for name in REGIONS:
        machine = network[name]
        await network.until(partial(_has_run, machine, above), "the call above")
        goods = {"bread": "0", "rolls": "0", "hours": HOURS[name], **dict.fromkeys(_ABOVE, "0")}
        params = _call(goods, [], readings=2, above=called.call)
        regions[name] = bytes.fromhex((await machine.do(call_plan(machine.node, params))).call)
        for other in REGIONS[name]:
            await network.until(partial(_has_run, network[other], regions[name]), "the region's call")
    return Calls(above, regions)


async def release_all(network: MemoryNetwork, calls: Calls) -> None:
    """Tills come in; everybody's proposal stands for all readings, and two members speak for their regions."""
    for name in PEOPLE:
        await import_till(network[name])
    await _propose(network[CANTEEN], calls.above, {"council": _council(_DAIRY)})
    for name, call in calls.regions.items():
        await _propose(network[name], call, {"council": _council(_BAKED, _DAIRY)})
        for other in REGIONS[name]:
            await _propose(network[other], call, {"workplaces": _WORKS[other]})
        await network[name].do(speak(network[name].node, SpeakParams(call=call.hex())))


async def vote(network: MemoryNetwork, call: bytes, names: tuple[str, ...]) -> None:
    """All these meetings approve, once they have the draft."""
    for name in names:
        run = run_of(network[name], call)
        await network.until(partial(_is_voting, run), f"a draft at {name}", PLAN_WITHIN_S)
    for name in names:
        params = RatifyParams(approve=True, yes=9, no=1, made_up=True, call=call.hex())
        await network[name].do(ratify(network[name].node, params))
    await network.until(lambda: all(run_of(network[one], call).ratified for one in names), "a plan in force")


async def plan_both_levels(network: MemoryNetwork, crashing: str) -> Calls:
    """From strangers to plans in force on both levels; one machine crashes once, in the middle of the rounds."""
    await found_federations(network)
    calls = await call_plans(network)
    await release_all(network, calls)
    above = run_of(network[CANTEEN], calls.above)
    await network.until(lambda: above.rounds_closed == CRASH_ROUND, "the middle of the rounds", PLAN_WITHIN_S)
    network[crashing].crash()
    await pass_time(DOWN_S)
    await network.boot(network[crashing])
    await vote(network, calls.above, (CANTEEN, *REGIONS))
    for name, call in calls.regions.items():
        await vote(network, call, (name, *REGIONS[name]))
    await network.settle()
    return calls


async def make_again(network: MemoryNetwork, name: str, call: bytes) -> bytes:
    """A region's plan in force made again, under the same plan above; the new call."""
    machine, members = network[name], (name, *REGIONS[name])
    answer = await machine.do(revise(machine.node, ReviseParams(call=call.hex())))
    again = bytes.fromhex(answer.call)
    for other in members:
        await network.until(partial(_has_run, network[other], again), "the revision")
        await network[other].do(propose(network[other].node, ProposeParams(call=again.hex())))
    await machine.do(speak(machine.node, SpeakParams(call=again.hex())))
    await vote(network, again, members)
    return again


def run_of(machine: Machine, call: bytes) -> PlanRun:
    """A machine's own computation of a call."""
    planner = machine.node.parts["planner"]
    assert isinstance(planner, Planner)
    run = planner.run_of(call)
    assert run is not None
    return run


def _is_voting(run: PlanRun) -> bool:
    return run.stage == "voting"


def _has_federation(machine: Machine) -> bool:
    return machine.keeper.history is not None


def _has_run(machine: Machine, call: bytes) -> bool:
    planner = machine.node.parts["planner"]
    return isinstance(planner, Planner) and planner.run_of(call) is not None


async def _speak_above(host: Machine, guest: Machine) -> None:
    card = await make_card(guest.node, NoParams())
    invitation = await host.do(invite(host.node, InviteParams(card=card.card)))
    people = PEOPLE[guest.name]
    params = JoinParams(invitation=invitation.invitation, kind="consumers", people=people, above=True)
    await guest.do(join(guest.node, params))


def _is_whole(network: MemoryNetwork, name: str) -> bool:
    histories = current_history(network[name].node, above=True), network[CANTEEN].keeper.history
    is_above = all(one is not None and len(one.newest.voters) == 1 + len(REGIONS) for one in histories)
    members = [network[one] for one in (name, *REGIONS[name])]
    return is_above and all(count_members(one) == len(members) for one in members)


async def _propose(machine: Machine, call: bytes, row: dict[str, Any]) -> None:
    release = msgspec.convert(row, Release)
    await machine.do(propose(machine.node, ProposeParams(release=release, call=call.hex(), standing=True)))


def _call(goods: dict[str, str], trade: list[dict[str, Any]], readings: int, above: str = "") -> CallParams:
    rows = []
    for good, endowment in goods.items():
        unit, kind = _KINDS.get(good, ("KGM", "good"))
        row = {"id": good, "unit": unit, "kind": kind, "start_price": _PRICES.get(good, "1"), "endowment": endowment}
        rows.append({**row, "decimals": 4})
    table = msgspec.convert({"goods": rows, "trade": trade, "tolerance_ppm": TOLERANCE_PPM}, TableFile)
    scope = "a made-up region" if above else "made-up regions"
    return CallParams(
        table=table, scope=scope, period="a made-up week", readings=readings, above=above, answers_wait_ms=3_000
    )


def _council(*nests: dict[str, Any]) -> dict[str, Any]:
    goods = {good for nest in nests for good in nest["goods"]}
    return {"till": {good: _TILL[good] for good in sorted(goods)}, "nests": list(nests)}


def _workplace(name: str, capacity: str, techniques: list[tuple[dict[str, str], str]]) -> dict[str, Any]:
    rows = [{"net": net, "capacity_use": "1", "effort": effort} for net, effort in techniques]
    return {"id": name, "capacity": capacity, "techniques": rows}


def _bakery(capacity: str) -> dict[str, Any]:
    bread = {"bread": "-1", "flour": "0.7", "hours": "0.15", "co2": "0.3"}, "0.002"
    rolls = {"rolls": "-1", "flour": "0.8", "hours": "0.3", "co2": "0.4"}, "0.003"
    return _workplace("oven", capacity, [bread, rolls])


_WORKS = {
    "millers": [_workplace("mill", "160", [({"flour": "-1", "hours": "0.02", "co2": "0.2"}, "0.001")]), _bakery("110")],
    "herders": [
        _workplace("herd", "600", [({"milk": "-1", "hours": "0.05", "co2": "0.4"}, "0.001")]),
        _workplace("cheesery", "40", [({"cheese": "-1", "milk": "8", "hours": "0.4", "co2": "0.2"}, "0.01")]),
        _bakery("90"),
    ],
}

"""A whole plan in the village, from tills to the meetings' votes, and what all nodes must then agree on."""

from dataclasses import dataclass

from node.simulation.world.virtual_time import pass_time
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.calls.ratifying import RatifyParams, ratify
from node.use_cases.planning.reports.showing import show_plan
from node.use_cases.planning.reports.view import PlanReport
from node.use_cases.planning.rounds.planner import Planner
from protocol.federation.vote_records import VOTE_KINDS, vote_of
from protocol.federation.votes import audit_double_votes
from storage.log import log_store, record_index
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork
from tests.node.region.village import COUNCILS, import_till, release

EDITOR, EDITS = "south", {"cheese": 150}
PLAN_WITHIN_S = 900.0


@dataclass(frozen=True)
class Known:
    """What one node has come to: its digests by reading, its roster, its index and its view of the plan."""

    digests: tuple[str, ...]
    roster: bytes
    rows: tuple[record_index.IndexRow, ...]
    report: PlanReport


async def release_all(network: MemoryNetwork, cents_more: int = 0) -> None:
    """Tills come in, both readings are released; one co-op edits its second and may have cents more in its till."""
    for machine in network.machines:
        if machine.name in COUNCILS:
            await import_till(machine, cents_more if machine.name == EDITOR else 0)
        await release(machine, 1)
        await release(machine, 2, EDITS if machine.name == EDITOR else None)


async def plan_to_the_vote(network: MemoryNetwork) -> None:
    """Wait until every node has its last draft."""
    await network.until(lambda: all(map(has_ended, network.machines)), "the last draft", PLAN_WITHIN_S)


async def vote(network: MemoryNetwork, refusing: tuple[str, ...] = ()) -> None:
    """Every meeting's made-up vote: all approve but those of `refusing`."""
    for place, machine in enumerate(network.machines):
        approve = machine.name not in refusing
        reason = "" if approve else "made up: too few hands for the cheesery"
        params = RatifyParams(approve=approve, yes=10 + place, no=place, abstained=1, made_up=True, reason=reason)
        await machine.do(ratify(machine.node, params))
    await network.settle()


async def look(machine: Machine) -> Known:
    """What a node knows at the end."""
    report = await show_plan(machine.node, PlanParams())
    history = machine.keeper.history
    assert history is not None
    digests = tuple(reading.digest for reading in report.readings)
    return Known(digests, history.newest.hash, read_rows(machine), report)


async def replan(machine: Machine) -> tuple[str, ...]:
    """The digests that a planner comes to which finds the whole story in the logs."""
    node = machine.node
    await machine.do(node.parts["planner"].stop())
    planner = node.parts["planner"] = Planner(node)
    await machine.do(planner.start())
    return tuple(reading.digest for reading in (await look_again(machine)).readings)


async def look_again(machine: Machine) -> PlanReport:
    """The view of a planner that has just been started, once it has caught up."""
    while not has_ended(machine):
        await pass_time(0.1)
    return await show_plan(machine.node, PlanParams())


def has_ended(machine: Machine) -> bool:
    """Whether a machine is up and has nothing more to compute."""
    run = machine.run if machine.is_up else None
    return run is not None and (run.is_over or run.stage == "voting")


def read_rows(machine: Machine) -> tuple[record_index.IndexRow, ...]:
    """A node's whole index."""
    return tuple(record_index.rows(machine.node.database.reader))


def check_single_votes(machine: Machine) -> None:
    """Nobody signed two different votes in one step of any decision."""
    db = machine.node.database.reader
    votes = [vote_of(one.body, one.origin) for kind in VOTE_KINDS for one in record_index.records(db, kind)]
    assert len(votes) > len(log_store.heads(db)) and None not in votes
    assert audit_double_votes([one for one in votes if one is not None]) == []

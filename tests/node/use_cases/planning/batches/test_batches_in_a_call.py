"""Five nodes decide how many whole batches are run: all alike, whatever some of them propose, and again after a no."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.use_cases.planning.batches.batching import find_better
from node.use_cases.planning.batches.publishing import CandidateParams, publish_candidate
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.deliveries.scheduling import ScheduleParams, show_schedule
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposing import ProposeParams, propose
from node.use_cases.planning.reports.auditing import audit_plan
from node.use_cases.planning.reports.showing import show_minutes
from node.use_cases.planning.rounds.planner import Planner
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import judge_candidate, make_candidate
from protocol.planning.batches.candidate_record import PlanCandidate
from protocol.planning.batches.counts import list_batched, list_counts, read_counts
from protocol.planning.batches.repair import repair_batches
from protocol.planning.batches.sizes import DRAFT, audit_batches
from protocol.planning.call import PlanCards
from protocol.planning.certificate import all_workplaces
from protocol.planning.plan import Plan
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import Known, check_single_votes, look, plan_to_the_vote, replan, vote
from tests.node.region.village import COUNCILS, import_till, release, release_of

BATCHES = {"mill": ["12"], "oven": ["20", "10"]}
"""In batches of so many activities, technique by technique."""
Found = tuple[int, ...]


def full(draft: Plan, wait_s: float) -> Found:
    """A lie: an oven that bakes bread as long as it can, from the flour of a mill that hardly turns."""
    oven, bread = next((card, one) for card, one in list_batched(draft) if card.id.endswith("#oven"))
    return 1, oven.capacity // bread.batch, 0


def too_many_numbers(draft: Plan, wait_s: float) -> Found:
    return (*list_counts(draft, repair_batches(draft)), 1)


def poorer(draft: Plan, wait_s: float) -> Found:
    """It holds, and is worse than what everybody works out: three batches of bread less."""
    mill, bread, rolls = list_counts(draft, repair_batches(draft))
    return mill - 3, bread - 3, rolls


def broken(draft: Plan, wait_s: float) -> Found:
    raise RefusedError.at("search", "made up: this machine's solver is broken")


SEARCHES: dict[str, Callable[[Plan, float], Found]] = {
    "dairy": full,
    "quay": too_many_numbers,
    "south": poorer,
    "bakery": broken,
    "north": find_better,
}


def test_whole_batches_are_decided_alike_whoever_lies_and_again_after_a_refusal(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        await speak_out_of_turn(network["dairy"])
        await release_with_batches(network)
        await say_by_hand(network, network["bakery"])
        await plan_to_the_vote(network)
        await network.settle()
        known = check_alike([await look(machine) for machine in network.machines])
        assert len(known.digests) == 3 and len(set(known.digests)) == 3
        check_batches(known, unbatched(network))
        await vote(network, refusing=("quay",))
        await network.until(lambda: all(map(votes_again, network.machines)), "the draft without the quay", 900.0)
        await network.settle()
        known = check_alike([await look(machine) for machine in network.machines])
        assert len(known.digests) == 5 and known.report.left_out == (network["quay"].node.origin,)
        check_batches(known, unbatched(network))
        await vote(network)
        known = check_alike([await look(machine) for machine in network.machines])
        assert known.report.state == "in force" and known.report.ratified
        await check_readers(network, known)

    run_region(homes, 91, story)


async def check_readers(network: MemoryNetwork, known: Known) -> None:
    """Minutes, an audit from them, the schedule and a node that starts anew all tell of the same batches."""
    quay = network["quay"]
    minutes = await show_minutes(quay.node, PlanParams())
    audit = audit_plan(minutes.document.encode(), minutes.minutes.encode(), known.report.digest)
    assert audit.holds and audit.readings == 5, audit.findings
    schedule = await show_schedule(quay.node, ScheduleParams(card=f"{network['bakery'].node.origin}#oven"))
    assert [(one.batch, one.batches.isdigit()) for one in schedule.cards[0].does] == [("20", True), ("10", True)]
    await replan(quay)
    await network.until(lambda: quay.run is not None and quay.run.is_over, "the same once more, from the logs alone")
    assert (await look(quay)).digests == known.digests
    for machine in network.machines:
        check_single_votes(machine)


def unbatched(network: MemoryNetwork) -> Plan:
    """The draft whose batches the newest reading decides."""
    run = network.machines[0].run
    assert run is not None
    return run.unbatched.plan


def check_batches(known: Known, draft: Plan) -> None:
    """The newest draft keeps batches and names the one that did not, and none of the lies was taken."""
    plan = known.report.plan
    assert plan is not None and plan.parameters[DRAFT] == known.digests[-2]
    assert audit_batches(all_workplaces(plan), plan.activity) == []
    certificate = known.report.certificate
    assert certificate is not None and certificate.findings == () and len(certificate.checked_by) == 5
    worse = read_counts(draft, poorer(draft, 0.0))
    assert judge_candidate(draft, make_candidate(draft, worse)).findings == (), "it would be taken if it were alone"
    done, decided = list_counts(plan, plan.activity), known.report.batches
    assert all(done) and done not in (full(draft, 0.0), poorer(draft, 0.0))
    assert decided is not None and decided.holds and -decided.credits_micro // 20 < decided.value_micro < 0
    assert all(name.startswith(("north", "bakery")) for name in decided.found_by)
    assert tuple(line.batches for line in decided.lines) == done


async def release_with_batches(network: MemoryNetwork) -> None:
    for machine in network.machines:
        planner = machine.node.parts["planner"]
        assert isinstance(planner, Planner) and machine.run is not None
        machine.run.search = SEARCHES[machine.name]
        if machine.name in COUNCILS:
            await import_till(machine)
        for reading in (1, 2):
            if machine.name == "bakery":
                params = ProposeParams(release=lumpy_release(), reading=reading)
                await machine.do(propose(machine.node, params))
            else:
                await release(machine, reading)


async def speak_out_of_turn(machine: Machine) -> None:
    """Cards where batches are asked for and batches where cards are: the slots have one form, and neither counts."""
    run = machine.run
    assert run is not None
    await machine.do(publish(machine.node, "plan.card", PlanCards(run.call_id, 3, (), ())))
    await machine.do(publish(machine.node, "plan.candidate", PlanCandidate(run.call_id, 1, bytes(32), ())))


async def say_by_hand(network: MemoryNetwork, bakery: Machine) -> None:
    """A person at the bakery says what was found elsewhere: once, and only what holds."""
    run = bakery.run
    assert run is not None
    await network.until(lambda: run.stage == "batches" and run.slot is not None, "batches to decide", 900.0)
    draft, digest = run.unbatched.plan, run.unbatched.digest.hex()
    right = CandidateParams(draft=digest, batches=list_counts(draft, repair_batches(draft)))
    for batches, reason in ((full(draft, 0.0), "flour|floors"), ((), "there are none"), ((1,), "1 numbers")):
        with pytest.raises(RefusedError, match=reason):
            await bakery.do(publish_candidate(bakery.node, CandidateParams(draft=digest, batches=batches)))
    said = await bakery.do(publish_candidate(bakery.node, right))
    assert said.value_micro < 0
    with pytest.raises(RefusedError, match=r"gone out already|not being decided"):
        await bakery.do(publish_candidate(bakery.node, right))


def lumpy_release() -> Release:
    """The bakery's, with its mill and oven in batches."""
    row: dict[str, Any] = msgspec.to_builtins(release_of("bakery"))
    for workplace in row["workplaces"]:
        for technique, batch in zip(workplace["techniques"], BATCHES[workplace["id"]], strict=True):
            technique["batch"] = batch
    return msgspec.convert(row, Release)


def votes_again(machine: Machine) -> bool:
    run = machine.run if machine.is_up else None
    return run is not None and run.stage == "voting" and run.attempt == 1


def check_alike(known: list[Known]) -> Known:
    """All nodes tell the same of the plan, and of every draft; but whose own word did not go out."""
    told = [(one.digests, msgspec.structs.replace(one.report, trouble="")) for one in known]
    assert all(one == told[0] for one in told[1:])
    assert sorted(filter(None, (one.report.trouble for one in known)))[0].endswith("solver is broken")
    return known[0]

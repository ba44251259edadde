"""A region plans in any delivery order, one node late and one crashing in every round: all come to the same."""

from pathlib import Path
from shutil import copytree

import pytest

from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.reports.auditing import audit_plan
from node.use_cases.planning.reports.showing import PlanPapers, show_minutes
from storage.log import record_index
from tests.node.region.faults import Faults
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import (
    EDITOR,
    Known,
    check_single_votes,
    look,
    plan_to_the_vote,
    read_rows,
    release_all,
    replan,
    vote,
)
from tests.node.region.village import COUNCILS

READINGS = 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_with_a_late_and_a_crashing_node_in_every_round_all_nodes_end_alike(
    called_homes: Path, tmp_path: Path, seed: int
) -> None:
    async def story(network: MemoryNetwork) -> tuple[Faults, list[Known]]:
        faults = Faults(network)
        faults.start()
        await release_all(network)
        await plan_to_the_vote(network)
        await faults.stop()
        await plan_to_the_vote(network)
        await network.settle()
        await vote(network)
        known = [await look(machine) for machine in network.machines]
        for machine in network.machines:
            check_single_votes(machine)
            assert machine.boots > 1, f"seed {seed}: {machine.name} never crashed"
            await check_replay(network, machine.name)
        return faults, known

    faults, known = run_region(copytree(called_homes, tmp_path / "homes"), seed, story)
    first = known[0]
    assert all(other == first for other in known[1:]), f"seed {seed}"
    assert len(first.digests) == READINGS and all(first.digests) and first.digests[0] != first.digests[1]
    rounds = [one for reading in first.report.readings for one in reading.rounds]
    assert faults.crashes == faults.rounds == len(rounds) + READINGS, f"seed {seed}: a round without trouble"
    assert sum(bool(one.silent) for one in rounds) >= len(rounds) // 2, f"seed {seed}: nobody was ever left out"
    assert first.report.plan is not None and len(first.report.plan.consumption) == len(COUNCILS) - 1
    check_in_force(first)


async def check_replay(network: MemoryNetwork, name: str) -> None:
    """Dropping the index and starting the planner anew changes nothing."""
    machine = network[name]
    before, digests = read_rows(machine), (await look(machine)).digests
    folded = await machine.do(machine.node.database.write(record_index.rebuild))
    assert folded == len(before) and read_rows(machine) == before
    assert await replan(machine) == digests


def check_in_force(known: Known) -> None:
    """Checked by everybody without a finding, approved by enough."""
    report = known.report
    assert report.state == "in force" and report.ratified and report.trouble == ""
    assert all(vote.approve for vote in report.votes) and len(report.votes) == len(report.members)
    certificate = report.certificate
    assert certificate is not None and certificate.findings == ()
    assert len(certificate.checked_by) == len(report.members) and certificate.unknown_regrets == ()
    # Whoever is late with its cards and crashes before they are out has not edited anything.
    assert all(editor.startswith(EDITOR) for editor in report.readings[1].edited_by)


def check_minutes(answers: list[PlanPapers]) -> None:
    """All nodes write the same minutes, and from these alone the plan follows once more."""
    assert all(answer == answers[0] for answer in answers)
    audit = audit_plan(answers[0].document.encode(), answers[0].minutes.encode(), answers[0].digest)
    assert audit.holds, audit.findings
    assert audit.readings == READINGS and audit.replayed_rounds > READINGS and audit.gap_ppm is not None
    assert audit.odd_answers == ()


def plan_quietly(called_homes: Path, folder: Path, seed: int, cents_more: int = 0) -> tuple[str, ...]:
    """The digests of a plan in which nobody is late for longer than others wait."""

    async def story(network: MemoryNetwork) -> tuple[str, ...]:
        await release_all(network, cents_more)
        await plan_to_the_vote(network)
        await network.settle()
        known = [await look(machine) for machine in network.machines]
        assert all(other == known[0] for other in known[1:]), f"seed {seed}"
        (editor,) = known[0].report.readings[1].edited_by
        assert editor.startswith(EDITOR)
        assert not any(one.silent for reading in known[0].report.readings for one in reading.rounds)
        check_minutes([await show_minutes(machine.node, PlanParams()) for machine in network.machines])
        return known[0].digests

    return run_region(copytree(called_homes, folder / f"homes {seed} {cents_more}"), seed, story)


@pytest.mark.slow
def test_the_same_tills_give_the_same_plan_in_any_order_of_delivery_and_one_cent_gives_another(
    called_homes: Path, tmp_path: Path
) -> None:
    digests = plan_quietly(called_homes, tmp_path, seed=11)
    assert plan_quietly(called_homes, tmp_path, seed=12) == digests
    one_cent = plan_quietly(called_homes, tmp_path, seed=11, cents_more=1)
    assert len(one_cent) == READINGS
    assert all(mine != other for mine, other in zip(one_cent, digests, strict=True))

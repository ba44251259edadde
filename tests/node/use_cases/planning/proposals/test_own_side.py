"""What a member brings to a plan holds over a crash, and what does not fit silences that member alone."""

from pathlib import Path

import pytest

from node.use_cases.planning.calls.lookup import planner_of
from node.use_cases.planning.proposals.own_side import kept_side
from node.use_cases.planning.proposals.private_side import Council, NestWish, Release
from node.use_cases.planning.proposals.proposing import ProposeParams, propose
from node.use_cases.till import TillParams, import_file
from protocol.core.errors import RefusedError
from protocol.planning.call import PlanCards
from storage.log.record_index import records
from storage.settings import set_setting
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import look, plan_to_the_vote, release_all
from tests.node.region.village import import_till, release, release_of, till_file

ABROAD = Release(Council({"bread": ("BREAD",)}, (NestWish("baked", "Baked", "0.5", ("bread", "caviar")),)))


def test_a_till_and_a_release_that_change_after_the_cards_went_out_change_no_answer(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        await release_all(network)
        await network.until(lambda: round_of(north) >= 2, "the second round")
        (went_out,) = cards_of(north, reading=1)
        late_till = TillParams(name="late.csv", content=till_file("another co-op"))
        await north.do(import_file(north.node, late_till))
        with pytest.raises(RefusedError, match="has gone out already"):
            await release(north, 1)
        assert north.run is not None
        call = north.run.call_id
        await north.do(forge_release(north, f"plan_release/{call.hex()}/1"))
        north.crash()
        await network.boot(north)
        await plan_to_the_vote(network)
        await network.settle()
        known = [await look(machine) for machine in network.machines]
        assert all(other == known[0] for other in known[1:])
        side = kept_side(north.node, call, 1)
        assert side is not None and side.cards == went_out and cards_of(north, reading=1) == [went_out]
        report = known[0].report
        assert report.certificate is not None and report.certificate.unknown_regrets == ()
        silent = [name for reading in report.readings for one in reading.rounds[2:] for name in one.silent]
        assert silent == []

    run_region(homes, 21, story)


def test_a_release_that_does_not_fit_leaves_its_member_silent_until_another_one_does(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        await import_till(north)
        with pytest.raises(RefusedError, match="caviar is not in the goods table"):
            await north.do(propose(north.node, ProposeParams(release=ABROAD)))
        await let_go(north, ABROAD, 1)
        await network.until(lambda: trouble_of(north) != "", "the refusal")
        assert "caviar is not in the goods table" in trouble_of(north)
        assert cards_of(north, reading=1) == [] and not stage_is(north, "stopped")
        for machine in network.machines:
            if machine.name in ("south", "quay"):
                await import_till(machine)
            await release(machine, 1)
            await release(machine, 2)
        await plan_to_the_vote(network)
        await network.settle()
        known = [await look(machine) for machine in network.machines]
        assert all(other == known[0] for other in known[1:]) and trouble_of(north) == ""
        plan = known[0].report.plan
        assert plan is not None and north.node.origin in plan.consumption

    run_region(homes, 22, story)


def test_whoever_releases_nothing_that_fits_follows_the_plan_of_the_others(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        for machine in network.machines:
            if machine.name in ("south", "quay"):
                await import_till(machine)
            for reading in (1, 2):
                if machine is north:
                    await let_go(north, ABROAD, reading)
                else:
                    await release(machine, reading)
        await plan_to_the_vote(network)
        await network.settle()
        known = [await look(machine) for machine in network.machines]
        assert len({one.digests for one in known}) == 1 and all(known[0].digests)
        assert len({one.report.certificate.checked_by for one in known if one.report.certificate}) == 1
        plan = known[0].report.plan
        assert plan is not None and north.node.origin not in plan.consumption
        assert stage_is(north, "voting") and "reading 2 did not go out: council.nests: caviar" in trouble_of(north)

    run_region(homes, 23, story)


def test_cards_that_would_be_set_aside_everywhere_do_not_go_out(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        bakery = network["bakery"]
        row = dict(release_of("bakery").workplaces[0]) | {"capacity": "0"}
        await let_go(bakery, Release(None, (row,)), 1)
        await network.until(lambda: trouble_of(bakery) != "", "the refusal")
        assert "capacity" in trouble_of(bakery) and cards_of(bakery, reading=1) == []
        await release(bakery, 1)
        await network.until(lambda: len(cards_of(bakery, reading=1)) == 1, "the cards")
        assert trouble_of(bakery) == ""

    run_region(homes, 24, story)


async def let_go(machine: Machine, released: Release, reading: int) -> None:
    """A release that fitted when a person let it go, and does not when the cards are made."""
    assert machine.run is not None
    await machine.do(planner_of(machine.node).release(machine.run.call_id, (reading,), released))


async def forge_release(machine: Machine, name: str) -> None:
    """A release that came in by another way than the one that refuses it."""
    await machine.node.database.write(lambda db: set_setting(db, name, {"council": None, "workplaces": []}))


def cards_of(machine: Machine, reading: int) -> list[PlanCards]:
    """The cards in a machine's own log."""
    found = records(machine.node.database.reader, "plan.card", origin=machine.node.origin)
    return [one.body for one in found if one.body.reading == reading]


def round_of(machine: Machine) -> int:
    """How many rounds of its present reading a machine has closed."""
    return 0 if machine.run is None else len(machine.run.reading.reports)


def trouble_of(machine: Machine) -> str:
    """What a machine's people are told to put right."""
    return "" if machine.run is None else machine.run.trouble


def stage_is(machine: Machine, stage: str) -> bool:
    """Where a machine's plan stands."""
    return machine.run is not None and machine.run.stage == stage

"""A proposer that leaves somebody out, or names what nobody said, closes no round: the voters know better."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from shutil import copytree

import pytest

from node.use_cases.federation.deciding import closed_content
from node.use_cases.publish import publish
from protocol.federation.vote_records import ProposalBody, hash_content
from protocol.federation.votes import NO_ROUND, proposer
from protocol.planning.call import CARDS_ROUND, format_set, parse_set, round_slot
from storage.database import open_reader
from storage.log.record_index import records
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import check_single_votes
from tests.node.region.village import COUNCILS, MEMBERS, import_till, release


def read_slot(homes: Path) -> tuple[bytes, dict[str, str]]:
    """The slot of the call's first cards, and every member's log by its name."""
    with contextlib.closing(open_reader(homes / "north" / "node.sqlite")) as db:
        (call,) = records(db, "plan.call")
        logs = {one.body.name: one.origin for one in records(db, "log.founding")}
    return round_slot(call.leaf, 1, CARDS_ROUND), logs


@pytest.mark.parametrize("lie", ["somebody all have heard was silent", "somebody said what another one said"])
def test_a_set_that_voters_know_to_be_wrong_is_not_taken(called_homes: Path, tmp_path: Path, lie: str) -> None:
    slot, logs = read_slot(called_homes)
    liar_log = proposer(tuple(logs.values()), slot, 0)
    liar_name = next(name for name in MEMBERS if logs[name] == liar_log)
    victim = next(logs[name] for name in COUNCILS if name != liar_name)

    async def story(network: MemoryNetwork) -> None:
        liar = network[liar_name]
        honest = [machine for machine in network.machines if machine is not liar]
        for machine in honest:
            if machine.name in COUNCILS:
                await import_till(machine)
            await release(machine, 1)
        await network.settle()
        leaves = cards_in(network, liar_name)
        assert set(leaves) == set(logs.values()) - {liar_log}
        other = next(leaf for origin, leaf in leaves.items() if origin != victim)
        wrong = {**leaves, liar_log: None, victim: None if "silent" in lie else other}
        content = format_set(wrong)
        body = ProposalBody(slot, 0, hash_content(content), NO_ROUND, content)
        await liar.do(publish(liar.node, "decision.proposal", body))
        voters = tuple(logs.values())
        await network.until(
            lambda: all(closed_content(one.node, slot, voters) is not None for one in honest), "the set of cards"
        )
        for machine in honest:
            closed = closed_content(machine.node, slot, voters)
            assert closed is not None and parse_set(closed) == {**leaves, liar_log: None}
            check_single_votes(machine)

    run_region(copytree(called_homes, tmp_path / "homes"), 41, story, without_planner=liar_name)


def cards_in(network: MemoryNetwork, name: str) -> Mapping[str, bytes]:
    """The leaf of every member's cards, as one machine holds them."""
    return {one.origin: one.leaf for one in records(network[name].node.database.reader, "plan.card")}

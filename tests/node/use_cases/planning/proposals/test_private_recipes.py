"""A bakery keeps the recipe of its oven to itself, and the village still comes from the call to a plan in force."""

from pathlib import Path

import msgspec
import pytest

from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposing import ProposeParams, propose
from node.use_cases.planning.reports.auditing import audit_plan
from node.use_cases.planning.reports.showing import show_minutes
from protocol.planning.call import PlanCards
from protocol.planning.private.outlines import is_private
from storage.log.record_index import records
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import look, plan_to_the_vote, vote
from tests.node.region.village import COUNCILS, import_till, release, release_of


def keep_private(label: str) -> Release:
    """The bakery's release, one workplace with private recipes."""
    kept = release_of("bakery")
    rows = [row | ({"recipes": "private"} if row["id"] == label else {}) for row in kept.workplaces]
    return msgspec.structs.replace(kept, workplaces=tuple(rows))


@pytest.mark.slow
def test_one_private_workplace_among_open_ones_from_the_call_to_a_plan_in_force(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        for machine in network.machines:
            if machine.name in COUNCILS:
                await import_till(machine)
            for reading in (1, 2):
                if machine.name == "bakery":
                    params = ProposeParams(release=keep_private("oven"), reading=reading)
                    await machine.do(propose(machine.node, params))
                else:
                    await release(machine, reading)
        await plan_to_the_vote(network)
        await vote(network)
        known = [await look(machine) for machine in network.machines]
        assert all(other == known[0] for other in known[1:])
        report = known[0].report
        assert report.state == "in force" and report.certificate is not None
        assert report.certificate.findings == () and report.certificate.unknown_regrets == ()
        bakery = network["bakery"]
        cards = [one.body for one in records(bakery.node.database.reader, "plan.card", origin=bakery.node.origin)]
        assert cards and all(isinstance(body, PlanCards) for body in cards)
        shown = [card for body in cards for card in body.workplaces if card.id.endswith("#oven")]
        assert shown and all(is_private(card) and len(card.outline) == 5 for card in shown)
        oven = f"{bakery.node.origin}#oven"
        papers = await show_minutes(bakery.node, PlanParams())
        audit = audit_plan(papers.document.encode(), papers.minutes.encode())
        assert audit.holds and audit.replayed_rounds > 0
        assert any(oven in line for line in audit.at_their_word)

    run_region(homes, 31, story)

"""A made-up plan of a village in two readings, as a node would tell it: for the tests of the plan's pages."""

from functools import cache
from typing import Any

from node.use_cases.plan_story import PlanStory, ReadingStory
from protocol.planning.call import Meeting, PlanApproval
from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import digest_plan, format_plan, make_plan
from tests.protocol.planning.economies import attested_regrets, load, plan_rounds, village

NAMES = {"north-1.rochdale/log": "Northside", "south-2.rochdale/log": "Southgate", "oak-3.rochdale/log": "Oak bakery"}
OWNERS = {"north": "north-1", "south": "south-2", "mill": "oak-3", "oven": "oak-3", "farm": "south-2"}
CALL = bytes(32)


def owned_village(north_floor: str) -> dict[str, Any]:
    """The village with every card named by its owner's log, and Northside's basic need of bread."""
    document = village()
    for row in (*document["consumers"], *document["workplaces"]):
        owner = OWNERS.get(row["id"])
        if owner is not None:
            row["id"] = f"{owner}.rochdale/log#{row['id']}_place"
    document["consumers"][0]["nests"][0]["goods"]["bread"]["floor"] = north_floor
    return document


@cache
def village_story() -> PlanStory:
    """Northside asks for more bread in the second reading; two of three co-ops approve, by script."""
    readings = []
    for number, floor in ((1, "5"), (2, "9")):
        file, economy = load(owned_village(floor))
        state, reports = plan_rounds(file, economy)
        plan = make_plan(economy, state, clear_plan(economy, state), reports[-1], {"reading": number})
        document = format_plan(plan)
        readings.append(ReadingStory(number, tuple(reports), plan, document, digest_plan(document).hex()))
    digest = bytes.fromhex(readings[-1].digest)
    regrets = attested_regrets(file, plan)
    origins = sorted(NAMES)
    return PlanStory(
        call=CALL.hex(),
        scope="The village",
        period="March 2017",
        names=NAMES,
        stage="voting",
        trouble="",
        waits_for=(),
        participants=len(economy.participants),
        tolerance_ppm=economy.table.tolerance_ppm,
        readings=tuple(readings),
        checked_by=tuple(origins[:2]),
        approvals=(
            (origins[0], PlanApproval(CALL, 0, digest, True, "", Meeting(31, 2, 1, True))),
            (origins[1], PlanApproval(CALL, 0, digest, False, "too little milk", Meeting(3, 9, 0, True))),
            (origins[2], PlanApproval(CALL, 0, digest, True, "", Meeting(20, 0, 4, True))),
        ),
        approvals_needed=2,
        ratified=True,
        certificate=check_certificate(plan, regrets),
    )

"""A made-up plan of a village in two readings, as a node would report it: for the tests of the plan's pages."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from node.use_cases.planning.reports.view import CertificateRow, PlanReport, ReadingRow, RoundRow, VoteRow
from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.economy_file import EconomyFile
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan
from tests.protocol.planning.economies import attested_regrets, load, plan_rounds, village

NAMES = {"north-1.rochdale/log": "Northside", "south-2.rochdale/log": "Southgate", "oak-3.rochdale/log": "Oak bakery"}
OWNERS = {"north": "north-1", "south": "south-2", "mill": "oak-3", "oven": "oak-3", "farm": "south-2"}


def owned_village(north_floor: str, north_milk: str) -> dict[str, Any]:
    """The village with every card named by its owner's log, with Northside's basic need of bread and taste for milk."""
    document = village()
    for row in (*document["consumers"], *document["workplaces"]):
        owner = OWNERS.get(row["id"])
        if owner is not None:
            row["id"] = f"{owner}.rochdale/log#{row['id']}_place"
    goods = document["consumers"][0]["nests"][0]["goods"]
    goods["bread"]["floor"] = north_floor
    goods["milk"]["weight"] = north_milk
    return document


@dataclass(frozen=True)
class Village:
    """The report of a plan in its second reading, and the draft of the first."""

    report: PlanReport
    earlier: Plan


def village_readings() -> tuple[list[Plan], list[ReadingRow], EconomyFile]:
    """The drafts of two readings, what the report tells of each, and the economy of the second."""
    drafts, rows = [], []
    for number, floor, milk in ((1, "5", "2"), (2, "9", "1.99")):
        file, economy = load(owned_village(floor, milk))
        state, reports = plan_rounds(file, economy)
        plan = make_plan(economy, state, clear_plan(economy, state), reports[-1], {"reading": number})
        digest = digest_plan(format_plan(plan)).hex()
        rounds = tuple(
            RoundRow(place, each.worst_good_ppm, each.worst_good, each.silent, each.cut_to_credits)
            for place, each in enumerate(reports, 1)
        )
        rows.append(ReadingRow(number, rounds, digest, ()))
        drafts.append(plan)
    return drafts, rows, file


@cache
def village_plan() -> Village:
    """Northside asks for more bread in the second reading; two of three co-ops approve, by script."""
    drafts, rows, file = village_readings()
    plan, digest = drafts[-1], rows[-1].digest
    origins = sorted(NAMES)
    certificate = check_certificate(plan, attested_regrets(file, plan))
    report = PlanReport(
        call="00" * 32,
        scope="the village",
        period="March 2017",
        revision=0,
        state="in force",
        trouble="",
        reading=2,
        readings_planned=2,
        rounds_max=40,
        waits_for=(),
        members=NAMES,
        people=dict.fromkeys(origins, 40),
        readings=tuple(rows),
        digest=digest,
        document=format_plan(plan).decode(),
        certificate=CertificateRow(
            findings=(),
            checked_by=tuple(origins[:2]),
            gap_micro=certificate.gap_micro,
            gap_ppm=certificate.gap_ppm,
            credits_micro=certificate.credits_micro,
            slack_micro=certificate.slack_micro,
            unknown_regrets=(),
        ),
        votes=(
            VoteRow(origins[0], digest, True, "", 31, 2, 1, True),
            VoteRow(origins[1], digest, False, "too little milk", 3, 9, 0, True),
            VoteRow(origins[2], "ff" * 32, True, "about another draft", 20, 0, 4, True),
        ),
        approvals_needed=2,
        ratified=True,
        tolerance_ppm=file.table.tolerance_ppm,
        plan=plan,
        binds=None,
    )
    return Village(report, drafts[0])

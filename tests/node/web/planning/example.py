"""A made-up plan in force, in its second reading, and one co-op's part of it."""

from collections.abc import Mapping

from msgspec.structs import replace

from node.web.figures.words import Signal
from node.web.planning.model.batches import Batches, BatchRow
from node.web.planning.model.plan import (
    Binding,
    Certificate,
    CoopGood,
    CoopPage,
    CoopRow,
    Followed,
    FollowedGood,
    GoodRow,
    PlanPage,
    Reading,
    Restless,
    Round,
    Share,
    Vote,
    WorkplaceRow,
)
from protocol.core.quantities import Quantity
from tests.node.web.made_up import DIGEST, HOSTILE, kilograms, pieces
from tests.node.web.planning.promises_example import example_promises

NAMES = ("Northside", "Southgate", "Riverside", "Hillcrest", HOSTILE)
WORST_PPM = (342_000, 121_000, 60_400, 41_000, 22_500, 15_100, 11_900, 8_200)


def example_coops() -> tuple[CoopRow, ...]:
    """One row for each co-op."""
    return tuple(CoopRow(f"coop-{place}", name, 402 - 21 * place, 45, 0, 1, 3) for place, name in enumerate(NAMES))


def example_workplaces() -> tuple[WorkplaceRow, ...]:
    """A bakery at the end of its capacity, a farm, and a hostile name."""
    used = (Share("flour", kilograms(963_200)), Share("baker hours", Quantity(412, "HUR", 1)))
    return (
        WorkplaceRow(
            "Oak bakery, oven", "Oak bakery", "coop-0", (Share("Wheat loaf", pieces(1_376)),), used, 1_000_000, True
        ),
        WorkplaceRow(
            "Fen farm, fields", "Fen farm", "coop-1", (Share("Oats", kilograms(820_500)),), (), 614_000, False
        ),
        WorkplaceRow(HOSTILE, HOSTILE, "coop-4", (Share(HOSTILE, pieces(3)),), (), 10_000, False),
    )


def example_goods() -> tuple[GoodRow, ...]:
    """Three goods that people take home, one between workplaces, and a cap."""
    loaf = GoodRow(
        name="Wheat loaf",
        kind="good",
        wanted=pieces(1_520),
        planned=pieces(1_498),
        used=pieces(0),
        bought=pieces(122),
        sold=pieces(0),
        endowment=pieces(0),
        left=pieces(0),
        makers=(Share("Oak bakery", pieces(1_376)),),
        signal=Signal(1_250_000),
    )
    nothing, carbon = kilograms(0), kilograms(5_400_000)
    flour = replace(loaf, name="Flour", wanted=nothing, planned=nothing, used=kilograms(963_200), bought=nothing)
    return (
        loaf,
        replace(loaf, name="Oats", makers=(Share("Fen farm", pieces(90)),)),
        replace(loaf, name=HOSTILE, makers=(Share(HOSTILE, pieces(3)),), price_is_open=True),
        flour,
        replace(flour, name="Carbon dioxide", kind="cap", endowment=carbon, left=kilograms(1_200)),
    )


def example_plan() -> PlanPage:
    """A small plan in its second reading."""
    rounds = tuple(
        Round(place + 1, worst, "Apples" if place % 2 else "Wheat loaf", 10 - (place == 3), int(place == 3))
        for place, worst in enumerate(WORST_PPM)
    )
    return PlanPage(
        region="Valley region",
        period="March 2017",
        state="in force",
        digest=DIGEST,
        tolerance_ppm=10_000,
        members=10,
        readings=(
            Reading(1, rounds, DIGEST[::-1]),
            Reading(2, rounds[5:], DIGEST, ("Riverside changed its proposal: more oats, fewer apples.",)),
        ),
        goods=example_goods(),
        coops=example_coops(),
        workplaces=example_workplaces(),
        binding=(
            Binding("capacity", "Oak bakery, oven", "The oven of Oak bakery is in use to the last hour."),
            Binding("cap", "Carbon dioxide", "All of the 5,400 kg that the charter allows are used."),
            Binding("floor", "Wheat loaf", "Hillcrest gets just its floor of 120 loaves."),
            Binding("complements", "Breakfast", HOSTILE),
        ),
        votes=(
            Vote("Northside", True, "", True),
            Vote("Hillcrest", False, "too few oats", True),
            Vote(HOSTILE, True, HOSTILE, True),
        ),
        document_path="/plan.json",
        left_out=(HOSTILE, "Brookside"),
        revision=1,
        is_revised=True,
        followed=Followed(
            ("Northside", HOSTILE),
            ("Hillcrest",),
            (FollowedGood(HOSTILE, pieces(9), pieces(8), pieces(3), pieces(6), pieces(1)),),
            (HOSTILE,),
        ),
        batches=Batches(True, 2_600, (HOSTILE,), (BatchRow("Oven", HOSTILE, 3, f"20 kg of {HOSTILE}", "3.5"),)),
        levels=(f"Planned in the region: {HOSTILE}.",),
        restless=Restless(HOSTILE, 159_627, 990_000, False, f"rochdale plan facilitate set_aside --leaf {DIGEST}"),
        certificate=Certificate(
            ("Northside", "Southgate", "Oak bakery"), 1_300, (), 1, f"python3 check_plan plan.json --digest {DIGEST}"
        ),
    )


def example_coop(said: Mapping[str, str]) -> CoopPage | None:
    """One co-op that gets its floor of bread and a little less milk than it wanted."""
    if said["coop"] != "coop-0":
        return None
    return CoopPage(
        name="Northside",
        people=402,
        goods=(
            CoopGood(
                "Wheat loaf", pieces(412), pieces(412), (Share("Oak bakery", pieces(398)),), pieces(14), pieces(200)
            ),
            CoopGood(
                "Milk", pieces(900), pieces(871), (Share("Meadow dairy", pieces(2_400)),), pieces(0), pieces(871), True
            ),
            CoopGood(HOSTILE, kilograms(81_250), kilograms(80_100)),
        ),
        promises=example_promises(HOSTILE),
    )

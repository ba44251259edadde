"""A filled, made-up region behind the pages' own interface: what every page test and every look at the pages uses."""

from collections.abc import Mapping

from msgspec.structs import replace

from node.web.figures.words import Signal
from node.web.forms import SentFile
from node.web.pages.batches import Batches, BatchRow
from node.web.pages.first_day import FirstDay, TakenFile, TillSummary, WantedGood
from node.web.pages.frame import Frame, Provenance
from node.web.pages.logs import Cosigner, LogList, LogPage, LogRow, RecordRow
from node.web.pages.plan import (
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
from node.web.pages.prices import CostLine, PriceList, PricePage, PriceRow, Section, Version
from node.web.pages.proposal import ProposalForm, ProposalPage
from node.web.pages.what_if import WhatIfPage
from protocol.core.errors import Finding, RefusedError
from protocol.core.quantities import Money, Quantity
from tests.node.web.promises.example import example_promises

HOSTILE = "<script>alert('x')</script> & \"Söhne\" <b>"
NAMES = ("Northside", "Southgate", "Riverside", "Hillcrest", HOSTILE)
WORST_PPM = (342_000, 121_000, 60_400, 41_000, 22_500, 15_100, 11_900, 8_200)
DIGEST = "9f2c41d07be85a6611c3f0a7d2e4b895f04c7716a2d93be8515fd0c9e6a4b731"
COSTS = (
    ("materials", "Wheat flour and salt", 98),
    ("labour", "Bakers' hours", 121),
    ("energy", "Oven, electricity", 27),
    ("packaging", "Paper bag", 6),
    ("storage", "", 3),
    ("delivery", "Bicycle, twice a week", 22),
    ("depreciation", "", 18),
    ("overhead", "", 14),
    ("reserve", "", 5),
    ("surplus", "", 4),
    ("tax", "", 23),
)


def pieces(amount: int) -> Quantity:
    """So many pieces."""
    return Quantity(amount, "C62", 0)


def kilograms(grams: int) -> Quantity:
    """Kilograms by the gram."""
    return Quantity(grams, "KGM", 3)


def euros(cents: int) -> Money:
    """Euros by the cent."""
    return Money(cents, "EUR", 2)


def example_first_day() -> FirstDay:
    """A home with a month of till lines."""
    wanted = [("Wheat loaf, 1 kg", "bread"), ("Milk, 1 l", "dairy"), ("Apples", "fruit"), (HOSTILE, "preserves")]
    return FirstDay(
        name="Northside",
        till=TillSummary(1, 18_234, "2017-W05", "2017-W08", 512),
        wanted=tuple(
            WantedGood(name, category, pieces(900 - 70 * place), 214_055 - 20_000 * place, 300)
            for place, (name, category) in enumerate(wanted)
        ),
    )


def example_prices() -> PriceList:
    """Four products, one in each state."""
    missing = (Finding("disclosure.packaging", "packaging materials: not disclosed yet"),)
    loaf = PriceRow(
        path="/prices/loaf",
        code="loaf",
        name="Wheat loaf, 1 kg",
        maker="Oak bakery",
        maker_origin="oak-99aa77bb.rochdale/log",
        category="bread",
        unit="piece",
        state="agreed",
        price=euros(341),
        void_versions=1,
        made_up=True,
    )
    others = (
        ("milk", "Milk, 1 l", "in talks", missing),
        ("oats", "Oats", "disclosed", ()),
        ("jam", HOSTILE, "not disclosed", ()),
    )
    return PriceList(
        (
            loaf,
            *(
                replace(
                    loaf,
                    path=f"/prices/{key}",
                    code=key,
                    name=name,
                    maker=HOSTILE,
                    state=state,
                    price=None,
                    missing=lacking,
                    void_versions=0,
                )
                for key, name, state, lacking in others
            ),
        )
    )


def example_price() -> PricePage:
    """One agreed price with eleven lines and two hidden ones, and the version before it."""
    total = sum(cents for _, _, cents in COSTS) + 40
    lines = [CostLine(heading, label, euros(cents), cents * 1_000_000 // total) for heading, label, cents in COSTS]
    hidden = [CostLine("interest", "", None, 0, "members of the buying co-ops")] * 2
    agreed = Version(
        number=2,
        price=euros(total),
        unit="piece",
        state="agreed",
        lines=(*lines, *hidden),
        hidden=euros(40),
        buyers=("Northside",),
        signed_by=("Oak bakery", "committee member 1", "committee member 2"),
        valid_from="2017-03-01",
    )
    void = replace(
        agreed,
        number=1,
        price=euros(395),
        state="void",
        signed_by=(),
        record="ab" * 32,
        reasons=(Finding("packaging", "this required section is not filled"),),
        waits_for=("Northside: 2 more signatures of its price committee",),
    )
    return PricePage(
        row=example_prices().rows[0],
        sections=(
            Section("ingredients and their origin", "Wheat from Fen farm, salt, water."),
            Section("environmental figures", "", "appointed auditors"),
            Section("quality tests", HOSTILE),
        ),
        versions=(agreed, void),
    )


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


def example_coop() -> CoopPage:
    """One co-op that gets its floor of bread and a little less milk than it wanted."""
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


def example_logs() -> LogList:
    """Three logs: our own, a peer's, and one of which two versions exist."""
    cosigners = (Cosigner("Southgate", 812), Cosigner("Oak bakery", 801))
    own, oak, odd = "northside-1a2b3c4d.rochdale/log", "oak-99aa77bb.rochdale/log", "x-00.rochdale/log"
    unseen = ((), "not witnessed yet")
    return LogList(
        (
            LogRow(own, f"/logs/{own}", "Northside", 812, DIGEST, cosigners, "witnessed by 6 of 10", "this node", True),
            LogRow(oak, f"/logs/{oak}", "Oak bakery", 655, DIGEST, *unseen, "connected", False),
            LogRow(odd, f"/logs/{odd}", HOSTILE, 12, DIGEST, *unseen, "not connected since 10:41", False, 2),
        )
    )


class ExampleSources:
    """The example behind the interface of the pages; a name or file that is given changes what is shown."""

    def __init__(self, is_empty: bool = False) -> None:
        self.is_empty = is_empty
        self.name = "" if is_empty else "Northside"
        self.files: list[tuple[str, bytes]] = []

    async def frame(self) -> Frame:
        """A co-op with made-up partners."""
        if self.is_empty:
            return Frame(self.name, "", "0.1.0", Provenance())
        made_up = ("names", "makers", "costs", "recipes", "capacities", "votes")
        words = "from a package that calls its data “simulated”, see the guide."
        return Frame(self.name, "northside-1a2b3c4d.rochdale/log", "0.1.0", Provenance(words, made_up))

    async def first_day(self) -> FirstDay:
        """Empty until a file is taken."""
        if self.is_empty and not self.files:
            return FirstDay(self.name, None, ())
        return example_first_day()

    async def what_if(
        self,
        query: Mapping[str, str],
        file: SentFile | None = None,
        council: str = "",
        refused: RefusedError | None = None,
    ) -> WhatIfPage | None:
        """No plan to try things on."""
        return None

    async def proposal(self, form: ProposalForm, refused: RefusedError | None = None) -> ProposalPage | None:
        """No call to propose for."""
        return None

    async def give_name(self, name: str) -> None:
        """Any name but one."""
        if name == "refused":
            raise RefusedError.at("name", "this name is taken")
        self.name = name

    async def take_till_file(self, name: str, content: bytes) -> TakenFile:
        """Any file with a header; else three findings."""
        if not content.startswith(b"date,"):
            findings = [Finding(f"line {line}, column quantity", f"'{HOSTILE}' is not a number") for line in (2, 3, 17)]
            raise RefusedError("3 rows cannot be read", findings * 10)
        self.files.append((name, content))
        return TakenFile(name, content.count(b"\n"), content.count(b"\n"), ("customer name", "card number"))

    async def prices(self) -> PriceList:
        """Four products."""
        return PriceList(()) if self.is_empty else example_prices()

    async def price(self, code: str, maker: str) -> PricePage | None:
        """The loaf."""
        return example_price() if code == "loaf" else None

    async def plan(self) -> PlanPage | None:
        """The plan."""
        return None if self.is_empty else example_plan()

    async def plan_document(self) -> bytes | None:
        """Not a real one."""
        return None if self.is_empty else b'{"format":"example"}'

    async def coop(self, key: str) -> CoopPage | None:
        """The first co-op."""
        return example_coop() if key == "coop-0" else None

    async def logs(self) -> LogList:
        """Three logs."""
        return LogList(()) if self.is_empty else example_logs()

    async def log(self, origin: str) -> LogPage | None:
        """Our own log."""
        row = example_logs().rows[0]
        if origin != row.origin:
            return None
        records = (
            RecordRow(
                811, "supply.price_approval", "a committee's yes or no to one version", "2017-03-01 10:41", "ab" * 32
            ),
            RecordRow(
                810,
                "supply.price_proposal",
                "a price and what it is made of",
                "2017-03-01 10:40",
                "cd" * 32,
                void=HOSTILE,
            ),
        )
        return LogPage(row, records, "northside-1a2b3c4d.rochdale/log\n812\nabc=\n\n— northside sig\n")

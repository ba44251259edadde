"""Made-up products in every state, and what one price is made of."""

from collections.abc import Mapping

from msgspec.structs import replace

from node.web.supply.model import CostLine, PriceList, PricePage, PriceRow, Section, Version
from protocol.core.errors import Finding
from tests.node.web.made_up import HOSTILE, euros

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


def example_price(said: Mapping[str, str]) -> PricePage | None:
    """One agreed price with eleven lines and two hidden ones, and the version before it."""
    if said["product"] != "loaf":
        return None
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

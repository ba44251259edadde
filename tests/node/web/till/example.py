"""A made-up till, as the first day shows it."""

from node.web.till.model import FirstDay, TillSummary, WantedGood
from tests.node.web.made_up import HOSTILE, pieces


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
